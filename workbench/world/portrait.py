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
from workbench.world.portrait_features import draw_beard, draw_brows, draw_eyes, draw_marks, draw_mouth, draw_mustache, draw_nose
from workbench.world.portrait_hair import Hair
from workbench.world.portrait_light import CELL, LAMPS, LEFT, TOP, develop, relief, shadows
from workbench.world.portrait_places import draw_background
from workbench.world.portrait_wear import Headwear, draw_glasses

EYES_AT = (256.0, 209.0)  # between the eyes, in units of a 512-unit wide picture
NECK_PIVOT = 150.0  # the head leans around a point this far below the eyes


def draw_photo(character: Character, scene: Scene, seed: int = 0, size: int = 256) -> Image.Image:
    """Draws a photo-like portrait.

    Args:
        character: who; the same character has the same face, hair and colours in every picture.
        scene: expression, clothes, place, pose of the head, light.
        seed: chance of this one picture: framing, side of the light, noise. The same arguments give the same pixels.
        size: width and height in pixels; drawn for 128 to 1024.

    Returns:
        RGB picture, size x size.
    """
    own = np.random.default_rng([character.variation, 0x4A1])
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

    factor = 3 if size <= 256 else 2
    canvas = Canvas(size * factor)
    head = Pen(canvas, at, scale, tilt)
    body = Pen(canvas, (x - 0.5 * NECK_PIVOT * scale * np.sin(lean), y), scale)
    hair = Hair(face, own)
    headwear = Headwear(face, head, own)

    headwear.back()
    hair.back(head)
    Outfit(face, body, own).draw()
    draw_ears(face, head)
    draw_head(face, head)
    draw_marks(face, head, own)
    draw_beard(face, head, own)
    draw_nose(face, head)
    draw_mouth(face, head)
    draw_mustache(face, head, own)
    draw_eyes(face, head)
    draw_brows(face, head, own)
    if character.hair_style != "bald":
        hair.front(head)
    draw_glasses(face, head)
    headwear.front()

    picture = np.asarray(canvas.picture.reduce(factor), dtype=np.float32)
    cover_image = canvas.cover.reduce(factor)
    field = relief(face, lamp, side)
    inverse = 512 / (size * scale * CELL)
    cos, sin = np.cos(lean) * inverse, np.sin(lean) * inverse
    px, py = at[0] * size / 512, at[1] * size / 512
    where = (cos, sin, -LEFT / CELL - cos * px - sin * py, -sin, cos, -TOP / CELL + sin * px - cos * py)
    lights = field.transform((size, size), Image.Transform.AFFINE, where, Image.Resampling.BILINEAR, fillcolor=(110, 0, 0, 92))
    background = draw_background(scene.background, size, side, chance)
    return develop(_light_up(picture, cover_image, lights, background, side, size), lamp, side, chance)


def _light_up(picture: np.ndarray, cover_image: Image.Image, lights: Image.Image, background: np.ndarray, side: float, size: int) -> np.ndarray:
    """Flat colours under light, shadows and in front of a background: (size, size, 3) floats."""
    cover = np.asarray(cover_image, dtype=np.float32) / 255
    near, far = shadows(cover_image, side)
    fields = np.asarray(lights, dtype=np.float32)
    skin_on, hair_on, body_on, thing_on = (cover[..., i] for i in range(4))
    skin_light, hair_light = fields[..., 0] / 128, fields[..., 3] / 128
    above = np.minimum(near[..., 1] + near[..., 3], 1)  # hair and hats shade the face
    skin_light = skin_light * (1 - 0.46 * above * (1 - 0.3 * hair_on))
    hair_light = hair_light * (1 - 0.35 * near[..., 3])
    t = np.linspace(-1, 1, size, dtype=np.float32)
    body_light = (0.97 + 0.07 * side * t - 0.12 * t * t)[None, :] * (1.02 - 0.10 * np.clip(t, 0, 1))[:, None]
    head_over = np.minimum(far[..., 0] + far[..., 1] * 0.7 + far[..., 3] * 0.5, 1)
    body_light = body_light * (1 - 0.50 * head_over) * (1 - 0.25 * near[..., 1])
    thing_light = 0.25 + 0.8 * hair_light
    total = skin_on * skin_light + hair_on * hair_light + body_on * body_light + thing_on * thing_light
    covered = np.minimum(skin_on + hair_on + body_on + thing_on, 1)
    total /= np.maximum(covered, 0.02)
    # Light that went through skin comes out redder: shadows on a face are warm, blood shows on cheeks and nose.
    warm = skin_on * (1 - np.clip(skin_light, 0, 1)) * 0.12
    blush = skin_on * fields[..., 2] / 255
    lit = picture * total[..., None]
    lit[..., 0] *= 1 + warm
    lit[..., 1] *= 1 - 0.15 * warm - 0.14 * blush
    lit[..., 2] *= 1 - 0.45 * warm - 0.12 * blush
    lit += (skin_on * fields[..., 1] * (1 - 0.5 * above))[..., None]
    wall_shadow = 1 - 0.16 * np.minimum(far.sum(axis=-1), 1)
    lit += background * ((1 - covered) * wall_shadow)[..., None]
    return lit
