"""Opening a picture file that a stranger brought: safely, upright, in sRGB, without its private metadata.

The header is read first: a picture that is too large is refused before one pixel of it is decoded. What leaves
this file is pixels only. EXIF (camera, time, GPS), XMP, comments and colour profiles stay behind in the original.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from workbench.errors import PhotoError

MAX_BYTES = 100 * 2**20
MAX_PIXELS = 80_000_000
# Faces are found and cropped at this size: a head-and-shoulders crop for a 1024 px base needs no more of a selfie.
KEPT_SIDE = 2048
# What phones and messengers make. Pillow opens MPO, the JPEG with a second view of some phones, as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".gif")
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_AS_JPEG = "Save it as JPEG or PNG and bring that file"
_AGAIN = "Open it in a picture viewer; if it does not show there either, copy it again from the phone or camera"


@dataclass(frozen=True)
class Photo:
    """A picture a person brought, decoded.

    Args:
        name: what the person calls it: the file's name, without folders.
        image: RGB pixels in sRGB, upright, at most `KEPT_SIDE` on the longer side, without metadata.
        sha256: of the file's bytes: two files with the same value are the same file.
        size: width and height in pixels of the upright original.
    """

    name: str
    image: Image.Image = field(repr=False)
    sha256: str
    size: tuple[int, int]


def open_photo(source: Path | str | bytes, name: str = "") -> Photo:
    """Decodes one picture file and leaves its metadata behind. The file itself is never altered.

    Args:
        source: a path, or the bytes of a file.
        name: what to call it in messages; the path's last part when empty.

    Returns:
        The decoded photo.

    Raises:
        PhotoError: the file cannot be read, is no picture, is animated, broken, or larger than `MAX_PIXELS`.
    """
    if isinstance(source, bytes):
        name, data = name or "photo", source
        _check_bytes(name, len(data))
    else:
        path = Path(source)
        name = name or path.name
        data = _read(path, name)
    image = _open(data, name)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(name, f"{width} x {height}")
    if image.format in _ANIMATED and getattr(image, "is_animated", False):
        raise PhotoError(name, "it is an animation, not one picture", "Save one picture of it as JPEG or PNG")
    upright, size = _decode(image, name)
    return Photo(name=name, image=_bare(upright), sha256=hashlib.sha256(data).hexdigest(), size=size)


def _check_bytes(name: str, count: int) -> None:
    if count == 0:
        raise PhotoError(name, "the file is empty", _AGAIN)
    if count > MAX_BYTES:
        raise PhotoError(name, f"the file is {count / 2**20:.0f} MB, more than {MAX_BYTES // 2**20} MB", _AS_JPEG)


def _read(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            gone = PhotoError(name, "there is no such file", "Check the name and the folder")
            raise PhotoError(name, "it is not a file", "Choose a picture file") if path.exists() else gone
        _check_bytes(name, path.stat().st_size)
        return path.read_bytes()
    except PermissionError as error:
        raise PhotoError(name, "you may not read this file", "Change its permissions, or copy it elsewhere") from error
    except OSError as error:
        raise PhotoError(name, f"it could not be read ({error.strerror or error})", _AGAIN) from error


def _open(data: bytes, name: str) -> Image.Image:
    """Reads the header only. Pillow's own limit on pixels is higher than ours and speaks through warnings."""
    _register_formats()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, "far more") from error
    except UnidentifiedImageError as error:
        raise PhotoError(name, _what_it_is(data), _AS_JPEG) from error
    except Exception as error:  # a hostile header can make a decoder raise nearly anything
        raise PhotoError(name, "its header is broken", _AGAIN) from error


def _too_many_pixels(name: str, found: str) -> PhotoError:
    limit = f"it has {found} pixels; the limit is {MAX_PIXELS // 10**6} million"
    return PhotoError(name, limit, "Save a smaller copy, for example 4000 pixels wide, and bring that")


def _register_formats() -> None:
    import pillow_heif

    if "HEIF" not in Image.OPEN:
        Image.init()  # open() with `formats` knows only the commonest until then
        pillow_heif.register_heif_opener()


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
            pass
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
        raise PhotoError(name, reason, _AGAIN) from error


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
