"""Makes a run's data set: photos with captions, chibis with the person's traits, pictures of anyone of the class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from workbench.backbones import Backbone
from workbench.captions import caption, check_traits, read_scene, read_traits
from workbench.dataset.folder import build_dataset
from workbench.dataset.pictures import cached_pictures
from workbench.dataset.prompts import anchor_orders, class_orders, photo_caption
from workbench.dataset.selfies import Selfies

# Of a base's own sampling steps, for pictures that are only learned from: chibi-mini draws them in 12 of its 20, which
# saves 3 of a run's 70 seconds and loses nothing in likeness (docs/identity.md).
SHARE_OF_STEPS = 0.6


def make_dataset(
    folder: Path,
    selfies: Selfies,
    backbone: Backbone,
    words: Mapping[str, str],
    corrected: Mapping[str, str | bool],
    anchors: int,
    class_pictures: int,
    captions: bool,
    seed: int,
    pictures: Path,
    on_picture: Callable[[int, int], None] | None = None,
    stage: Callable[[str], AbstractContextManager[Any]] = nullcontext,
    precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> dict[str, Any]:
    """Writes a data set.

    Args:
        folder: where it goes.
        selfies: the photos.
        backbone: draws what is drawn for it.
        words: `trigger` and `class_noun`.
        corrected: traits that the person corrected; they go before those of the photos.
        anchors: how many chibis with the person's traits.
        class_pictures: how many pictures of anyone.
        captions: say what each photo shows besides the person.
        seed: of what is drawn.
        pictures: where drawn pictures are kept for the next run.
        on_picture: called with (pictures done, pictures in all).
        stage: told what begins.
        precision: what is drawn is drawn inside of it.

    Returns:
        The person's traits: read from the photos, and corrected.

    Raises:
        StorageError: if something cannot be kept.
    """
    trigger, noun = words["trigger"], words["class_noun"]
    with stage("traits"):
        read = {trait: reading.value for trait, reading in read_traits(selfies.crops).items()}
        traits = read | selfies.traits | check_traits(corrected)
        told = [  # the person's own words go before what the reader sees
            caption(trigger, noun, style="photo", scene_words=said)
            if said or not captions
            else photo_caption(trigger, noun, scene=read_scene(crop))
            for crop, said in zip(selfies.crops, selfies.words, strict=True)
        ]
        photos = list(zip(selfies.learned, told, strict=True))
    with stage("anchors and class pictures"), precision():
        orders = anchor_orders(traits, trigger, noun, count=anchors, seed=seed)
        orders += class_orders(noun, class_pictures, seed)
        prompts, seeds = [each.prompt for each in orders], [each.seed for each in orders]
        steps = max(1, round(SHARE_OF_STEPS * backbone.steps))
        drawn = cached_pictures(backbone, prompts, seeds, pictures, steps, on_picture=on_picture)
        captioned = [
            (picture, each.caption, each.prompt, each.anyone) for picture, each in zip(drawn, orders, strict=True)
        ]
    with stage("data set"):
        build_dataset(folder, photos, captioned[anchors:], captioned[:anchors])
    return traits
