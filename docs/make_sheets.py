"""Makes the sheets and figures of docs/real-photos.md: the whole job on two real, public-domain portraits.

    make test ARGS="--co -q"              # once, for the packages that only tests need
    .venv/bin/python docs/make_sheets.py

Writes docs/real-astronaut.png, docs/real-hopper.png and docs/real-photos.json, and docs/photo-variety.jpg: what the
reader learns from, beside what it is to read. Each portrait is varied as if it had been taken five times; what the
reader proposes is corrected where a person would correct it, and both are noted. What is made on the way goes to a
temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from workbench.cli.demo import SCENES
from workbench.cli.sheet import INK, PAPER, compose_sheet
from workbench.config import ROOT
from workbench.device import prepare_environment

SEED = 11
# What anyone sees in the portraits, in the words of the world; what they wear on the head goes into the prompts.
VISIBLE: dict[str, dict[str, Any]] = {
    "astronaut": {
        "age": "young", "skin": "light", "hair_colour": "brown", "hair_style": "short", "glasses": "none",
        "facial_hair": "none",
    },
    "hopper": {
        "age": "old", "skin": "light", "hair_colour": "gray", "hair_style": "short", "glasses": "square",
        "facial_hair": "none",
    },
}  # fmt: skip
WORN = {"astronaut": "none", "hopper": "cap"}


def learn(person: str, pictures: list[Image.Image], corrections: list[str], folder: Path, more: list[str]) -> float:
    """Trains the person as anyone would; seconds from launch to adapter."""
    photos = folder / person
    photos.mkdir(parents=True)
    for number, picture in enumerate(pictures, 1):
        picture.save(photos / f"{person}-{number}.jpg", quality=92)
    start = time.perf_counter()
    settings = ["--config", str(ROOT / "recipes/configs/identity.yaml"), f"photos={photos}", f"name={person}"]
    train = [sys.executable, "-m", "workbench", "train", *settings, *corrections, *more]
    subprocess.run(train, check=True, cwd=ROOT)
    return time.perf_counter() - start


def variety_sheet(crops: list[Image.Image]) -> Image.Image:
    """Photo-like drawings, the same as the reader learns from them, and crops of real photographs, eight each."""
    import numpy as np
    import torch
    from photo_variety import as_tensor, backdrops, hats, put_on, varied

    from workbench.world.character import sample_character, sample_scene
    from workbench.world.draw import draw

    side, seeds = 160, range(700_100, 700_108)

    drawn = [draw(sample_character(s), sample_scene(s), "photo", side, transparent=True) for s in seeds]
    people = as_tensor(np.stack([np.asarray(each) for each in drawn]))
    people[1::3] = put_on(people[1::3], as_tensor(hats(3, side)))
    changed = varied(people, as_tensor(backdrops(16, side)), side, torch.Generator().manual_seed(SEED))
    made = [Image.fromarray((each.permute(1, 2, 0) * 255).byte().numpy()) for each in changed]
    rows = ("as the world draws them", drawn), ("as the reader learns from them", made), ("real photographs", crops)
    gap, head = 12, 34
    sheet = Image.new("RGB", (gap + len(seeds) * (side + gap), gap + len(rows) * (side + head + gap)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for line, (words, pictures) in enumerate(rows):
        top = gap + line * (side + head + gap)
        pen.text((gap, top), words, INK, ImageFont.load_default(20))
        for column, picture in enumerate(pictures[: len(seeds)]):
            sheet.paste(picture.convert("RGB").resize((side, side)), (gap + column * (side + gap), top + head))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the sheets of docs/real-photos.md.")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings of the training")
    more = parser.parse_args().settings
    prepare_environment()
    # The portraits come from packages that only tests need; what the reader learns from belongs to its recipe.
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "recipes")]
    from real_photos import PEOPLE, as_photo, portrait, variations

    results: dict[str, Any] = {}
    real: list[Image.Image] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["WORKBENCH_KEYS"] = f"{folder}/keys"
        os.environ |= {"WORKBENCH_HOME": f"{folder}/workspace", "WORKBENCH_LORAS": f"{folder}/loras"}
        from workbench.adapters import find_adapter
        from workbench.captions import read_traits
        from workbench.generation import Engine, Preferences, Request
        from workbench.identity import trait_agreement
        from workbench.photos import crop_face, judge_photos

        for person in PEOPLE:
            photos = variations(portrait(person))
            judged = judge_photos([as_photo(photo, f"{person}-{i}.jpg") for i, photo in enumerate(photos, 1)])
            crops = [crop_face(each.photo, each.face, 512) for each in judged.accepted if each.photo and each.face]
            real += crops[:4]
            read = {trait: reading.value for trait, reading in read_traits(crops).items()}
            seen = VISIBLE[person]
            corrections = [f"traits.{trait}={word}" for trait, word in seen.items() if read[trait] != word]
            seconds = learn(person, photos, corrections, folder, more)
            card = find_adapter(person).card
            engine = Engine(card.base)
            avatars = []
            for index, scene in enumerate(SCENES):
                if index % 2 == 0 and WORN[person] != "none":
                    scene = scene | {"headwear": WORN[person]}
                prompt = Preferences(**scene).prompt(card.trigger, card.class_noun)
                [picture] = engine.generate(Request(prompt, seed=SEED + index, count=1, adapters=[(person, 1.0)]))
                label = " · ".join(filter(None, (scene["expression"], scene.get("headwear", ""), scene["background"])))
                avatars.append((picture.image, label))
            note = f"{card.base} · {card.steps} steps · {seconds:.0f} s from launch to adapter"
            compose_sheet(person, photos, avatars, note).save(ROOT / f"docs/real-{person}.png", optimize=True)
            images = [image for image, _ in avatars]
            results[person] = {
                "photos accepted": len(crops),
                "visible": seen,
                "read": {trait: read[trait] for trait in seen},
                "corrected": [correction.removeprefix("traits.") for correction in corrections],
                "found in the avatars": trait_agreement(images, seen).to_dict(),
                "seconds": round(seconds, 1),
            }
    variety_sheet(real).save(ROOT / "docs/photo-variety.jpg", quality=88, optimize=True)
    (ROOT / "docs/real-photos.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
