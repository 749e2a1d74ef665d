"""What the base is asked to draw for a data set, and how the pictures are captioned.

Anchors are chibis with the person's visible traits: asked for by the traits, captioned with the trigger word. They
carry the person from photo to chibi, also when a photo is far from what the base has seen. Class pictures are the
same without traits and trigger: they hold the class where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.captions import Reading, caption
from workbench.world.character import sample_scene
from workbench.world.words import scene_words, traits_words

# Far from the small seeds that people choose for their own pictures.
ANCHOR_SEEDS, CLASS_SEEDS = 1_000_000, 2_000_000


# Half-sure words stay out: to name no hat teaches little, to name a hat that is not there teaches something wrong.
SURE = 0.5


@dataclass(frozen=True)
class Order:
    """A picture to be drawn.

    Args:
        prompt: the words for the base.
        caption: what it is called in the data set.
        seed: of the picture.
        anyone: the caption with anyone of the class in the person's place; empty when nobody is named in it.
    """

    prompt: str
    caption: str
    seed: int
    anyone: str = ""


def photo_caption(trigger: str, class_noun: str, scene: Mapping[str, Reading]) -> str:
    """The caption of a photo: what may change from picture to picture is named, the person is left to the trigger.

    Args:
        trigger: the word that will call the person.
        class_noun: what the person is.
        scene: what the reader saw, see `read_scene`.
    """
    sure = {name: reading.value for name, reading in scene.items() if reading.confidence >= SURE}
    return caption(trigger, class_noun, "photo", scene_words(sure, "photo"))


def anchor_orders(
    traits: Mapping[str, Any], trigger: str, class_noun: str, count: int, seed: int, style: str = "chibi"
) -> list[Order]:
    """Orders pictures of someone who looks like the person, each in another scene.

    Args:
        traits: attribute -> word, see `Character`.
        trigger: the word that will call the person.
        class_noun: what the person is.
        count: how many.
        seed: of the scenes and of the pictures.
    """
    orders = []
    for index in range(count):
        scene = scene_words(sample_scene(ANCHOR_SEEDS + seed + index), style)
        words = ", ".join(part for part in (traits_words(traits), scene) if part)
        order = Order(
            f"{style} of {_someone(traits)} with {words}",
            caption(trigger, class_noun, style, scene),
            ANCHOR_SEEDS + seed + index,
            f"{style} of a {class_noun}, {scene}",
        )
        orders.append(order)
    return orders


def class_orders(class_noun: str, count: int, seed: int, style: str = "chibi") -> list[Order]:
    """Orders pictures of anyone of the class; see `anchor_orders` for the arguments."""
    orders = []
    for index in range(count):
        words = f"{style} of a {class_noun}, {scene_words(sample_scene(CLASS_SEEDS + seed + index), style)}"
        orders.append(Order(words, words, CLASS_SEEDS + seed + index))
    return orders


def _someone(traits: Mapping[str, Any]) -> str:
    age = traits.get("age")
    if age == "child":
        return "a child"
    return f"an {age} person" if age == "old" else f"a {age} person" if age else "a person"
