"""Small sets of real photographs: two public-domain portraits, each varied as if taken several times.

The portraits are NASA's of Eileen Collins (`skimage.data.astronaut`) and the U.S. Navy's of Grace Hopper
(matplotlib's sample data). Both packages are needed by tests only.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from workbench.photos import Photo, open_photo

PEOPLE = ("astronaut", "hopper")


def portrait(person: str) -> Image.Image:
    """One of `PEOPLE` as RGB: about 512 px with a face of 100 (astronaut) or 200 px (hopper)."""
    if person == "astronaut":
        import skimage.data

        return Image.fromarray(skimage.data.astronaut())
    if person == "hopper":
        from matplotlib.cbook import get_sample_data

        return Image.open(get_sample_data("grace_hopper.jpg")).convert("RGB")
    raise ValueError(person)


def faceless() -> dict[str, Image.Image]:
    """Pictures without a person that ship in scikit-image."""
    import skimage.data

    names = ("cat", "coffee", "brick", "grass", "gravel", "coins")
    arrays = {name: getattr(skimage.data, name)() for name in names}
    return {
        name: Image.fromarray(a if a.ndim == 3 else np.repeat(a[..., None], 3, axis=2)) for name, a in arrays.items()
    }


def variations(image: Image.Image, count: int = 5) -> list[Image.Image]:
    """1 to 5 pictures of the one: crops, mirror images, light, small rotations, as a phone would have taken them."""
    width, height = image.size

    def part(left: float, top: float, right: float, bottom: float) -> Image.Image:
        return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    turned = image.rotate(9, Image.Resampling.BICUBIC).crop(
        (round(0.12 * width), round(0.07 * height), round(0.9 * width), round(0.8 * height))
    )
    mirrored = part(0.08, 0.0, 0.95, 0.78).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other_turned = image.rotate(-7, Image.Resampling.BICUBIC).crop(
        (round(0.1 * width), round(0.05 * height), round(0.95 * width), round(0.95 * height))
    )
    warm = Image.merge(
        "RGB",
        [
            c.point(lambda v, k=k: min(255, round(v * k)))
            for c, k in zip(mirrored.split(), (1.08, 0.97, 0.82), strict=True)
        ],
    )
    made = [
        image,
        warm,
        ImageEnhance.Brightness(turned).enhance(0.72),
        ImageEnhance.Brightness(part(0.18, 0.04, 0.82, 0.7)).enhance(1.15),
        ImageEnhance.Contrast(other_turned).enhance(0.85).filter(ImageFilter.GaussianBlur(0.4)),
    ]
    return made[:count]


def as_photo(image: Image.Image, name: str = "photo.jpg", quality: int = 90) -> Photo:
    """A picture as a person would bring it: a JPEG file, opened."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return open_photo(buffer.getvalue(), name)


def write_set(folder: Path, person: str, count: int = 5) -> list[Path]:
    """Writes `count` JPEG photos of a person into a folder and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, image in enumerate(variations(portrait(person), count)):
        paths.append(folder / f"{person}-{i + 1}.jpg")
        image.save(paths[-1], quality=88 - 4 * i)
    return paths
