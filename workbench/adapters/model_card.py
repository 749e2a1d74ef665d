"""The README of an adapter that is given away: what it is, how it is used, what was agreed; the hub reads its head
(https://huggingface.co/docs/hub/model-cards)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from workbench.adapters.card import OWN_BASE, Card, without_folders

# The hub's names of licences that adapters are given under; any other is `other` with its own words.
LICENCES = {
    "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-4.0", "openrail", "creativeml-openrail-m", "openrail++", "unlicense", "wtfpl", "gpl-3.0",
    "bsd-3-clause",
}  # fmt: skip
PIPELINES = {"sd1": "StableDiffusionPipeline", "sdxl": "StableDiffusionXLPipeline"}


def model_card(name: str, card: Card, samples: Sequence[str] = (), words: str = "", kohya: bool = True) -> str:
    """The README.

    Args:
        name: of the adapter's files.
        card: what it says of itself.
        samples: names of sample pictures beside it.
        words: what the card's scope means in full.
        kohya: whether the file for ComfyUI, A1111 and Forge lies beside it.
    """
    base = without_folders(card.base)
    trigger = f"{card.trigger} {card.class_noun}".strip() if card.trigger else ""
    prompt = card.example_prompts[0] if card.example_prompts else f"chibi of {trigger}, smiling".replace("of ,", "")
    text = [
        "---\n"
        + yaml.safe_dump(_head(card, base, trigger, prompt, samples), sort_keys=False, allow_unicode=True)
        + "---",
        f"# {_plain(name)}",
        _plain(f"An identity adapter (LoRA) in chibi style for {base or 'an unknown base'}.")
        + (f" Say **{_plain(trigger)}** to mean the person." if trigger else ""),
    ]
    if samples:
        text.append("\n".join(f"![Sample {index}]({sample})" for index, sample in enumerate(samples, 1)))
    facts = [
        ("Base", base), ("Trigger", trigger), ("Rank", card.rank or ""), ("Steps", card.steps or ""),
        ("Resolution", f"{card.resolution} px" if card.resolution else ""),
        ("Mixed from", ", ".join(card.parents)),
        ("Scores", ", ".join(f"{key} {value:.2f}" for key, value in card.scores.items())),
        ("Licence", card.licence or "not stated: ask before you use it"),
        ("Agreed use", words or card.scope or "not stated: ask the person before you use it"),
        ("Made by", card.author), ("Made", card.created[:10]),
    ]  # fmt: skip
    text.append("\n".join(f"- {key}: {_plain(value)}" for key, value in facts if value))
    text.append(_use(name, card, base, prompt))
    files = f"`{name}.safetensors` is for diffusers"
    files += f", `{name}.kohya.safetensors` for ComfyUI, A1111 and Forge" if kohya else " and ComfyUI"
    text.append(f"{files}. The card inside names no photo, folder or file.")
    text.append(
        "Pictures of a person need that person's consent. Pictures made with this adapter are made by AI; say so."
    )
    return "\n\n".join(text) + "\n"


def _head(card: Card, base: str, trigger: str, prompt: str, samples: Sequence[str]) -> dict[str, Any]:
    """What the hub reads."""
    head: dict[str, Any] = {}
    licence = card.licence.strip().lower()
    if licence in LICENCES:
        head["license"] = licence
    elif card.licence:
        head |= {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", licence)[:60].strip("-") or "other"}
    if re.fullmatch(r"[\w.-]+/[\w.-]+", base):
        head |= {"base_model": base, "base_model_relation": "adapter"}
    head |= {
        "library_name": "diffusers",
        "pipeline_tag": "text-to-image",
        "tags": list(dict.fromkeys(["lora", "diffusers", "text-to-image", "chibi", "template:sd-lora", *card.tags])),
    }
    if trigger:
        head["instance_prompt"] = trigger
    if samples:
        head["widget"] = [{"text": prompt, "output": {"url": sample}} for sample in samples]
    return head


def _use(name: str, card: Card, base: str, prompt: str) -> str:
    pipeline = PIPELINES.get(card.family, "DiffusionPipeline")
    opened = (
        f'"{base}"' if "/" in base else '"workbench/backbones/chibi_mini"' if base == OWN_BASE else '"PATH-OF-BASE"'
    )
    quoted = prompt.replace("\\", "").replace('"', "'").replace("\n", " ")[:200]
    return (
        "```python\n"
        f"from diffusers import {pipeline}\n\n"
        f"pipeline = {pipeline}.from_pretrained({opened})\n"
        f'pipeline.load_lora_weights(".", weight_name="{name}.safetensors")\n'
        f'pipeline("{quoted}").images[0].save("avatar.png")\n'
        "```"
    )


def _plain(text: object) -> str:
    """Somebody's words as Markdown that shows them unchanged."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(str(text).split()))
