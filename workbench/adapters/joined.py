"""FLUX.1's first code joins layers (`qkv`), and kohya's adapters change the joined one: split, and joined again.

A joined layer's change is up · down with the rows of its parts below each other. Joining puts each part's own low-rank
change into columns of its own, so nothing is lost: the joined rank is the sum of the ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.adapters.family_names import joined, joins

if TYPE_CHECKING:
    from workbench.adapters.weights import LoraWeight

    Weights = Mapping[tuple[str, str], LoraWeight]


def rows_of(component: str, module: str, rows: int) -> list[tuple[str, int, int]]:
    """The parts of a joined module as (module, first row, row after the last); empty when it is not joined."""
    parts = joined(component, module)
    total = sum(share for _, share in parts)
    found, start = [], 0
    for part, share in parts:
        stop = start + rows * share // total
        found.append((part, start, stop))
        start = stop
    return found


def split(component: str, module: str, weight: LoraWeight) -> dict[tuple[str, str], LoraWeight]:
    """A weight by the layers it changes: of a joined module each part's own, without the columns that do nothing."""
    from workbench.adapters.weights import LoraWeight

    parts = rows_of(component, module, weight.up.shape[0])
    if not parts:
        return {(component, module): weight}
    found = {}
    for part, start, stop in parts:
        up = weight.up[start:stop]
        used = up.any(dim=0)
        if bool(used.any()):
            rank = int(used.sum())
            alpha = weight.alpha * rank / weight.rank
            found[component, part] = LoraWeight(weight.down[used].contiguous(), up[:, used].contiguous(), alpha)
    return found


def join(weights: Weights) -> dict[tuple[str, str], LoraWeight]:
    """Undoes `split` for all weights of an adapter, by (component, module); a part without a weight gets zeros."""
    import torch

    from workbench.adapters.weights import LoraWeight

    done: dict[tuple[str, str], LoraWeight] = {}
    for (component, module), weight in weights.items():
        whole = joins(module) if component == "transformer" else ""
        if not whole:
            done[component, module] = weight
        elif (component, whole) not in done:
            parts = [(part, weights.get((component, part))) for part, _ in joined(component, whole)]
            there = [(part, one) for part, one in parts if one is not None]
            rank = sum(one.rank for _, one in there)
            unit = _unit(component, whole, there)
            downs, ups, column = [], [], 0
            for (_, share), (_, one) in zip(joined(component, whole), parts, strict=True):
                up = torch.zeros(unit * share, rank, dtype=weight.up.dtype)
                if one is not None:
                    # alpha / rank of the joined one is 1: each part's own is in its up matrix.
                    up[:, column : column + one.rank] = one.up * (one.alpha / one.rank)
                    downs.append(one.down)
                    column += one.rank
                ups.append(up)
            done[component, whole] = LoraWeight(torch.cat(downs), torch.cat(ups), float(rank))
    return done


def _unit(component: str, whole: str, there: list[tuple[str, LoraWeight]]) -> int:
    """Rows of a part whose share is 1."""
    shares = dict(joined(component, whole))
    part, one = there[0]
    return int(one.up.shape[0]) // shares[part]
