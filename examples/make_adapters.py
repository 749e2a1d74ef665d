"""Trains the sample adapters into examples/adapters, which a first visit of the page finds on the shelf.

    python examples/make_adapters.py

Each is learnt from photo-like drawings of a character of our own world by the shipped recipe with its default
settings, as a person's is learnt from photos; what the reader gets wrong about the sample is corrected, as a person
would. So they may be shared freely and show what to expect, nothing better.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from workbench.cli.demo import CORRECTIONS
from workbench.config import ROOT
from workbench.device import prepare_environment
from workbench.world.character import Character, sample_scene
from workbench.world.draw import draw

THEO = Character(
    age="young", skin="brown", hair_colour="black", hair_style="afro", eye_colour="brown", eye_shape="round",
    brows="thick", face_shape="oval", glasses="square", facial_hair="none", variation=23,
)  # fmt: skip


def main() -> None:
    prepare_environment()
    with tempfile.TemporaryDirectory() as folder:
        theo = Path(folder) / "photos"
        theo.mkdir()
        for number in range(5):
            scene = sample_scene(
                number, headwear="none", light="daylight", tilt=3.0 * number - 6, turn=0.15 * number - 0.3
            )
            draw(THEO, scene, "photo", size=640, seed=number).save(theo / f"selfie-{number}.jpg", quality=92)
        os.environ["WORKBENCH_KEYS"] = f"{folder}/keys"
        os.environ |= {"WORKBENCH_HOME": f"{folder}/workspace", "WORKBENCH_LORAS": str(ROOT / "examples" / "adapters")}
        corrected = [f"{trait}={word}" for trait, word in CORRECTIONS.items()]
        for name, photos, more in (("sample", ROOT / "examples" / "selfies", corrected), ("theo", theo, [])):
            train = [sys.executable, "-m", "workbench", "train", f"photos={photos}", f"name={name}", *more]
            subprocess.run(train, check=True, cwd=ROOT)
            # Nobody is shown, so nobody has to be asked.
            terms = ["--scope", "commercial", "--licence", "Apache-2.0", "--author", "chibi workbench"]
            subprocess.run([sys.executable, "-m", "workbench", "adapters", "card", name, *terms], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
