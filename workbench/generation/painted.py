"""A mask that was painted with the brush of the page, as it comes from a browser: lengths of black and white in turn.

The first length is of black, and they run row by row over a square of `SIDE` pixels. A browser may send anything, so
each length is checked before a pixel is made of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from workbench.errors import GenerationError

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 256  # px of the square that is painted on; the engine brings it to the picture's size
# The thinnest brush (6 px) can leave at most 256 rows of about 45 changes.
MOST_RUNS = 20_000


def painted_mask(runs: object) -> Image | None:
    """The mask that lengths say.

    Args:
        runs: what came from the page: whole numbers that add up to `SIDE` x `SIDE`; None before anything came.

    Returns:
        Mode "L", white where it was painted; None when nothing is painted.

    Raises:
        GenerationError: it is no such list.
    """
    import numpy as np
    from PIL import Image

    if runs is None:
        return None
    if not isinstance(runs, list | tuple):
        raise _refused("it is no list of lengths")
    if len(runs) > MOST_RUNS:
        raise _refused(f"it has more than {MOST_RUNS} lengths")
    if not all(isinstance(each, int) and not isinstance(each, bool) and 0 <= each <= SIDE * SIDE for each in runs):
        raise _refused(f"a length is no whole number from 0 to {SIDE * SIDE}")
    if any(not each for each in runs[1:]):
        raise _refused("a length behind the first is 0")
    if sum(runs) != SIDE * SIDE:
        raise _refused(f"the lengths add up to {sum(runs)} pixels, not to {SIDE * SIDE}")
    if len(runs) == 1:
        return None
    colours = np.arange(len(runs), dtype=np.uint8) % 2 * 255
    return Image.fromarray(np.repeat(colours, runs).reshape(SIDE, SIDE))


def painted_runs(mask: Image) -> list[int]:
    """The lengths of a mask, as `painted_mask` reads them and the page's brush shows them again.

    Args:
        mask: of any size; what is at least half white counts as painted.
    """
    import numpy as np

    flat = np.asarray(mask.convert("L").resize((SIDE, SIDE))).reshape(-1) > 127
    edges = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    return [0] * bool(flat[0]) + [after - before for before, after in pairwise(edges)]


def _refused(reason: str) -> GenerationError:
    return GenerationError("What was painted", reason, "Clear it and paint again")
