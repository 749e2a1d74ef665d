"""Tensors as safetensors' bytes that know when they were changed: what is only kept for next time is made anew then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load, save

SUM = "sha256"


def to_bytes(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """A safetensors file's content, with the sum of its numbers in its header."""
    plain = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={SUM: _sum(save(plain))[1]})


def from_bytes(content: bytes) -> dict[str, torch.Tensor]:
    """The tensors of what `to_bytes` gave.

    Raises:
        ValueError: they were changed, or it is no such content.
        SafetensorError: it is no safetensors file.
    """
    header, made = _sum(content)
    if header.get("__metadata__", {}).get(SUM) != made:
        raise ValueError("its numbers are not those that were kept")
    return load(content)


def _sum(content: bytes) -> tuple[dict[str, Any], str]:
    """The header, and the sum of what comes after it."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    return header, hashlib.sha256(content[end:]).hexdigest()
