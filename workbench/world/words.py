"""Captions of the world: words that say exactly what is drawn, in varied wording and with varied completeness.

A caption is `<domain> of <whom>, <expression>, <clothing>, <headwear>, <background>, …`. The domain word (`chibi` or
`photo`) comes first; traits belong to the person, scene words to the picture. `completeness` drops phrases, so that
a base also learns from short prompts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.world.character import PLACES, Character, Scene

_HAIR_STYLES = {
    "bald": ["bald head", "a bald head"], "buzzed": ["buzzed {c} hair", "a {c} buzz cut"],
    "short": ["short {c} hair"], "parted": ["parted {c} hair", "side parted {c} hair"], "spiky": ["spiky {c} hair"],
    "curly": ["curly {c} hair"], "afro": ["{c} afro hair", "a {c} afro"], "bob": ["{c} bob hair", "a {c} bob"],
    "straight": ["long straight {c} hair"], "wavy": ["long wavy {c} hair"],
    "ponytail": ["{c} ponytail hair", "a {c} ponytail"],
    "pigtails": ["{c} pigtails hair", "{c} pigtails"], "bun": ["{c} bun hair", "a {c} bun"],
    "braids": ["{c} braids hair", "{c} braids"],
}  # fmt: skip
_FACIAL_HAIR = {"stubble": "stubble", "mustache": "mustache", "goatee": "goatee", "beard": "full beard"}
_AGES = {"child": "child", "young": "young", "old": "old"}


def _maybe(rng: np.random.Generator, chance: float) -> bool:
    return bool(rng.random() < chance)


def trait_phrases(traits: Mapping[str, Any], rng: np.random.Generator | None = None) -> list[str]:
    """Phrases for a character's traits, the most visible first.

    Args:
        traits: attribute -> word, as `Character.to_dict()`; what is missing is not spoken of.
        rng: picks among wordings; None takes the first of each.

    Returns:
        Phrases such as `short brown hair`, `round glasses`; absent glasses or beards are not named.
    """
    phrases: list[str] = []
    style, colour = traits.get("hair_style"), traits.get("hair_colour")
    if style:
        wordings = _HAIR_STYLES[style]
        wording = wordings[int(rng.integers(len(wordings)))] if rng is not None else wordings[0]
        phrases.append(wording.format(c=colour or "").replace("  ", " "))
    elif colour:
        phrases.append(f"{colour} hair")
    if traits.get("skin"):
        phrases.append(f"{traits['skin']} skin")
    if traits.get("glasses", "none") != "none":
        phrases.append(f"{traits['glasses']} glasses")
    if traits.get("facial_hair", "none") != "none":
        phrases.append(_FACIAL_HAIR[traits["facial_hair"]])
    shape = f"{traits['eye_shape']} " if traits.get("eye_shape") and (rng is None or _maybe(rng, 0.5)) else ""
    if traits.get("eye_colour"):
        phrases.append(f"{shape}{traits['eye_colour']} eyes")
    if traits.get("freckles"):
        phrases.append("freckles")
    if traits.get("earrings"):
        phrases.append("earrings")
    if traits.get("face_shape"):
        phrases.append(f"{traits['face_shape']} face")
    if traits.get("brows"):
        phrases.append(f"{traits['brows']} brows")
    return phrases


def traits_words(traits: Mapping[str, Any]) -> str:
    """All of a person's traits in one line, for prompts that name them."""
    return ", ".join(trait_phrases(traits))


def scene_phrases(
    scene: Scene | Mapping[str, Any], style: str = "chibi", rng: np.random.Generator | None = None
) -> list[str]:
    """Phrases for what changes from picture to picture; `pose` is named for chibis, `light` for photos only."""
    words = scene.to_dict() if isinstance(scene, Scene) else dict(scene)
    phrases: list[str] = []
    if words.get("expression"):
        suffix = " expression" if words["expression"] == "neutral" else ""
        phrases.append(words["expression"] + suffix)
    colour, clothing = words.get("clothing_colour"), words.get("clothing")
    if colour or clothing:
        article = "" if clothing == "overalls" else "a "
        worn = " ".join(word for word in (colour, clothing or "clothes") if word)
        article = "an " if article and worn[0] in "aeio" else article
        article = "" if not clothing else article
        verb = "" if rng is not None and _maybe(rng, 0.3) else "wearing "
        phrases.append(f"{verb}{article if verb else ''}{worn}")
    headwear = words.get("headwear", "none")
    if headwear != "none":
        article = "" if headwear in ("headphones", "cat ears") else "a "
        phrases.append(f"{article}{headwear}")
    background = words.get("background")
    if background:
        place = background in PLACES
        phrases.append(
            f"in the {background}" if place and (rng is None or _maybe(rng, 0.5)) else f"{background} background"
        )
    if style == "chibi" and words.get("pose", "standing") != "standing":
        phrases.append(words["pose"])
    if style == "photo" and words.get("light"):
        phrases.append(words["light"])
    return phrases


def scene_words(scene: Scene | Mapping[str, Any], style: str = "chibi", seed: int | None = None) -> str:
    """The scene in one line; a seed varies the wording."""
    return ", ".join(scene_phrases(scene, style, None if seed is None else np.random.default_rng([seed, 0x5C])))


def describe(character: Character, scene: Scene, style: str = "chibi", seed: int = 0, completeness: float = 1.0) -> str:
    """Writes the caption of a drawing.

    Args:
        character: who is drawn.
        scene: how.
        style: `chibi` or `photo`, the domain word.
        seed: varies wording and order; the same seed gives the same caption.
        completeness: chance of each phrase to stay; 1 says everything that the words of the world can say.

    Returns:
        `chibi of a young person with short brown hair, light skin, …, smiling, wearing a red hoodie, blue background`
    """
    rng = np.random.default_rng([seed, 0xCA9])
    traits = [p for p in trait_phrases(character.to_dict(), rng) if _maybe(rng, completeness)]
    scenes = [p for p in scene_phrases(scene, style, rng) if _maybe(rng, completeness)]
    rng.shuffle(traits)
    rng.shuffle(scenes)
    age = f"{_AGES[character.age]} " if _maybe(rng, completeness) else ""
    article = "an" if age.startswith("o") else "a"
    # A child is said as such: "a child person" would be no English.
    who = "a child" if age == "child " else f"{article} {age}person"
    opening = (
        f"{style} of {who}" if _maybe(rng, 0.85) else f"{style}, {age}person" if age != "child " else f"{style}, child"
    )
    if _maybe(rng, 0.25):
        return ", ".join([opening, *scenes, *traits])
    joint = " with " if traits and _maybe(rng, 0.7) else ", "
    return joint.join(part for part in (opening, ", ".join([*traits, *scenes])) if part)
