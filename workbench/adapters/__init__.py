"""Adapters: a person's identity as one small file that explains itself.

A file: `header.py` checks it before a weight is read; `keys.py`, `weights.py` and their like read every spelling into
one; `complete.py` names what would not be used; `patterns.py` refuses expressions of ill will; `card.py` is what it
says of itself, `rewrite.py` changes that, `scrub.py` takes out what it tells of its photos; `file.py` writes and
exports; `proof.py` opens what was saved as a stranger would; `report.py` says all that can be known of a file.

The shelf: `shelf.py` is the folder they lie in, `labels.py` what a person writes on them, `browse.py` finds them,
`trash.py` brings them back.

New files: `formats.py` (diffusers, kohya, peft), `mix.py` (the arithmetic) and `blend.py` (with cards, on the shelf),
`fuse.py` (into a base), `share.py` (zips), `model_card.py` and `hub.py` (uploads).
"""

from __future__ import annotations

from workbench.adapters.card import Card, thumbnail_bytes, thumbnail_uri
from workbench.adapters.file import (
    AdapterInfo,
    check_base,
    export_kohya,
    inspect_adapter,
    read_card,
    save_adapter,
)
from workbench.adapters.proof import Proof, prove_adapter
from workbench.adapters.shelf import (
    ShelfEntry,
    delete_adapter,
    file_sha256,
    find_adapter,
    import_adapter,
    list_shelf,
    rename_adapter,
)
from workbench.adapters.weights import attach, detach, read_weights

__all__ = [
    "AdapterInfo",
    "Card",
    "Proof",
    "ShelfEntry",
    "attach",
    "check_base",
    "delete_adapter",
    "detach",
    "export_kohya",
    "file_sha256",
    "find_adapter",
    "import_adapter",
    "inspect_adapter",
    "list_shelf",
    "prove_adapter",
    "read_card",
    "read_weights",
    "rename_adapter",
    "save_adapter",
    "thumbnail_bytes",
    "thumbnail_uri",
]
