"""Pictures for the tests of the gallery."""

from __future__ import annotations

from typing import Any

from PIL import Image

from workbench.generation import Picture


def picture(prompt: str = "chibi of zkq person, smiling", seed: int = 0, **more: Any) -> Picture:
    """A small picture of one colour with a whole record."""
    record = {
        "format": 1, "prompt": prompt, "negative": "", "seed": seed, "steps": 20, "guidance": 4.0, "size": 64,
        "guidance_rescale": 0.0, "adapters": [], "base": "chibi-mini", "base_fingerprint": "f" * 64, "versions": {},
        "notes": [], "created": f"2026-01-02T03:04:{seed:02d}+00:00",
    } | more  # fmt: skip
    return Picture(Image.new("RGB", (64, 64), (seed, 100, 200)), record)


def using(*names: str) -> list[dict[str, Any]]:
    """The adapters of a record."""
    return [{"name": name, "strength": 1.0, "sha256": "0" * 64} for name in names]
