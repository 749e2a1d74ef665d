"""Opening picture files: every format, everything a stranger may bring, and nothing private kept."""

from __future__ import annotations

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from workbench.errors import PhotoError
from workbench.photos import open_photo
from workbench.photos.photo import KEPT_SIDE, MAX_BYTES

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 40), (30, 40, 190), (240, 240, 240)


def quarters(width: int = 320, height: int = 240) -> Image.Image:
    """Red, green over blue, white: every turn and flip of it is different."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def corners(image: Image.Image) -> list[str]:
    """The names of the colours in the four quarters, in reading order."""
    names = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
    width, height = image.size
    found = []
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            pixel = np.array(image.getpixel((x, y)), dtype=float)
            found.append(min(names, key=lambda name: float(np.abs(pixel - names[name]).sum())))
    return found


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is so large and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF"])
def test_formats(kind: str) -> None:
    photo = open_photo(saved(quarters(), kind), f"a.{kind}")
    assert (photo.name, photo.size, photo.image.size, photo.image.mode) == (f"a.{kind}", (320, 240), (320, 240), "RGB")
    assert corners(photo.image) == ["red", "green", "blue", "white"]


def test_a_phone_s_two_view_jpeg() -> None:
    image = quarters()
    data = saved(image, "MPO", save_all=True, append_images=[image])
    assert corners(open_photo(data).image) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("suffix", [".heic", ".HEIF", ".png"])
def test_paths_keep_their_name_and_the_file_is_left_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"me{suffix}"
    path.write_bytes(saved(quarters(), "PNG" if suffix == ".png" else "HEIF"))
    before = path.read_bytes(), path.stat().st_mtime_ns
    photo = open_photo(path)
    assert photo.name == path.name
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    # How a picture must be stored so that a viewer that obeys the tag shows the quarters upright.
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = quarters().transpose(undo[orientation]) if orientation > 1 else quarters()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    # A HEIF turns by a box of its own, which the writer makes only from EXIF in bytes; EXIF in it is a comment.
    photo = open_photo(saved(stored, kind, exif=exif.tobytes()))
    assert photo.size == photo.image.size == (320, 240)
    assert corners(photo.image) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_where_a_photo_was_taken_is_not_kept(kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SECRETPHONE"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 29.0)
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = "SECRETPLACE"
    options: dict[str, object] = {"exif": exif, "xmp": b"<x:xmpmeta>SECRETXMP</x:xmpmeta>"}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "SECRETTEXT")
        options = {"exif": exif, "pnginfo": text}
    data = saved(quarters(), kind, **options)
    assert data.count(b"SECRET") >= 2, "the private data must be in the file that is brought"
    photo = open_photo(data)
    assert photo.image.info == {}
    assert not photo.image.getexif()
    for again in ("PNG", "JPEG", "WEBP"):
        assert b"SECRET" not in saved(photo.image, again)


def test_a_large_photo_is_made_smaller_and_remembers_its_size() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo = open_photo(saved(quarters(4000, 3000), "JPEG", exif=exif))
    assert photo.size == (3000, 4000)
    assert photo.image.size == (KEPT_SIDE * 3 // 4, KEPT_SIDE)


@pytest.mark.parametrize("size", [(30_000, 30_000), (9_500, 9_500), (2**31 - 1, 1)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    start = time.process_time()
    with pytest.raises(PhotoError, match="pixels; the limit is 80 million"):
        open_photo(png_header(*size), "bomb.png")
    assert time.process_time() - start < 0.5


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PhotoError, match=r"film\.jpg: the file is 100 MB"):
        open_photo(path)


def animation(kind: str) -> bytes:
    frames = [quarters(), Image.new("RGB", (320, 240), GREEN)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_refused(kind: str) -> None:
    with pytest.raises(PhotoError, match="it is an animation"):
        open_photo(animation(kind), "dance")


BROKEN = {
    "empty.jpg": (b"", "the file is empty"),
    "text.jpg": (b"Dear diary, today I took no photo at all.\n" * 40, "it is text, not a picture"),
    "unicode.jpg": (("今日は写真を撮らなかった。" * 80).encode(), "it is text, not a picture"),
    "noise.png": (bytes(range(256)) * 20, "it is not a picture"),
    "paper.jpg": (b"%PDF-1.7 \0\0", "it is a PDF"),
    "film.heic": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 50, "it is a film or a kind of picture"),
    "raw.jpg": (b"II*\0" + b"\0" * 100, "TIFF or raw"),
    "old.bmp": (saved(quarters(), "BMP"), "BMP"),
    "truncated.jpg": (saved(quarters(), "JPEG")[:-1200], "ends too early"),
    "truncated.png": (saved(Image.effect_noise((200, 200), 50), "PNG")[:-5000], "(ends too early|broken)"),
    "truncated.webp": (saved(Image.effect_noise((200, 200), 50), "WEBP")[:-3000], "(ends too early|broken|not a pict)"),
    "truncated.heic": (saved(quarters(), "HEIF")[:-200], "(ends too early|broken|film or a kind)"),
    "header.png": (saved(quarters(), "PNG")[:20], "(broken|not a picture)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named_with_a_reason_and_a_way_out(tmp_path: Path, name: str) -> None:
    data, reason = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PhotoError, match=reason) as caught:
        open_photo(tmp_path / name)
    assert caught.value.thing == name
    assert len(caught.value.way_out) > 10


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "GIF"])
def test_any_cut_or_bit_error_is_a_picture_or_a_photo_error(kind: str) -> None:
    data = saved(Image.merge("RGB", [Image.effect_noise((64, 64), 40)] * 3), kind)
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data[: int(rng.integers(8, len(data)))] if rng.random() < 0.5 else data)
        for place in rng.integers(0, len(broken), 4):
            broken[place] ^= int(rng.integers(1, 256))
        try:
            assert open_photo(bytes(broken)).image.mode == "RGB"
        except PhotoError as error:
            assert error.reason and error.way_out


def test_no_file_and_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no such file"):
        open_photo(tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match="not a file"):
        open_photo(tmp_path)


def test_one_pixel_is_a_picture_of_one_pixel() -> None:
    assert open_photo(saved(Image.new("RGB", (1, 1), RED), "PNG")).size == (1, 1)


def test_cmyk_looks_as_it_was_meant() -> None:
    photo = open_photo(saved(quarters().convert("CMYK"), "JPEG"))
    assert corners(photo.image) == ["red", "green", "blue", "white"]


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (64, 1))
    values = np.asarray(open_photo(saved(Image.fromarray(ramp), "PNG")).image)[0, :, 0]
    assert np.abs(values - np.arange(256.0)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "PA"])
def test_other_pixel_kinds_become_rgb(mode: str) -> None:
    kind = "TIFF" if mode == "PA" else "PNG"
    source = quarters().convert("RGBA").convert("P" if mode == "PA" else mode)
    image = open_photo(saved(source, "PNG" if kind == "TIFF" else kind)).image
    assert image.mode == "RGB"
    grey = np.asarray(image.convert("L"), dtype=float)
    assert grey[200, 300] > grey[200, 20] + 50, "white stays brighter than blue"


def test_transparency_becomes_white() -> None:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    image.paste((*RED, 255), (50, 50, 150, 150))
    photo = open_photo(saved(image, "PNG"))
    assert photo.image.getpixel((5, 5)) == (255, 255, 255)
    assert photo.image.getpixel((100, 100)) == RED


def test_a_colour_profile_is_applied_and_a_broken_one_ignored() -> None:
    # A profile with red and blue exchanged in its matrix would be made by nobody; sRGB must change nothing.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (srgb, lab, b"no profile at all" * 20):
        photo = open_photo(saved(quarters(), "PNG", icc_profile=profile))
        assert corners(photo.image) == ["red", "green", "blue", "white"]


def test_display_p3_red_is_redder_in_srgb(tmp_path: Path) -> None:
    profile = display_p3()
    image = Image.new("RGB", (64, 64), (180, 90, 90))
    red, green, _ = open_photo(saved(image, "PNG", icc_profile=profile)).image.getpixel((30, 30))  # type: ignore[misc]
    assert red > 184 and green < 90


def display_p3() -> bytes:
    """A minimal matrix profile with the primaries of Display P3 (ICC.1:2010, adapted to D50) and gamma 2.2."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + number(x) + number(y) + number(z)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    name = b"P3 for a test\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 78
    text += b"\0" * (-len(text) % 4)
    tags = {
        b"desc": text, b"wtpt": xyz(0.9642, 1.0, 0.8249), b"rXYZ": xyz(0.5151, 0.2412, -0.0011),
        b"gXYZ": xyz(0.2920, 0.6922, 0.0419), b"bXYZ": xyz(0.1571, 0.0666, 0.7841), b"rTRC": curve, b"gTRC": curve,
        b"bTRC": curve, b"cprt": text,
    }  # fmt: skip
    table, body, offset = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", offset + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + number(0.9642) + number(1.0) + number(0.8249)
    return header.ljust(128, b"\0") + table + body
