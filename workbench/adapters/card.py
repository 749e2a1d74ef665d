"""What an adapter says of itself: the card, kept in the file's own metadata.

The card travels under our key `chibi_workbench.card` and, for other tools, as the keys of Stability AI's ModelSpec
1.0.1 (https://github.com/Stability-AI/ModelSpec). Names of photos, folders and captions never go in: a shared adapter
must not tell where it was made or from what.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from workbench.errors import AdapterError
from workbench.processes import is_text

if TYPE_CHECKING:
    from PIL import Image

CARD_KEY = "chibi_workbench.card"
LONGEST_TEXT = 4_000
LONGEST_CARD = 512 * 1024
LONGEST_THUMBNAIL = 96 * 1024
# Settings that name a person's files, or are of this machine and not of the adapter.
PRIVATE_SETTINGS = {"photos", "preview_prompts", "trackers", "resume", "home", "output", "traits", "name"}

# ModelSpec's name for a family's adapters. chibi-mini opens like SD 1.x, but its adapters fit nothing else.
ARCHITECTURES = {
    "sd1": "stable-diffusion-v1/lora", "sdxl": "stable-diffusion-xl-v1-base/lora", "flux": "flux-1-dev/lora",
    "sd3": "stable-diffusion-3-medium/lora", "qwen-image": "qwen-image/lora", "z-image": "z-image/lora",
}  # fmt: skip
OWN_BASE = "chibi-mini"


@dataclass(frozen=True)
class Card:
    """The card of an adapter.

    Args:
        name: the adapter's name on the shelf when it was made.
        trigger: the word that calls the person, e.g. `zkq`.
        class_noun: what the person is: `person`, `woman`, `man`, `child`.
        base: the base model's name: `chibi-mini`, or a hub id; never a folder of this machine.
        base_fingerprint: content hash of the base's weights.
        family: the kind of model: `sd1`.
        resolution: picture size it was trained at, in pixels.
        rank: the LoRA rank of the denoiser.
        alpha: the LoRA alpha of the denoiser; the change is scaled by alpha / rank.
        steps: training steps.
        traits: the person's visible traits in the words of the chibi world; they help prompts and scores.
        scores: measured numbers, by name.
        licence: terms under which the adapter may be shared.
        scope: what the person who is shown agreed to.
        created: ISO 8601 time in UTC.
        thumbnail: a small picture as a `data:image/…;base64,` URI, or empty.
        example_prompts: prompts that show it well.
        settings: the training settings that matter, without anything private.
        author: who made it, as they want to be called.
        tags: words that lists of models sort by.
        parents: what it was mixed from, each with its strength: `mia × 0.6`.
    """

    name: str
    trigger: str = ""
    class_noun: str = "person"
    base: str = ""
    base_fingerprint: str = ""
    family: str = ""
    resolution: int = 0
    rank: int = 0
    alpha: float = 0.0
    steps: int = 0
    traits: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    licence: str = ""
    scope: str = ""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    thumbnail: str = ""
    example_prompts: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    author: str = ""
    tags: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def public(self) -> dict[str, Any]:
        """The card as it may leave this machine: settings and base without paths, text of sane length."""
        table = asdict(self)
        table["base"] = without_folders(self.base)
        table["settings"] = public_settings(self.settings)
        if len(self.thumbnail) > LONGEST_THUMBNAIL or not re.match(
            r"data:image/(png|jpeg|webp);base64,", self.thumbnail
        ):
            table["thumbnail"] = ""
        return table

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Card:
        """Reads a card that anyone may have written: wrong types and unknown keys are dropped, long text is cut."""
        empty = cls(name="")
        chosen: dict[str, Any] = {}
        for each in fields(cls):
            value, kind = table.get(each.name), type(getattr(empty, each.name))
            if kind is float and type(value) is int:
                value = float(value)
            if type(value) is not kind or not is_text(value):
                continue
            if kind is str and each.name != "thumbnail":
                value = str(value)[:LONGEST_TEXT]
            chosen[each.name] = value
        chosen.setdefault("name", "")
        chosen.setdefault("created", "")
        card = cls(**chosen)
        for lines in ("example_prompts", "tags", "parents"):
            if any(not isinstance(line, str) for line in getattr(card, lines)):
                chosen[lines] = []
        chosen["scores"] = {key: value for key, value in card.scores.items() if isinstance(value, int | float)}
        if card.thumbnail and thumbnail_bytes(card) is None:
            chosen["thumbnail"] = ""
        return cls(**chosen)


def without_folders(text: str) -> str:
    """The last part of a path; text that is not a path, such as a hub id with one slash, stays as it is.

    >>> without_folders("/home/mia/models/anything-v5"), without_folders("stabilityai/sd-turbo")
    ('anything-v5', 'stabilityai/sd-turbo')
    """
    windows = PureWindowsPath(text)
    if windows.drive or "\\" in text:
        return windows.name
    if text.startswith(("/", "~", ".")) or text.count("/") > 1:
        return PurePosixPath(text).name
    return text


def public_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that name files, and with the folders taken off whatever path remains."""

    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): clean(v) for k, v in value.items() if str(k).rpartition(".")[2] not in PRIVATE_SETTINGS}
        if isinstance(value, list | tuple):
            return [clean(item) for item in value]
        return without_folders(value) if isinstance(value, str) else value

    cleaned: dict[str, Any] = clean(settings)
    return cleaned


def thumbnail_uri(image: Image.Image, size: int = 256) -> str:
    """A picture as the small data URI that ModelSpec recommends: at most 256 px, JPEG, about 10 KB."""
    small = image.convert("RGB")
    small.thumbnail((size, size))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def thumbnail_bytes(card: Card) -> bytes | None:
    """The thumbnail's picture file, or None when the card has none that is a small PNG, JPEG or WebP."""
    match = re.fullmatch(r"data:image/(?:png|jpe?g|webp);base64,([A-Za-z0-9+/=\s]+)", card.thumbnail)
    if not match or len(card.thumbnail) > 4 * LONGEST_THUMBNAIL:
        return None
    try:
        content = base64.b64decode(match[1], validate=False)
    except ValueError:
        return None
    known = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
    return content if content.startswith(known) else None


def card_metadata(card: Card, prediction: str = "") -> dict[str, str]:
    """The metadata that carries a card: our own key, and ModelSpec's keys for other tools.

    Args:
        prediction: what the base was trained to say: `epsilon`, `v_prediction` or `flow`.

    Raises:
        AdapterError: the card is too long to travel in a header.
    """
    public = card.public()
    text = json.dumps(public, ensure_ascii=False, sort_keys=True)
    if len(text.encode()) > LONGEST_CARD:
        raise AdapterError(card.name, "its card is too long", "Shorten its texts and leave long lists out")
    architecture = (
        f"{OWN_BASE}/lora" if card.base == OWN_BASE else ARCHITECTURES.get(card.family, f"{card.family}/lora")
    )
    spec = {
        "sai_model_spec": "1.0.1",
        "architecture": architecture,
        "implementation": "diffusers",
        "title": card.name,
        "description": _description(card),
        "author": card.author,
        "date": card.created,
        "license": card.licence,
        "usage_hint": f"Trigger: {card.trigger} {card.class_noun}" if card.trigger else "",
        "trigger_phrase": f"{card.trigger} {card.class_noun}".strip() if card.trigger else "",
        "tags": ", ".join(["Person", *card.tags]),
        "merged_from": ", ".join(card.parents),
        "thumbnail": public["thumbnail"],
        "resolution": f"{card.resolution}x{card.resolution}" if card.resolution else "",
        "prediction_type": {"v_prediction": "v"}.get(prediction, prediction),
    }
    return {CARD_KEY: text} | {f"modelspec.{key}": value for key, value in spec.items() if value}


def _description(card: Card) -> str:
    words = f"Chibi identity adapter for {without_folders(card.base)}, trained with the chibi LoRA workbench."
    return words + (f" Agreed use: {card.scope}." if card.scope else "")


def card_from_metadata(metadata: Mapping[str, str], name: str) -> Card | None:
    """Reads the card from a file's metadata; of other tools' files, what ModelSpec and kohya's keys tell.

    Returns:
        None when the file says nothing of itself.
    """
    try:
        table = json.loads(metadata.get(CARD_KEY, ""))
    except (ValueError, RecursionError):
        table = None
    if isinstance(table, dict):
        return Card.from_dict(table)
    spec = {key.removeprefix("modelspec."): value for key, value in metadata.items() if key.startswith("modelspec.")}
    if not spec and not any(key.startswith("ss_") for key in metadata):
        return None
    resolution = re.match(
        r"(\d{2,4})\D+\d", spec.get("resolution", "") or metadata.get("ss_resolution", "").strip("()")
    )
    return Card.from_dict(
        {
            "name": spec.get("title", name),
            "trigger": spec.get("trigger_phrase", ""),
            "class_noun": "",
            "base": without_folders(metadata.get("ss_sd_model_name", "")),
            "family": next(
                (family for family, value in ARCHITECTURES.items() if value == spec.get("architecture")), ""
            ),
            "resolution": int(resolution[1]) if resolution else 0,
            "licence": spec.get("license", ""),
            "author": spec.get("author", ""),
            "tags": [tag.strip() for tag in spec.get("tags", "").split(",") if tag.strip()][:20],
            "parents": [each.strip() for each in spec.get("merged_from", "").split(",") if each.strip()][:20],
            "created": spec.get("date", ""),
            "thumbnail": spec.get("thumbnail", ""),
        }
    )
