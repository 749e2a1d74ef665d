"""Stronger models that a person may have: a vision model, named by its folder or hub id, compares the pictures.

CLIP, DINOv2, SigLIP and their like are opened by transformers from safetensors files; code that comes with a model is
never run. What a similarity of theirs is worth on chibis nobody knows beforehand: without a calibration the verdict is
unknown, and `measure_scorer` makes one from drawings of the world.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.config import find_path
from workbench.errors import IdentityError
from workbench.identity.calibration import Calibration, Curve, fit_curve, load_calibration
from workbench.identity.likeness import Scorer, Seen, own_scorer
from workbench.identity.network import DOMAINS, Domain
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

OWN = "own"
# Mean and standard deviation of CLIP's training pictures (arXiv 2103.00020), for models that do not say theirs.
_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_FILES = ["*.json", "*.safetensors", "README.md"]
AT_ONCE = 16


def open_scorer(name: str | Path = OWN) -> Scorer:
    """Opens a scorer.

    Args:
        name: `own`, the folder of a vision model, or its hub id.

    Raises:
        IdentityError: it is not there, broken, or no vision model.
    """
    return own_scorer() if str(name) == OWN else VisionScorer(name)


class VisionScorer:
    """Compares pictures by the embeddings of a vision model; see `Scorer` for its attributes."""

    def __init__(self, name: str | Path, calibration: Calibration | Path | None = None) -> None:
        """
        Args:
            name: a folder with `config.json` and safetensors, or a hub id.
            calibration: from `measure_scorer`, or the file it was saved in; None looks for `likeness.json` in the
                folder.

        Raises:
            IdentityError: it is not there, broken, or no vision model.
        """
        folder = _locate(str(name))
        self.name = folder.resolve().name if find_path(str(name)).is_dir() else str(name)
        self.licence = _licence(folder)
        self._model = _open(folder, self.name)
        self._size, self._mean, self._std = _preparation(folder, self._model)
        beside = folder / "likeness.json"
        chosen = beside if calibration is None and beside.is_file() else calibration
        self.calibration = load_calibration(chosen) if isinstance(chosen, Path) else chosen

    def see(self, pictures: Sequence[Image.Image], domains: Sequence[Domain]) -> Seen:
        import torch

        parts = []
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            for start in range(0, len(pictures), AT_ONCE):
                parts.append(self._embed(self._input(pictures[start : start + AT_ONCE])))
        embeddings = torch.nn.functional.normalize(torch.cat(parts).float(), dim=1).numpy()
        return Seen(embeddings, np.zeros(len(pictures), dtype=np.float32))

    def _embed(self, pixels: Any) -> Any:
        model = self._model
        told = model.get_image_features(pixels) if hasattr(model, "get_image_features") else model(pixels)
        if hasattr(told, "pooler_output") and told.pooler_output is not None:
            return told.pooler_output
        return told.last_hidden_state.mean(1) if hasattr(told, "last_hidden_state") else told

    def _input(self, pictures: Sequence[Image.Image]) -> Any:
        import torch

        squares = []
        for picture in pictures:
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            square = picture.convert("RGB").crop((left, top, left + side, top + side))
            squares.append(np.asarray(square.resize((self._size, self._size), Image.Resampling.BICUBIC)))
        pixels = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 255
        return (pixels - torch.tensor(self._mean).view(3, 1, 1)) / torch.tensor(self._std).view(3, 1, 1)


def measure_scorer(scorer: Scorer, first: int = 4_000_000, people: int = 64, photos: int = 4) -> Calibration:
    """Measures what a scorer's similarities are worth, on people of the chibi world.

    Args:
        scorer: any.
        first: seed of the first person.
        people: how many are drawn, each with `photos` photos to compare with, one more photo, and a chibi.
    """
    drawn: dict[Domain, list[Image.Image]] = {"chibi": [], "photo": []}
    references = []
    for index in range(first, first + people):
        character = sample_character(index)
        scenes = [sample_scene(8 * index + scene) for scene in range(photos + 2)]
        references += [draw(character, scene, "photo", 256, seed=s) for s, scene in enumerate(scenes[:photos])]
        drawn["photo"].append(draw(character, scenes[photos], "photo", 256, seed=photos))
        drawn["chibi"].append(draw(character, scenes[photos + 1], "chibi", 256))
    mean = scorer.see(references, ["photo"] * len(references)).embeddings.reshape(people, photos, -1).mean(1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    own, curves = np.eye(people, dtype=bool), dict[str, Curve]()
    for domain in DOMAINS:
        seen = scorer.see(drawn[domain], [domain] * people)
        table = (seen.embeddings @ mean.T).astype(np.float64)
        curves[domain] = fit_curve(table[own], table[~own])
    return Calibration(curves, made={"scorer": scorer.name, "fitted_on": first, "people": people})


def _locate(name: str) -> Path:
    folder = find_path(name)
    if folder.is_dir():
        return folder
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name):
        raise IdentityError(name, "there is no such folder, and it is no hub id", "Name a folder, a hub id, or own")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except (OSError, ValueError) as error:
        raise IdentityError(
            name, "it is not on this machine and cannot be fetched from the hub", "Check the name and the connection"
        ) from error


def _open(folder: Path, name: str) -> Any:
    from transformers import AutoModel

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        sees = config.get("vision_config") or config.get("image_size")
        model = AutoModel.from_pretrained(folder, use_safetensors=True, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise IdentityError(
            name, f"it cannot be opened ({first})", "Name a vision model with safetensors files"
        ) from error
    if not sees:
        raise IdentityError(name, "it is no model that looks at pictures", "Name a vision model, such as a CLIP")
    return model.eval()


def _preparation(folder: Path, model: Any) -> tuple[int, Sequence[float], Sequence[float]]:
    """Side, mean and standard deviation of the pictures the model wants."""
    vision = getattr(model.config, "vision_config", model.config)
    side = getattr(vision, "image_size", 224)
    try:
        said = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    return int(side), said.get("image_mean", _MEAN), said.get("image_std", _STD)


def _licence(folder: Path) -> str:
    """What the model's own page says: the `license` line of its front matter."""
    try:
        page = (folder / "README.md").read_text(encoding="utf-8")
    except OSError:
        return "not stated"
    front = re.match(r"---\n(.*?)\n---", page, re.DOTALL)
    said = re.search(r"^license(?:_name)?:\s*(\S.*)$", front[1], re.MULTILINE) if front else None
    return said[1].strip().strip("'\"") if said else "not stated"
