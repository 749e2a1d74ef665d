"""Which pictures a step sees, at which noise levels, with which noise: all of it decided by (seed, step) alone.

Nothing is carried from one step to the next, so a run that is continued at step k sees exactly what the straight
run saw, and any number of processes share one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from workbench.backbones import Words, pick
from workbench.dataset.encode import EncodedSet
from workbench.device import generator

# Steps draw from the generator's streams 0, 1, 2, …; orders of presentation from these far away.
ORDER_STREAM = 1 << 40


@dataclass(frozen=True)
class Batch:
    """What one step learns from, or one process' share of it.

    Attributes:
        examples: indices into the data set of all processes' examples,
            in the order in which `Accelerator.gather` puts them.
        latents, noise: (b, c, h, w).
        timesteps: (b,).
        text: what the denoiser is told, or the token ids of it when the text encoder learns.
        weights: (b,).
    """

    examples: tuple[int, ...]
    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: Words
    weights: torch.Tensor


def choose_examples(data: EncodedSet, seed: int, step: int, size: int) -> list[tuple[int, int]]:
    """Chooses a step's examples: kinds take turns, and within a kind every example comes once before any comes again.

    Args:
        data: the data set.
        seed: the run's.
        step: from 0.
        size: of the whole batch.

    Returns:
        (example, view) pairs; views of an example take turns too.
    """
    kinds = list(data.kinds.values())
    chosen = []
    for slot in range(step * size, (step + 1) * size):
        turn, kind = divmod(slot, len(kinds))
        members = kinds[kind]
        lap, position = divmod(turn, len(members))
        order = torch.randperm(len(members), generator=generator(seed, ORDER_STREAM + lap * len(kinds) + kind))
        example = members[int(order[position])]
        chosen.append((example, (lap + example) % len(data.views[example])))
    return chosen


def draw_batch(
    data: EncodedSet, seed: int, step: int, size: int, timesteps: int, process: int = 0, processes: int = 1
) -> Batch:
    """Draws a step's batch.

    Noise levels are stratified: the range is cut into `size` equal parts and each part gives one, so that every
    step sees easy and hard ones (the low-discrepancy sampler of arXiv 2107.00630, appendix I).

    Args:
        data: the data set, on the device.
        seed: the run's.
        step: from 0.
        size: of the whole batch.
        timesteps: number of noise levels.
        process, processes: this process gets every `processes`-th example, from the `process`-th on.
    """
    chosen = choose_examples(data, seed, step, size)
    random = generator(seed, step)
    parts = torch.randperm(size, generator=random)
    levels = ((parts + torch.rand(size, generator=random)) / size * timesteps).long().clamp(max=timesteps - 1)
    shape = (size, *data.mean.shape[1:])
    noise = torch.randn(shape, generator=random)
    jitter = torch.randn(shape, generator=random)

    mine = slice(process, None, processes)
    device = data.mean.device
    examples = torch.tensor([example for example, _ in chosen[mine]])
    rows = torch.tensor([data.views[example][view] for example, view in chosen[mine]])
    examples, rows, levels, noise, jitter = (
        _send(part, device) for part in (examples, rows, levels[mine], noise[mine], jitter[mine])
    )
    return Batch(
        examples=tuple(example for each in range(processes) for example, _ in chosen[each::processes]),
        latents=data.mean[rows] + data.std[rows] * jitter,
        noise=noise,
        timesteps=levels,
        text=pick(data.ids if data.text is None else data.text, examples),
        weights=data.weights[examples],
    )


def _send(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    if device.type != "cuda":
        return tensor.to(device)
    # From pinned memory the copy is queued and the CPU does not wait for the GPU.
    return tensor.contiguous().pin_memory().to(device, non_blocking=True)
