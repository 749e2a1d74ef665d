"""Flips single bits in files, as old disks and bad memory do, and looks at what is read from them afterwards.

    python tests/faults/flips.py                 1000 flips in each kind of file, and the table
    python tests/faults/flips.py --flips 100

A flip is *told* when the reader refuses the file in words, or passes it over for what is whole: the checkpoint before,
a latent or picture that is made anew. It is *without effect* when what is read is what was written. It is *wrong* when
something else is read and nobody is told.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.adapters import read_weights
from workbench.adapters.card import Card, card_metadata
from workbench.adapters.file import adapter_bytes
from workbench.dataset.pictures import opened
from workbench.dataset.whole import from_bytes, to_bytes
from workbench.errors import WorkbenchError
from workbench.gallery import Gallery
from workbench.gallery.files import check_pixels
from workbench.generation import Picture, read_record
from workbench.generation.record import picture_png
from workbench.training.checkpoint import Checkpoint, last_checkpoint, save_checkpoint

# What of a file that is read differently is told by the reader, and how: in words, or by making it anew.
TOLD = (WorkbenchError, SafetensorError, OSError, ValueError, KeyError, SyntaxError)


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Args:
        what: in words, for the table.
        write: writes a whole one below a folder and returns the files in which bits are flipped.
        read: reads it; None when it is passed over.
        kept: it holds what is nowhere else; what is wrong in it counts.
    """

    what: str
    write: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]
    kept: bool = True


@dataclass
class Tally:
    """What came of the flips in one kind of file; `wrong` names the bytes."""

    told: int = 0
    without_effect: int = 0
    wrong: list[str] = field(default_factory=list)


def _numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _write_checkpoints(folder: Path) -> list[Path]:
    for step in (5, 10):
        optimizer = {0: {"step": torch.tensor(float(step)), "exp_avg": _numbers(step, 8, 16)}, 1: {"k": 7}}
        facts = {"lora.rank": 4, "data": "a" * 64}
        last = save_checkpoint(folder, Checkpoint(step, {"unet.a": _numbers(step, 16, 8)}, optimizer, facts, {}))
    return sorted(last.iterdir())


def _read_checkpoint(folder: Path) -> Any:
    found = last_checkpoint(folder)
    if found is None or found.step == 5:
        return None
    return found.step, found.adapter, found.optimizer, found.facts, found.extra


def _write_latent(folder: Path) -> list[Path]:
    file = folder / "latent.safetensors"
    file.write_bytes(to_bytes({"mean": _numbers(0, 16, 8, 8), "std": _numbers(1, 16, 8, 8).abs()}))
    return [file]


def _read_latent(folder: Path) -> Any:
    kept = from_bytes((folder / "latent.safetensors").read_bytes())
    return kept["mean"], kept["std"]


def _drawn() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8))


def _write_picture(folder: Path) -> list[Path]:
    _drawn().save(folder / "kept.png")
    return [folder / "kept.png"]


def _record(seed: int) -> dict[str, Any]:
    return {
        "format": 1, "prompt": "chibi of zkq person, smiling, wearing a red hoodie", "negative": "", "seed": seed,
        "steps": 2, "guidance": 4.0, "size": 64, "base": "tiny", "adapters": [], "versions": {}, "notes": [],
        "created": f"2026-01-02T03:04:{seed:02d}+00:00",
    }  # fmt: skip


def _write_kept_picture(folder: Path) -> list[Path]:
    file = folder / "picture.png"
    file.write_bytes(picture_png(Picture(_drawn(), _record(7))))
    return [file]


def _read_kept_picture(folder: Path) -> Any:
    record = read_record(folder / "picture.png")
    check_pixels(folder / "picture.png")
    with Image.open(folder / "picture.png") as picture:
        return record, picture.convert("RGB").tobytes()


def _write_adapter(folder: Path) -> list[Path]:
    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    tensors = {f"{layer}.lora_A.weight": _numbers(0, 4, 64), f"{layer}.lora_B.weight": _numbers(1, 64, 4)}
    file = folder / "mia.safetensors"
    file.write_bytes(adapter_bytes(tensors, card_metadata(Card(name="mia", trigger="zkq"))))
    return [file]


def _read_adapter(folder: Path) -> Any:
    return {where: (part.down, part.up, part.alpha) for where, part in read_weights(folder / "mia.safetensors").items()}


def _write_gallery(folder: Path) -> list[Path]:
    gallery = Gallery(folder)
    for number in range(12):
        gallery.add(Picture(_drawn(), _record(number)))
    return [gallery._index.path]


def _read_gallery(folder: Path) -> Any:
    return [(kept.id, kept.record) for kept in Gallery(folder).search()]


def _mended_gallery(folder: Path) -> Any:
    Gallery(folder).rebuild()  # what `workbench doctor --repair` does
    return _read_gallery(folder)


KINDS = {
    "checkpoint": Kind("checkpoints of a run", _write_checkpoints, _read_checkpoint),
    "latent": Kind("kept latents", _write_latent, _read_latent),
    "cached": Kind("kept pictures to learn from", _write_picture, lambda folder: opened(folder / "kept.png")),
    "picture": Kind("pictures of the gallery and their recipes", _write_kept_picture, _read_kept_picture),
    "adapter": Kind("an adapter's weights", _write_adapter, _read_adapter),
    "index": Kind("the gallery's index", _write_gallery, _read_gallery, kept=False),
    "mended": Kind("the same, after `workbench doctor --repair`", _write_gallery, _mended_gallery),
}  # fmt: skip


def flip(kind: Kind, flips: int, seed: int = 0) -> Tally:
    """Flips bits, one at a time, and reads after each.

    Args:
        kind: of file.
        flips: how many.
        seed: of the choice of bits.
    """
    tally, rng = Tally(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="flips-") as place:
        folder = Path(place)
        files = kind.write(folder)
        sizes = [file.stat().st_size for file in files]
        before = _plain(kind.read(folder))
        assert before is not None, f"{kind.what}: what was written cannot be read"
        for _ in range(flips):
            [file] = rng.choices(files, sizes)
            content = file.read_bytes()
            byte, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
            file.write_bytes(content[:byte] + bytes([content[byte] ^ bit]) + content[byte + 1 :])
            try:
                after = _plain(kind.read(folder))
            except TOLD:
                after = None
            file.write_bytes(content)
            if after is None:
                tally.told += 1
            elif after == before:
                tally.without_effect += 1
            else:
                tally.wrong.append(f"{file.name}: byte {byte} of {len(content)}, bit {bit}")
    return tally


def _plain(value: Any) -> Any:
    """What can be compared, bit for bit."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().flatten().view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Image.Image):
        return value.size, value.tobytes()
    return tuple(map(_plain, value)) if isinstance(value, tuple | list) else value


def main() -> int:
    """Flips bits in every kind of file, prints the table; the exit code is 1 when something that is kept was wrong."""
    parser = argparse.ArgumentParser(description="Flips bits in files and looks at what is read from them.")
    parser.add_argument("--flips", type=int, default=1000, help="flips in each kind of file (1000)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="some of " + ", ".join(KINDS))
    args = parser.parse_args()
    wrong = 0
    print("| in | bits flipped | told or made anew | without effect | read differently |\n" + "| --- " * 5 + "|")
    for kind in (KINDS[name] for name in args.kinds.split(",")):
        tally = flip(kind, args.flips)
        wrong += len(tally.wrong) if kind.kept else 0
        print(
            f"| {kind.what} | {args.flips} | {tally.told} | {tally.without_effect} | {len(tally.wrong)} |", flush=True
        )
        for each in tally.wrong[:5]:
            print(f"  {each}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
