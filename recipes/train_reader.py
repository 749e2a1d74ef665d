"""Trains the trait reader on the chibi world: photo-like drawings and chibis, made unlike themselves by augmentation.

    python recipes/train_reader.py minutes=12

Uses the chibis that `recipes/train_chibi_mini.py stage=render` packed, and packs photo-like people without their place.
Half of the photos are put somewhere else, in other light and before another camera (`photo_variety`), because the
reader is to be used on real photographs. Continues from the weights in workbench/captions/reader.safetensors when they
are there, and writes them; `minutes=0` only says how good they are.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import torch.nn.functional as F
from photo_variety import HIDES, as_tensor, backdrops, hats, put_on, varied
from PIL import Image
from safetensors.torch import load_file, save_file

from workbench.captions.reader import ANSWERS, SIZE, WEIGHTS, new_reader, split_answers, truth
from workbench.config import home
from workbench.world.draw import Style
from workbench.world.pack import Pack, character_of, render_pack, scene_of

NAMES = list(ANSWERS)

HELD_OUT = 512  # the last drawings of each style are kept for the figures printed at the end
PHOTOS = 8192
ROOM = 144  # drawings are kept a little larger than what is read, for shifted crops
BANK = 512  # places and hats to choose from
HATTED = 0.4  # of varied photos of people who wear nothing on the head
BATCH = {"chibi": 16, "photo": 24, "varied": 24}  # photos are what it is for, and the harder part
# Chibis show no light and photos no arms: those answers cannot be read there and do not count.
UNREADABLE = {"chibi": ("light",), "photo": ("pose",), "varied": ("pose", *HIDES)}


def load(folder: Path, style: Style) -> tuple[torch.Tensor, torch.Tensor]:
    """All packed drawings of a style, uint8 `(n, c, 144, 144)`, photos with the person's cover; their right answers."""
    if style == "photo":
        render_pack(folder, style, PHOTOS, transparent=True)
    pack = Pack(folder, style, transparent=style == "photo")
    pictures, answers = [], []
    for i in range(len(pack)):
        # Band by band: Pillow weighs the colours of RGBA by their alpha and would lose those behind the person.
        bands = [
            Image.fromarray(band).resize((ROOM, ROOM), Image.Resampling.BOX) for band in np.moveaxis(pack[i], 2, 0)
        ]
        pictures.append(np.stack([np.asarray(band) for band in bands]))
        right = truth(character_of(i), scene_of(i, style), style)
        answers.append([right[name] for name in ANSWERS])
    return torch.from_numpy(np.stack(pictures)), torch.tensor(answers)


def augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """`(b, 3, 144, 144)` in [0, 1] to `(b, 3, 128, 128)` in [-1, 1]: framing, mirror, light, colour, blur, noise."""
    b = len(batch)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(b, *shape, generator=generator) * (high - low) + low

    zoom, angle = uniform(0.82, 1.0), uniform(-0.14, 0.14)
    mirror = (uniform(0, 1) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack([cos * mirror, -sin, uniform(-0.09, 0.09), sin * mirror, cos, uniform(-0.09, 0.09)], 1).view(
        b, 2, 3
    )
    grid = F.affine_grid(theta, [b, 3, SIZE, SIZE], align_corners=False)
    x = F.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)
    gain = uniform(0.7, 1.25, 1, 1, 1) * uniform(0.92, 1.08, 3, 1, 1)
    x = (x * gain).clamp(0, 1) ** uniform(0.8, 1.25, 1, 1, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.75, 1.2, 1, 1, 1)
    soft = F.avg_pool2d(x, 3, 1, 1)
    x = torch.lerp(x, soft, (uniform(0, 1, 1, 1, 1) < 0.5).float() * uniform(0, 1, 1, 1, 1))
    x = x + torch.randn(x.shape, generator=generator) * uniform(0, 0.05, 1, 1, 1)
    return x.clamp(0, 1) * 2 - 1


class Drawings:
    """What is learnt from and what is held out, by kind: `chibi`, `photo`, and photos made `varied`."""

    def __init__(self, folder: Path) -> None:
        self.drawn = {"chibi": load(folder, "chibi"), "photo": load(folder, "photo")}
        self.places = as_tensor(backdrops(BANK, ROOM))
        self.hats = as_tensor(hats(BANK, ROOM))

    def some(self, kind: str, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch to learn from: the net's input and the right answers, -100 where they cannot be read."""
        pictures, answers = self.drawn["chibi" if kind == "chibi" else "photo"]
        picked = torch.randint(len(answers) - HELD_OUT, (BATCH[kind],), generator=generator)
        batch, right = pictures[picked].float() / 255, answers[picked].clone()
        right[:, [NAMES.index(name) for name in UNREADABLE[kind]]] = -100
        return (self._varied(batch, right, generator) if kind == "varied" else augment(batch[:, :3], generator)), right

    def held_out(self, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The drawings that are never learnt from; varied ones the same at every call."""
        pictures, answers = self.drawn["chibi" if kind == "chibi" else "photo"]
        batch, right = pictures[-HELD_OUT:].float() / 255, answers[-HELD_OUT:].clone()
        if kind == "varied":
            return self._varied(batch, right, torch.Generator().manual_seed(7)), right
        return F.interpolate(batch[:, :3], SIZE, mode="area") * 2 - 1, right

    def _varied(self, batch: torch.Tensor, right: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """The net's input; whoever got a hat is told so in the right answers."""
        worn = NAMES.index("headwear")
        bare = right[:, worn] == ANSWERS["headwear"].index("none")
        hatted = (bare & (torch.rand(len(batch), generator=generator) < HATTED)).nonzero()[:, 0]
        some = self.hats[torch.randint(len(self.hats), (len(hatted),), generator=generator)]
        batch[hatted] = put_on(batch[hatted], some)
        right[hatted, worn] = ANSWERS["headwear"].index("hat")
        return varied(batch, self.places, SIZE, generator) * 2 - 1


def report(net: torch.nn.Module, drawings: Drawings) -> None:
    """Prints the share of right answers on drawings that were held out."""
    shares = {}
    for kind in BATCH:
        pictures, right = drawings.held_out(kind)
        with torch.no_grad():
            pieces = split_answers(torch.cat([net(part) for part in pictures.split(128)]))
        shares[kind] = {
            name: (pieces[name].argmax(1) == right[:, i]).float().mean().item()
            for i, name in enumerate(NAMES)
            if name not in UNREADABLE[kind]
        }
    print(f"{'':16}" + "".join(f"{kind:>8}" for kind in BATCH))
    for name in NAMES:
        print(f"{name:16}" + "".join(f"{each[name]:8.3f}" if name in each else f"{'–':>8}" for each in shares.values()))


def main() -> None:
    minutes = float(dict(a.split("=", 1) for a in sys.argv[1:]).get("minutes", 12))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    torch.manual_seed(0)
    drawings = Drawings(home() / "chibi-mini" / "pack")
    net, peak = new_reader().to(memory_format=torch.channels_last), 2e-3
    if WEIGHTS.exists():
        net.load_state_dict(load_file(WEIGHTS))
        peak = 1e-3
        report(net.eval(), drawings)
    if not minutes:
        return
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=0.02, fused=True)
    generator, started, step = torch.Generator().manual_seed(1), time.monotonic(), 0
    while (share := (time.monotonic() - started) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = peak * min(1, (step + 1) / 100) * (0.02 + 0.49 * (1 + np.cos(np.pi * share)))
        parts = [drawings.some(kind, generator) for kind in BATCH]
        batch, right = (torch.cat(each) for each in zip(*parts, strict=True))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(batch.contiguous(memory_format=torch.channels_last))
        pieces = split_answers(logits.float())
        loss = sum(
            (F.cross_entropy(pieces[n], right[:, i], label_smoothing=0.05) for i, n in enumerate(NAMES)),
            torch.zeros(()),
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % 200 == 0:
            print(f"step {step}  {step * len(right)} drawings  loss {loss.item():.3f}  {share:.0%}", flush=True)
    report(net.eval(), drawings)
    tensors = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in net.state_dict().items()}
    save_file(tensors, WEIGHTS)


if __name__ == "__main__":
    main()
