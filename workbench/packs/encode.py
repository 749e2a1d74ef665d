"""Pictures and loops as files that are not larger than a platform takes; each says that a model made it.

A file that is too large is made smaller step by step: fewer colours or a lower quality first, then fewer frames. What
had to be done is told, so that nobody wonders about a sticker that looks worse than its picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, PngImagePlugin

from workbench.errors import PackError
from workbench.generation.provenance import PNG_KEYWORD, put_into_gif, xmp_packet
from workbench.packs.moving import Loop

QUALITIES = (95, 90, 85, 80, 70, 60, 50, 40, 30)  # of WebP
COLOURS = (0, 256, 192, 128, 96, 64, 48, 32, 16)  # of PNG; 0 leaves them all
FEWEST_FRAMES = 5
OPTIMISED = 400  # px


@dataclass(frozen=True)
class Encoded:
    """A finished file.

    Args:
        content: its bytes.
        note: what had to be given up to make it small enough; empty when nothing.
    """

    content: bytes
    note: str = ""


def still(image: Image.Image, kind: str, most: int) -> Encoded:
    """One picture as PNG, WEBP or GIF.

    Args:
        most: bytes.

    Raises:
        PackError: it cannot be made that small.
    """
    if kind == "PNG":
        attempts = ((f"{count} colours" if count else "", _png(_reduced(image, count))) for count in COLOURS)
        return _first_that_fits(attempts, most, kind)
    if kind == "WEBP":
        return _first_that_fits(
            ((f"quality {q}" if q < QUALITIES[0] else "", _webp(image, q)) for q in QUALITIES), most, kind
        )
    if kind == "GIF":
        loop = Loop((image,), (100,))
        return _first_that_fits(_gif_attempts(loop), most, kind)
    raise PackError("The file", f"{kind} is no format of still pictures", "Choose PNG, WEBP or GIF")


def moving(loop: Loop, kind: str, most: int, turns: int = 0) -> Encoded:
    """A loop as APNG, WEBP or GIF.

    Args:
        most: bytes.
        turns: how often it is shown; 0 for ever.

    Raises:
        PackError: it cannot be made that small.
    """
    writers: dict[str, Callable[[Loop], Iterable[tuple[str, bytes]]]] = {
        "APNG": lambda each: (
            (f"{count} colours" if count else "", _apng(each, count, turns)) for count in COLOURS if count != 16
        ),
        "WEBP": lambda each: (
            (f"quality {q}" if q < QUALITIES[0] else "", _moving_webp(each, q, turns)) for q in QUALITIES
        ),
        "GIF": lambda each: _gif_attempts(each, turns),
    }
    if kind not in writers:
        raise PackError("The file", f"{kind} is no format of moving pictures", "Choose APNG, WEBP or GIF")

    def attempts() -> Iterable[tuple[str, bytes]]:
        each, words = loop, ""
        while True:
            for said, content in writers[kind](each):
                yield ", ".join(filter(None, (words, said))), content
            each = each.thinned()
            if len(each.frames) < FEWEST_FRAMES:
                return
            words = f"{len(each.frames)} frames"

    return _first_that_fits(attempts(), most, kind)


def _first_that_fits(attempts: Iterable[tuple[str, bytes]], most: int, kind: str) -> Encoded:
    smallest = 0
    for note, content in attempts:
        if len(content) <= most:
            return Encoded(content, f"{note}, to stay under {most // 1000} KB" if note else "")
        smallest = min(smallest or len(content), len(content))
    raise PackError(
        f"The {kind}", f"even at its plainest it has {smallest // 1000} KB, and {most // 1000} KB are allowed",
        "Choose a quieter picture, no shadow, or no movement",
    )  # fmt: skip


def _reduced(image: Image.Image, colours: int) -> Image.Image:
    """A picture of fewer colours and fewer steps of transparency; what is fully transparent stays so."""
    if not colours:
        return image
    plain = image.convert("RGB").quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    fewer = plain.convert("RGB")
    if image.mode == "RGBA":
        fewer.putalpha(image.getchannel("A").point(lambda alpha: round(alpha / 17) * 17))
        # What cannot be seen costs bytes too, unless it is all the same.
        fewer = Image.composite(fewer, Image.new("RGBA", image.size), fewer.getchannel("A").point(lambda a: a and 255))
    return fewer


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Trying every filter on a large picture takes seconds and saves little.
    image.save(buffer, "PNG", pnginfo=_png_chunks(), optimize=image.width <= OPTIMISED)
    return buffer.getvalue()


def _png_chunks() -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(PNG_KEYWORD, xmp_packet().decode())
    return chunks


def _webp(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4, xmp=xmp_packet())
    return buffer.getvalue()


def _moving_webp(loop: Loop, quality: int, turns: int) -> bytes:
    buffer = io.BytesIO()
    loop.frames[0].save(
        buffer, "WEBP", save_all=True, append_images=loop.frames[1:], duration=list(loop.ms), loop=turns,
        quality=quality, method=2, xmp=xmp_packet(),
    )  # fmt: skip
    return buffer.getvalue()


def _apng(loop: Loop, colours: int, turns: int) -> bytes:
    # All frames of an APNG share one palette, so fewer colours are kept as true colours that compress better.
    frames = [_reduced(frame, colours).convert("RGBA") for frame in loop.frames]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "PNG", save_all=True, append_images=frames[1:], duration=list(loop.ms), loop=turns,
        pnginfo=_png_chunks(),
    )  # fmt: skip
    return buffer.getvalue()


def _gif_attempts(loop: Loop, turns: int = 0) -> Iterable[tuple[str, bytes]]:
    for colours in (255, 128, 64, 32, 16):
        yield f"{colours} colours" if colours < 255 else "", _gif(loop, colours, turns)


def _gif(loop: Loop, colours: int, turns: int) -> bytes:
    """GIF has no half transparent pixels: what is half there is laid on white, as paper would be, or left out."""
    flat, holes = [], []
    for frame in loop.frames:
        white = Image.new("RGBA", frame.size, (255, 255, 255, 255))
        white.alpha_composite(frame)
        flat.append(white.convert("RGB"))
        holes.append(np.asarray(frame.getchannel("A")) < 128)
    width, height = flat[0].size
    strip = Image.new("RGB", (width, height * len(flat)))
    for index, frame in enumerate(flat):
        strip.paste(frame, (0, index * height))
    palette = strip.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    nothing = colours
    table = (palette.getpalette() or [])[: 3 * colours]
    table += [0] * (3 * (colours + 1) - len(table))
    frames = []
    for frame, hole in zip(flat, holes, strict=True):
        indexed = np.array(frame.quantize(palette=palette, dither=Image.Dither.NONE))
        indexed[hole] = nothing
        picture = Image.fromarray(indexed, "P")
        picture.putpalette(table)
        frames.append(picture)
    buffer = io.BytesIO()
    # GIF counts hundredths of a second.
    lengths = [max(20, round(ms / 10) * 10) for ms in loop.ms]
    more = {"save_all": True, "append_images": frames[1:], "loop": turns, "duration": lengths, "disposal": 2}
    frames[0].save(buffer, "GIF", transparency=nothing, optimize=False, **(more if len(frames) > 1 else {}))
    return put_into_gif(buffer.getvalue())
