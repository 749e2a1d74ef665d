"""What was deleted and can be brought back for thirty days: one folder for each deletion, called by its time.

    <trash>/20260102-030405-1a2b3c4d/record.json     what is known of it, beside its files

The shelf has such a trash (`workbench.adapters.trash`), and so has every gallery (`workbench.gallery.trash`).
"""

from __future__ import annotations

import math
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workbench.config.places import make_folder

DAYS = 30
RECORD = "record.json"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


def new_deletion(trash: Path, now: datetime) -> Path:
    """Makes the folder of a deletion; names sort by time.

    Args:
        now: in UTC.

    Raises:
        StorageError: it cannot be made.
    """
    return make_folder(trash / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}")


def is_deletion(name: str) -> bool:
    """Whether a name can be that of a deletion's folder: never a path, whoever gave it."""
    return bool(_ID.fullmatch(name))


def deletions(trash: Path) -> list[Path]:
    """The folders of all deletions, earliest first; none where there is no trash."""
    return sorted(each for each in trash.iterdir() if is_deletion(each.name)) if trash.is_dir() else []


def deleted_at(folder: Path) -> datetime:
    """When it was deleted, in UTC, by the folder's name."""
    return datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)


def days_left(deleted: datetime) -> int:
    """Days until what was deleted then is erased for good."""
    return max(0, math.ceil((deleted + timedelta(days=DAYS) - datetime.now(UTC)) / timedelta(days=1)))
