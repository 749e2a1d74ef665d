"""Erases a person from every stage at once."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.config import home, safe_name
from workbench.errors import SubjectError
from workbench.jobs.follow import list_jobs


def forget_person(name: str) -> list[Path]:
    """Erases a person's photos, crops, data set, cache, run, adapter, and the pictures made with it; in the trash too.

    Returns:
        What was removed; empty when there was nothing of them.

    Raises:
        SubjectError: a training of this name is going on, or the name is not allowed.
        StorageError: something may not be removed.
    """
    from workbench.adapters import delete_adapter, list_shelf
    from workbench.adapters.trash import empty_trash
    from workbench.gallery import Gallery
    from workbench.photos import forget

    name = safe_name(name)
    if any(state.name == name and state.alive for state in list_jobs()):
        raise SubjectError(name, "a training of this name is going on", f"Stop it first: workbench runs stop {name}")
    removed: list[Path] = []
    # Opening a gallery makes its folder; forgetting should make nothing. Pictures first: they name the adapter.
    if (home() / "gallery").is_dir():
        gallery = Gallery()
        removed += gallery.delete(*[kept.id for kept in gallery.search(adapter=name, limit=sys.maxsize)])
    if any(entry.name == name for entry in list_shelf()):
        removed += delete_adapter(name)
    return removed + empty_trash(name) + forget(name)
