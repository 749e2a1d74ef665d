"""Finding faces and knowing them again, offline, with dlib.

Two detectors with different weaknesses look at every photo, whatever it shows. The HOG detector is fast and finds
frontal faces, but also sees faces in cloth and leaves; its scores are kept, and a doubtful find counts only when
the convolutional detector confirms it on a small crop. When HOG finds nothing, the convolutional detector looks at the
whole photo once. Landmarks are the five-point model (eye corners and nose): the 68-point one was trained on data
that excludes commercial use. Weights: dlib-models by Davis King, CC0, as shipped in `face_recognition_models`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.errors import PhotoError

Array = NDArray[Any]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the photo; may reach outside it

# Longer side of the pictures that the HOG detector sees; it finds faces from 80 px, so 8 % and 12 % of that side.
_LOOKS = (640, 960)
_CLOSE_LOOK = 1600
_PADDED_LOOK = 420
# Cloth, folds and leaves reach 0.75; from 1.0 on no false face was seen.
_WEAK, _LIKELY, _SURE = -0.2, 0.3, 1.0
_DOUBTFUL_AT_MOST = 3
_CONFIRMED = 0.2


@dataclass(frozen=True)
class Face:
    """One face in a photo.

    Args:
        box: left, top, right, bottom in pixels of `Photo.image`, roughly brows to chin.
        landmarks: (5, 2) x, y: outer and inner corner of the eye on the right of the picture, outer and inner
            corner of the eye on the left, base of the nose.
        score: the detector's certainty; above 1.0 is a clear frontal face.
        embedding: (128,) float32; two photos of a person are typically 0.2 to 0.5 apart (Euclidean), two persons 0.6
            and more.
    """

    box: Box
    landmarks: Array
    score: float
    embedding: Array

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class _Models:
    dlib: Any
    hog: Any
    landmarks: Any
    embedder: Any
    convolutional: Any


_lock = threading.Lock()


@functools.cache
def _models() -> _Models:
    """Loads the face stack once per process (0.5 s, 30 MB)."""
    # The weights' package is located, not imported: its __init__ needs pkg_resources, which setuptools dropped.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise PhotoError("face models", "face_recognition_models is not installed", "Run make install")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    dlib: Any = importlib.import_module("dlib")
    return _Models(
        dlib=dlib,
        hog=dlib.get_frontal_face_detector(),
        landmarks=dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        embedder=dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
        convolutional=dlib.cnn_face_detection_model_v1(str(folder / "mmod_human_face_detector.dat")),
    )


def find_faces(image: Image.Image) -> list[Face]:
    """All faces in a picture, the largest first.

    Args:
        image: RGB, upright.

    Returns:
        Faces with landmarks and embedding; empty when there is none.
    """
    with _lock:
        found = _detect(image)
        faces = [_describe(image, box, score) for box, score in found]
    return sorted(faces, key=lambda face: -face.width)


def _detect(image: Image.Image) -> list[tuple[Box, float]]:
    candidates = _cluster([hit for look in _LOOKS for hit in _hog(image, look)])
    sure = _confirmed(image, candidates)
    if sure:
        return sure
    # Nothing yet: the face may be far away, or reach over the photo's edge.
    near = _confirmed(image, _cluster(_hog(image, _CLOSE_LOOK)))
    if near:
        return near
    padded, pad = _beyond_edge(image)
    candidates = _cluster([hit for look in _LOOKS for hit in _hog(padded, look)])
    sure = _confirmed(padded, candidates) or _convolutional(padded, _PADDED_LOOK)
    return [((b[0] - pad, b[1] - pad, b[2] - pad, b[3] - pad), score) for b, score in sure]


def _confirmed(image: Image.Image, candidates: list[tuple[Box, float]]) -> list[tuple[Box, float]]:
    sure = [hit for hit in candidates if hit[1] >= _SURE]
    # Beside a sure face only likely ones are worth the time: they can at most be a second person.
    least = _LIKELY if sure else _WEAK
    doubtful = [hit for hit in candidates if least <= hit[1] < _SURE][:_DOUBTFUL_AT_MOST]
    return sure + [hit for hit in doubtful if _confirm(image, hit[0])]


def _hog(image: Image.Image, look: int) -> list[tuple[Box, float]]:
    scaled, scale = _scaled(image, look)
    rectangles, scores, _ = _models().hog.run(np.asarray(scaled), 0, _WEAK)
    return [(_box(r, scale), float(s)) for r, s in zip(rectangles, scores, strict=True)]


def _convolutional(image: Image.Image, look: int) -> list[tuple[Box, float]]:
    scaled, scale = _scaled(image, look)
    return [(_box(hit.rect, scale), float(hit.confidence)) for hit in _models().convolutional(np.asarray(scaled), 0)]


def _confirm(image: Image.Image, box: Box) -> bool:
    """Whether the convolutional detector sees a face there too: on a crop in which the face is 110 px wide."""
    side = box[2] - box[0]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    crop = image.crop((round(x - side), round(y - side), round(x + side), round(y + side)))
    return any(score >= _CONFIRMED and _overlap(hit, (side / 2, side / 2, side * 1.5, side * 1.5)) > 0.3
               for hit, score in _convolutional(crop, 220))  # fmt: skip


def _describe(image: Image.Image, box: Box, score: float) -> Face:
    """Landmarks and embedding, on a copy in which the face is about 200 px wide: more adds time, not knowledge."""
    models = _models()
    side = box[2] - box[0]
    scale = min(1.0, 200 / side)
    area = (box[0] - side, box[1] - side, box[2] + side, box[3] + side)
    left, top = math.floor(area[0]), math.floor(area[1])
    crop = image.crop((left, top, math.ceil(area[2]), math.ceil(area[3])))
    width, height = max(1, round(crop.width * scale)), max(1, round(crop.height * scale))
    pixels = np.asarray(crop.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))
    corners = [(v - o) * scale for v, o in zip(box, (left, top, left, top), strict=True)]
    shape = models.landmarks(pixels, models.dlib.rectangle(*(round(c) for c in corners)))
    points = np.array([(p.x, p.y) for p in shape.parts()], dtype=np.float64) / scale + (left, top)
    # The mean over the face and its mirror image is steadier against light from one side.
    chip = models.dlib.get_face_chip(pixels, shape, 150, 0.25)
    both = models.embedder.compute_face_descriptor([chip, np.ascontiguousarray(chip[:, ::-1])])
    embedding = np.asarray([np.asarray(e) for e in both], dtype=np.float32).mean(axis=0)
    return Face(box=box, landmarks=points, score=score, embedding=embedding)


def _scaled(image: Image.Image, look: int) -> tuple[Image.Image, float]:
    scale = look / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), scale


def _box(rectangle: Any, scale: float) -> Box:
    edges = (rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1)
    return (edges[0] / scale, edges[1] / scale, edges[2] / scale, edges[3] / scale)


def _beyond_edge(image: Image.Image) -> tuple[Image.Image, int]:
    pad = round(0.2 * min(image.size))
    array = np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    return Image.fromarray(array), pad


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _cluster(hits: list[tuple[Box, float]]) -> list[tuple[Box, float]]:
    """Hits of several scales that mean one face become one: the best score, the mean box.

    The detector's boxes come in steps of 20 %; the mean over scales halves that error.
    """
    groups: list[list[tuple[Box, float]]] = []
    for hit in sorted(hits, key=lambda h: -h[1]):
        home = next((group for group in groups if _overlap(group[0][0], hit[0]) > 0.3), None)
        if home is None:
            groups.append([hit])
        elif hit[1] > 0.0:
            home.append(hit)
    return [(_mean([box for box, _ in group]), group[0][1]) for group in groups]


def _mean(boxes: list[Box]) -> Box:
    edges = np.mean(np.asarray(boxes), axis=0)
    return (float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3]))
