"""Makes the sheets of docs/real-photos.md: the whole job on two real, public-domain portraits.

    make test ARGS="--co -q"              # once, for the packages that only tests need
    .venv/bin/python docs/make_sheets.py

Writes docs/real-astronaut.png, docs/real-hopper.png and docs/real-photos.json. What is made on the way goes to a
temporary folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.cli.demo import SCENES
from workbench.cli.sheet import compose_sheet
from workbench.config import ROOT
from workbench.device import prepare_environment

SEED = 11


def learn(person: str, pictures: list[Image.Image], folder: Path) -> tuple[dict[str, Any], float]:
    """Trains the person as anyone would, and returns the run's report and the seconds from launch to adapter."""
    photos = folder / person
    photos.mkdir(parents=True)
    for number, picture in enumerate(pictures, 1):
        picture.save(photos / f"{person}-{number}.jpg", quality=92)
    start = time.perf_counter()
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(ROOT / "accelerate_config.yaml")]
    settings = ["--config", str(ROOT / "recipes/configs/identity.yaml"), f"photos={photos}", f"name={person}"]
    subprocess.run([*launch, str(ROOT / "recipes/train_lora.py"), *settings], check=True, cwd=ROOT)
    seconds = time.perf_counter() - start
    report = Path(os.environ["WORKBENCH_HOME"]) / "runs" / person / "report.json"
    return json.loads(report.read_text(encoding="utf-8")), seconds


def main() -> None:
    prepare_environment()
    sys.path.insert(0, str(ROOT / "tests"))  # the portraits come from packages that only tests need
    from real_photos import PEOPLE, portrait, variations

    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"WORKBENCH_HOME": f"{folder}/workspace", "WORKBENCH_LORAS": f"{folder}/loras"}
        from workbench.adapters import find_adapter
        from workbench.generation import Engine, Preferences, Request
        from workbench.identity import trait_agreement

        for person in PEOPLE:
            photos = variations(portrait(person))
            report, seconds = learn(person, photos, folder)
            card = find_adapter(person).card
            engine = Engine(card.base)
            avatars = []
            for index, scene in enumerate(SCENES):
                prompt = Preferences(**scene).prompt(card.trigger, card.class_noun)
                [picture] = engine.generate(Request(prompt, seed=SEED + index, count=1, adapters=[(person, 1.0)]))
                avatars.append((picture.image, scene["expression"]))
            note = f"{card.base} · {card.steps} steps · {seconds:.0f} s from launch to adapter"
            compose_sheet(person, photos, avatars, note).save(ROOT / f"docs/real-{person}.png", optimize=True)
            agreement = trait_agreement([image for image, _ in avatars], card.traits)
            results[person] = {
                "traits read": report["traits"],
                "photos": report["photos"],
                "agreement with the traits read": agreement.to_dict(),
                "seconds": seconds,
                "machine": report["machine"],
                "versions": report["versions"],
            }
    (ROOT / "docs/real-photos.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
