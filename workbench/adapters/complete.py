"""Whether a file is whole: weights that nothing here understands, halves that lack the other, layers the base lacks,
and changes of an absurd size."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.header import Header
from workbench.adapters.keys import parse_key
from workbench.adapters.word import TABLE, words_from_metadata
from workbench.errors import AdapterError

if TYPE_CHECKING:
    from workbench.adapters.weights import LoraWeight, Shape

HASH = "modelspec.hash_sha256"
NAMED = 6  # so many are named in a message; the rest is counted
# A layer of a trained network multiplies the size of what passes it by about 1 (that is how they are initialised,
# arXiv 1502.01852), and usual adapters change that by 0.01 to 0.5.
ABSURD = 10.0


@dataclass(frozen=True)
class Strays:
    """What of a file would not be used.

    Args:
        unused: weights that nothing here understands.
        missing: halves of weights that are not in the file, as `MODULE (up)`.
        lost: the keys of the halves that are there without the other.
        understood: how many layers are whole.
    """

    unused: tuple[str, ...]
    missing: tuple[str, ...]
    lost: tuple[str, ...]
    understood: int

    def __bool__(self) -> bool:
        return bool(self.unused or self.missing)

    def words(self) -> str:
        """Names them."""
        parts = []
        if self.unused:
            parts.append(f"{len(self.unused)} of its weights are not understood: {named(self.unused)}")
        if self.missing:
            parts.append(f"half of the weight for {named(self.missing)} is missing")
        return "; ".join(parts)


def find_strays(header: Header) -> Strays:
    """Looks through a header for what would not be used; no weight is read."""
    words = {word.key for word in words_from_metadata(header.metadata)}
    layers: dict[tuple[str, str], dict[str, str]] = {}
    unused: list[str] = []
    whole = 0
    for text, tensor in header.tensors.items():
        key = parse_key(text)
        if text in words:
            whole += 1
        elif key is None or (key.role != "alpha" and len(tensor.shape) < 2):
            unused.append(text)
        else:
            layers.setdefault((key.component, key.module), {})[key.role] = text
    missing: list[str] = []
    lost: list[str] = []
    for (component, module), found in layers.items():
        absent = [role for role in ("down", "up") if role not in found]
        if len(absent) == 2:
            unused += found.values()  # an alpha of a layer that is not there
        elif absent:
            missing.append(f"{component}.{module} ({absent[0]})")
            lost += found.values()
        else:
            whole += 1
    return Strays(tuple(sorted(unused)), tuple(sorted(missing)), tuple(sorted(lost)), whole)


def refuse_strays(header: Header, name: str) -> None:
    """Raises AdapterError when a LoRA holds weights that would not be used, or lacks some; says them by name."""
    strays = find_strays(header)
    if strays and strays.understood:
        raise AdapterError(
            name, strays.words(), "Fetch the file again, or bring only what is understood of it (--partial)"
        )


def named(names: Collection[str]) -> str:
    """Some names in a sentence; a long list is counted."""
    few = [repr(name[:100]) for name in list(names)[:NAMED]]
    return ", ".join(few) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def without_weights(path: Path, header: Header, drop: Collection[str]) -> bytes:
    """The same safetensors file without some of its weights; ModelSpec's hash is made anew where there was one.

    Raises:
        AdapterError: nothing would be left.
    """
    kept = [key for key in header.tensors if key not in set(drop)]
    if not kept:
        raise AdapterError(path.name, "nothing of it is understood", "Choose another file")
    content, offset, table = path.read_bytes(), 0, {}
    pieces = []
    for key in sorted(kept, key=lambda each: header.tensors[each].start):
        tensor = header.tensors[key]
        size = tensor.end - tensor.start
        table[key] = {
            "dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [offset, offset + size],
        }  # fmt: skip
        pieces.append(content[tensor.start : tensor.end])
        offset += size
    data = b"".join(pieces)
    metadata = dict(header.metadata)
    if HASH in metadata:
        metadata[HASH] = f"0x{hashlib.sha256(data).hexdigest()}"
    text = json.dumps({"__metadata__": metadata} | table, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def layers_apart(shapes: Mapping[tuple[str, str], Shape], pipeline: Any) -> tuple[list[str], list[str]]:
    """Compares an adapter's layers with a base's.

    Returns:
        Names of the layers that the base has not or has in another size, and of those that would fit.
    """
    from workbench.adapters.weights import adapted_layers

    known: dict[str, Mapping[str, tuple[int, int]]] = {}
    apart: list[str] = []
    fit: list[str] = []
    for (component, module), shape in shapes.items():
        if component not in known:
            part = getattr(pipeline, component, None)
            known[component] = adapted_layers(part) if part is not None else {}
        same = known[component].get(module) == (shape.inputs, shape.outputs)
        (fit if same else apart).append(f"{component}.{module}")
    return apart, fit


def gains(weights: Mapping[tuple[str, str], LoraWeight]) -> dict[tuple[str, str], float]:
    """How strongly each layer is changed: the root of the mean square of what the change adds to an input of size 1.

    That is |alpha| / rank · ‖up · down‖ / √outputs (Frobenius), got from r × r products, so no full matrix is built.
    A learned word is left out: its table is no layer.
    """
    found = {}
    for (component, module), weight in weights.items():
        if module == TABLE:
            continue
        up, down = weight.up.flatten(1).double(), weight.down.flatten(1).double()
        square = float(((up.T @ up) * (down @ down.T)).sum())
        found[component, module] = abs(weight.alpha) / weight.rank * (max(square, 0.0) / up.shape[0]) ** 0.5
    return found


def strength_warnings(weights: Mapping[tuple[str, str], LoraWeight]) -> list[str]:
    """Words for a set of weights that cannot be meant: changes far stronger than the base, or none at all."""
    sizes = gains(weights)
    absurd = {where: size for where, size in sizes.items() if size > ABSURD}
    if absurd:
        (component, module), size = max(absurd.items(), key=lambda item: item[1])
        return [
            f"Its weights are absurdly large: {component}.{module} is changed {size:.3g} times as strongly as a layer "
            f"is by itself ({len(absurd)} of {len(sizes)} layers). Pictures will be noise; try a strength near "
            f"{min(1.0, 0.3 / size):.1g}, or ask for another checkpoint"
        ]
    if sizes and not any(sizes.values()):
        return ["It changes nothing: all its weights are zero"]
    return []
