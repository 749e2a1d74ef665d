"""The card tells other people what they need, and nothing that is private."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from PIL import Image

from workbench.adapters.card import (
    CARD_KEY,
    Card,
    card_from_metadata,
    card_metadata,
    thumbnail_bytes,
    thumbnail_uri,
    without_folders,
)
from workbench.errors import AdapterError

CARD = Card(
    name="米娅",
    trigger="zkq",
    base="chibi-mini",
    base_fingerprint="f" * 64,
    family="sd1",
    resolution=256,
    rank=16,
    alpha=16.0,
    steps=150,
    traits={"hair_colour": "black", "freckles": True},
    scores={"likeness": 0.8},
    licence="CC-BY-4.0",
    scope="stickers for her friends",
    thumbnail=thumbnail_uri(Image.new("RGB", (600, 300), "pink")),
    example_prompts=["chibi of zkq person, smiling"],
    settings={"train": {"steps": 150}},
)


def test_a_card_survives_its_metadata() -> None:
    assert card_from_metadata(card_metadata(CARD), "x") == CARD


def test_modelspec_says_the_same_to_other_tools() -> None:
    spec = card_metadata(CARD, "v_prediction")
    assert spec["modelspec.sai_model_spec"] == "1.0.1"
    assert spec["modelspec.architecture"] == "chibi-mini/lora"  # SD 1.x tools must not think it is theirs
    assert spec["modelspec.title"] == "米娅"
    assert spec["modelspec.trigger_phrase"] == "zkq person"
    assert spec["modelspec.prediction_type"] == "v"
    assert spec["modelspec.resolution"] == "256x256"
    assert spec["modelspec.thumbnail"].startswith("data:image/jpeg;base64,")
    other = card_metadata(replace(CARD, base="stable-diffusion-v1-5/stable-diffusion-v1-5"))
    assert other["modelspec.architecture"] == "stable-diffusion-v1/lora"


def test_nothing_private_is_written() -> None:
    card = replace(
        CARD,
        base="/home/mia/models/anything-v5",
        settings={
            "photos": "/home/mia/beach",
            "data.photos": "C:\\Users\\mia\\beach",
            "base": "~/models/anything-v5",
            "name": "mia-lopez",
            "follow": {"preview_prompts": ["mia lopez at the beach"], "preview_every": 50},
            "vae": "D:\\secret\\vae",
            "lists": ["/home/mia/a/b"],
        },
    )
    text = json.dumps(card_metadata(card), ensure_ascii=False)
    for secret in ("/home", "mia", "beach", "secret", "Users", "lopez"):
        assert secret not in text
    assert "anything-v5" in text and "preview_every" in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("stabilityai/sd-turbo", "stabilityai/sd-turbo"),
        ("/a/b", "b"),
        ("../bases/mine/", "mine"),
        ("C:\\x\\mine", "mine"),
        ("a/b/c", "c"),
        ("constant", "constant"),
    ],
)
def test_without_folders(text: str, kept: str) -> None:
    assert without_folders(text) == kept


def test_a_hostile_card_is_harmless() -> None:
    table = {
        "name": "x" * 10**6,
        "rank": "many",
        "alpha": 3,
        "scores": {"a": "b", "c": 0.5},
        "example_prompts": [1, {}],
        "thumbnail": "data:image/svg+xml;base64,PHN2Zz4=",
        "settings": [],
        "__class__": "os",
    }
    card = Card.from_dict(table)
    assert len(card.name) == 4_000 and card.rank == 0 and card.alpha == 3.0
    assert card.scores == {"c": 0.5} and card.example_prompts == [] and card.thumbnail == "" and card.settings == {}
    assert card_from_metadata({CARD_KEY: "[" * 100_000}, "x") is None
    assert card_from_metadata({CARD_KEY: '"text"'}, "x") is None
    script = base64.b64encode(b"<script>").decode()
    assert thumbnail_bytes(replace(CARD, thumbnail=f"data:image/png;base64,{script}")) is None


def test_cards_of_other_tools_are_understood() -> None:
    card = card_from_metadata(
        {"ss_sd_model_name": "/models/v1-5-pruned.safetensors", "ss_resolution": "(512, 512)"}, "mia"
    )
    assert card is not None and (card.name, card.base, card.resolution) == ("mia", "v1-5-pruned.safetensors", 512)
    card = card_from_metadata({"modelspec.title": "Mia", "modelspec.architecture": "stable-diffusion-v1/lora"}, "x")
    assert card is not None and (card.name, card.family) == ("Mia", "sd1")
    assert card_from_metadata({"format": "pt"}, "x") is None


def test_the_thumbnail_is_small_and_a_long_card_is_refused() -> None:
    content = thumbnail_bytes(CARD)
    assert content is not None and len(content) < 20_000
    huge = replace(CARD, thumbnail="data:image/png;base64," + "A" * 200_000)
    assert card_metadata(huge).get("modelspec.thumbnail") is None
    with pytest.raises(AdapterError, match="too long"):
        card_metadata(replace(CARD, settings={"note": "x" * 600_000}))
