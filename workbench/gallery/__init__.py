"""The gallery: every picture that was kept, with the record that made it."""

from __future__ import annotations

from workbench.gallery.gallery import Gallery, Kept

__all__ = ["Gallery", "Kept"]
