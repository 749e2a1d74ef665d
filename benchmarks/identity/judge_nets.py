"""The judges' nets: bottleneck blocks with squeeze-and-excitation, read by attention queries.

They share neither architecture nor drawings with anything that ships in the product, so a product that is tuned to its
own reader or likeness net gains nothing here by that alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from workbench.captions.reader import ANSWERS

SIZE = 128
WIDTHS, DEPTHS = (64, 144, 256), (1, 3, 3)
CELLS = (SIZE // 16) ** 2


class Excite(nn.Module):
    """Scales each channel by what the whole picture says (squeeze-and-excitation, arXiv 1709.01507)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(width, width // 8, 1), nn.Conv2d(width // 8, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(b, c, h, w)` to the same shape."""
        return x * torch.sigmoid(self.excite(F.silu(self.squeeze(x.mean((2, 3), keepdim=True)))))


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 with half the channels inside (arXiv 1512.03385), excited before it is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // 2
        self.inside = nn.Sequential(
            nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.SiLU(),
            nn.Conv2d(inner, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner), nn.SiLU(),
            nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width), Excite(width),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(b, c, h, w)` to the same shape."""
        return F.silu(x + self.inside(x))


class Trunk(nn.Module):
    """Pictures `(b, 3, 128, 128)` in [-1, 1] to features `(b, 64, 256)` of an 8×8 grid."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTHS[0], 6, stride=4, padding=1, bias=False)]
        for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            if stage:
                layers.append(nn.Conv2d(WIDTHS[stage - 1], width, 2, stride=2, bias=False))
            layers += [nn.BatchNorm2d(width), nn.SiLU(), *(Bottleneck(width) for _ in range(depth))]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x).flatten(2).transpose(1, 2)


class Glances(nn.Module):
    """Looks at the grid once for each query: `(b, cells, width)` to `(b, queries, width)`.

    A query weighs cells by what they show and by where they are: glasses are around the middle, clothes below.
    """

    def __init__(self, queries: int, width: int) -> None:
        super().__init__()
        self.what = nn.Linear(width, queries, bias=False)
        self.where = nn.Parameter(torch.zeros(queries, CELLS))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        weights = (self.what(features).transpose(1, 2) + self.where).softmax(-1)
        return weights @ features


class Probe(nn.Module):
    """Reads every attribute: pictures to logits `(b, sum of answers)` in the order of `ANSWERS`."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.glances = Glances(len(ANSWERS), WIDTHS[-1])
        self.heads = nn.ModuleList(nn.Linear(WIDTHS[-1], len(words)) for words in ANSWERS.values())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = self.glances(self.trunk(x))
        return torch.cat([head(seen[:, index]) for index, head in enumerate(self.heads)], 1)


class Verifier(nn.Module):
    """Where a picture lies among people: pictures to unit vectors `(b, 128)`, near for one person, photo or chibi."""

    def __init__(self, looks: int = 6, width: int = 128) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.glances = Glances(looks, WIDTHS[-1])
        self.embed = nn.Linear(looks * WIDTHS[-1], width)
        # ln of the inverse temperature, learnt (arXiv 2103.00020).
        self.sharpness = nn.Parameter(torch.tensor(2.7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.embed(self.glances(self.trunk(x)).flatten(1)).float(), dim=-1)
