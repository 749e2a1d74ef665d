"""What can be set for a run, with the reason for each value.

Every field carries its own explanation: the command line's help and the page's tooltips show these words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

from workbench.config.techniques import TECHNIQUES

ATTENTION_AND_FEED_FORWARD = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2"]
# Found on the benchmark's other subjects, see docs/identity.md: the base teaches what it can say in words, and at noisy
# levels, where it is decided who is drawn.
USUAL_TECHNIQUES = {"teacher": 1.0, "shift": 3.0}
PREVIEW_PROMPTS = [
    "chibi of {trigger} {class_noun}, smiling, wearing a red hoodie, blue background",
    "chibi of {trigger} {class_noun}, surprised, wearing a yellow dress, park background",
    "chibi of {trigger} {class_noun}, winking, wearing a black suit, wearing a cap, pink background",
    "photo of {trigger} {class_noun}, smiling, wearing a white shirt, gray background",
]


def setting(
    default: Any,
    words: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    one_of: Sequence[str] | None = None,
    separator: str = ",",
) -> Any:
    """A field with its explanation, the values it allows, and what separates a list's parts on the command line."""
    rules = {"words": words, "at_least": at_least, "at_most": at_most, "one_of": one_of, "separator": separator}
    if isinstance(default, list | dict):
        return field(default_factory=default.copy, metadata=rules)
    return field(default=default, metadata=rules)


@dataclass(frozen=True)
class DataSettings:
    """Which pictures a run learns from."""

    resolution: int = setting(
        0, "Side of the training pictures in pixels; 0 is the base's own.", at_least=0, at_most=2048
    )
    class_pictures: int = setting(
        8,
        "Pictures of other people that keep the base from forgetting what everyone looks like.",
        at_least=0,
        at_most=1000,
    )
    anchors: int = setting(
        16,
        "Chibi pictures with the person's visible traits, made by the base, that carry them from photo to chibi.",
        at_least=0,
        at_most=1000,
    )


@dataclass(frozen=True)
class LoraSettings:
    """How large the adapter is and where it attaches."""

    rank: int = setting(
        16, "Size of the adapter: 8 to 32 holds one person; more only remembers photos.", at_least=1, at_most=512
    )
    alpha: float = setting(
        16.0, "Scale of the adapter: learning rate × alpha / rank is what counts.", at_least=0.001, at_most=1024
    )
    targets: list[str] = setting(
        ATTENTION_AND_FEED_FORWARD, "Layers of the denoiser that learn, by the end of their names."
    )
    text_encoder: bool = setting(
        True, "Also teach the text encoder, so that the trigger word gets a meaning of its own."
    )
    kind: str = setting(
        "lora",
        "What the denoiser's part is made of; all are saved as a LoRA. dora follows small sets more closely and is "
        "slower; oft keeps most of the base.",
        one_of=("lora", "rslora", "pissa", "dora", "loha", "lokr", "oft"),
    )


@dataclass(frozen=True)
class TrainSettings:
    """How the adapter learns."""

    steps: int = setting(200, "Number of optimizer steps.", at_least=1, at_most=1_000_000)
    batch_size: int = setting(8, "Pictures in one step.", at_least=1, at_most=1024)
    learning_rate: float = setting(
        1e-3, "For the denoiser. Small bases take more: 1e-3 on chibi-mini, 1e-4 on SD 1.5.", at_least=0.0, at_most=1.0
    )
    schedule: str = setting(
        "cosine", "How the learning rate falls after warm-up.", one_of=("cosine", "constant", "linear")
    )
    optimizer: str = setting(
        "adamw",
        "adamw8bit saves memory on a GPU and is slow on a CPU; adafactor saves more; prodigy finds the rate itself.",
        one_of=("adamw", "adamw8bit", "adafactor", "prodigy"),
    )
    compile: bool = setting(
        False,
        "Compile the denoiser's blocks: quicker steps after a first one that takes a minute. `workbench plan` tries it "
        "for long runs and says whether they repay it.",
    )
    techniques: dict[str, float] = setting(
        USUAL_TECHNIQUES,
        "Refinements with their strength, for example huber: 0.1; those not named keep their usual one.",
    )


@dataclass(frozen=True)
class MemorySettings:
    """What a run does to fit; `workbench plan` says what it needs. A run that meets the limit turns these on itself."""

    phased: bool = setting(
        False,
        "Hold one part of the base at a time: text encoders, then autoencoder, then denoiser. The same result, a "
        "slower start; needs lora.text_encoder=false.",
    )
    parts: int = setting(
        1,
        "Pieces in which a step's pictures are computed, one after the other: less memory, the same result.",
        at_least=1,
        at_most=1024,
    )
    checkpointing: bool = setting(
        False, "Compute activations again instead of keeping them: much less memory, a third more time."
    )
    quantise: str = setting(
        "none", "Keep the frozen base in 8 or 4 bits (a GPU is needed).", one_of=("none", "8bit", "4bit")
    )


@dataclass(frozen=True)
class FollowSettings:
    """What a run shows and saves on its way."""

    preview_every: int = setting(
        100, "Steps between previews; 0 makes none before the end.", at_least=0, at_most=1_000_000
    )
    preview_prompts: list[str] = setting(
        PREVIEW_PROMPTS,
        "What previews show, separated by ;. {trigger} and {class_noun} are filled in.",
        separator=";",
    )
    held_out: int = setting(
        0,
        "Photos that are not learned from, only tried at each checkpoint: when their loss rises, it learns by heart.",
        at_least=0,
        at_most=100,
    )
    checkpoint_every: int = setting(
        100, "Steps between checkpoints; 0 saves only at the end.", at_least=0, at_most=1_000_000
    )
    keep_best: bool = setting(
        True,
        "Take the adapter whose previews look most like the person, where that is more than chance; else the last.",
    )
    scorer: str = setting("own", "Who judges likeness: own, or a vision model by its folder or hub id.")
    trackers: list[str] = setting(["tensorboard"], "Where the loss curve also goes.", one_of=("tensorboard", "wandb"))
    resume: str = setting(
        "auto", "auto continues from the last checkpoint, never starts afresh.", one_of=("auto", "never")
    )


@dataclass(frozen=True)
class Settings:
    """All settings of one run. The defaults train the sample subject on chibi-mini."""

    name: str = setting("sample", "Name of the subject, the run and the adapter.")
    photos: str = setting("examples/selfies", "Folder of photos.")
    base: str = setting("chibi-mini", "Base model: chibi-mini, a folder in diffusers' format, or a hub id.")
    trigger: str = setting("zkq", "The word that calls the person: a rare one, so that it means nothing yet.")
    class_noun: str = setting(
        "person", "What the person is: person, woman, man, boy, girl. The right word helps a lot."
    )
    seed: int = setting(0, "Start of all randomness: the same seed repeats the run.", at_least=0, at_most=2**31 - 1)
    traits: dict[str, str | bool] = setting(
        {}, "Visible attributes corrected by hand, for example hair_colour: brown; the rest is read from the photos."
    )
    data: DataSettings = field(default_factory=DataSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    follow: FollowSettings = field(default_factory=FollowSettings)


def setting_names() -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """Every setting by its dotted name, with its field and its type: `lora.rank` → (field, int)."""
    return dict(_walk(Settings, ""))


def explain(name: str) -> str:
    """The explanation of a setting, for example of `lora.rank`, or of a technique, `techniques.huber`."""
    group, _, technique = name.partition(".")
    if group == "techniques":
        return TECHNIQUES[technique].words
    return str(setting_names()[name][0].metadata["words"])


def _walk(group: type, prefix: str) -> Iterator[tuple[str, tuple[dataclasses.Field[Any], Any]]]:
    kinds = get_type_hints(group)
    for item in fields(group):
        if dataclasses.is_dataclass(kinds[item.name]):
            yield from _walk(kinds[item.name], f"{prefix}{item.name}.")
        else:
            yield f"{prefix}{item.name}", (item, kinds[item.name])
