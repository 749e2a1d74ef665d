"""The chibi drawing of a character in a scene: big head, big eyes, clean outline, lively colour, as SVG."""

from __future__ import annotations

from workbench.world.character import PLACES, Character, Scene
from workbench.world.chibi_body import arms, headwear, torso
from workbench.world.chibi_face import MOUTH_Y, Build, cheeks, eyes, facial_hair, glasses, head, mouth
from workbench.world.chibi_hair import hair
from workbench.world.palette import background_colour, hex_
from workbench.world.svg import ellipse, group, path, rect

_HEAD = (128.0, 115.0)  # the middle of the head in a 256 px picture
_HEAD_SCALE = 1.1


def background(word: str) -> str:
    """A flat colour, or one of the places as a simple illustration."""
    if word not in PLACES:
        return rect(0, 0, 256, 256, hex_(background_colour(word)))
    if word == "park":
        clouds = "".join(
            ellipse(x, y, r, r * 0.55, (255, 255, 255)) for x, y, r in ((48, 42, 30), (74, 36, 22), (212, 66, 26))
        )
        tree = rect(24, 140, 12, 56, "#a07850") + ellipse(30, 128, 34, 36, (120, 190, 110))
        bush = ellipse(226, 186, 34, 30, (120, 190, 110))
        return (
            rect(0, 0, 256, 256, "#bfe6fb")
            + clouds
            + tree
            + bush
            + path("M 0 190 Q 128 160 256 190 V 256 H 0 Z", (150, 212, 124))
        )
    if word == "beach":
        sun = ellipse(214, 44, 24, 24, (255, 226, 110))
        sea = rect(0, 128, 256, 70, "#5cc0e0") + path(
            "M 0 140 q 32 -10 64 0 t 64 0 t 64 0 t 64 0", None, (200, 240, 250), 4
        )
        return (
            rect(0, 0, 256, 256, "#c8eefc") + sun + sea + path("M 0 196 Q 128 180 256 196 V 256 H 0 Z", (248, 226, 170))
        )
    if word == "city":
        blocks = "".join(
            rect(x, y, w, 256 - y, colour) + "".join(
                rect(x + 7 + 14 * i, y + 10 + 20 * j, 7, 10, "#ffe59a")
                for i in range(int((w - 8) // 14)) for j in range(6)
            )
            for x, y, w, colour in (
                (0, 92, 46, "#6a66a0"), (46, 128, 36, "#7c78b4"), (182, 112, 34, "#7c78b4"), (212, 76, 46, "#6a66a0"),
            )
        )  # fmt: skip
        moon = ellipse(196, 36, 18, 18, (255, 246, 200))
        return rect(0, 0, 256, 256, "#4c4a86") + moon + blocks
    window = (
        rect(20, 30, 72, 84, "#fffdf6", 4)
        + rect(27, 37, 58, 70, "#bfe2f6", 2)
        + path("M 56 36 V 108 M 26 72 H 86", None, (255, 253, 246), 5)
    )
    shelf = rect(172, 84, 74, 8, "#b07c50") + "".join(
        rect(x, y, 10, 84 - y, colour)
        for x, y, colour in ((180, 52, "#e07a6a"), (192, 46, "#6aa6c8"), (204, 56, "#f0c060"), (222, 60, "#84b87c"))
    )  # fmt: skip
    return rect(0, 0, 256, 256, "#f6e2c4") + window + shelf + rect(0, 204, 256, 52, "#d8a878")


def chibi_svg(character: Character, scene: Scene, transparent: bool = False) -> str:
    """Draws a character as a chibi.

    Args:
        character: who is drawn.
        scene: expression, clothes, headwear, background, pose, tilt and turn.
        transparent: leave the background out (alpha 0), for stickers.

    Returns:
        An SVG document with a view box of 256 by 256.
    """
    build = Build.of(character)
    behind_hair, front_hair = hair(character, build)
    behind_wear, front_wear = headwear(character, scene)
    behind_arms, front_arms = arms(character, scene)
    turn = scene.turn
    features = group(
        cheeks(character, scene)
        + facial_hair(character, build)
        + group(mouth(scene), f"translate(0 {MOUTH_Y}) scale(1.22) translate(0 {-MOUTH_Y})"),
        f"translate({turn * 7:.2f} 0)",
    )
    sight = group(eyes(character, scene, build) + glasses(character, build, scene), f"translate({turn * 7:.2f} 0)")
    x, y = _HEAD
    # The head leans about the neck; hats sit on hair, glasses on the nose, raised hands before everything.
    lean = f"rotate({scene.tilt * 0.8:.2f} {x} {y + 60}) translate({x} {y}) scale({_HEAD_SCALE})"
    crown = group(front_hair, f"translate({turn * 2.5:.2f} 0)")
    behind = group(group(behind_wear + behind_hair, f"translate({-turn * 3:.2f} 0)"), lean)
    face = group(head(character, build) + features + crown + sight + front_wear, lean)
    body = group(behind_arms + torso(character, scene), "translate(0 8)")
    parts = behind + body + face + group(front_arms, "translate(0 8)")
    ground = "" if transparent else background(scene.background)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">{ground}{parts}</svg>'
