"""Mixes and resized copies of adapters of the shelf, each with a card that names its parents, and proven."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.card import Card, card_metadata, thumbnail_bytes, thumbnail_uri
from workbench.adapters.formats import weights_bytes
from workbench.adapters.header import read_header
from workbench.adapters.mix import METHODS, Mixed, Part, Weights, mix, resize, split_blocks
from workbench.adapters.report import family_of
from workbench.adapters.shelf import SUFFIX, ShelfEntry, file_sha256, find_adapter, read_entry
from workbench.adapters.weights import read_weights
from workbench.adapters.word import PLACES, TABLE, WORD_KEY, Word, words_from_metadata, words_metadata
from workbench.config import atomic_write, make_folder, safe_name, shelf
from workbench.errors import AdapterError

if TYPE_CHECKING:
    from workbench.adapters.proof import Proof

__all__ = ["METHODS", "Blend", "Ingredient", "mix_adapters", "resize_adapter"]


@dataclass(frozen=True)
class Ingredient:
    """An adapter of the shelf that goes into a mix.

    Args:
        name: on the shelf.
        strength: 1 is as trained.
        blocks: see `mix.Part`.
        only: `identity` or `style` to take only that of it (see `mix.split_blocks`); empty takes all.
    """

    name: str
    strength: float = 1.0
    blocks: Mapping[str, float] = field(default_factory=dict)
    only: str = ""


@dataclass(frozen=True)
class Blend:
    """A new adapter on the shelf.

    Args:
        entry: on the shelf.
        kept: share of the change's energy that its rank holds.
        ranks: that occur.
        proof: what opening it in a fresh base gave; None when there was no base.
        notes: what the person should know, such as that the parents were trained on different bases.
    """

    entry: ShelfEntry
    kept: float
    ranks: tuple[int, ...]
    proof: Proof | None
    notes: tuple[str, ...]


def mix_adapters(
    ingredients: Sequence[Ingredient],
    name: str,
    method: str = "svd",
    rank: int = 0,
    density: float = 0.5,
    seed: int = 0,
    backbone: Any = None,
    folder: Path | None = None,
    replace_it: bool = False,
) -> Blend:
    """Mixes two to four adapters into a new one on the shelf.

    Args:
        ingredients: what goes in.
        name: of the new adapter.
        method, rank, density, seed: see `mix.mix`.
        backbone: an open Backbone to prove the result with; None saves without proof.
        replace_it: whether an adapter of that name may be replaced.

    Raises:
        AdapterError: an adapter is missing or does not fit the others, the name is taken, or the proof failed.
        SubjectError: the name cannot be a file's name.
    """
    if len(ingredients) < 2:
        raise AdapterError("The mix", "it needs two adapters and more", "Name a second one")
    target = _target(name, folder, replace_it)
    entries = [find_adapter(each.name, folder) for each in ingredients]
    parts = []
    for each, entry in zip(ingredients, entries, strict=True):
        weights = read_weights(entry.path)
        assert entry.info is not None  # find_adapter refuses broken ones
        blocks = (
            split_blocks(weights, each.only, family_of(entry.info)) | dict(each.blocks) if each.only else each.blocks
        )
        parts.append(Part(entry.name, weights, each.strength, blocks))
    mixed = mix(parts, method, rank, density, seed)
    settings = {
        "mix": {"method": method, "rank": rank, "density": density, "seed": seed},
        "parents": [
            {
                "adapter": entry.name, "sha256": file_sha256(entry.path), "strength": each.strength,
                "trigger": entry.card.trigger, "only": each.only, "blocks": dict(each.blocks),
            }
            for each, entry in zip(ingredients, entries, strict=True)
        ],
    }  # fmt: skip
    parents = [
        f"{entry.name} × {each.strength:g}" + (f" ({each.only})" if each.only else "")
        for each, entry in zip(ingredients, entries, strict=True)
    ]
    card, notes = _mixed_card(target.name.removesuffix(SUFFIX), [entry.card for entry in entries], parents, settings)
    return _save(target, mixed, card, entries, backbone, notes)


def resize_adapter(
    name: str,
    new_name: str,
    rank: int = 0,
    energy: float = 0.0,
    backbone: Any = None,
    folder: Path | None = None,
    replace_it: bool = False,
) -> Blend:
    """Saves a smaller copy of an adapter; see `mix.resize`.

    Raises:
        AdapterError: there is no such adapter, the new name is taken, the size is out of range, or the proof failed.
    """
    target = _target(new_name, folder, replace_it)
    entry = find_adapter(name, folder)
    smaller = resize(read_weights(entry.path), rank, energy)
    settings = dict(entry.card.settings) | {"resize": {"rank": rank, "energy": energy, "kept": round(smaller.kept, 4)}}
    card = replace(
        entry.card, name=target.name.removesuffix(SUFFIX), parents=[f"{entry.name} × 1"], settings=settings, scores={},
        created=Card(name="").created,
    )  # fmt: skip
    notes = (
        ["The scores were measured on the adapter it was made from, so they are left out"] if entry.card.scores else []
    )
    return _save(target, smaller, card, [entry], backbone, notes)


def _target(name: str, folder: Path | None, replace_it: bool) -> Path:
    target = make_folder(folder or shelf()) / (safe_name(name.removesuffix(SUFFIX)) + SUFFIX)
    if target.exists() and not replace_it:
        raise AdapterError(f"Adapter {name!r}", "there is one of that name on the shelf", "Choose another name")
    return target


def _save(
    target: Path, mixed: Mixed, card: Card, parents: Sequence[ShelfEntry], backbone: Any, notes: Sequence[str]
) -> Blend:
    """Writes the file, proves it before it appears, and puts it on the shelf."""
    rank = max(mixed.ranks, default=0)
    card = replace(card, rank=rank, alpha=float(rank))
    prediction = str(getattr(backbone, "prediction", ""))
    metadata = card_metadata(card, prediction) | _word(mixed.weights, parents)
    blob = weights_bytes(mixed.weights, metadata)
    proof = None
    if backbone is not None:
        from workbench.adapters.proof import prove_adapter, unproven

        with unproven(target, blob) as waiting:
            proof = prove_adapter(waiting, backbone)
    atomic_write(target, blob)
    return Blend(read_entry(target), mixed.kept, mixed.ranks, proof, tuple(notes))


def _word(weights: Weights, parents: Sequence[ShelfEntry]) -> dict[str, str]:
    """What leads back to kohya's bundled word, when all parents that learned a word learned the same."""
    known = [word for entry in parents for word in words_from_metadata(read_header(entry.path).metadata)]
    joined = []
    for component, _ in (place for place in PLACES if place in weights):
        words = [word for word in known if word.component == component]
        if not words or len({(word.text, word.size) for word in words}) > 1:
            return {}
        rows: dict[int, bytes] = {}
        for word in words:
            length = len(word.rows) // len(word.ids)
            for index, token in enumerate(word.ids):
                rows.setdefault(token, word.rows[index * length : (index + 1) * length])
        ids = [int(token) for token in weights[component, TABLE].down.argmax(1)]
        if any(token not in rows for token in ids):
            return {}
        own = b"".join(rows[token] for token in ids)
        joined.append(Word(words[0].text, tuple(ids), words[0].size, own, component))
    return {WORD_KEY: words_metadata(joined)} if joined else {}


def _mixed_card(
    name: str, cards: Sequence[Card], parents: list[str], settings: dict[str, Any]
) -> tuple[Card, list[str]]:
    """A card that says where everything came from; what the parents agreed on stays, licences and consents add up."""
    notes, first = [], cards[0]
    if len({card.base_fingerprint for card in cards if card.base_fingerprint}) > 1:
        bases = ", ".join(dict.fromkeys(card.base or "an unknown base" for card in cards))
        notes.append(f"They were trained on different bases ({bases}), so the mix may be weaker than its parents")
    triggers = list(dict.fromkeys(card.trigger for card in cards if card.trigger))
    if len(triggers) > 1:
        notes.append(f"It answers to {' and '.join(triggers)}; write both into the prompt")
    elif len(triggers) == 1 and sum(bool(card.trigger) for card in cards) > 1:
        notes.append(f"Both answer to {triggers[0]}, so they are one person in the mix")
    traits = {key: value for key, value in first.traits.items() if all(card.traits.get(key) == value for card in cards)}
    return Card(
        name=name,
        trigger=first.trigger or (triggers[0] if triggers else ""),
        class_noun=first.class_noun,
        base=first.base,
        base_fingerprint=first.base_fingerprint,
        family=first.family,
        resolution=first.resolution,
        traits=traits,
        licence=_both([(card.name, card.licence) for card in cards]),
        scope=_both([(card.name, card.scope) for card in cards]),
        thumbnail=_halves(cards),
        example_prompts=[prompt for card in cards for prompt in card.example_prompts[:2]],
        settings=settings,
        tags=["mix"],
        parents=parents,
    ), notes


def _both(said: Sequence[tuple[str, str]]) -> str:
    """One text when all say the same; otherwise each under its name, and who says nothing is named as well."""
    if len({text for _, text in said}) == 1:
        return said[0][1]
    return "; ".join(f"{name}: {text or 'not stated'}" for name, text in said)


def _halves(cards: Sequence[Card]) -> str:
    """A thumbnail that shows a strip of each parent's."""
    from PIL import Image

    pictures = []
    for card in cards:
        if content := thumbnail_bytes(card):
            try:
                with Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"]) as image:
                    pictures.append(image.convert("RGB").resize((256, 256)))
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                continue  # its strip is left out: a drawing that cannot be shown is no reason not to mix
    if not pictures:
        return ""
    whole, width = Image.new("RGB", (256, 256)), 256 // len(pictures)
    for index, picture in enumerate(pictures):
        end = 256 if index == len(pictures) - 1 else (index + 1) * width
        whole.paste(picture.crop((index * width, 0, end, 256)), (index * width, 0))
    return thumbnail_uri(whole)
