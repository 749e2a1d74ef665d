"""Reads traits and scenes from pictures with a small net of our own, trained on the chibi world alone.

The net sees photo-like drawings and chibis. On real photographs it is a proposal, not a measurement: every reading
carries its confidence, and the person corrects what is wrong before training. Colours of skin and hair are
additionally measured in the picture, which carries over to real photographs better than a net trained on drawings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from workbench.errors import WorkbenchError
from workbench.world.character import CHARACTER_WORDS, SCENE_WORDS, Character, Scene

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).with_name("reader.safetensors")
SIZE = 128
# What the net answers: the words of every attribute, yes/no attributes, and which way of drawing it is.
ANSWERS: dict[str, tuple[Any, ...]] = {
    **{name: tuple(words) for name, words in CHARACTER_WORDS.items()},
    "freckles": (False, True),
    "earrings": (False, True),
    **{name: tuple(words) for name, words in SCENE_WORDS.items()},
    "style": ("chibi", "photo"),
}
TRAIT_NAMES = (*CHARACTER_WORDS, "freckles", "earrings")
# The world draws cat ears on one head of eleven, photographs show them on one of some hundreds: what the net gives
# them is weighed by that (Saerens, Latinne and Decaestecker, Neural Computation 2002), or a cap's emblem would be ears.
RARER = {"cat ears": 0.05}
HATS = ("cap", "beanie", "hat")  # headwear that covers the crown, where the colour of hair is measured


@dataclass(frozen=True)
class Reading:
    """One attribute as read: the likeliest value and how sure the net is (0 to 1)."""

    value: Any
    confidence: float


def truth(character: Character, scene: Scene, style: str) -> dict[str, int]:
    """The right answers for a drawing, as indices into `ANSWERS`."""
    known = character.to_dict() | scene.to_dict() | {"style": style}
    return {name: words.index(known[name]) for name, words in ANSWERS.items()}


def new_reader() -> torch.nn.Module:
    """The net: `(b, 3, 128, 128)` in [-1, 1] to `(b, sum of answers)` logits, in the order of `ANSWERS`.

    Plain residual blocks (He et al., arXiv 1512.03385) with batch normalisation; features are pooled over a 2×2 grid
    besides the whole picture, since hair and clothes are told apart by where they are.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self, inner: int, outer: int) -> None:
            super().__init__()
            self.a = nn.Conv2d(inner, outer, 3, stride=2, padding=1, bias=False)
            self.b = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
            self.norm_a, self.norm_b = nn.BatchNorm2d(outer), nn.BatchNorm2d(outer)
            self.skip = nn.Conv2d(inner, outer, 1, stride=2, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = functional.relu(self.norm_a(self.a(x)))
            return functional.relu(self.norm_b(self.b(y)) + self.skip(x))

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 32, 5, stride=2, padding=2)
            self.blocks = nn.Sequential(Block(32, 48), Block(48, 96), Block(96, 160), Block(160, 192))
            self.head = nn.Linear(192 * 5, sum(len(words) for words in ANSWERS.values()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            features = self.blocks(functional.relu(self.stem(x)))
            parts = torch.cat(
                [
                    functional.adaptive_avg_pool2d(features, 1).flatten(1),
                    functional.adaptive_avg_pool2d(features, 2).flatten(1),
                ],
                1,
            )
            return self.head(parts)

    return Reader()


def split_answers(logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Logits `(b, all)` per attribute, each `(b, words)`."""
    pieces = logits.split([len(words) for words in ANSWERS.values()], dim=1)
    return dict(zip(ANSWERS, pieces, strict=True))


def to_input(pictures: Sequence[Image.Image]) -> torch.Tensor:
    """Pictures as the net's input `(b, 3, 128, 128)` in [-1, 1]."""
    import torch

    small = [
        np.asarray(
            p.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX if p.width >= SIZE else Image.Resampling.BICUBIC)
        )
        for p in pictures
    ]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


@lru_cache(maxsize=1)
def _loaded() -> torch.nn.Module:
    from safetensors.torch import load_file

    if not WEIGHTS.exists():
        raise WorkbenchError(WEIGHTS.name, "the trait reader's weights are missing", "Reinstall the workbench, or make "
                             "them with `python recipes/train_reader.py`")  # fmt: skip
    net = new_reader()
    net.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in load_file(WEIGHTS).items()}
    )
    return net.eval()


def probabilities(pictures: Sequence[Image.Image]) -> dict[str, np.ndarray]:
    """Per attribute the probability of each of its words, `(pictures, words)`."""
    import torch

    # A run that computes in half precision asks too; what is read must not depend on that.
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        answers = split_answers(_loaded()(to_input(pictures)))
    return {name: logits.softmax(1).numpy() for name, logits in answers.items()}


def _reading(name: str, probability: np.ndarray) -> Reading:
    best = int(probability.argmax())
    return Reading(ANSWERS[name][best], round(float(probability[best]), 3))


def read_picture(picture: Image.Image) -> dict[str, Reading]:
    """Everything the net says of one picture: traits, scene and style."""
    return {name: _reading(name, p[0]) for name, p in probabilities([picture]).items()}


def read_traits(crops: Sequence[Image.Image]) -> dict[str, Reading]:
    """Proposes a person's traits from head-and-shoulders crops.

    Photos vote with the geometric mean of their probabilities: one odd photo does not decide, several sure ones do.

    Args:
        crops: pictures as `workbench.photos.crop_face` makes them, at least one.

    Returns:
        trait -> reading, for every attribute of `Character` that words can tell.
    """
    from workbench.captions.colours import measure_colours

    votes = probabilities(crops)
    covered = [ANSWERS["headwear"].index(word) for word in HATS]
    measured = measure_colours(crops, (votes["headwear"][:, covered].sum(1) < 0.5).tolist())
    result: dict[str, Reading] = {}
    for name in TRAIT_NAMES:
        log = np.log(votes[name] + 0.02).mean(0)
        if name in measured:
            log = log + np.log(measured[name] + 0.02)
        share = np.exp(log - log.max())
        result[name] = _reading(name, share / share.sum())
    return result


def read_scene(crop: Image.Image) -> dict[str, Reading]:
    """What a photo shows besides the person: expression, clothing, headwear, background, light."""
    said = probabilities([crop])
    worn = said["headwear"] * np.array([RARER.get(word, 1.0) for word in ANSWERS["headwear"]])
    said["headwear"] = worn / worn.sum()
    return {name: _reading(name, said[name][0]) for name in SCENE_WORDS}
