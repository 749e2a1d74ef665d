"""An adapter as one zip to give away, and such a zip taken in from a stranger.

The zip holds the adapter in both spellings, its card, a README, sample pictures, and what was agreed: `LICENCE.txt`
and `CONSENT.txt`. A zip that comes in is never unpacked by the names inside it: it is looked through first, and only
the adapter is read, by a name of our own, with a limit on every byte.
"""

from __future__ import annotations

import io
import json
import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from workbench.adapters.card import Card, thumbnail_bytes
from workbench.adapters.file import KOHYA_SUFFIX, export_kohya, inspect_adapter
from workbench.adapters.formats import CONFIG, WEIGHTS, diffusers_bytes, import_peft
from workbench.adapters.header import MAX_FILE, PICKLES
from workbench.adapters.model_card import model_card
from workbench.adapters.shelf import SUFFIX, ShelfEntry, import_adapter
from workbench.config import atomic_write
from workbench.errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ENTRIES = 500
MOST_BYTES = MAX_FILE + 512 * 2**20  # when unpacked
MOST_RATIO = 200  # weights hardly shrink; a bomb grows a thousandfold
RATIO_FROM = 2**20  # below this a ratio says nothing
LONGEST_TEXT = 64 * 1024
LARGEST_PICTURE = 16 * 2**20
MOST_PICTURES = 8
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
NO_LICENCE = "No licence is stated. Without one, nobody but the maker may use or pass on this adapter."
NO_CONSENT = "Nothing is recorded of what the person shown agreed to. Ask them before you use or pass on this adapter."
BROKEN = (  # NotImplementedError: a way of compression or encryption that zipfile does not know
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError,
    UnicodeDecodeError,
)  # fmt: skip
OTHER_ZIP = "Do not open it elsewhere; ask whoever made it for the .safetensors file alone"


@dataclass(frozen=True)
class Unpacked:
    """What came in a zip.

    Args:
        entry: the adapter, on the shelf.
        licence: what `LICENCE.txt` says.
        consent: what `CONSENT.txt` says.
        pictures: sample pictures, as PNG, JPEG or WebP files that can be opened.
        left_out: names of entries that were not looked at.
    """

    entry: ShelfEntry
    licence: str
    consent: str
    pictures: tuple[bytes, ...]
    left_out: tuple[str, ...]


def pack_adapter(
    path: Path, target: Path, pictures: Sequence[Path] = (), words: str = "", keep_private: bool = False
) -> list[str]:
    """Writes the zip; equal content gives equal bytes.

    Args:
        path: an adapter file.
        target: the zip.
        pictures: samples that were made with it, the first eight are taken.
        words: what the card's scope means in full; the scope itself when empty.
        keep_private: whether what the file tells of the photos it was trained on goes along (see `scrub.py`).

    Returns:
        The names in the zip.

    Raises:
        AdapterError: the adapter cannot be read.
        StorageError: the zip cannot be written.
    """
    files = bundle(path, pictures, words, keep_private)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            text = name.endswith((".md", ".txt", ".json"))
            entry.compress_type = zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED
            archive.writestr(entry, content)
    atomic_write(target, buffer.getvalue())
    return list(files)


def bundle(path: Path, pictures: Sequence[Path] = (), words: str = "", keep_private: bool = False) -> dict[str, bytes]:
    """All that is given away with an adapter: names and contents; see `pack_adapter`."""
    name = path.name.removesuffix(SUFFIX).removesuffix(KOHYA_SUFFIX.removesuffix(SUFFIX))
    info = inspect_adapter(path)
    card = info.card or Card(name=name, created="")
    samples = {f"samples/{index}.png": content for index, content in enumerate(_samples(pictures), 1)}
    if not samples and (thumbnail := thumbnail_bytes(card)):
        ending = "png" if thumbnail.startswith(b"\x89PNG") else "webp" if thumbnail.startswith(b"RIFF") else "jpg"
        samples = {f"samples/1.{ending}": thumbnail}
    files = {f"{name}{SUFFIX}": diffusers_bytes(path, keep_private)}
    with tempfile.TemporaryDirectory() as folder, suppress(AdapterError):
        # Some families, and mixes of several learned words, have no form in that spelling.
        kohya = export_kohya(path, Path(folder) / f"{name}{KOHYA_SUFFIX}", keep_private=keep_private)
        files[kohya.name] = kohya.read_bytes()
    readme = model_card(name, card, list(samples), words, kohya=len(files) > 1)
    return files | {
        "card.json": json.dumps(card.public(), ensure_ascii=False, indent=1, sort_keys=True).encode(),
        "README.md": readme.encode(),
        "LICENCE.txt": (card.licence or NO_LICENCE).encode() + b"\n",
        "CONSENT.txt": _consent(card, words).encode(),
        **samples,
    }


def _consent(card: Card, words: str) -> str:
    if not card.scope:
        return NO_CONSENT + "\n"
    meaning = f" ({words})" if words and words != card.scope else ""
    return f"What the person shown agreed to: {card.scope}{meaning}\n"


def _samples(pictures: Iterable[Path]) -> list[bytes]:
    """Pictures as PNG files. Our own stay as they are, with the recipe and the mark of their making; others are drawn
    anew, so that no record of a camera goes along."""
    from PIL import Image, ImageOps

    contents = []
    for path in list(pictures)[:MOST_PICTURES]:
        try:
            with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as image:
                if image.format == "PNG" and "chibi_workbench" in image.info and not image.getexif():
                    contents.append(path.read_bytes())
                    continue
                buffer = io.BytesIO()
                ImageOps.exif_transpose(image).convert("RGB").save(buffer, "PNG", optimize=True)
                contents.append(buffer.getvalue())
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # gone or broken since it was chosen
    return contents


def unpack_adapter(
    source: bytes | Path,
    name: str = "",
    folder: Path | None = None,
    replace: bool = False,
    partial: bool = False,
    backbone: Any = None,
) -> Unpacked:
    """Takes the adapter out of a zip and puts it on the shelf, checked as any other (see `import_adapter`).

    Args:
        source: the zip's bytes, or its path.
        name: what to call it; the name inside when empty.
        replace, partial, backbone: see `import_adapter`.

    Raises:
        AdapterError: no zip, one that was made to do harm, or without exactly one adapter in it.
        SubjectError: the name cannot be a file's name.
        StorageError: the disk is full or the shelf may not be written.
    """
    called = source.name if isinstance(source, Path) else "The zip"
    try:
        with zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source)) as archive:
            entries = _safe_entries(archive, called)
            return _take(archive, entries, called, name, folder, replace, partial, backbone)
    except FileNotFoundError:
        raise AdapterError(called, "there is no such file", "Check the path") from None
    except BROKEN as error:
        raise AdapterError(called, f"it is no zip that can be read ({error})", "Fetch it again") from None
    except (RuntimeError, ValueError) as error:
        # zipfile's words for a password or a broken stream
        raise AdapterError(called, f"it cannot be read ({error})", "Ask for one without a password") from None


def _safe_entries(archive: zipfile.ZipFile, called: str) -> dict[str, zipfile.ZipInfo]:
    """Looks through a zip before a byte is unpacked; returns its files by name."""

    def bad(reason: str) -> AdapterError:
        return AdapterError(called, reason, OTHER_ZIP)

    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise bad(f"it holds {len(infos)} files, far more than an adapter needs")
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise bad(f"unpacked it would be {sum(info.file_size for info in infos) / 2**30:.0f} GB")
    end = 0
    files: dict[str, zipfile.ZipInfo] = {}
    for info in sorted(infos, key=lambda each: each.header_offset):
        path = PurePosixPath(info.filename)
        outside = path.is_absolute() or ".." in path.parts or "\\" in info.filename or ":" in info.filename
        if outside or len(info.filename) > 255 or any(ord(letter) < 32 for letter in info.orig_filename):
            raise bad(f"it holds a file that would be written elsewhere ({info.orig_filename[:80]!r})")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise bad(f"it holds a link ({info.filename[:80]!r})")
        if info.header_offset < end:
            raise bad("its files lie over each other, as in a zip bomb")
        end = info.header_offset + 30 + len(info.filename.encode()) + info.compress_size
        if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * max(1, info.compress_size):
            raise bad(
                f"{info.filename[:80]!r} grows {info.file_size // max(1, info.compress_size)}-fold, as a zip bomb"
            )
        if info.is_dir() or "__MACOSX" in path.parts or path.name.startswith("."):
            continue
        if info.filename in files:
            raise bad(f"it holds two files of one name ({info.filename[:80]!r})")
        files[info.filename] = info
    return files


def _take(
    archive: zipfile.ZipFile,
    files: Mapping[str, zipfile.ZipInfo],
    called: str,
    name: str,
    folder: Path | None,
    replace: bool,
    partial: bool,
    backbone: Any,
) -> Unpacked:
    peft = [path for path in files if PurePosixPath(path).name == CONFIG]
    singles = [path for path in files if path.lower().endswith(SUFFIX) and PurePosixPath(path).name != WEIGHTS]
    originals = [path for path in singles if not path.endswith(KOHYA_SUFFIX)] or singles
    if not peft and len(originals) != 1:
        what = f"{len(originals)} adapters ({', '.join(originals[:4])})" if originals else "no .safetensors file"
        if not originals and any(path.lower().endswith(PICKLES) for path in files):
            what = "only files that can run code when they are opened (.bin, .ckpt, .pt)"
        raise AdapterError(called, f"it holds {what}", "Bring a zip with one adapter, or the adapter alone")
    used = {"README.md", "card.json", "LICENCE.txt", "CONSENT.txt"}
    # All that can be broken is read before the shelf is touched.
    shown = [info for path, info in files.items() if path.lower().endswith(PICTURES)][:MOST_PICTURES]
    used |= {info.filename for info in shown}
    pictures = tuple(content for info in shown if (content := _picture(archive, info)))
    licence, consent = _text(archive, files.get("LICENCE.txt")), _text(archive, files.get("CONSENT.txt"))
    with tempfile.TemporaryDirectory() as scratch:
        if originals and len(originals) == 1:
            adapter = Path(scratch) / f"adapter{SUFFIX}"
            _copy(archive, files[originals[0]], adapter, MAX_FILE)
            name = name or PurePosixPath(originals[0]).name
            entry = import_adapter(adapter, name, folder, replace, partial, backbone)
            used |= set(singles)
        else:
            for index, config in enumerate(sorted(peft)):
                inside = PurePosixPath(config).parent
                place = Path(scratch) / (inside.name if inside.name.isidentifier() else f"part{index}")
                place.mkdir()
                for file, limit in ((CONFIG, 2**20), (WEIGHTS, MAX_FILE)):
                    if info := files.get(str(inside / file)):
                        _copy(archive, info, place / file, limit)
                        used.add(info.filename)
            entry = import_peft(Path(scratch), name or Path(called).stem, folder, replace, partial)
    return Unpacked(entry, licence, consent, pictures, tuple(sorted(path for path in files if path not in used)))


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limit: int) -> None:
    """Unpacks one file under a name of ours; stops when it grows beyond what the zip said, or the limit."""
    left = min(info.file_size, limit)
    with archive.open(info) as packed, target.open("wb") as file:
        while block := packed.read(2**20):
            left -= len(block)
            if left < 0:
                raise AdapterError(info.filename[:80], "it is larger than the zip says, or than any adapter", OTHER_ZIP)
            file.write(block)


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> str:
    if info is None:
        return ""
    with archive.open(info) as packed:
        return packed.read(LONGEST_TEXT).decode("utf-8", "replace").strip()


def _picture(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    """A sample that can be opened; None otherwise."""
    from PIL import Image

    if info.file_size > LARGEST_PICTURE:
        return None
    with archive.open(info) as packed:
        content = packed.read(LARGEST_PICTURE + 1)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG", "WEBP"]) as image:
            if image.width * image.height > 64_000_000:
                return None
            image.verify()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return content
