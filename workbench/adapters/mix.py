"""New adapters from old ones: two to four mixed, or one cut to a smaller rank.

Each method works layer by layer on the changes up · down · alpha / rank; no base is needed for that.

- `cat`: the exact sum; the ranks add up.
- `svd`: the exact sum, cut to a rank by the singular value decomposition.
- `linear`: halves are added on their own, as peft's `linear` does: quick, but a rough guess of the sum.
- `ties`: of each change the largest part, disagreeing signs settled by majority (TIES, arXiv 2306.01708), then cut.
- `dare`: a random part of each change, scaled up (DARE, arXiv 2311.03099), then the sum is cut.

Pruning, voting and adding are peft's (`peft.utils.merge_utils`, which its `add_weighted_adapter` uses).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.adapters.weights import LoraWeight
from workbench.adapters.word import TABLE
from workbench.errors import AdapterError
from workbench.training.directions import halves

if TYPE_CHECKING:
    import torch

METHODS = ("svd", "cat", "linear", "ties", "dare")
MOST = 4
REST = "rest"
Place = tuple[str, str]
Weights = Mapping[Place, LoraWeight]
EXACT_SIDE = 512  # above it a full decomposition takes seconds a layer, and the few largest values are found directly


@dataclass(frozen=True)
class Part:
    """One adapter of a mix.

    Args:
        name: for messages.
        weights: what `read_weights` gave.
        strength: 1 is as trained; negative takes away.
        blocks: strengths of parts of the base on top, by the beginning of a layer's name: `up_blocks.1`,
            `text_encoder`; the longest that fits counts, `rest` stands for all others (1 when not given).
    """

    name: str
    weights: Weights
    strength: float = 1.0
    blocks: Mapping[str, float] = field(default_factory=dict)

    def scale(self, place: Place) -> float:
        """What a layer's up · down is multiplied by."""
        weight = self.weights[place]
        return self.strength * block_strength(place, self.blocks) * weight.alpha / weight.rank


@dataclass(frozen=True)
class Mixed:
    """What came of it.

    Args:
        weights: the new adapter's; alpha is the rank everywhere.
        kept: share of the energy (sum of squared singular values) of the change that the rank could hold, 0 to 1.
        ranks: the ranks that occur.
    """

    weights: dict[Place, LoraWeight]
    kept: float
    ranks: tuple[int, ...]


def block_strength(place: Place, blocks: Mapping[str, float]) -> float:
    """The strength that a table of blocks gives to a layer; see `Part`."""
    component, module = place
    names = (f"{component}.{module}", module)
    fits = [key for key in blocks if key != REST and any(f"{name}.".startswith(f"{key}.") for name in names)]
    return float(blocks[max(fits, key=len)] if fits else blocks.get(REST, 1.0))


def split_blocks(weights: Weights, what: str, family: str = "") -> dict[str, float]:
    """A table of blocks that takes only the person (`identity`) or only the drawing style (`style`) of an adapter.

    A UNet's inner, coarse blocks decide shapes, its outer, fine ones lines and colours (P+, arXiv 2303.09522); in SDXL
    one block holds nearly all the style (B-LoRA, arXiv 2403.14572). These are places to start from, by those papers.

    Raises:
        AdapterError: no such split is known for this family.
    """
    if what not in ("identity", "style"):
        raise AdapterError(f"The split {what!r}", "it is not known", "Choose identity or style")
    ends: dict[str, int] = {}
    for component, module in weights:
        if component == "unet" and (match := re.match(r"(down|up)_blocks\.(\d+)\.", module)):
            ends[match[1]] = max(ends.get(match[1], 0), int(match[2]))
    if not ends:
        raise AdapterError(
            "This split", "it is known only for bases with a UNet", "Give the strengths of single blocks instead"
        )
    if family == "sdxl":
        style = {"unet.up_blocks.0.attentions.1": 1.0}
    else:
        style = {"unet.down_blocks.0": 1.0, f"unet.up_blocks.{ends.get('up', 0)}": 1.0}
    return {key: float(what == "style") for key in style} | {REST: float(what == "identity")}


def mix(parts: Sequence[Part], method: str = "svd", rank: int = 0, density: float = 0.5, seed: int = 0) -> Mixed:
    """Mixes adapters.

    Args:
        parts: two to four; one alone is allowed for its strengths.
        method: one of `METHODS`.
        rank: of the new layers, for `svd`, `ties` and `dare`; 0 takes each layer's largest among the parts.
        density: share of each change that `ties` and `dare` keep, above 0 and at most 1.
        seed: of what `dare` drops.

    Raises:
        AdapterError: too many parts, an unknown method, a number out of range, layers of different sizes, or nothing
            is left.
    """
    import torch

    _check(parts, method, rank, density)
    mixed: dict[Place, LoraWeight] = {}
    energy = kept = 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for place in dict.fromkeys(place for part in parts for place in part.weights):
            having = [part for part in parts if place in part.weights and part.scale(place)]
            if not having:
                continue
            if place[1] == TABLE:
                mixed[place] = _add_words([(part.weights[place], part.scale(place)) for part in having])
                continue
            weights, scales = [part.weights[place] for part in having], [part.scale(place) for part in having]
            most = rank or max(weight.rank for weight in weights)
            if method == "cat":
                new = _cat(weights, scales)
            elif method == "linear":
                new = _linear(weights, scales, place)
            else:
                if method == "svd":
                    up, values, down = _small_svd(weights, scales)
                    whole = float(values.square().sum())
                else:
                    change = _pruned_sum(method, weights, scales, density)
                    whole = float(change.square().sum())
                    up, values, down = _svd(change, most)
                new = _cut(up, values, down, most, weights[0])
                energy, kept = energy + whole, kept + float(values[:most].square().sum())
            mixed[place] = new
    if not mixed:
        raise AdapterError("The mix", "nothing is left of it: all strengths are zero", "Raise a strength")
    share = kept / energy if energy else 1.0
    return Mixed(mixed, min(1.0, share), tuple(sorted({w.rank for at, w in mixed.items() if at[1] != TABLE})))


def kept_by_rank(weights: Weights) -> list[tuple[float, int]]:
    """What an adapter is worth when it is cut to each rank from 1 to its largest.

    Returns:
        For each rank the share of the whole energy that is kept, 0 to 1, and how many numbers that takes.
    """
    layers = {place: weight for place, weight in weights.items() if place[1] != TABLE}
    most = max((weight.rank for weight in layers.values()), default=0)
    kept, numbers, whole = [0.0] * most, [0] * most, 0.0
    for weight in layers.values():
        _, values, _ = _small_svd([weight], [weight.alpha / weight.rank])
        sums = values.square().cumsum(0).tolist()
        whole += sums[-1]
        one = weight.up[:, 0].numel() + weight.down[0].numel()
        for index in range(most):
            kept[index] += sums[min(index, len(sums) - 1)]
            numbers[index] += one * min(index + 1, weight.rank)
    return [(min(1.0, share / whole) if whole else 1.0, count) for share, count in zip(kept, numbers, strict=True)]


def resize(weights: Weights, rank: int = 0, energy: float = 0.0) -> Mixed:
    """Cuts an adapter to a rank, or to the smallest rank of each layer that keeps a share of its energy.

    Args:
        rank: the most a layer may have; 0 for no limit.
        energy: share of each layer's energy to keep, 0 to 1; 0 cuts by the rank alone.

    Raises:
        AdapterError: neither is given, or one is out of range.
    """
    if not 0 <= energy <= 1 or rank < 0 or not (rank or energy):
        raise AdapterError("The size", "it needs a rank of 1 and more, or an energy up to 1", "For example rank 8")
    cut: dict[Place, LoraWeight] = {}
    whole = kept = 0.0
    for place, weight in weights.items():
        if place[1] == TABLE:
            cut[place] = weight  # one row for each token already
            continue
        up, values, down = _small_svd([weight], [weight.alpha / weight.rank])
        squares = values.square()
        total = float(squares.sum())
        most = min(rank or weight.rank, len(values))
        if energy and total:
            enough = int((squares.cumsum(0) < energy * total * (1 - 1e-6)).sum()) + 1
            most = min(most, enough)
        cut[place] = _cut(up, values, down, most, weight)
        whole, kept = whole + total, kept + float(squares[:most].sum())
    share = kept / whole if whole else 1.0
    return Mixed(cut, min(1.0, share), tuple(sorted({w.rank for at, w in cut.items() if at[1] != TABLE})))


def _check(parts: Sequence[Part], method: str, rank: int, density: float) -> None:
    if not 1 <= len(parts) <= MOST:
        raise AdapterError("The mix", f"{len(parts)} adapters cannot be mixed", f"Choose two to {MOST}")
    if method not in METHODS:
        raise AdapterError(f"The method {method!r}", "it is not known", f"Choose {', '.join(METHODS)}")
    if not 0 < density <= 1:
        raise AdapterError("The density", f"{density:g} is out of range", "Choose a share above 0, at most 1")
    if not 0 <= rank <= 1024:
        raise AdapterError("The rank", f"{rank} is out of range", "Choose 1 to 1024, or 0 for the largest there is")
    first = parts[0]
    for part in parts[1:]:
        for place in part.weights.keys() & first.weights.keys():
            ours, theirs = first.weights[place], part.weights[place]
            same = ours.up.shape[0] == theirs.up.shape[0] and ours.down.shape[1:] == theirs.down.shape[1:]
            if not same:
                raise AdapterError(
                    part.name, f"its layer {'.'.join(place)} has another size than {first.name}'s",
                    "Mix adapters of one base",
                )  # fmt: skip


def _flat(weight: LoraWeight) -> tuple[torch.Tensor, torch.Tensor]:
    """Both halves as matrices: (out, rank), (rank, in · k · k)."""
    return weight.up.flatten(1).float(), weight.down.flatten(1).float()


def _shaped(up: torch.Tensor, down: torch.Tensor, like: LoraWeight) -> LoraWeight:
    """Matrices as a layer's halves, in its shape and precision; what they multiply to is the whole change."""
    rank = int(down.shape[0])
    return LoraWeight(
        down.reshape(rank, *like.down.shape[1:]).to(like.down.dtype).contiguous(),
        up.reshape(up.shape[0], rank, *like.up.shape[2:]).to(like.up.dtype).contiguous(),
        float(rank),
    )


def _cat(weights: Sequence[LoraWeight], scales: Sequence[float]) -> LoraWeight:
    import torch

    pairs = [_flat(weight) for weight in weights]
    up = torch.cat([up for up, _ in pairs], 1)
    down = torch.cat([down * scale for (_, down), scale in zip(pairs, scales, strict=True)], 0)
    return _shaped(up, down, weights[0])


def _linear(weights: Sequence[LoraWeight], scales: Sequence[float], place: Place) -> LoraWeight:
    """As peft: each half takes the root of the strength, and the sign goes to one of them."""
    import torch
    from peft.utils.merge_utils import task_arithmetic

    if len({weight.rank for weight in weights}) > 1:
        ranks = " and ".join(str(weight.rank) for weight in weights)
        raise AdapterError(
            "The mix", f"linear needs equal ranks, and {'.'.join(place)} has {ranks}", "Choose svd or cat"
        )
    roots = torch.tensor([abs(scale) ** 0.5 for scale in scales])
    signs = torch.tensor([1.0 if scale >= 0 else -1.0 for scale in scales])
    ups, downs = zip(*[_flat(weight) for weight in weights], strict=True)
    return _shaped(task_arithmetic(list(ups), roots), task_arithmetic(list(downs), roots * signs), weights[0])


def _pruned_sum(method: str, weights: Sequence[LoraWeight], scales: Sequence[float], density: float) -> torch.Tensor:
    """The whole change (out, in) that TIES or DARE make of several."""
    import torch
    from peft.utils.merge_utils import dare_linear, ties

    from workbench.adapters.weights import quiet

    # peft prunes what an adapter changes as trained, and weighs it afterwards.
    own = [weight.alpha / weight.rank for weight in weights]
    changes = [up @ down * scale for (up, down), scale in zip(map(_flat, weights), own, strict=True)]
    strengths = torch.tensor([scale / mine if mine else 0.0 for scale, mine in zip(scales, own, strict=True)])
    with quiet():  # it warns of a density of 1
        merged: torch.Tensor = (ties if method == "ties" else dare_linear)(changes, strengths, density)
    return merged


def _small_svd(
    weights: Sequence[LoraWeight], scales: Sequence[float]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The decomposition of a sum of low-rank changes, exact, through their factors: nothing of full size is built."""
    import torch

    pairs = [_flat(weight) for weight in weights]
    up = torch.cat([up for up, _ in pairs], 1).double()
    down = torch.cat([down * scale for (_, down), scale in zip(pairs, scales, strict=True)], 0).double()
    left, left_rest = torch.linalg.qr(up)
    right, right_rest = torch.linalg.qr(down.T)
    inner_up, values, inner_down = torch.linalg.svd(left_rest @ right_rest.T, full_matrices=False)
    return left @ inner_up, values, inner_down @ right.T


def _svd(change: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    import torch

    if min(change.shape) <= EXACT_SIDE:
        up, values, down = torch.linalg.svd(change, full_matrices=False)
        return up, values, down
    # arXiv 0909.4061, algorithm 4.4: a few more directions than asked for, and a few passes to sharpen them.
    up, values, down = torch.svd_lowrank(change, q=min(2 * rank + 8, *change.shape), niter=4)
    return up, values, down.T


def _cut(up: torch.Tensor, values: torch.Tensor, down: torch.Tensor, rank: int, like: LoraWeight) -> LoraWeight:
    return _shaped(*halves(up, values, down, max(1, min(rank, len(values)))), like)


def _add_words(given: Sequence[tuple[LoraWeight, float]]) -> LoraWeight:
    """Learned words: what was added to a token's row is added up token by token, which is exact for every method."""
    import torch

    rows: dict[int, torch.Tensor] = {}
    for weight, scale in given:
        for index, token in enumerate(weight.down.argmax(1).tolist()):
            added = weight.up[:, index].float() * scale
            rows[token] = rows[token] + added if token in rows else added
    down = torch.zeros(len(rows), given[0][0].down.shape[1], dtype=given[0][0].down.dtype)
    down[torch.arange(len(rows)), list(rows)] = 1
    up = torch.stack(list(rows.values()), 1).to(given[0][0].up.dtype)
    return LoraWeight(down, up.contiguous(), float(len(rows)))
