"""What is made only when it is downloaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

from workbench.adapters import export_kohya


def kohya_bytes(path: Path) -> bytes:
    """An adapter as kohya spells it, for ComfyUI and A1111; the shelf is left as it is.

    Raises:
        AdapterError: the adapter cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        return export_kohya(path, Path(folder) / f"{path.stem}.kohya.safetensors").read_bytes()
