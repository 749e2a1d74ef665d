"""Turns the names and numbers of `train.techniques` into what the parts of a run take."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from workbench.backbones import Backbone
from workbench.config import strengths
from workbench.dataset.encode import EncodedSet
from workbench.training.batches import Drawing
from workbench.training.masks import head_mask
from workbench.training.objective import Weighting

# What the base teaches carries no noise, and an anchor's lesson holds whatever is drawn beside the person. So anchors
# come most often, and one class picture in eight is enough to keep the others as they were (docs/identity.md).
TAUGHT_TURNS = {"photo": 2.0, "anchor": 5.0, "class": 1.0}
TAUGHT_SHARE = 1 - TAUGHT_TURNS["photo"] / sum(TAUGHT_TURNS.values())


def weighting_of(techniques: Mapping[str, float]) -> Weighting:
    """How errors become losses.

    Args:
        techniques: names and strengths; what is not named is off.
    """
    gamma = techniques.get("min_snr_gamma", 0.0)
    return Weighting(gamma, techniques.get("debiased", 0.0) > 0, techniques.get("huber", 0.0))


def text_rank_of(techniques: Mapping[str, float], text_encoder: bool) -> int:
    """The rank of the text encoder's part; 0 where the text encoder stays as it is.

    Args:
        techniques: names and strengths; what is not named is as usual.
        text_encoder: whether it learns.
    """
    return int(strengths(techniques)["text_rank"]) if text_encoder else 0


def drawing_of(techniques: Mapping[str, float], backbone: Backbone, data: EncodedSet) -> Drawing:
    """What batches are drawn with.

    Flow-matching families were trained on levels gathered in the middle and shifted towards noise (arXiv 2403.03206);
    they take that when nothing else is said.

    Args:
        techniques: names and strengths; what is not named is off.
        backbone: whose noise levels.
        data: whose examples.
    """
    flow = backbone.prediction == "flow"
    photos = set(data.kinds.get("photo", ()))
    is_photo = torch.tensor([index in photos for index in range(len(data))], device=data.device)
    masks = None
    if strength := techniques.get("mask", 0.0):
        shapes = [grid.mean.shape for grid in data.grids]
        heads = [head_mask(shape[-2], shape[-1], outside=1 - strength).to(data.device) for shape in shapes]
        masks = tuple(torch.where(is_photo[:, None, None, None], head, torch.ones_like(head)) for head in heads)
    taught = techniques.get("teacher", 0.0) > 0
    return Drawing(
        spread=techniques.get("logit_normal", 1.0 if flow else 0.0),
        shift=techniques.get("shift", 0.0) or (backbone.shift if flow else 1.0),
        offset=techniques.get("noise_offset", 0.0),
        masks=masks,
        taught=~is_photo if taught else None,
        turns=TAUGHT_TURNS if taught else {},
    )
