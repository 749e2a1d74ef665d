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
        where: the function or class that does it, below `workbench`.
        usual: strength when it is not named; most are off then.
        at_least: smallest strength.
        whole: only whole numbers make sense; up to 1 it is a switch, which `true` and `false` also name.
    """

    words: str
    at_most: float
    where: str
    usual: float = 0.0
    at_least: float = 0.0
    whole: bool = False

    @property
    def switch(self) -> bool:
        """Whether it is on or off, and nothing between."""
        return self.whole and self.at_most == 1


TECHNIQUES = {
    "flips": Technique(
        "Also learn from mirrored photos: doubles a small set; a face stays itself mirrored.",
        1,
        "dataset.encode.encode",
        usual=1,
        whole=True,
    ),
    "captions": Technique(
        "Say in each photo's caption what it shows besides the person, so that this stays editable.",
        1,
        "dataset.making.make_dataset",
        usual=1,
        whole=True,
    ),
    "prior_weight": Technique(
        "Weight in the loss of what other people look like, against 1 for photos: where it is low, the person also "
        "comes when the trigger word is not said.",
        100,
        "dataset.encode.encode",
        usual=8,
    ),
    "text_rank": Technique(
        "Size of the text encoder's part.", 512, "training.lora.attach_lora", usual=8, at_least=1, whole=True
    ),
    "text_learning_rate": Technique(
        "For the text encoder's layers: 1e-3 on chibi-mini, 5e-5 on SD 1.5, which forgets faster.",
        1,
        "training.lora.Attachment.groups",
        usual=1e-3,
    ),
    "word_learning_rate": Technique(
        "For the trigger word's own entry in the text encoder (arXiv 2208.01618): 0.03 on chibi-mini, 1e-3 on larger "
        "bases; 0 leaves it.",
        1,
        "training.word.learn_word",
        usual=0.03,
    ),
    "warmup": Technique(
        "Share of the steps in which the learning rate rises from zero.", 1, "training.optimizer.rate_share", usual=0.05
    ),
    "patience": Technique(
        "Stop after so many previews that are no better than one before them; 0 never does.",
        1000,
        "identity.choose.Chooser",
        whole=True,
    ),
    "min_snr_gamma": Technique(
        "Evens out easy and hard noise levels (arXiv 2303.09556), 5 is usual; 0 is off. On bases that predict velocity "
        "it silences the noisiest levels, where it is decided who is drawn.",
        100,
        "training.weighting.min_snr_weight",
    ),
    "debiased": Technique(
        "1 lets noisy levels count more, where the picture takes shape (arXiv 2310.08442), in place of min-SNR.",
        1,
        "training.weighting.debiased_weight",
        whole=True,
    ),
    "huber": Technique(
        "Errors beyond this size pull straight, not squared (arXiv 2403.16728): one odd photo spoils less; 0.1.",
        10,
        "training.weighting.huber",
    ),
    "noise_offset": Technique(
        "Noise with a brightness of its own, for bases that draw all in middle gray; 0.05.",
        1,
        "training.weighting.offset_noise",
    ),
    "mask": Technique(
        "How much less the surroundings of the head count in photos: 0.8 leaves them a fifth.",
        1,
        "training.masks.head_mask",
    ),
    "teacher": Technique(
        "1 lets the base itself teach: anchors what it says when told the traits (arXiv 1503.02531), class pictures "
        "what it says of anyone (arXiv 1606.09282), in place of the noise in a drawn picture.",
        1,
        "training.objective.Objective",
        whole=True,
    ),
    "logit_normal": Technique(
        "Gathers noise levels in the middle (arXiv 2403.03206); 1. Flow-matching bases take it by themselves.",
        5,
        "training.timesteps.logit_normal",
    ),
    "shift": Technique(
        "Leans towards noise, as large pictures need (arXiv 2403.03206); 3. Flow-matching bases have their own.",
        20,
        "training.timesteps.shifted",
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
        "training.lora.Attachment.groups",
    ),
    "ema": Technique(
        "Saves a running average of the adapter with this decay (arXiv 2312.02696); 0.95, or 0.99 for long runs.",
        0.9999,
        "training.ema.Average",
    ),
    "dropout": Technique("Share of the adapter that is switched off at each step.", 0.9, "training.kinds.make_config"),
    "clip": Technique("Largest gradient norm; 0 does not clip.", 1e6, "training.optimizer.largest_norm", usual=1.0),
    "weight_decay": Technique(
        "Pulls the adapter towards no change (arXiv 1711.05101).", 10, "training.optimizer.make_optimizer", usual=0.01
    ),
}

# Settings of earlier versions, which are techniques now, with the group they were in; files and command lines may go on
# to name them so.
MOVED = {
    "flips": "data", "captions": "data", "dropout": "lora", "text_rank": "lora", "text_learning_rate": "train",
    "word_learning_rate": "train", "warmup": "train", "prior_weight": "train", "min_snr_gamma": "train",
    "clip": "train", "weight_decay": "train", "patience": "follow",
}  # fmt: skip


def strengths(named: Mapping[str, float]) -> dict[str, float]:
    """The techniques that are named, and those that have a usual strength other than 0."""
    return {name: technique.usual for name, technique in TECHNIQUES.items() if technique.usual} | dict(named)


def wished(named: Mapping[str, float]) -> dict[str, float]:
    """Techniques without those that stand as usual where a file of an earlier version wrote down every default."""
    return {name: value for name, value in named.items() if name not in MOVED or value != TECHNIQUES[name].usual}
