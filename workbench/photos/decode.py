"""Decoding one picture that a stranger made: safely, upright, in sRGB, without its private metadata.

The header is read first: a picture that is too large is refused before one pixel of it is decoded. This file is run in
a process of its own (`decoder.py`), so it imports nothing of the workbench but the errors.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from workbench.errors import PhotoError

MAX_PIXELS = 80_000_000
# Faces are found and cropped at this size: a head-and-shoulders crop for a 1024 px base needs no more of a selfie.
KEPT_SIDE = 2048
# What phones and messengers make. Pillow opens MPO, the JPEG with a second view of some phones, as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
AS_JPEG = "Save it as JPEG or PNG and bring that file"
AGAIN = "Open it in a picture viewer; if it does not show there either, copy it again from the phone or camera"


def decode_picture(data: bytes, name: str) -> tuple[Image.Image, tuple[int, int]]:
    """The pixels of a picture file, in this process.

    Args:
        data: the file.
        name: what to call it in messages.

    Returns:
        RGB pixels in sRGB, upright, at most `KEPT_SIDE` long, without metadata; and width and height of the upright
        original.

    Raises:
        PhotoError: it is no picture, is animated, broken, or larger than `MAX_PIXELS`.
    """
    image = _open(data, name)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(name, f"{width} x {height}")
    if image.format in _ANIMATED and getattr(image, "is_animated", False):
        raise PhotoError(name, "it is an animation, not one picture", "Save one picture of it as JPEG or PNG")
    upright, size = _decode(image, name)
    return _bare(upright), size


def register_formats() -> None:
    """Makes Pillow know all of `FORMATS`; later calls cost nothing."""
    import pillow_heif

    if "HEIF" not in Image.OPEN:
        Image.init()  # open() with `formats` knows only the commonest until then
        pillow_heif.register_heif_opener()


def _open(data: bytes, name: str) -> Image.Image:
    """Reads the header only. Pillow's own limit on pixels is higher than ours and speaks through warnings."""
    register_formats()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, "far more") from error
    except UnidentifiedImageError as error:
        raise PhotoError(name, _what_it_is(data), AS_JPEG) from error
    except Exception as error:  # a hostile header can make a decoder raise nearly anything
        raise PhotoError(name, "its header is broken", AGAIN) from error


def _too_many_pixels(name: str, found: str) -> PhotoError:
    limit = f"it has {found} pixels; the limit is {MAX_PIXELS // 10**6} million"
    return PhotoError(name, limit, "Save a smaller copy, for example 4000 pixels wide, and bring that")


def _what_it_is(data: bytes) -> str:
    """Says what an unreadable file looks like, so that a renamed document is called a document."""
    head = data[:512]
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "it is a TIFF or raw camera file, which is not read here"
    if head[:2] == b"BM":
        return "it is a BMP picture, which is not read here"
    if head[:4] == b"%PDF":
        return "it is a PDF document, not a picture"
    if head[4:8] == b"ftyp":
        return "it is a film or a kind of picture that is not read here"
    if b"\0" not in head:
        try:
            head[:500].decode("utf-8", errors="strict" if len(data) <= 500 else "ignore")
            return "it is text, not a picture, whatever its name says"
        except UnicodeDecodeError:
            pass  # no text either
    return "it is not a picture, or it is broken from the start"


def _decode(image: Image.Image, name: str) -> tuple[Image.Image, tuple[int, int]]:
    """Pixels as upright 8-bit sRGB on white, at most `KEPT_SIDE` long; and the upright original's size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            size = (image.height, image.width) if turned else image.size
            profile = image.info.get("icc_profile")
            # Smaller first: turning and converting 12 million pixels takes longer than decoding them.
            if max(size) > KEPT_SIDE and image.mode in ("RGB", "RGBA", "L", "CMYK", "YCbCr"):
                image.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BICUBIC, reducing_gap=None)
            ImageOps.exif_transpose(image, in_place=True)
            upright = _to_rgb(image, profile)
            upright.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BICUBIC, reducing_gap=None)
            return upright, size
    except MemoryError as error:
        raise PhotoError(name, "there is not enough memory to open it", "Save a smaller copy and bring that") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, EOFError, struct.error, …
        cut = "truncated" in str(error).lower() or "end of file" in str(error).lower()
        reason = "the file ends too early, a part of it is missing" if cut else "the file is broken inside"
        raise PhotoError(name, reason, AGAIN) from error


def _to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        # 16-bit grey: Pillow's convert() would clip at 255 and leave a white picture.
        grey = np.asarray(image).astype(np.float32)
        top = 255.0 if grey.max(initial=0) <= 255 else 65535.0
        image = Image.fromarray(np.clip(grey * (255.0 / top), 0, 255).astype(np.uint8))
        profile = None
    if image.mode in ("PA", "LA", "RGBa", "La") or (image.mode in ("P", "L", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        white = Image.new("RGB", image.size, "white")
        white.paste(image.convert("RGB"), mask=alpha)
        image = white
    if profile and image.mode in ("RGB", "CMYK"):
        image = _to_srgb(image, profile)
    return image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Phones save in Display P3, print shops in CMYK: without their profile the skin would have another colour."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return converted if converted is not None else image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a profile that is broken or of another colour space says nothing about these pixels


def _bare(image: Image.Image) -> Image.Image:
    """The same pixels in a new object: Pillow carries `info` (EXIF, XMP, comments) along to save()."""
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    return bare
