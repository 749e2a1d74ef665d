"""A chibi's hair: what lies behind the head and body, and what lies on the face, per style.

Coordinates are relative to the middle of the head, in units of a 256 px picture. Every style returns
`(behind, front)` as SVG strings; `mirrored` characters part their hair on the other side.
"""

from __future__ import annotations

from workbench.world.character import Character
from workbench.world.chibi_face import Build, face_path
from workbench.world.palette import RGB, hair_colour, luma, mix, shade, skin_colour
from workbench.world.svg import ellipse, group, outline, path

_TOP = "M -65 16 C -78 -96 78 -96 65 16"  # the crown, from the left temple over the top to the right temple

# From the right temple back to the left one: the lower edge of what lies on the forehead.
_FRINGES = {
    "short": "L 55 10 L 51 -12 L 43 -22 L 33 -13 L 24 -27 L 8 -14 L -4 -29 L -22 -15 L -30 -28 L -44 -14 L -51 -20 "
    "L -55 10 Z",
    "parted": "L 56 12 C 54 -12 34 -22 -14 -46 C -24 -30 -44 -22 -51 -8 L -56 12 Z",
    "spiky": "L 54 8 L 50 -16 L 38 -9 L 30 -30 L 14 -12 L 2 -33 L -12 -13 L -26 -31 L -38 -11 L -49 -22 L -54 8 Z",
    "bangs": "L 56 26 Q 54 0 49 -15 Q 40 -20 33 -15 Q 25 -21 17 -16 Q 8 -21 0 -16 Q -8 -21 -17 -16 Q -25 -21 -33 -15 "
    "Q -40 -20 -49 -15 Q -54 0 -56 26 Z",
    "swept": "L 56 30 C 56 2 44 -14 20 -20 C 2 -23 -22 -28 -32 -42 C -34 -26 -46 -16 -52 6 L -56 30 Z",
    "middle": "L 58 34 C 58 0 40 -20 3 -45 L -3 -45 C -40 -20 -58 0 -58 34 Z",
    "back": "L 56 4 C 48 -34 22 -38 0 -38 C -22 -38 -48 -34 -56 4 Z",
}


def _curls(points: list[tuple[float, float, float]], fill: RGB) -> str:
    """Bunches of round curls with one outline around all of them."""
    line = outline(fill)
    rim = "".join(ellipse(x, y, r + 3, r + 3, line) for x, y, r in points)
    body = "".join(ellipse(x, y, r, r, fill) for x, y, r in points)
    arc = "".join(
        path(f"M {x - r * 0.5:.1f} {y - r * 0.1:.1f} Q {x - r * 0.3:.1f} {y - r * 0.65:.1f} "
             f"{x + r * 0.35:.1f} {y - r * 0.5:.1f}", None, shade(fill, 1.25 if luma(fill) < 200 else 0.86), 2.4)
        for x, y, r in points
    )  # fmt: skip
    return rim + body + arc


def _shine(fill: RGB) -> str:
    """The band of light on smooth hair."""
    light = shade(fill, 1.3) if luma(fill) < 215 else (255, 255, 255)
    return path("M -44 -36 C -30 -58 -8 -62 8 -60 C -6 -56 -22 -50 -34 -31 Z", light, extra='opacity="0.75"') + path(
        "M 18 -59 C 28 -57 36 -51 41 -43 C 33 -50 26 -54 18 -59 Z", light, extra='opacity="0.75"'
    )


def _strands(fill: RGB, lines: str) -> str:
    return path(lines, None, mix(fill, outline(fill), 0.55), 2.2)


def _cap(character: Character, build: Build, fringe: str, top: str = _TOP) -> str:
    """The crown with a fringe, its shadow on the face, and its shine."""
    fill = hair_colour(character)
    edge = _FRINGES[fringe]
    cast = mix(skin_colour(character), (150, 70, 80), 0.26)
    flip = "scale(-1 1)" if build.mirrored else ""
    shadow = group(group(path(f"{top} {edge}", cast), f"translate(0 6) {flip}"), extra='clip-path="url(#face)"')
    crown = group(path(f"{top} {edge}", fill, outline(fill), 3.4) + _shine(fill), flip)
    return f'<clipPath id="face"><path d="{face_path(character, build)}"/></clipPath>' + shadow + crown


def _tail(d: str, fill: RGB, strands: str = "") -> str:
    return path(d, fill, outline(fill), 3.4) + (_strands(fill, strands) if strands else "")


def _tie(x: float, y: float) -> str:
    return ellipse(x, y, 6.5, 6.5, (240, 84, 110), (130, 34, 60), 2.6)


def _braid(x: float, fill: RGB) -> str:
    out = ""
    for step, (y, r) in enumerate(((34, 11.5), (50, 11), (65, 10), (79, 9))):
        lean = 2.5 if step % 2 else -2.5
        out += ellipse(x + lean, y, r + 1.5, r, fill, outline(fill), 3)
        out += path(f"M {x + lean - 6} {y - 4} Q {x + lean} {y + 4} {x + lean + 6} {y - 3}", None,
                    mix(fill, outline(fill), 0.5), 2)  # fmt: skip
    tip = path(f"M {x - 6} 90 Q {x} 112 {x + 6} 90 Z", fill, outline(fill), 3)
    return tip + out + _tie(x, 89)


def hair(character: Character, build: Build) -> tuple[str, str]:
    """Draws the hair.

    Returns:
        `(behind, front)`: what is drawn before the body and head, and what is drawn over the face.
    """
    fill = hair_colour(character)
    dark = shade(fill, 0.84)
    style = character.hair_style
    v = build.hair_volume
    both = (-1, 1)
    if style == "bald":
        glint = path("M -34 -34 C -24 -46 -10 -48 -2 -47 C -12 -43 -24 -37 -30 -27 Z", (255, 255, 255),
                     extra='opacity="0.7"')  # fmt: skip
        return "", glint
    if style == "buzzed":
        scalp = mix(skin_colour(character), shade(fill, 0.75), 0.72)
        top = "M -58 6 C -62 -76 62 -76 58 6 C 54 -14 50 -28 30 -33 Q 0 -38 -30 -33 C -50 -28 -54 -14 -58 6 Z"
        specks = path("M -30 -42 l 2 2 M -12 -47 l 2 2 M 8 -43 l 2 2 M 26 -46 l 2 2 M 0 -52 l 2 2 M -44 -24 l 2 2 "
                      "M 43 -26 l 2 2 M 38 -38 l 2 2 M -38 -36 l 2 2", None, shade(scalp, 0.8), 2.2)  # fmt: skip
        return "", path(top, scalp, outline(scalp), 3.2) + specks
    if style == "short":
        return "", _cap(character, build, "short")
    if style == "parted":
        strands = _strands(fill, "M -14 -46 C 4 -60 30 -52 46 -34 M -14 -46 C 10 -50 34 -38 50 -14")
        return "", _cap(character, build, "parted") + group(strands, "scale(-1 1)" if build.mirrored else "")
    if style == "spiky":
        top = ("M -64 12 L -76 -6 L -66 -18 L -80 -38 L -60 -46 L -64 -70 L -40 -66 L -32 -88 L -12 -74 L 4 -94 "
               "L 18 -74 L 40 -84 L 44 -64 L 66 -66 L 62 -44 L 80 -34 L 67 -16 L 76 -4 L 64 12")  # fmt: skip
        return "", _cap(character, build, "spiky", top)
    if style == "curly":
        ring = [(-58, -4, 14), (-61, -26, 15), (-50, -47, 16), (-31, -60, 16), (-8, -66, 16), (15, -65, 16),
                (37, -56, 16), (54, -41, 15), (61, -20, 15), (58, 0, 13), (-36, -36, 14), (-14, -42, 14), (9, -42, 14),
                (32, -36, 14), (0, -54, 14)]  # fmt: skip
        return "", _curls([(x * v, y, r) for x, y, r in ring], fill)
    if style == "afro":
        ring = [(-70, 2, 17), (-77, -24, 19), (-68, -51, 20), (-48, -72, 21), (-20, -83, 21), (10, -84, 21),
                (40, -76, 21), (63, -56, 20), (76, -30, 19), (71, -2, 17)]  # fmt: skip
        behind = ellipse(0, -24, 76, 62, fill) + _curls([(x * v, y, r) for x, y, r in ring], fill)
        behind += ellipse(0, -22, 74, 58, fill)
        crown = [
            (-50, -22, 11),
            (-38, -36, 12),
            (-20, -42, 12),
            (0, -45, 12),
            (20, -42, 12),
            (38, -36, 12),
            (50, -22, 11),
        ]
        return behind, _curls([(x, y, r) for x, y, r in crown], fill) + ellipse(0, -60, 52, 20, fill)
    if style == "bob":
        back = (
            f"M {-66 * v:.1f} -20 C {-84 * v:.1f} 40 -74 62 -52 64 L 52 64 C 74 62 {84 * v:.1f} 40 {66 * v:.1f} -20 Z"
        )
        locks = "".join(
            path(f"M {s * 64} 0 C {s * 74} 26 {s * 72} 46 {s * 58} 58 C {s * 50} 50 {s * 54} 24 {s * 53} 4 Z", fill,
                 outline(fill), 3.2)
            for s in both
        )  # fmt: skip
        return path(back, dark, outline(fill), 3.4), locks + _cap(character, build, "bangs")
    if style == "straight":
        back = "M -66 -20 C -80 30 -78 90 -72 128 L 72 128 C 78 90 80 30 66 -20 Z"
        locks = "".join(
            path(f"M {s * 65} 0 C {s * 72} 30 {s * 70} 66 {s * 66} 84 L {s * 52} 78 "
                 f"C {s * 55} 50 {s * 55} 26 {s * 53} 6 Z",
                 fill, outline(fill), 3.2)
            for s in both
        )  # fmt: skip
        strands = _strands(fill, "M -66 92 L -64 124 M 66 92 L 64 124 M -57 100 L -56 124 M 57 100 L 56 124")
        return path(back, dark, outline(fill), 3.4) + strands, locks + _cap(character, build, "bangs")
    if style == "wavy":
        wave = (
            "M 0 -60 L -60 -40 C -88 -10 -66 8 -80 28 C -96 50 -68 64 -82 84 C -92 104 -74 118 -60 122 L -40 110 "
            "L 40 110 L 60 122 C 74 118 92 104 82 84 C 68 64 96 50 80 28 C 66 8 88 -10 60 -40 Z"
        )
        locks = "".join(
            path(f"M {s * 64} -2 C {s * 80} 18 {s * 60} 34 {s * 74} 54 C {s * 78} 68 {s * 66} 76 {s * 58} 78 "
                 f"C {s * 62} 62 {s * 48} 50 {s * 56} 30 C {s * 58} 20 {s * 54} 10 {s * 53} 2 Z",
                 fill, outline(fill), 3.2)
            for s in both
        )  # fmt: skip
        return path(wave, dark, outline(fill), 3.4), locks + _cap(character, build, "middle")
    if style == "ponytail":
        tail = _tail("M 40 -62 C 84 -84 108 -44 98 0 C 94 30 84 48 72 58 C 78 30 76 0 66 -22 C 60 -38 50 -46 40 -62 Z",
                     dark, "M 62 -58 C 84 -40 88 0 82 34 M 56 -46 C 74 -28 80 0 78 24")  # fmt: skip
        behind = group(tail, "scale(-1 1)" if build.mirrored else "")
        tie = group(_tie(47, -57), "scale(-1 1)" if build.mirrored else "")
        return behind, _cap(character, build, "swept") + tie
    if style == "pigtails":
        tails = "".join(
            group(_tail("M 58 -34 C 92 -58 114 -20 108 24 C 106 54 98 70 88 80 C 84 58 70 52 74 24 "
                        "C 76 0 72 -16 58 -34 Z", dark, "M 80 -30 C 98 -6 98 30 92 58"), f"scale({s} 1)")
            for s in both
        )  # fmt: skip
        return tails, _cap(character, build, "bangs") + "".join(_tie(s * 65, -33) for s in both)
    if style == "bun":
        bun = ellipse(0, -80, 27 * v, 22 * v, fill, outline(fill), 3.4)
        bun += _strands(fill, "M -18 -84 Q 0 -100 19 -82 M -12 -72 Q 4 -92 22 -76")
        wisps = "".join(
            path(f"M {s * 62} 2 C {s * 66} 18 {s * 62} 30 {s * 57} 38 C {s * 58} 24 {s * 56} 14 {s * 54} 4 Z",
                 fill, outline(fill), 2.6)
            for s in both
        )  # fmt: skip
        return bun + path("M -20 -62 Q 0 -54 20 -62", None, (240, 84, 110), 6), wisps + _cap(character, build, "back")
    if style == "braids":
        return "", _cap(character, build, "middle") + "".join(_braid(s * 63, fill) for s in both)
    raise ValueError(f"no drawing for the hair style {style!r}")
