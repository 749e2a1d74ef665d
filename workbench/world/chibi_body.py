"""A chibi's body: torso, arms and clothing, and what is worn on the head.

Body coordinates are those of the whole 256 px picture; headwear is relative to the middle of the head.
"""

from __future__ import annotations

from workbench.world.character import Character, Scene
from workbench.world.palette import RGB, cloth_colour, hair_colour, hex_, luma, mix, shade, skin_colour
from workbench.world.svg import ellipse, limb, outline, path, rect

_TORSO = "M 90 262 C 88 222 90 192 106 180 C 116 174 140 174 150 180 C 166 192 168 222 166 262 Z"
_FLARE = "M 74 262 C 84 224 94 206 100 190 C 106 178 150 178 156 190 C 162 206 172 224 182 262 Z"
# (upper arm, forearm) paths for the left arm; the right one mirrors it about x = 128.
_ARMS = {
    "down": ("M 98 192 Q 86 204 80 218", "M 80 218 Q 76 228 76 238", (76, 240)),
    "up": ("M 98 194 Q 74 194 57 178", "M 57 178 Q 44 164 39 146", (38, 142)),
}


def contrast(rgb: RGB) -> RGB:
    """A second colour that reads on the first: light on dark, dark on light."""
    return shade(rgb, 0.72) if luma(rgb) > 200 else mix(rgb, (255, 255, 255), 0.72)


def _arm(pose: str, mirrored: bool, sleeve: RGB, skin: RGB, short: bool, wide: bool) -> str:
    upper, lower, (hx, hy) = _ARMS[pose]
    hand = ellipse(hx, hy, 8.5, 8.5, skin, outline(skin), 3)
    width = 22.0 if wide else 17.0
    if short:
        inner = limb(lower, skin, 11) + limb(upper, sleeve, width) + hand
        # The bare forearm must join the hand without a line between them.
        inner = limb(lower, skin, 11) + hand + path(lower, None, skin, 11) + limb(upper, sleeve, width)
    else:
        whole = upper + " " + lower.replace("M", "L", 1)
        inner = hand + limb(whole, sleeve, width)
    return f'<g transform="translate(256 0) scale(-1 1)">{inner}</g>' if mirrored else inner


def arms(character: Character, scene: Scene) -> tuple[str, str]:
    """Both arms.

    Returns:
        `(behind, front)`: hanging arms lie behind the torso, raised ones in front of the hair.
    """
    skin = skin_colour(character)
    short = scene.clothing in ("t-shirt", "dress", "overalls")
    sleeve = (250, 250, 252) if scene.clothing == "overalls" else cloth_colour(scene)
    wide = scene.clothing == "kimono"
    raised = {"standing": (), "waving": (True,), "cheering": (True, False)}[scene.pose]
    behind = "".join(_arm("down", m, sleeve, skin, short, wide) for m in (False, True) if m not in raised)
    front = "".join(_arm("up", m, sleeve, skin, short, wide) for m in raised)
    return behind, front


def torso(character: Character, scene: Scene) -> str:
    """Neck, torso and the scene's clothing."""
    cloth, skin = cloth_colour(scene), skin_colour(character)
    line, trim = outline(cloth), contrast(cloth)
    white: RGB = (250, 250, 252)
    kind = scene.clothing
    neck = path("M 117 158 L 117 184 Q 128 192 139 184 L 139 158 Z", shade(skin, 0.88), outline(skin), 3)
    body = path(_FLARE if kind == "dress" else _TORSO, cloth, line, 3.4)
    throat = path("M 112 177 Q 128 196 144 177 Z", skin, line, 3)
    if kind == "t-shirt":
        star = "M 128 206 l 4.6 9.6 10.6 1.3 -7.8 7.2 2 10.5 -9.4 -5.2 -9.4 5.2 2 -10.5 -7.8 -7.2 10.6 -1.3 Z"
        return neck + body + throat + path(star, trim)
    if kind == "hoodie":
        hood = path("M 92 186 C 96 164 160 164 164 186 C 150 200 106 200 92 186 Z", shade(cloth, 0.86), line, 3.2)
        strings = path("M 120 193 L 118 212 M 136 193 L 138 212", None, trim, 3.4)
        pocket = path("M 106 258 L 111 234 L 145 234 L 150 258 Z", shade(cloth, 0.9), line, 2.8)
        return neck + body + hood + path("M 112 180 Q 128 198 144 180 Z", skin, line, 2.8) + strings + pocket
    if kind == "shirt":
        buttons = "".join(ellipse(128, y, 2.4, 2.4, line) for y in (208, 224, 240))
        collar = "".join(
            path(f"M {128 + s * 17} 174 L {128 + s * 20} 192 L {128 + s * 4} 198 L 128 186 Z", trim, line, 2.8)
            for s in (-1, 1)
        )
        return neck + body + path("M 128 190 L 128 258", None, line, 2.4) + buttons + collar
    if kind == "suit":
        front = path("M 112 176 L 128 224 L 144 176 Z", white, line, 2.8)
        tie_colour: RGB = (190, 40, 56) if luma(cloth) < 120 or scene.clothing_colour != "red" else (50, 54, 90)
        tie = path("M 124 186 L 132 186 L 130 194 L 134 212 L 128 222 L 122 212 L 126 194 Z", tie_colour, INK, 1.6)
        lapels = "".join(
            path(f"M {128 + s * 17} 174 L {128 + s * 27} 196 L {128 + s * 18} 201 L {128 + s * 21} 206 L 128 236 "
                 f"L {128 + s * 13} 178 Z", shade(cloth, 0.84), line, 2.6)
            for s in (-1, 1)
        )  # fmt: skip
        return neck + body + front + tie + lapels + path("M 128 236 L 128 258", None, line, 2.6)
    if kind == "dress":
        collar = path("M 108 182 Q 118 200 128 190 Q 138 200 148 182 Q 128 196 108 182 Z", white, line, 2.6)
        waist = path("M 98 218 Q 128 228 158 218", None, trim, 6)
        bow = path("M 128 222 l -12 -7 v 14 Z M 128 222 l 12 -7 v 14 Z", trim, line, 2.2)
        hem = path("M 82 250 q 8 7 16 0 q 8 7 15 0 q 8 7 15 0 q 8 7 15 0 q 8 7 15 0 q 8 7 16 0", None, trim, 3.4)
        return neck + body + throat + collar + waist + bow + hem
    if kind == "sweater":
        bands = "".join(path(f"M 91 {y} Q 128 {y + 6} 165 {y}", None, trim, 6.5) for y in (212, 234))
        high = path("M 111 170 L 110 184 Q 128 194 146 184 L 145 170 Z", shade(cloth, 0.9), line, 3)
        return neck + body + bands + path(_TORSO, None, line, 3.4) + high
    if kind == "jacket":
        tee = path("M 112 178 L 118 262 L 138 262 L 144 178 Q 128 192 112 178 Z", white, line, 2.8)
        zips = path("M 116 196 L 119 260 M 140 196 L 137 260", None, trim, 2.6)
        collar = "".join(
            path(f"M {128 + s * 15} 173 L {128 + s * 28} 184 L {128 + s * 19} 202 L {128 + s * 11} 184 Z",
                 shade(cloth, 0.86), line, 2.6) for s in (-1, 1)
        )  # fmt: skip
        pockets = path("M 97 236 l 12 4 M 159 236 l -12 4", None, line, 2.8)
        return neck + body + tee + throat + zips + collar + pockets
    if kind == "overalls":
        tee = path(_TORSO, white, outline(white), 3.4)
        stripes = "".join(path(f"M 94 {y} Q 128 {y + 5} 162 {y}", None, (226, 116, 120), 4) for y in (196, 210))
        straps = limb("M 109 184 L 113 214", cloth, 7) + limb("M 147 184 L 143 214", cloth, 7)
        bib = path("M 108 210 L 148 210 L 150 232 L 166 236 L 166 262 L 90 262 L 90 236 L 106 232 Z", cloth, line, 3.2)
        knobs = "".join(ellipse(x, 215, 3.6, 3.6, (252, 206, 72), (150, 96, 30), 1.8) for x in (114, 142))
        pocket = path("M 118 226 h 20 v 10 q -10 7 -20 0 Z", shade(cloth, 0.86), line, 2.4)
        return neck + tee + throat + stripes + straps + bib + knobs + pocket
    if kind == "kimono":
        left = path("M 110 176 L 130 216 L 142 232", None, white, 9) + path("M 110 176 L 130 216", None, line, 1.6)
        right = path("M 147 176 L 112 232", None, outline(white), 13) + path("M 147 176 L 112 232", None, white, 8.5)
        obi = path("M 90 230 Q 128 240 166 230 L 166 252 Q 128 262 90 252 Z", contrast(shade(cloth, 0.9)), line, 3)
        cord = path("M 90 241 Q 128 251 166 241", None, (224, 70, 80), 3.6)
        return neck + body + throat + left + right + obi + cord
    raise ValueError(f"no drawing for {kind!r}")


INK: RGB = (58, 36, 48)


def headwear(character: Character, scene: Scene) -> tuple[str, str]:
    """What is worn on the head.

    Returns:
        `(behind, front)`: a hat's brim passes behind the head, the rest lies on the hair.
    """
    cloth = cloth_colour(scene)
    line, trim = outline(cloth), contrast(cloth)
    kind = scene.headwear
    if kind == "cap":
        dome = path("M -65 -24 C -68 -98 68 -98 65 -24 Q 0 -40 -65 -24 Z", cloth, line, 3.4)
        seams = path("M 0 -79 C -4 -62 -4 -46 -2 -34 M -34 -70 C -40 -52 -42 -40 -42 -29 "
                     "M 34 -70 C 40 -52 42 -40 42 -29",
                     None, mix(cloth, line, 0.5), 2.2)  # fmt: skip
        brim = path("M -58 -27 C -20 -44 40 -42 62 -26 C 88 -20 96 -8 88 -3 C 60 -20 0 -28 -58 -27 Z",
                    shade(cloth, 0.82), line, 3.4)  # fmt: skip
        return "", dome + seams + brim + ellipse(0, -80, 5, 4, trim, line, 2.4)
    if kind == "beanie":
        dome = path("M -66 -22 C -70 -104 70 -104 66 -22 Q 0 -38 -66 -22 Z", cloth, line, 3.4)
        fold = path(
            "M -68 -16 C -66 -44 66 -44 68 -16 Q 68 -10 62 -11 Q 0 -30 -62 -11 Q -68 -10 -68 -16 Z", trim, line, 3.2
        )
        ribs = path("M -44 -32 L -46 -20 M -22 -37 L -23 -25 M 0 -39 L 0 -27 M 22 -37 L 23 -25 M 44 -32 L 46 -20", None,
                    mix(trim, line, 0.45), 2.4)  # fmt: skip
        return "", ellipse(0, -88, 15, 14, trim, line, 3.2) + dome + fold + ribs
    if kind == "hat":
        straw: RGB = (244, 214, 140)
        edge = outline(straw)
        behind = ellipse(0, -26, 96, 25, shade(straw, 0.84), edge, 3.4)
        dome = path("M -54 -30 C -56 -98 56 -98 54 -30 Q 0 -44 -54 -30 Z", straw, edge, 3.4)
        band = path("M -55 -36 Q 0 -52 55 -36 L 55 -26 Q 0 -42 -55 -26 Z", cloth, line, 2.8)
        brim = path(
            "M -96 -27 C -70 -46 70 -46 96 -27 C 70 -12 40 -26 0 -26 C -40 -26 -70 -12 -96 -27 Z", straw, edge, 3.4
        )
        return behind, dome + brim + band
    if kind == "bow":
        loops = path("M 34 -56 C 14 -82 4 -70 8 -54 C 10 -42 24 -44 34 -56 Z M 34 -56 C 56 -80 68 -62 62 -48 "
                     "C 56 -38 44 -46 34 -56 Z", cloth, line, 3.4)  # fmt: skip
        return "", loops + ellipse(34, -56, 7.5, 7.5, trim, line, 3)
    if kind == "headphones":
        band = path("M -68 8 C -74 -104 74 -104 68 8", None, (46, 46, 58), 12) + path(
            "M -68 4 C -73 -100 73 -100 68 4", None, (112, 114, 130), 5
        )
        pads = "".join(
            rect(s * 70 - 11, -10, 22, 40, hex_(cloth), 10, f'stroke="{hex_(line)}" stroke-width="3.4"')
            + rect(s * 76 - 4, -1, 8, 22, hex_(shade(cloth, 0.8)), 4)
            for s in (-1, 1)
        )
        return "", band + pads
    if kind == "cat ears":
        fur = hair_colour(character) if character.hair_style != "bald" else (70, 62, 72)
        return "", "".join(
            path(f"M {s * 60} -36 C {s * 66} -66 {s * 66} -88 {s * 60} -98 C {s * 44} -92 {s * 26} -78 {s * 18} -64 "
                 f"Q {s * 40} -60 {s * 60} -36 Z", fur, outline(fur), 3.4)
            + path(f"M {s * 55} -56 C {s * 58} -70 {s * 58} -78 {s * 55} -84 C {s * 46} -79 {s * 38} -73 {s * 33} -66 "
                   f"Q {s * 45} -63 {s * 55} -56 Z", (250, 168, 186))
            for s in (-1, 1)
        )  # fmt: skip
    return "", ""
