"""What every drawing is known to show, and the heads, which training alone has, that ask chibi-mini's nets for it.

A denoiser's squared error says little about a pair of glasses or about which of two colours is the jacket's, so word
and picture are slow to meet. Classifying the known facts tells the text encoder and the denoiser directly.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

from workbench.captions.reader import ANSWERS, truth
from workbench.world.pack import character_of, scene_of

# As classes. The style is left out: it is the first word of every caption.
FACTS = {name: words for name, words in ANSWERS.items() if name != "style"}
character, scene = cache(character_of), cache(scene_of)  # drawn by the million, the same few thousand


@cache
def facts_of(index: int, style: str) -> tuple[int, ...]:
    """The classes of a training drawing in the order of FACTS, -1 where its style does not show the fact."""
    true = truth(character(index), scene(index, style), style)
    hidden = "light" if style == "chibi" else "pose"
    return tuple(-1 if name == hidden else true[name] for name in FACTS)


class Readout(nn.Module):
    """Reads the facts of a drawing from a text encoder's states or from the denoiser's middle.

    One attention query a fact, over whatever positions there are: what a cross-attention layer can find, no more.
    """

    def __init__(self, width: int, inner: int = 64) -> None:
        super().__init__()
        self.sizes = [len(words) for words in FACTS.values()]
        self.query = nn.Parameter(torch.randn(len(FACTS), inner) * inner**-0.5)
        self.key, self.value = nn.Linear(width, inner), nn.Linear(width, width)
        self.classes = nn.Parameter(torch.zeros(len(FACTS), width, max(self.sizes)))

    def forward(self, states: torch.Tensor, facts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy and share read rightly; states `(batch, positions, width)`, facts `(batch, len(FACTS))`."""
        weights = torch.einsum("fi,bpi->bfp", self.query, self.key(states)).softmax(-1)
        read = torch.einsum("bfp,bpw->bfw", weights, self.value(states))
        scores = torch.einsum("bfw,fwc->bfc", read, self.classes).float()
        losses = torch.stack(
            [F.cross_entropy(scores[:, i, :n], facts[:, i], ignore_index=-1) for i, n in enumerate(self.sizes)]
        )
        known = facts >= 0
        return losses.nan_to_num().mean(), ((scores.argmax(-1) == facts) & known).sum() / known.sum()
