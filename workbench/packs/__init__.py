"""Packs: a person's expressions as stickers and avatars, in the form that each platform takes.

`pack.py` draws and keeps the sixteen pictures; `cut_out.py`, `compose.py`, `lettering.py` and `moving.py` make stickers
of them; `export.py` writes the files of a platform, `encode.py`, `webm.py` and `gltf.py` their formats; `check.py`
reads them back and holds them against `platforms.yaml`; `credentials.py` signs them.
"""

from __future__ import annotations

from workbench.packs.check import Problem, check_pack
from workbench.packs.compose import FRAMES, Look, avatar, sticker
from workbench.packs.cut_out import cut_out
from workbench.packs.export import Export, export_pack
from workbench.packs.expressions import EXPRESSIONS, Expression
from workbench.packs.moving import KINDS, Loop, make_loop
from workbench.packs.pack import Pack, create_pack, delete_pack, list_packs, load_pack, packs_folder, packs_of
from workbench.packs.platforms import FileRule, Platform, checked_on, find_platform, platforms
from workbench.packs.recipe import Recipe
from workbench.packs.sheet import pack_sheet

__all__ = [
    "EXPRESSIONS",
    "FRAMES",
    "KINDS",
    "Export",
    "Expression",
    "FileRule",
    "Look",
    "Loop",
    "Pack",
    "Platform",
    "Problem",
    "Recipe",
    "avatar",
    "check_pack",
    "checked_on",
    "create_pack",
    "cut_out",
    "delete_pack",
    "export_pack",
    "find_platform",
    "list_packs",
    "load_pack",
    "make_loop",
    "pack_sheet",
    "packs_folder",
    "packs_of",
    "platforms",
    "sticker",
]
