"""Where a person's state lives, and how it is written.

Everything a person makes is in two folders: `home()` (subjects, data sets, caches, runs, gallery) and `shelf()`
(finished adapters). Erase both and nothing of them is left.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.errors import StorageError, SubjectError

ROOT = Path(__file__).resolve().parents[2]

LONGEST_NAME = 40
# On a shared server: the folder that holds every owner's workspace, in `people/`.
SHARED = "WORKBENCH_SHARED"


def home() -> Path:
    """The folder of subjects, data sets, caches, runs and pictures: `$WORKBENCH_HOME`, else `workspace/`."""
    return Path(os.environ.get("WORKBENCH_HOME") or ROOT / "workspace").expanduser().absolute()


def shelf() -> Path:
    """The folder of finished adapters: `$WORKBENCH_LORAS`, else `loras/`."""
    return Path(os.environ.get("WORKBENCH_LORAS") or ROOT / "loras").expanduser().absolute()


def find_path(text: str | Path) -> Path:
    """Resolves a path from a setting: as written if it exists from here, else from the repository's root.

    Configs say `examples/selfies`; this lets them be used from any working folder.

    Raises:
        StorageError: on a shared server, when it leads to what is somebody else's.
    """
    path = Path(text).expanduser()
    if not (path.is_absolute() or path.exists() or not (ROOT / path).exists()):
        path = ROOT / path
    shared = os.environ.get(SHARED)
    if shared:
        real, own = path.resolve(), (home().resolve(), shelf().resolve())
        if real.is_relative_to(Path(shared).resolve()) and not any(real.is_relative_to(each) for each in own):
            raise StorageError(str(text), "it is somebody else's", "Use a folder of your own")
    return path


def safe_name(text: str) -> str:
    """Checks a name that becomes a file's or a folder's name.

    Args:
        text: a subject's, run's or adapter's name as a person typed it.

    Returns:
        The name without surrounding space, in Unicode's composed form (so that é typed on a Mac finds the é
        typed elsewhere).

    Raises:
        SubjectError: if it is empty, longer than 40 characters, starts with "-" or ".", or contains anything
            but letters of any script, digits, "_" and "-".
    """
    name = unicodedata.normalize("NFC", str(text)).strip()
    way_out = f"Choose up to {LONGEST_NAME} letters, digits, - or _, for example mia or mia-2"
    if not name:
        raise SubjectError("The name", "it is empty", way_out)
    if len(name) > LONGEST_NAME:
        raise SubjectError(f'The name "{name[:LONGEST_NAME]}…"', f"it has {len(name)} characters", way_out)
    if name[0] in "-.":
        raise SubjectError(f'The name "{name}"', f'it starts with "{name[0]}"', way_out)
    # Marks (M) belong to letters in many scripts: Hindi and Thai vowels, for example.
    wrong = sorted({char for char in name if char not in "_-" and unicodedata.category(char)[0] not in "LMN"})
    if wrong:
        shown = " ".join("a space" if char == " " else repr(char) for char in wrong)
        raise SubjectError(f"The name {name!r}", f"it contains {shown}", way_out)
    return name


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns the operating system's refusals inside the block into a `StorageError` that names `path`.

    Raises:
        StorageError: when the disk is full, the folder is not ours to write, or the path is not usable.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageError(
                str(path), "the disk is full", "Free some space (`workbench doctor` shows what is used) and try again"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StorageError(
                str(path), "this user may not use it", "Give yourself permission, or set WORKBENCH_HOME to your folder"
            ) from error
        if error.errno == errno.ENAMETOOLONG:
            raise StorageError(str(path), "the name is too long for this disk", "Choose a shorter name") from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise StorageError(
                str(path), "something else is already there", "Move it away, or choose another place"
            ) from error
        raise


def make_folder(path: Path) -> Path:
    """Makes a folder and its parents if they are not there yet.

    Raises:
        StorageError: if it cannot be made.
    """
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def atomic_write(path: Path, content: bytes | str) -> None:
    """Writes a file so that a reader, even after a power cut, sees the old content or the new, never a part.

    A temporary file in the same folder is written, flushed to the disk and renamed; then the folder itself is
    flushed, since the rename lives in it.

    Args:
        path: where; parent folders are made.
        content: bytes, or text that is written as UTF-8.

    Raises:
        StorageError: if the disk is full or the folder may not be written. The old file is untouched then.
    """
    data = content.encode() if isinstance(content, str) else content
    folder = make_folder(path.parent)
    with storage_errors(path):
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-", suffix=path.suffix)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files that only their owner can read; a shared folder keeps its usual permissions.
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Flushes a folder to the disk: names that were made, changed or taken away in it survive a power cut then."""
    # Not every system can open a folder for flushing; the rename itself has happened already.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def flush_removals(removed: Iterable[Path]) -> None:
    """Makes it last that files are gone: until their folders are flushed, a power cut brings them back."""
    for folder in {next(parent for parent in path.parents if parent.is_dir()) for path in removed}:
        flush_folder(folder)


def free_space(path: Path) -> int:
    """Free bytes on the disk that holds `path`, which need not exist yet."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
