"""Takes the person out of a picture: everything that is background becomes transparent, with soft edges.

On one flat colour, as chibi-mini draws it, no model is needed: the background is what can be reached from the edges
without leaving that colour, and the mixture along the outline is taken apart again into person and background.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from workbench.errors import PackError

Method = Literal["auto", "flat", "rembg"]
Pixels = NDArray[np.float32]

# Distances in Oklab, where 0.02 is about the smallest difference that is seen.
ROUGH = 0.085  # the same colour, at first sight
NEAREST, FARTHEST = 0.05, 0.11  # what still counts as background, between the cleanest picture and the noisiest
FAINT = 0.12  # what is less different from the background, and apart from the person, is a stain of the background
FLAT_SHARE = 0.8  # of the upper edges that must have one colour
RIM = 2  # outermost pixels that are not believed: models leave a darker line there
SHOULDERS = 0.72  # of the height, from the top: below, the person may fill the whole width
DRIFT = 0.08  # of the side: the background's colour may change slowly, over this distance
EDGE = 2  # pixels on each side of the outline that may be a mixture; one more where a model has blurred it
LEAST, MOST = 0.05, 0.97  # share of the picture that a person can fill


def cut_out(image: Image.Image, method: Method = "auto") -> Image.Image:
    """Makes the background transparent.

    Args:
        image: RGB; one with transparency already is given back as it is.
        method: `flat` for one background colour, `rembg` for any (a model of the extra package rembg), `auto` takes
            the first when the background is flat and else the second.

    Returns:
        RGBA of the same size.

    Raises:
        PackError: the background has no single colour and rembg is not installed, or nothing was left.
    """
    if "A" in image.getbands() and int(np.asarray(image.getchannel("A")).min()) < 255:
        return image.convert("RGBA")
    pixels = (np.asarray(image.convert("RGB")) / 255).astype(np.float32)
    if min(pixels.shape[:2]) > 8 * RIM:
        pixels = np.pad(pixels[RIM:-RIM, RIM:-RIM], ((RIM, RIM), (RIM, RIM), (0, 0)), mode="edge")
    flat = background(pixels)
    if method == "rembg" or (method == "auto" and flat is None):
        return _with_rembg(image)
    if flat is None:
        raise _not_flat()
    return _cut_flat(pixels, flat)


def background(pixels: Pixels) -> Pixels | None:
    """The background's colour, as three numbers from 0 to 1; None when it is not one colour.

    Args:
        pixels: (height, width, 3), sRGB from 0 to 1.
    """
    rows = max(4, int(pixels.shape[0] * SHOULDERS))
    ring = slice(RIM, RIM + 3)
    left, right = pixels[:rows, ring].reshape(-1, 3), pixels[:rows, ::-1][:, ring].reshape(-1, 3)
    edge = np.concatenate([pixels[ring].reshape(-1, 3), left, right])
    middle = np.median(edge, axis=0)

    def share(part: Pixels) -> float:
        return float((np.linalg.norm(oklab(part) - oklab(middle), axis=-1) < ROUGH).mean())

    # A sky alone would pass the first test; further down there is a bush, a sea or a wall then.
    low = slice(int(len(left) * 0.75), None)
    flat = share(edge) >= FLAT_SHARE and min(share(left[low]), share(right[low])) >= FLAT_SHARE
    return middle.astype(np.float32) if flat else None


def oklab(rgb: Pixels) -> Pixels:
    """sRGB from 0 to 1 to Oklab, where equal distances look equally different.

    Source: Björn Ottosson, "A perceptual color space for image processing", bottosson.github.io/posts/oklab.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [[0.4122214708, 0.2119034982, 0.0883024619], [0.5363325363, 0.6806995451, 0.2817188376],
         [0.0514459929, 0.1073969566, 0.6299787005]]
    )  # fmt: skip
    result = np.cbrt(cones) @ np.array(
        [[0.2104542553, 1.9779984951, 0.0259040371], [0.7936177850, -2.4285922050, 0.7827717662],
         [-0.0040720468, 0.4505937099, -0.8086757660]]
    )  # fmt: skip
    return np.asarray(result, dtype=np.float32)


def _cut_flat(pixels: Pixels, flat: Pixels) -> Image.Image:
    looks = oklab(pixels)
    # First roughly, from one colour; then from what the background's colour is at each place, and how noisy it is.
    rough = _reachable(np.linalg.norm(looks - oklab(flat), axis=-1) < ROUGH)
    field = _drifting(pixels, rough, flat)
    away = np.linalg.norm(looks - oklab(field), axis=-1)
    near = float(np.clip(9 * np.median(away[rough]), NEAREST, FARTHEST)) if rough.any() else NEAREST
    outside = _reachable(away < near)
    person = _without_stains(~(outside | _holes(away < near, outside, away, flat)), away)
    if not LEAST < person.mean() < MOST:
        raise PackError(
            "The picture", "nothing could be cut out of it: the person has the colour of the background",
            "Draw it again on a background of another colour",
        )  # fmt: skip
    alpha, colours = _soften(pixels, field, person, EDGE + (near > NEAREST))
    rgba = np.concatenate([colours, alpha[..., None]], axis=-1)
    return Image.fromarray(np.rint(rgba * 255).astype(np.uint8), "RGBA")


def _reachable(like: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What looks like background and can be reached from the upper edges without leaving it."""
    labels, _ = ndimage.label(like)
    rows = int(like.shape[0] * SHOULDERS)
    seeds = np.concatenate([labels[0], labels[:rows, 0], labels[:rows, -1]])
    return np.asarray(np.isin(labels, np.setdiff1d(np.unique(seeds), [0])), dtype=bool)


def _drifting(pixels: Pixels, where: NDArray[np.bool_], flat: Pixels) -> Pixels:
    """The background's colour at each place: its mean around there, (height, width, 3)."""
    sigma = DRIFT * max(where.shape)
    weight = ndimage.gaussian_filter(where.astype(np.float32), sigma)
    # A little of the one colour everywhere, for places far from any background.
    total = np.stack(
        [ndimage.gaussian_filter(pixels[..., channel] * where, sigma) + 1e-3 * flat[channel] for channel in range(3)],
        -1,
    )
    return np.asarray(total / (weight + 1e-3)[..., None], dtype=np.float32)


def _holes(like: NDArray[np.bool_], outside: NDArray[np.bool_], away: Pixels, flat: Pixels) -> NDArray[np.bool_]:
    """Background seen through the person, such as between an arm and the head.

    Only on a background that is neither white nor grey: white that is enclosed may be an eye.
    """
    if float(np.linalg.norm(oklab(flat)[1:])) < 0.05:
        return np.zeros(like.shape, dtype=bool)
    labels, count = ndimage.label(like & ~outside)
    if not count:
        return np.zeros(like.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())
    typical = np.bincount(labels.ravel(), away.ravel()) / np.maximum(sizes, 1)
    found = np.flatnonzero((sizes > 0.0006 * labels.size) & (typical < NEAREST * 0.7))
    return np.asarray(np.isin(labels, found[found > 0]), dtype=bool)


def _without_stains(mask: NDArray[np.bool_], away: Pixels) -> NDArray[np.bool_]:
    """Without what floats beside the person and is a speck, or hardly differs from the background.

    Sleep marks and tears stay: they are drawn in a colour of their own.
    """
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    typical = np.bincount(labels.ravel(), away.ravel()) / np.maximum(sizes, 1)
    keep = (sizes >= max(6, sizes.max() * 0.0008)) & (typical > FAINT)
    keep[int(sizes.argmax())] = True
    keep[0] = False
    return np.asarray(keep[labels], dtype=bool)


def _soften(pixels: Pixels, behind: Pixels, person: NDArray[np.bool_], edge: int) -> tuple[Pixels, Pixels]:
    """Alpha and colours along the outline, where a pixel C is a mixture a·F + (1-a)·B.

    F is the colour of the nearest pixel that is surely the person's; so a = (C-B)·(F-B) / |F-B|².

    Returns:
        alpha (height, width) and colours (height, width, 3), both from 0 to 1.
    """
    inner = ndimage.binary_erosion(person, iterations=edge, border_value=1)
    band = ndimage.binary_dilation(person, iterations=edge) & ~inner
    rows, columns = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    sure = pixels[rows, columns]
    direction = sure - behind
    length = np.maximum((direction**2).sum(-1), 1e-6)
    share = np.clip(((pixels - behind) * direction).sum(-1) / length, 0, 1)
    # What hardly differs from the background is background; the noise of a model must leave no veil.
    floor = 0.06 if edge == EDGE else 0.18
    share = np.clip((share - floor) / (0.94 - floor), 0, 1)
    # Where both colours are alike the mixture cannot be taken apart.
    share = np.where(length < 0.02, person.astype(np.float32), share)
    alpha = np.where(band, share, person.astype(np.float32)).astype(np.float32)
    own = (pixels - (1 - alpha[..., None]) * behind) / np.maximum(alpha[..., None], 0.25)
    colours = np.where((band & (alpha < 1))[..., None], np.clip(own, 0, 1), pixels)
    colours = np.where((alpha <= 0.25)[..., None], sure, colours)
    return alpha, colours.astype(np.float32)


def _with_rembg(image: Image.Image) -> Image.Image:
    try:
        from rembg import remove
    except ImportError as error:
        raise _not_flat() from error
    cut: Image.Image = remove(image.convert("RGB"))
    return cut.convert("RGBA")


def _not_flat() -> PackError:
    return PackError(
        "The picture", "its background is not one colour, so the person cannot be cut out without a model",
        "Draw it on a plain background, or install the extra: `pip install 'chibi-workbench[cutout]'`",
    )  # fmt: skip
