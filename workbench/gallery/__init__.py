"""The gallery: every picture that was kept, with the record that made it."""

from __future__ import annotations

from workbench.gallery.gallery import Gallery, Kept
from workbench.gallery.query import Query
from workbench.gallery.trash import Deleted

__all__ = ["Deleted", "Gallery", "Kept", "Query"]
