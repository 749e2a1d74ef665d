"""What is compared. A row is a way to come to pictures of a subject; a curve is a series of rows.

To try a setting, add a row: its words are settings as on the launch line. Nothing else has to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from workbench.config import ROOT
from workbench.errors import ConfigError

Kind = Literal["truth", "base", "named", "train", "script"]
PEER = ROOT / "recipes" / "configs" / "peer-dreambooth-lora.yaml"
PHOTOS = 5
FEWER_SUBJECTS = 8  # of curves and levers


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: short, for `--rows`.
        words: what it is, for readers.
        kind: `truth` is drawn by the world, `base` by the base alone, `named` by the base with the traits in the
            prompt, `train` by an adapter of our recipe, `script` by one of the peer's own script.
        settings: `key=value`, as on the recipe's launch line.
        config: a settings file under them.
        photos: selfies that are brought.
        equal: `steps` gives it as many steps as our recipe takes, `time` as many as fit into our recipe's seconds.
        curve: the curve it is a point of, and where; such a row has fewer subjects.
        lever: tried on the way to a better default; made only when it is named, on fewer subjects too.
    """

    name: str
    words: str
    kind: Kind = "train"
    settings: tuple[str, ...] = ()
    config: Path | None = None
    photos: int = PHOTOS
    equal: Literal["", "steps", "time"] = ""
    curve: str = ""
    at: float = 0.0
    lever: bool = False


NO_PRIOR = ("data.class_pictures=0", "prior_weight=0")

OURS = Row("ours", "our recipe, default settings")
ROWS = (
    Row("truth", "the world's own drawing (upper bound)", "truth"),
    Row("base", "base alone (chance)", "base"),
    Row("named", "base, traits named in the prompt, no training", "named"),
    OURS,
    Row("peer-time", "diffusers' published settings, equal time", config=PEER, equal="time"),
    Row("peer-steps", "diffusers' published settings, equal steps", config=PEER, equal="steps"),
    Row("peer-rate-time", "the same at the script's default rate 5e-4, equal time", "train",
        ("train.learning_rate=5e-4",), PEER, equal="time"),
    Row("script-time", "diffusers' script itself, equal time", "script", equal="time"),
    Row("script-steps", "diffusers' script itself, equal steps", "script", equal="steps"),
    Row("no-anchors", "ours without anchors", settings=("data.anchors=0",)),
    Row("no-teacher", "ours, learning from drawn pictures alone", settings=("teacher=0",)),
    Row("no-shift", "ours, all noise levels alike", settings=("shift=1",)),
    Row("no-class", "ours without class pictures (no prior)", settings=NO_PRIOR),
    Row("photos-only", "ours without both", settings=("data.anchors=0", *NO_PRIOR)),
    Row("no-captions", "ours with one caption for all photos", settings=("captions=0",)),
    Row("no-text", "ours, text encoder as it is", settings=("lora.text_encoder=false",)),
    Row("no-word", "ours without a learned word", settings=("word_learning_rate=0",)),
    Row("min-snr", "ours, min-SNR weights", settings=("min_snr_gamma=5",)),
    Row("no-flips", "ours without mirrored photos", settings=("flips=0",)),
    Row("attention", "ours on attention alone", settings=("lora.targets=to_q,to_k,to_v,to_out.0",)),
    Row("rank-4", "ours at rank 4", settings=("lora.rank=4", "lora.alpha=4", "text_rank=4")),
)  # fmt: skip
CURVES = (
    *(
        Row(f"steps-{steps}", f"ours, {steps} steps", settings=(f"train.steps={steps}",), curve="steps", at=steps)
        for steps in (25, 50, 100, 200, 400)
    ),
    *(
        Row(f"peer-{steps}", f"diffusers' published settings, {steps} steps", settings=(f"train.steps={steps}",),
            config=PEER, curve="peer steps", at=steps)
        for steps in (200, 500, 1500)
    ),
    *(
        Row(f"photos-{count}", f"ours, {count} photo{'s' if count > 1 else ''}", photos=count, curve="photos", at=count)
        for count in (1, 3, 5, 10)
    ),
)  # fmt: skip
# A lever that wins on the benchmark may become a default; docs/identity.md keeps the record.
LEVERS = tuple(
    Row(name, f"ours, {words}", settings=settings, lever=True)
    for name, words, settings in (
        ("word-slow", "the word learnt at a third of the rate", ("word_learning_rate=0.01",)),
        ("anchors-32", "with twice the anchors", ("data.anchors=32",)),
        ("mask", "looking at the head", ("mask=0.8",)),
        ("ema", "averaged", ("ema=0.95",)),
        ("debiased", "debiased weights", ("debiased=1",)),
        ("huber", "Huber loss", ("huber=0.1",)),
        ("lora-plus", "LoRA+", ("lora_plus=8", "train.learning_rate=4e-4")),
        ("caption-dropout", "captions left out now and then", ("caption_dropout=0.1",)),
        ("tag-dropout", "parts of captions left out", ("tag_dropout=0.2",)),
        ("logit-normal", "middle noise levels", ("logit_normal=1",)),
        ("dora", "DoRA", ("lora.kind=dora",)),
        ("oft", "OFT", ("lora.kind=oft",)),
        ("cross", "on cross-attention alone", ("lora.targets=attn2.to_q,attn2.to_k,attn2.to_v,attn2.to_out.0",)),
        ("rate-half", "half the rate", ("train.learning_rate=5e-4",)),
        ("batch-16", "16 pictures a step", ("train.batch_size=16",)),
    )
)  # fmt: skip
QUICK = ("truth", "base", "named", "ours", "peer-time")


def choose(names: str, quick: bool, script: bool) -> list[Row]:
    """The rows to make, in their order.

    Args:
        names: as in `--rows`: names, names of curves, `curves` or `levers`, separated by commas; empty takes all but
            the levers, or the quick ones.
        quick: only the rows that matter most.
        script: whether there is a script of the peer's to run.

    Raises:
        ConfigError: if there is no row of a name, or the script is asked for and not there.
    """
    known = [*ROWS, *CURVES, *LEVERS]
    wanted = [word.strip() for word in names.split(",") if word.strip()]
    if not wanted:
        rows = [row for row in known if not row.lever and (not quick or row.name in QUICK or row.kind == "script")]
        return [row for row in rows if script or row.kind != "script"]
    chosen = []
    for word in wanted:
        found = [row for row in known if word in (row.name, row.curve, *_groups(row))]
        if not found:
            raise ConfigError("--rows", f"there is no row {word!r}", f"Rows are {', '.join(row.name for row in known)}")
        chosen += found
    if not script and any(row.kind == "script" for row in chosen):
        raise ConfigError("--rows", "the peer's script is not given", "Add --peer-script PATH")
    return [row for row in known if row in chosen]


def _groups(row: Row) -> list[str]:
    return [name for name, member in (("curves", row.curve), ("levers", row.lever)) if member]


def with_steps(row: Row, steps: int) -> Row:
    """The row, taking so many steps."""
    return replace(row, settings=(*row.settings, f"train.steps={steps}"))
