"""Whose folders a job works in, on a server that several owners share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from workbench.config import SHARED
from workbench.privacy.keys import PASSPHRASE

PLACES = ("WORKBENCH_HOME", "WORKBENCH_LORAS", "WORKBENCH_KEYS", "WORKBENCH_ACCOUNT", SHARED)


def owners_places() -> dict[str, str]:
    """The variables that name this owner's folders; none where there are no accounts, so a workspace can be moved."""
    return {name: os.environ[name] for name in PLACES if name in os.environ} if os.environ.get(SHARED) else {}


@contextmanager
def at_places(places: Mapping[str, str]) -> Iterator[None]:
    """Lets this process, which must have one thread, work in an owner's folders.

    The passphrase of another owner's vault is not there meanwhile.
    """
    before = dict(os.environ)
    if places and places.get("WORKBENCH_HOME") != before.get("WORKBENCH_HOME"):
        os.environ.pop(PASSPHRASE, None)
    os.environ.update(places)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
