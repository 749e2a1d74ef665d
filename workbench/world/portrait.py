"""Photo-like portraits of characters: what a person would bring to the workbench.

The face keeps human proportions. A picture is made in three steps: flat shapes with hair strands on a supersampled
canvas (`portrait_canvas`), light per material from a relief of the head and from who casts shadows on whom
(`portrait_light`), then what a camera adds. Framing is head and shoulders: brows to chin takes about a third of the
width, in the middle, a little above half height.
"""

from __future__ import annotations

import zlib

import numpy as np
from PIL import Image

from workbench.world.character import Character, Scene
from workbench.world.portrait_canvas import Canvas, Pen
from workbench.world.portrait_clothes import Outfit
from workbench.world.portrait_face import Face, draw_ears, draw_head
from workbench.world.portrait_features import (
    draw_beard,
    draw_brows,
    draw_eyes,
    draw_marks,
    draw_mouth,
    draw_mustache,
    draw_nose,
)
from workbench.world.portrait_hair import Hair
from workbench.world.portrait_light import CELL, LAMPS, LEFT, TOP, creases, develop, light_up, relief
from workbench.world.portrait_places import draw_background
from workbench.world.portrait_wear import Headwear, draw_glasses

EYES_AT = (256.0, 209.0)  # between the eyes, in units of a 512-unit wide picture
NECK_PIVOT = 150.0  # the head leans around a point this far below the eyes


def draw_photo(
    character: Character, scene: Scene, seed: int = 0, size: int = 256, transparent: bool = False
) -> Image.Image:
    """Draws a photo-like portrait.

    Args:
        character: who; the same character has the same face, hair and colours in every picture.
        scene: expression, clothes, place, pose of the head, light.
        seed: chance of this one picture: framing, side of the light, noise. The same arguments give the same pixels.
        size: width and height in pixels, even; drawn for 128 to 1024.
        transparent: what is not covered by the person gets alpha 0, so that another place can be put behind.

    Returns:
        RGB picture (RGBA when transparent), size x size; the same colours either way.

    Raises:
        ValueError: an odd size.
    """
    if size % 2:
        raise ValueError(f"a portrait's size must be even, not {size}")
    # Each part of a person has its own stream, so that a hat does not move the freckles.
    own = [np.random.default_rng([character.variation, 0x4A1, part]) for part in range(5)]
    chance = np.random.default_rng([seed, character.variation, zlib.crc32(repr(scene).encode())])
    lamp = LAMPS[scene.light]
    side = 1.0 if chance.random() < 0.5 else -1.0
    face = Face(character, scene)

    scale = 1.05 * float(np.clip(chance.normal(1, 0.025), 0.94, 1.06))
    tilt = float(scene.tilt)
    x = EYES_AT[0] + float(np.clip(chance.normal(0, 9), -18, 18)) - 8 * face.turn
    y = EYES_AT[1] + float(np.clip(chance.normal(0, 7), -14, 14))
    lean = np.deg2rad(tilt)
    # Leaning about the neck moves the eyes sideways; half of it is taken back, as one centres oneself in a selfie.
    at = (x + 0.5 * NECK_PIVOT * scale * np.sin(lean), y + NECK_PIVOT * scale * (1 - np.cos(lean)))

    factor = 2
    canvas = Canvas(size * factor)
    head = Pen(canvas, at, scale, tilt)
    body_at = (x - 0.5 * NECK_PIVOT * scale * float(np.sin(lean)), y)
    body = Pen(canvas, body_at, scale)
    hair = Hair(face, own[0])
    headwear = Headwear(face, head, chance)

    headwear.back()
    hair.back(head)
    outfit = Outfit(face, body, own[1])
    outfit.draw()
    draw_ears(face, head)
    draw_head(face, head)
    draw_marks(face, head, own[2])
    draw_beard(face, head, own[3])
    draw_nose(face, head)
    draw_mouth(face, head)
    draw_mustache(face, head, own[3])
    draw_eyes(face, head)
    draw_brows(face, head, own[4])
    if character.hair_style != "bald":
        hair.front(head)
    draw_glasses(face, head)
    headwear.front()

    half = size // 2
    field = relief(face, lamp, side)
    inverse = 512 / (half * scale * CELL)
    cos, sin = np.cos(lean) * inverse, np.sin(lean) * inverse
    px, py = at[0] * half / 512, at[1] * half / 512
    where = (cos, sin, -LEFT / CELL - cos * px - sin * py, -sin, cos, -TOP / CELL + sin * px - cos * py)
    lights = field.transform(
        (half, half), Image.Transform.AFFINE, where, Image.Resampling.BILINEAR, fillcolor=(110, 0, 0, 80)
    )
    background = draw_background(scene.background, size, side, chance)
    folds = creases(chance, half, body_at, outfit.broad * scale, outfit.base * scale)
    cover = canvas.cover.reduce(factor)
    lit = light_up(canvas.picture.reduce(factor), cover, lights, background, folds, side)
    picture = develop(lit, lamp, side, chance)
    if transparent:
        covered = np.asarray(cover, dtype=np.uint16).sum(2).clip(0, 255)
        picture.putalpha(Image.fromarray(covered.astype(np.uint8)))
    return picture
