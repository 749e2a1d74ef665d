"""Trains the trait reader on the chibi world: photo-like drawings and chibis, made unlike themselves by augmentation.

    python recipes/train_reader.py minutes=8

Uses the drawings that `recipes/train_chibi_mini.py stage=render` packed. Augmentation (colour, light, blur, noise,
framing) is strong, because the reader is to be used on real photographs. Continues from the weights in
workbench/captions/reader.safetensors when they are there, and writes them.
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
from PIL import Image
from safetensors.torch import load_file, save_file

from workbench.captions.reader import ANSWERS, SIZE, WEIGHTS, new_reader, split_answers, truth
from workbench.config import home
from workbench.world.pack import Pack, character_of, scene_of

HELD_OUT = 512  # the last drawings of each style are kept for the figures printed at the end


def load(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """All packed drawings at 144 px (room for shifted crops) and their right answers."""
    pictures, answers = [], []
    for style in ("chibi", "photo"):
        pack = Pack(folder, style)  # type: ignore[arg-type]
        for i in range(len(pack)):
            pictures.append(np.asarray(Image.fromarray(pack[i]).resize((144, 144), Image.Resampling.BOX)))
            right = truth(character_of(i), scene_of(i, style), style)  # type: ignore[arg-type]
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


def main() -> None:
    minutes = float(dict(a.split("=", 1) for a in sys.argv[1:]).get("minutes", 8))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    torch.manual_seed(0)
    pictures, answers = load(home() / "chibi-mini" / "pack")
    net, peak = new_reader().to(memory_format=torch.channels_last), 2e-3
    if WEIGHTS.exists():
        net.load_state_dict(load_file(WEIGHTS))
        peak = 1e-3
    chibis = int((answers[:, -1] == 0).sum())
    held = torch.cat([torch.arange(chibis - HELD_OUT, chibis), torch.arange(len(answers) - HELD_OUT, len(answers))])
    seen = torch.ones(len(answers), dtype=torch.bool)
    seen[held] = False
    chibi = torch.arange(len(answers)) < chibis
    pools = [((seen & ~chibi).nonzero()[:, 0], 48), ((seen & chibi).nonzero()[:, 0], 16)]
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=0.02, fused=True)
    generator, started, step = torch.Generator().manual_seed(1), time.monotonic(), 0
    # Chibis show no light and photos no arms: those answers cannot be read there and do not count.
    names = list(ANSWERS)
    pose, light, style = names.index("pose"), names.index("light"), names.index("style")
    while (share := (time.monotonic() - started) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = peak * min(1, (step + 1) / 100) * (0.02 + 0.49 * (1 + np.cos(np.pi * share)))
        # Photos are what it is for, and the harder half; chibis are read to see how a training goes.
        picked = torch.cat([some[torch.randint(len(some), (size,), generator=generator)] for some, size in pools])
        batch = augment(pictures[picked].permute(0, 3, 1, 2).float() / 255, generator)
        right = answers[picked].clone()
        right[right[:, style] == 1, pose] = -100
        right[right[:, style] == 0, light] = -100
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(batch.contiguous(memory_format=torch.channels_last))
        pieces = split_answers(logits.float())
        loss = sum(
            (F.cross_entropy(pieces[n], right[:, i], label_smoothing=0.05) for i, n in enumerate(names)),
            torch.zeros(()),
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % 200 == 0:
            print(f"step {step}  {step * 64} drawings  loss {loss.item():.3f}  {share:.0%}", flush=True)
    net.eval()
    with torch.no_grad():
        centre = pictures[held].permute(0, 3, 1, 2).float() / 127.5 - 1
        pieces = split_answers(net(F.interpolate(centre, SIZE, mode="area")))
    for i, name in enumerate(names):
        hit = pieces[name].argmax(1) == answers[held][:, i]
        print(f"{name:16} chibi {hit[:HELD_OUT].float().mean():.3f}  photo {hit[HELD_OUT:].float().mean():.3f}")
    tensors = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in net.state_dict().items()}
    save_file(tensors, WEIGHTS)


if __name__ == "__main__":
    main()
