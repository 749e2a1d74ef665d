"""One at a time: for files that are read, changed and written again by whoever comes, from any page or command."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.config.places import make_folder, storage_errors


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lets one in at a time, of all threads and processes that come with the same folder.

    The lock is the folder's own: no file is made, and the system lets go when a process dies.

    Raises:
        StorageError: the folder cannot be made or opened.
    """
    make_folder(folder)
    with storage_errors(folder):
        handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
