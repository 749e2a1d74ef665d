"""Base models behind one interface; nothing outside this folder asks which family a base has."""

from __future__ import annotations

from workbench.backbones.catalogue import Entry, catalogue, own_catalogue
from workbench.backbones.families import FAMILIES, Family
from workbench.backbones.fingerprint import fingerprint_folder
from workbench.backbones.locate import locate
from workbench.backbones.opening import open_backbone, quiet_libraries
from workbench.backbones.protocol import Backbone, Words, pick

__all__ = [
    "FAMILIES",
    "Backbone",
    "Entry",
    "Family",
    "Words",
    "catalogue",
    "fingerprint_folder",
    "locate",
    "open_backbone",
    "own_catalogue",
    "pick",
    "quiet_libraries",
]
