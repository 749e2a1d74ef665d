"""Draws the sample subject's selfies into examples/selfies: photo-like drawings of a character of our own world.

    python examples/make_selfies.py

They are drawings, not photographs of anyone, so they may be shared freely; the whole job can be tried on them.
"""

from __future__ import annotations

from pathlib import Path

from workbench.world.character import Character, Scene
from workbench.world.draw import draw

MIKA = Character(
    age="young", skin="light", hair_colour="chestnut", hair_style="wavy", eye_colour="green", eye_shape="round",
    brows="thin", face_shape="oval", glasses="round", facial_hair="none", freckles=True, earrings=False, variation=11,
)  # fmt: skip
SCENES = (
    Scene("smiling", "sweater", "yellow", "none", "room", light="warm light", tilt=-4, turn=0.1),
    Scene("neutral", "t-shirt", "white", "none", "blue", light="studio light", tilt=1, turn=-0.3),
    Scene("laughing", "jacket", "red", "none", "park", light="daylight", tilt=6, turn=0.2),
    Scene("smiling", "hoodie", "gray", "none", "city", light="daylight", tilt=3, turn=0.4),
    Scene("winking", "shirt", "green", "none", "beach", light="daylight", tilt=-2, turn=-0.1),
)


def main() -> None:
    folder = Path(__file__).with_name("selfies")
    folder.mkdir(exist_ok=True)
    for number, scene in enumerate(SCENES, 1):
        picture = draw(MIKA, scene, "photo", size=640, seed=number)
        picture.save(folder / f"selfie-{number}.jpg", quality=92)
    print(f"{len(SCENES)} drawings in {folder}")


if __name__ == "__main__":
    main()
