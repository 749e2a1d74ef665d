"""The chibi LoRA workbench: selfies in, an identity adapter trained, chibi avatars out."""

from __future__ import annotations

__version__ = "0.1.0"
