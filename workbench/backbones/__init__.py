"""Base models behind one interface; nothing outside this folder asks which family a base has."""

from __future__ import annotations

from workbench.backbones.catalogue import Entry, catalogue, locate, open_backbone, quiet_libraries
from workbench.backbones.fingerprint import fingerprint_folder
from workbench.backbones.protocol import Backbone, Words, pick

__all__ = [
    "Backbone",
    "Entry",
    "Words",
    "catalogue",
    "fingerprint_folder",
    "locate",
    "open_backbone",
    "pick",
    "quiet_libraries",
]
