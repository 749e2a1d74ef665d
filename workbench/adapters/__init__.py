"""Adapters: a person's identity as one small file that explains itself.

`header.py` checks a file before a weight is read; `keys.py` and `weights.py` read every spelling into one; `card.py`
is what an adapter says of itself; `file.py` writes and exports; `proof.py` opens what was saved as a stranger would;
`shelf.py` is the folder they lie in.
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
