"""Which pictures a step sees, at which noise levels, with which noise: all of it decided by (seed, step) alone.

Nothing is carried from one step to the next, so a run that is continued at step k sees exactly what the straight
run saw, and any number of processes share one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch

from workbench.backbones import Words, pick
from workbench.dataset.encode import EncodedSet
from workbench.device import generator
from workbench.training.timesteps import draw_levels
from workbench.training.turns import choose_grid, kind_shares, turn_of
from workbench.training.weighting import offset_noise

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
        mask: (b, 1, h, w) weights of places, or None.
        taught: (b,) true where the base's own prediction is the target, or None.
        told: what the base is told where it teaches, or None.
    """

    examples: tuple[int, ...]
    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: Words
    weights: torch.Tensor
    mask: torch.Tensor | None = None
    taught: torch.Tensor | None = None
    told: Words | None = None

    def parts(self, count: int) -> Iterator[Batch]:
        """The batch in so many equal parts, to be computed one after the other."""
        size = len(self.weights) // count
        for start in range(0, len(self.weights), size):
            rows = slice(start, start + size)
            yield replace(
                self,
                latents=self.latents[rows],
                noise=self.noise[rows],
                timesteps=self.timesteps[rows],
                text={name: tensor[rows] for name, tensor in self.text.items()},
                weights=self.weights[rows],
                mask=None if self.mask is None else self.mask[rows],
                taught=None if self.taught is None else self.taught[rows],
                told=None if self.told is None else {name: tensor[rows] for name, tensor in self.told.items()},
            )


@dataclass(frozen=True)
class Drawing:
    """What a step's batch is drawn with, beside the pictures.

    Args:
        spread, shift: of the noise levels, see `timesteps.draw_levels`.
        offset: see `weighting.offset_noise`.
        masks: for each grid, (n, 1, h, w) weights of places in each example, or None.
        taught: (n,) true for examples that the base itself teaches, or None.
        turns: how often each kind comes, against the others; empty lets all come equally often.
    """

    spread: float = 0.0
    shift: float = 1.0
    offset: float = 0.0
    masks: tuple[torch.Tensor, ...] | None = None
    taught: torch.Tensor | None = None
    turns: Mapping[str, float] = field(default_factory=dict)


def choose_examples(
    data: EncodedSet, seed: int, step: int, size: int, turns: Mapping[str, float] | None = None
) -> list[tuple[int, int]]:
    """Chooses a step's examples: kinds take turns, and within a kind every example comes once before any comes again.

    Where pictures have several sizes, all of a step are of one: sizes and kinds then come as often as makes every
    example of a kind, and the kinds, equally frequent.

    Args:
        data: the data set.
        seed: the run's.
        step: from 0.
        size: of the whole batch.
        turns: see `Drawing`.

    Returns:
        (example, view) pairs; views of an example take turns too. The view counts the rows of the step's grid.
    """
    number, visit = choose_grid(data, step)
    grid = data.grids[number]
    members = [[example for example in kind if grid.views[example]] for kind in data.kinds.values()]
    even = len(data.grids) == 1 and not turns
    shares = [] if even else kind_shares(data, number, turns)
    chosen = []
    for slot in range(visit * size, (visit + 1) * size):
        turn, kind = divmod(slot, len(members)) if even else turn_of(shares, slot)[::-1]
        lap, position = divmod(turn, len(members[kind]))
        stream = ORDER_STREAM + (lap * len(members) + kind) * len(data.grids) + number
        order = torch.randperm(len(members[kind]), generator=generator(seed, stream))
        example = members[kind][int(order[position])]
        chosen.append((example, (lap + example) % len(grid.views[example])))
    return chosen


def draw_batch(
    data: EncodedSet,
    seed: int,
    step: int,
    size: int,
    timesteps: int,
    process: int = 0,
    processes: int = 1,
    drawing: Drawing = Drawing(),
) -> Batch:
    """Draws a step's batch.

    Args:
        data: the data set, on the device.
        seed: the run's.
        step: from 0.
        size: of the whole batch.
        timesteps: number of noise levels.
        process, processes: this process gets every `processes`-th example, from the `process`-th on.
        drawing: noise levels, noise and weights of places.
    """
    number, _ = choose_grid(data, step)
    grid, chosen = data.grids[number], choose_examples(data, seed, step, size, drawing.turns)
    random = generator(seed, step)
    levels = draw_levels(size, timesteps, random, drawing.spread, drawing.shift)
    shape = (size, *grid.mean.shape[1:])
    noise = torch.randn(shape, generator=random)
    jitter = torch.randn(shape, generator=random)
    # Drawn last and always, so that turning a technique on leaves the rest of a run as it was.
    offsets = torch.randn(shape[:2], generator=random)[:, :, None, None]
    noise = offset_noise(noise, offsets, drawing.offset)
    turns = torch.rand(size, generator=random)

    mine = slice(process, None, processes)
    device = data.device
    examples = torch.tensor([example for example, _ in chosen[mine]])
    rows = torch.tensor([grid.views[example][view] for example, view in chosen[mine]])
    said = torch.tensor(
        [
            data.wordings[example][int(turn * len(data.wordings[example]))]
            for (example, _), turn in zip(chosen[mine], turns[mine].tolist(), strict=True)
        ]
    )
    examples, rows, said, levels, noise, jitter = (
        _send(part, device) for part in (examples, rows, said, levels[mine], noise[mine], jitter[mine])
    )
    text = pick(data.ids if data.text is None else data.text, said)
    if grid.cut is not None:
        text["cut"] = grid.cut[rows]
    return Batch(
        examples=tuple(example for each in range(processes) for example, _ in chosen[each::processes]),
        latents=grid.mean[rows] + grid.std[rows] * jitter,
        noise=noise,
        timesteps=levels,
        text=text,
        weights=data.weights[said],
        mask=None if drawing.masks is None else drawing.masks[number][examples],
        taught=None if drawing.taught is None else drawing.taught[examples],
        told=None if drawing.taught is None or data.lessons is None else pick(data.lessons, said),
    )


def _send(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    if device.type != "cuda":
        return tensor.to(device)
    # From pinned memory the copy is queued and the CPU does not wait for the GPU.
    return tensor.contiguous().pin_memory().to(device, non_blocking=True)
