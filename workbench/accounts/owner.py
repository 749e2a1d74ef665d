"""The handle that ties a process to one owner's folders.

Rights are not asked for, they are given: whatever works for an owner runs in a process of its own, whose workspace,
shelf and keys are that owner's. `home()` and `shelf()` know no others, so neither a page nor a training can name a
subject, run, adapter, picture or pack of somebody else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.config import SHARED, home, make_folder
from workbench.privacy.keys import PASSPHRASE, keys_folder
from workbench.privacy.retention import erase

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Owner:
    """Whose things a process works on.

    Args:
        root: the shared server's workspace.
        id: the account's, 16 hexadecimal digits: a name never becomes a path.
        keys: the folder that holds every owner's keys; outside the workspace.
    """

    root: Path
    id: str
    keys: Path

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError("an account's id has 16 hexadecimal digits")

    @staticmethod
    def of(account_id: str) -> Owner:
        """The owner of this server's workspace with that id."""
        return Owner(home(), account_id, keys_folder() / "people")

    @property
    def folder(self) -> Path:
        """All that the owner has here, the keys apart."""
        return self.root / "people" / self.id

    @property
    def home(self) -> Path:
        return self.folder / "workspace"

    def environment(self, name: str) -> dict[str, str]:
        """What a process of this owner is started with.

        Args:
            name: the account's, for the page to show.
        """
        # Whoever starts the server may have opened a vault of their own.
        given = {key: value for key, value in os.environ.items() if key != PASSPHRASE}
        return given | {
            "WORKBENCH_HOME": str(self.home),
            "WORKBENCH_LORAS": str(self.folder / "loras"),
            "WORKBENCH_KEYS": str(self.keys / self.id),
            "WORKBENCH_ACCOUNT": name,
            SHARED: str(self.root),
        }

    def prepare(self) -> None:
        """Makes the owner's folders, which only the server's user may enter.

        Raises:
            StorageError: they cannot be made.
        """
        for folder in (self.folder, self.keys / self.id):
            make_folder(folder)
            folder.chmod(0o700)

    def erase(self) -> list[Path]:
        """Erases all that the owner has here; the keys first, so that what a disk still holds stays unreadable.

        Raises:
            StorageError: something may not be removed.
        """
        return erase([path for path in (self.keys / self.id, self.folder) if path.exists()])

    def files(self) -> Iterator[tuple[str, int]]:
        """The size of each file with the kind of folder it is in (`subjects`, `runs`, `loras`, …); no names."""
        for folder, _, names in os.walk(self.folder):
            for each in names:
                path = Path(folder) / each
                parts = path.relative_to(self.folder).parts
                kind = parts[1] if parts[0] == "workspace" and len(parts) > 2 else parts[0]
                try:
                    yield kind, path.lstat().st_size
                except OSError:  # it went meanwhile
                    continue
