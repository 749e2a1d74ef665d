"""The benchmark's judges: a probe that reads attributes, and a verifier that tells people apart, photo or chibi.

    python -m benchmarks.identity.judges minutes=6                  # both, six minutes of computing each; goes on
    python -m benchmarks.identity.judges stage=verifier minutes=30
    python -m benchmarks.identity.judges stage=check                # accuracy on true drawings of characters not seen

They are trained on characters of their own seeds (`judge_data.py`) with nets of their own (`judge_nets.py`), from the
world alone. `characters=` and `work=` set how many are drawn and where. The weights carry their accuracy.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.captions.reader import ANSWERS
from workbench.config import atomic_write, home
from workbench.device import prepare_environment, set_threads
from workbench.errors import WorkbenchError

HERE = Path(__file__).resolve().parent
SIZE = 128
HELD_OUT = 192  # characters of the check: eight groups of 24
STAGES = ("probe", "verifier")


@dataclass(frozen=True)
class Seen:
    """What the judges say of some pictures.

    Attributes:
        found: (pictures, attributes) the likeliest answer of each of `ANSWERS`, as its index.
        places: (pictures, 128) unit vectors; the cosine of two is how alike the people are.
    """

    found: np.ndarray
    places: np.ndarray

    def answers(self, names: Sequence[str]) -> np.ndarray:
        """(pictures, len(names))."""
        order = list(ANSWERS)
        return self.found[:, [order.index(name) for name in names]]


class Judges:
    """Both judges, ready to look."""

    def __init__(self, folder: Path = HERE) -> None:
        """
        Args:
            folder: with `probe.safetensors` and `verifier.safetensors`.

        Raises:
            WorkbenchError: if they are not there.
        """
        self.facts: dict[str, dict[str, Any]] = {}
        self._nets = {}
        for stage in STAGES:
            path = folder / f"{stage}.safetensors"
            if not path.exists():
                raise WorkbenchError(
                    path.name, "the judge has not been trained", "Run `python -m benchmarks.identity.judges minutes=6`"
                )
            self._nets[stage] = new_net(stage)
            self.facts[stage] = load_net(path, self._nets[stage])
            self._nets[stage].eval()

    def look(self, pictures: Sequence[Image.Image]) -> Seen:
        """Judges pictures of any size; at least one."""
        import torch

        found, places = [], []
        with torch.no_grad():
            for start in range(0, len(pictures), 32):
                batch = to_input([_pixels(picture) for picture in pictures[start : start + 32]])
                pieces = self._nets["probe"](batch).split([len(words) for words in ANSWERS.values()], dim=1)
                found.append(torch.stack([piece.argmax(1) for piece in pieces], 1))
                places.append(self._nets["verifier"](batch))
        return Seen(torch.cat(found).numpy(), torch.cat(places).numpy().astype(np.float64))


def _pixels(picture: Image.Image) -> np.ndarray:
    filter_ = Image.Resampling.BOX if min(picture.size) >= SIZE else Image.Resampling.BICUBIC
    return np.asarray(picture.convert("RGB").resize((SIZE, SIZE), filter_))


def to_input(pixels: Sequence[np.ndarray] | np.ndarray) -> Any:
    """uint8 `(b, h, w, 3)` to a tensor `(b, 3, h, w)` in [-1, 1]."""
    import torch

    batch = torch.from_numpy(np.stack(list(pixels))).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    return batch.contiguous(memory_format=torch.channels_last)


def new_net(stage: str) -> Any:
    from benchmarks.identity.judge_nets import Probe, Verifier

    return Probe() if stage == "probe" else Verifier()


def load_net(path: Path, net: Any) -> dict[str, Any]:
    """Loads weights into a net and returns what the file says of them."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        facts = json.loads((file.metadata() or {}).get("facts", "{}"))
    net.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    )
    return dict(facts)


def save_net(path: Path, net: Any, facts: dict[str, Any], half: bool) -> None:
    """Writes weights with what is known of them; in half precision for the repository, in full to go on from."""
    from safetensors.torch import save

    tensors = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in net.state_dict().items()
    }
    atomic_write(path, save(tensors, metadata={"facts": json.dumps(facts)}))


def check(judges: Judges, folder: Path) -> dict[str, dict[str, Any]]:
    """The judges' own accuracy on true drawings of characters they have not seen.

    Returns:
        Of the probe: attribute -> share right, for chibis and for photos. Of the verifier: chibis are matched with the
        mean place of two photos, among 24 people.
    """
    from benchmarks.identity import judge_data
    from benchmarks.identity.metrics import passing, per_attribute, ranks, threshold_at, within

    files = judge_data.render(folder, HELD_OUT, judge_data.HELD_OUT_SEEDS)
    pictures, answers = judge_data.load(files, judge_data.HELD_OUT_SEEDS)
    pictures, answers = pictures[:HELD_OUT], answers[:HELD_OUT]
    views = [judges.look([Image.fromarray(each) for each in _middle(pictures[:, view])]) for view in range(4)]
    probe: dict[str, Any] = {}
    for style, (one, other) in {"chibi": (0, 1), "photo": (2, 3)}.items():
        right = np.concatenate([answers[:, one], answers[:, other]])
        shares = per_attribute(np.concatenate([views[one].found, views[other].found]), right)
        hidden = "light" if style == "chibi" else "pose"
        probe[style] = {
            name: round(float(share), 4) for name, share in zip(ANSWERS, shares, strict=True) if name != hidden
        }
    photos = views[2].places + views[3].places
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    places, right_pairs, wrong_pairs = [], [], []
    for start in range(0, HELD_OUT, 24):
        group = photos[start : start + 24]
        for offset in range(len(group)):
            similarity = np.stack([views[view].places[start + offset] for view in (0, 1)]) @ group.T
            places.append(ranks(similarity, offset))
            right_pairs.append(similarity[:, offset])
            wrong_pairs.append(np.delete(similarity, offset, axis=1))
    threshold = threshold_at(np.stack(wrong_pairs), 0.01)
    verifier = {
        "top1 of 24": within(np.concatenate(places), 1),
        "top5 of 24": within(np.concatenate(places), 5),
        "tpr at 1 % fpr": passing(np.concatenate(right_pairs), threshold),
    }
    return {"probe": probe, "verifier": {name: round(value, 4) for name, value in verifier.items()}}


def _middle(pictures: np.ndarray) -> np.ndarray:
    edge = (pictures.shape[1] - SIZE) // 2
    return pictures[:, edge : edge + SIZE, edge : edge + SIZE]


def main() -> None:
    """Trains, checks, and writes the weights with their accuracy."""
    wishes: dict[str, Any] = {"stage": "all", "minutes": 6.0, "characters": 4096, "work": "", "out": str(HERE)}
    for word in sys.argv[1:]:
        name, _, value = word.partition("=")
        if name not in wishes or not value:
            sys.exit(f"{word}: use {', '.join(f'{name}=…' for name in wishes)}")
        wishes[name] = type(wishes[name])(value)
    prepare_environment()
    set_threads()
    work = Path(wishes["work"] or home() / "identity-benchmark" / "judges")
    from benchmarks.identity.judge_training import train

    started, out = time.monotonic(), Path(wishes["out"])
    for stage in STAGES:
        if wishes["stage"] in ("all", stage):
            train(stage, work, out, wishes["minutes"], wishes["characters"])
    if not all((out / f"{stage}.safetensors").exists() for stage in STAGES):
        return  # the other one comes first; both are checked together
    judges = Judges(out)
    accuracy = check(judges, work)
    for stage in STAGES:
        facts = judges.facts[stage] | {"accuracy": accuracy[stage]}
        save_net(out / f"{stage}.safetensors", judges._nets[stage], facts, half=True)
    print(f"{'':16} {'chibi':>7} {'photo':>7}")
    for name in ANSWERS:
        row = [accuracy["probe"][style].get(name) for style in ("chibi", "photo")]
        print(f"{name:16} " + " ".join(f"{share:7.3f}" if share is not None else "      –" for share in row))
    for name, value in accuracy["verifier"].items():
        print(f"{name:16} {value:7.3f}")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
