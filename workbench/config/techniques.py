"""Refinements of the training that keep their usual strength unless they are named: `train.techniques: {huber: 0.1}`.

Each is one number; what it does is one small function in `workbench/training`, with its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Technique:
    """A refinement.

    Args:
        words: what it does, and what is usual.
        at_most: largest strength; 0 is off.
        where: the function that does it.
        usual: strength when it is not named; nearly all are off then.
    """

    words: str
    at_most: float
    where: str
    usual: float = 0.0


TECHNIQUES = {
    "debiased": Technique(
        "1 lets noisy levels count more, where the picture takes shape (arXiv 2310.08442), in place of min-SNR.",
        1,
        "weighting.debiased_weight",
    ),
    "huber": Technique(
        "Errors beyond this size pull straight, not squared (arXiv 2403.16728): one odd photo spoils less; 0.1.",
        10,
        "weighting.huber",
    ),
    "noise_offset": Technique(
        "Noise with a brightness of its own, for bases that draw all in middle gray; 0.05.", 1, "weighting.offset_noise"
    ),
    "mask": Technique(
        "How much less the surroundings of the head count in photos: 0.8 leaves them a fifth.",
        1,
        "masks.head_mask",
    ),
    "teacher": Technique(
        "1 lets the base itself teach: anchors what it says when told the traits (arXiv 1503.02531), class pictures "
        "what it says of anyone (arXiv 1606.09282), in place of the noise in a drawn picture.",
        1,
        "objective.Objective",
    ),
    "logit_normal": Technique(
        "Gathers noise levels in the middle (arXiv 2403.03206); 1. Flow-matching bases take it by themselves.",
        5,
        "timesteps.logit_normal",
    ),
    "shift": Technique(
        "Leans towards noise, as large pictures need (arXiv 2403.03206); 3. Flow-matching bases have their own.",
        20,
        "timesteps.shifted",
    ),
    "caption_dropout": Technique(
        "Share of steps that see a picture without its caption (arXiv 2207.12598); 0.1.", 0.9, "dataset.wordings"
    ),
    "tag_dropout": Technique(
        "Chance of each part of a caption to be left out, except the first; 0.2.", 0.9, "dataset.wordings"
    ),
    "buckets": Technique(
        "Photos whole and in their own shape, up to so many times as long as wide, in place of face crops; 2, for a "
        "style or a whole figure.",
        4,
        "dataset.buckets",
    ),
    "multi_resolution": Technique(
        "Shows every picture smaller too, down to this share of its side: 0.5. The person then comes out at each size.",
        0.9,
        "dataset.buckets",
    ),
    "lora_plus": Technique(
        "The second matrix learns so many times faster (arXiv 2402.12354); 4 to 16, with a lower learning rate.",
        64,
        "lora.Attachment.groups",
    ),
    "ema": Technique(
        "Saves a running average of the adapter with this decay (arXiv 2312.02696); 0.95, or 0.99 for long runs.",
        0.9999,
        "ema.Average",
    ),
    "dropout": Technique("Share of the adapter that is switched off at each step.", 0.9, "kinds.make_config"),
    "clip": Technique("Largest gradient norm; 0 does not clip.", 1e6, "optimizer.largest_norm", usual=1.0),
    "weight_decay": Technique(
        "Pulls the adapter towards no change (arXiv 1711.05101).", 10, "optimizer.make_optimizer", usual=0.01
    ),
}

# Settings of earlier versions, which are techniques now; files and command lines may go on to name them.
MOVED = {"lora.dropout": "dropout", "train.clip": "clip", "train.weight_decay": "weight_decay"}


def strengths(named: Mapping[str, float]) -> dict[str, float]:
    """The techniques that are named, and those that have a usual strength other than 0."""
    return {name: technique.usual for name, technique in TECHNIQUES.items() if technique.usual} | dict(named)
