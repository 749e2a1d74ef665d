"""Sharpens chibi-mini's decoder. Its latents stay what they are, so the denoiser and everybody's adapters stay, too.

The stage `decoder` of `train_chibi_mini.py`: see there. A decoder that only ever sees the encoder's latents leans on
digits that no generated picture has, so half of what it learns from are latents as the denoiser guesses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from long_training import (
    Clock,
    autocast,
    average_gradients,
    device_of,
    follow,
    load_checkpoint,
    processes,
    rank,
    save_checkpoint,
    set_rate,
    snapshot,
)
from picture_losses import PatchCritic, judge, pixels_of, psnr_of
from torch import nn

from workbench.backbones.cpu_norm import use_quick_group_norm
from workbench.world.pack import Pack

PIXELS = 16  # under one latent, each way
WINDOW = 0.75  # of a picture's side; the net is fully convolutional, and faces are met more often so


@dataclass(frozen=True)
class Drawings:
    """Drawings of one style: pixels, the encoder's moments `(n, 32, h, w)`, the denoiser's guesses `(n, 16, h, w)`."""

    pack: Pack
    moments: np.ndarray
    guesses: np.ndarray


def draw_pairs(chibis: Drawings, photos: Drawings, rng: np.random.Generator, batch: int) -> list[torch.Tensor]:
    """Latents under square windows and the pixels that belong to them; an eighth is photo-like, more of them faces."""
    latents, pictures = [], []
    for _ in range(batch):
        source = photos if rng.random() < 1 / 8 else chibis
        index, side = int(rng.integers(len(source.moments))), source.moments.shape[-1]
        grid = round(WINDOW * side)
        room = side - grid
        top, left = int(rng.integers(room + 1)), int(rng.integers(room + 1))
        top = min(top, room // 2) if rng.random() < 0.6 else top
        window = np.s_[:16, top : top + grid, left : left + grid]
        chosen = (source.moments if rng.random() < 0.5 else source.guesses)[index][window].astype(np.float32)
        latents.append(chosen + 0.03 * chosen.std() * rng.standard_normal(chosen.shape, dtype=np.float32))
        pictures.append(
            source.pack[index][PIXELS * top : PIXELS * (top + grid), PIXELS * left : PIXELS * (left + grid)]
        )
    return [torch.from_numpy(np.stack(latents)), pixels_of(np.stack(pictures))]


def sharpen(vae: AutoencoderKL, chibis: Drawings, photos: Drawings, folder: Path, minutes: float, seed: int) -> None:
    """Trains the decoder against a critic for `minutes`; `decoder.safetensors` in `folder` is continued and written.

    Args:
        vae: the autoencoder as it is; its decoder is changed.
        chibis: what is mostly learned from.
        photos: what is met now and then, so that it is not forgotten.
        folder: where checkpoints and metrics go.
        minutes: of this call.
        seed: start of all randomness.
    """
    torch.manual_seed(seed)
    use_quick_group_norm(vae)
    model = nn.ModuleDict({
        "made": nn.ModuleDict({"post_quant_conv": vae.post_quant_conv, "decoder": vae.decoder}),
        "critic": PatchCritic(),
    }).to(device_of(), memory_format=torch.channels_last)  # fmt: skip
    decoding, judging = list(model["made"].parameters()), list(model["critic"].parameters())
    optimizer = torch.optim.AdamW(
        [{"params": decoding, "betas": (0.8, 0.99)}, {"params": judging, "betas": (0.5, 0.99), "weight_decay": 0.0}],
        lr=6e-4, weight_decay=1e-4, fused=True,
    )  # fmt: skip
    path, average = folder / "decoder.safetensors", snapshot(model["made"])
    done = load_checkpoint(path, model, optimizer, average)
    step, samples = done.get("step", 0), done.get("samples", 0)
    clock, batch, running = Clock(folder, "decoder", minutes, done), 4, np.zeros(0)
    while (share := clock.share()) < 1:
        rng = np.random.default_rng([seed, step, 5, rank()])
        latents, true = (
            values.to(device_of(), memory_format=torch.channels_last)
            for values in draw_pairs(chibis, photos, rng, batch)
        )
        rate = set_rate(optimizer, 6e-4, (step + 1 - done.get("step", 0)) / 100, share, least=0.02)
        with autocast():
            made = vae.decoder(vae.post_quant_conv(latents)).float()
        # The critic knows nothing at first: what it says is heard more and more.
        verdict = judge(made, true, model["critic"], 0.4 * min(1.0, step / 600))
        made.backward(verdict.gradient)
        average_gradients(decoding + judging)
        nn.utils.clip_grad_norm_(decoding, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, samples = step + 1, samples + batch * processes()
        follow(average, model["made"], min(0.998, (step + 1) / (step + 10)))
        told = np.array([verdict.pixels, verdict.features, verdict.critic, psnr_of(made.detach(), true)])
        running = told if not running.size else 0.98 * running + 0.02 * told
        clock.tell(step, samples, **dict(zip(("loss", "features", "critic", "psnr"), running, strict=True)), lr=rate)
        if clock.due():
            state = {"step": step, "samples": samples, "seconds": clock.seconds}
            save_checkpoint(path, model, optimizer, state, average)
    save_checkpoint(path, model, optimizer, {"step": step, "samples": samples, "seconds": clock.seconds}, average)
    clock.bar.close()
