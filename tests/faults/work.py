"""What is killed: each piece of work does something over and over and says so after each time; a check looks at what
is left on the disk and answers with what is wrong. Nothing said may be lost, nothing may be half there.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import line
import numpy as np
from PIL import Image
from safetensors.numpy import save

from workbench.adapters import import_adapter, list_shelf
from workbench.adapters.card import Card, card_metadata
from workbench.adapters.share import pack_adapter
from workbench.config import ROOT, home, make_folder, shelf
from workbench.gallery import Gallery
from workbench.generation import Picture, read_record
from workbench.jobs import footprint, forget_person, read_metrics
from workbench.photos import (
    Judgement,
    add_photos,
    create_subject,
    crops,
    judge_photos,
    judgements,
    load_subject,
    open_photo,
)
from workbench.photos import open_crop as look_at
from workbench.photos.vault import kept_photos
from workbench.photos.verdict import Verdict
from workbench.privacy import enforce_retention, is_sealed, keys, lock, private_files, read_private, seal, sweep, unlock
from workbench.privacy.kept import LEFTOVERS
from workbench.training import RunFolder

Say = Callable[[str], None]
LEFT = tuple(pattern.rstrip("*") for pattern in LEFTOVERS)


@dataclass(frozen=True)
class Work:
    """One kind of work.

    Args:
        what: in words, for the table.
        prepare: makes the workspace; not killed.
        do: runs until it is killed, or until it is done; calls `say` after each thing that counts as saved.
        check: what is wrong afterwards, given what was said; it may mend what is meant to be mended by trying again.
        ends: whether it comes to an end by itself.
        lasts: seconds in which work without an end is killed, after its start or after the first thing it said: about
            as long as it takes to say the next.
    """

    what: str
    prepare: Callable[[], None]
    do: Callable[[Say, random.Random], None]
    check: Callable[[Collection[str]], list[str]]
    ends: bool = False
    lasts: float = 0.4


def new_process() -> None:
    """What a process that starts now knows of keys: nothing."""
    keys._unlocked.clear()
    seal._known.clear()


@cache
def judged() -> Judgement:
    """One accepted photo; finding its face takes a third of a second, so it is found once."""
    photo = open_photo(sorted((ROOT / "examples" / "selfies").iterdir())[0])
    [judgement] = judge_photos([photo]).judgements
    assert judgement.accepted
    return judgement


def _bring(name: str, number: int) -> None:
    judgement = judged()
    assert judgement.photo is not None
    photo = replace(judgement.photo, sha256=f"{number:016x}" + "0" * 48, name=f"{number}.jpg")
    add_photos(load_subject(name), Verdict([replace(judgement, photo=photo)]))


def _one_person() -> None:
    create_subject("mia")
    _bring("mia", 10**9)


def _upload(say: Say, rng: random.Random) -> None:
    for number in range(10**6):
        _bring("mia", number)
        say(f"{number:016x}")


def _photos_whole(said: Collection[str]) -> list[str]:
    mia = load_subject("mia")
    there, records = {path.stem for path in crops(mia)}, judgements(mia)
    wrong = [f"photo {key} is lost" for key in said if key not in there or key not in records]
    wrong += [f"crop {path.stem} is broken" for path in crops(mia) if look_at(path).mode != "RGB"]
    kept = {path.stem for path in mia.folder.glob("photos/*.png") if not path.name.startswith(".")}
    wrong += [f"crop {key} has no photo" for key in there - kept]
    return wrong + ([] if len(kept_photos(mia)) == len(kept) else ["a kept photo cannot be read"])


def _adapter(seed: int) -> bytes:
    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    rng = np.random.default_rng(seed)
    weights = {
        f"{layer}.lora_A.weight": rng.normal(size=(16, 320)).astype(np.float32),
        f"{layer}.lora_B.weight": rng.normal(size=(320, 16)).astype(np.float32),
    }
    return save(weights, card_metadata(Card(name="mia", trigger="zkq")))


def _keep_adapters(say: Say, rng: random.Random) -> None:
    for number in range(10**6):
        name = f"mia-{number // 2}"  # each one is replaced once
        import_adapter(_adapter(number), name, replace=True)
        say(name)


def _adapters_whole(said: Collection[str]) -> list[str]:
    entries = {entry.name: entry for entry in list_shelf()}
    wrong = [f"adapter {name} is lost" for name in said if name not in entries]
    return wrong + [f"adapter {entry.name}: {entry.broken}" for entry in entries.values() if entry.broken]


def _keep_pictures(say: Say, rng: random.Random) -> None:
    gallery = Gallery()
    for number in range(10**6):
        record = {
            "format": 1, "prompt": f"chibi {number}", "negative": "", "seed": number, "steps": 2, "guidance": 4.0,
            "size": 64, "base": "tiny", "adapters": [{"name": "mia", "strength": 1.0, "sha256": "a"}], "versions": {},
            "created": f"2026-01-02T03:{number // 60 % 60:02d}:{number % 60:02d}+00:00", "notes": [],
        }  # fmt: skip
        say(gallery.add(Picture(Image.new("RGB", (64, 64), (number % 255, 0, 0)), record)))


def _pictures_whole(said: Collection[str]) -> list[str]:
    gallery = Gallery()
    found = {kept.id: kept for kept in gallery.search(limit=10**6)}
    files = {path.stem for path in gallery.folder.glob("*.png") if not path.name.startswith(".")}
    wrong = [f"picture {name} is lost" for name in said if name not in found]
    wrong += [f"index and files differ: {len(found)} and {len(files)}"] if set(found) != files else []
    return wrong + [
        f"picture {kept.id} has no record" for kept in found.values() if not read_record(kept.path)["prompt"]
    ]


def _lock_and_unlock(say: Say, rng: random.Random) -> None:
    for _ in range(10**6):
        unlock()
        lock()
        say("locked")


def _several_photos() -> None:
    _one_person()
    for number in range(3):
        _bring("mia", number)


def _readable(said: Collection[str]) -> list[str]:
    wrong = _photos_whole([f"{number:016x}" for number in range(3)])
    lock()
    new_process()
    sweep(older_than=-1)  # as a start one minute later does
    lying = [path for path in home().glob("subjects/*/*/*") if not is_sealed(path)]
    wrong += [f"{path.name} lies open" for path in lying]
    return wrong + [f"{path.name} lies open" for path in private_files() if read_private(path) == path.read_bytes()]


def _two_people() -> None:
    for name in ("mia", "leo"):
        create_subject(name)
        _bring(name, 1)
        for file in ("log.txt", "previews/step-1.png", "checkpoints/step-1/a.safetensors", "earlier/1/log.txt"):
            path = home() / "runs" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 1000)
        import_adapter(_adapter(1), name)
    gallery = Gallery()
    for number, name in enumerate(("mia", "leo") * 4):
        record = {
            "prompt": "chibi",
            "seed": number,
            "steps": 1,
            "guidance": 4.0,
            "adapters": [{"name": name, "strength": 1.0, "sha256": "a"}],
        }
        gallery.add(
            Picture(Image.new("RGB", (64, 64), (number, 0, 0)), record | {"created": "2026-01-02T03:04:05+00:00"})
        )


def _forget(say: Say, rng: random.Random) -> None:
    forget_person("mia")
    say("mia")


def _forgotten(said: Collection[str]) -> list[str]:
    wrong = ["something was left after it was said to be forgotten"] if said and footprint("mia").things else []
    forget_person("mia")
    wrong += [f"{thing.path.name} cannot be forgotten" for thing in footprint("mia").things]
    leo = footprint("leo").things
    wrong += (
        [f"leo lost files: {len(leo)} are left"]
        if len([each for each in leo if each.path.suffix != ".webp"]) < 13
        else []
    )
    look_at(crops(load_subject("leo"))[0])
    return wrong + ([] if Gallery().count(adapter="leo") == 4 else ["leo lost pictures"])


def _expired() -> None:
    _two_people()
    file = home() / "subjects" / "mia" / "subject.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"expires": "2026-01-01T00:00:00+00:00"}))


def _expire(say: Say, rng: random.Random) -> None:
    for over in enforce_retention():
        say(over.name)


def _expiry_done(said: Collection[str]) -> list[str]:
    enforce_retention()
    left = [path for part in ("photos", "crops") for path in (home() / "subjects" / "mia").glob(f"{part}/*")]
    wrong = ["photos are still there"] if left else []
    look_at(crops(load_subject("leo"))[0])
    return wrong + ([] if (shelf() / "mia.safetensors").exists() else ["the adapter went with the photos"])


def _run_folder() -> None:
    make_folder(home() / "runs" / "mia")


def _write_run(say: Say, rng: random.Random) -> None:
    run = RunFolder(home() / "runs" / "mia")
    for step in range(1, 10**6):
        run.add_metrics([{"step": step, "loss": 0.5}])
        run.status("running", step=step, steps=10**6)
        say(str(step))


def _run_true(said: Collection[str]) -> list[str]:
    status = RunFolder(home() / "runs" / "mia").read_status()
    last = max(map(int, said), default=0)
    wrong = [f"the heartbeat says {status.get('step')} of {last}"] if status.get("step", 0) < last else []
    steps = [record["step"] for record in read_metrics("mia")]
    return wrong + ([] if steps[:last] == list(range(1, last + 1)) else ["steps are missing"])


def _save_checkpoints(say: Say, rng: random.Random) -> None:
    import torch

    from workbench.training.checkpoint import Checkpoint, save_checkpoint

    for step in range(1, 10**6):
        weights = {"lora": torch.full((64, 64), float(step))}
        state = {0: {"step": step, "exp_avg": torch.full((64,), float(step))}}
        save_checkpoint(home() / "runs" / "mia" / "checkpoints", Checkpoint(step, weights, state, {}, {}))
        say(str(step))


def _checkpoint_there(said: Collection[str]) -> list[str]:
    from workbench.training.checkpoint import last_checkpoint

    found = last_checkpoint(home() / "runs" / "mia" / "checkpoints")
    last = max(map(int, said), default=0)
    if found is None:
        return [f"checkpoint {last} is lost"] if last else []
    whole = found.adapter["lora"].unique().tolist() == [found.step] == found.optimizer[0]["exp_avg"].unique().tolist()
    wrong = [] if whole else [f"checkpoint {found.step} holds another step's numbers"]
    return wrong + ([f"the last checkpoint is {found.step}, {last} was said"] if found.step < last else [])


def _adapter_on_shelf() -> None:
    # Here, so that what is killed need not load the libraries first.
    pack_adapter(import_adapter(_adapter(1), "mia").path, home() / "first.zip")


def _pack(say: Say, rng: random.Random) -> None:
    for number in range(10**6):
        target = home() / "out" / f"{number % 3}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        pack_adapter(shelf() / "mia.safetensors", target)
        say(target.name)


def _packs_whole(said: Collection[str]) -> list[str]:
    wrong = []
    for file in (home() / "out").glob("[!.]*.zip"):  # what was being written has a name of its own, counted elsewhere
        try:
            with zipfile.ZipFile(file) as archive:
                wrong += [f"{file.name}: {archive.testzip()} is broken"] if archive.testzip() else []
        except zipfile.BadZipFile:
            wrong.append(f"{file.name} is half written")
    return wrong + [f"{name} is lost" for name in said if not (home() / "out" / name).exists()]


@cache
def _base() -> Any:
    """The base that mixes are proven with, opened before the kills: else they would all hit its opening."""
    import torch

    from workbench.backbones import open_backbone

    torch.set_num_threads(1)  # threads of a pool do not live on in a child
    return open_backbone("chibi-mini", device="cpu")


def _two_adapters() -> None:
    _base()
    for file in sorted((ROOT / "examples" / "adapters").glob("*.safetensors"))[:2]:
        import_adapter(file, file.stem)


def _blend(say: Say, rng: random.Random) -> None:
    from workbench.adapters.blend import Ingredient, mix_adapters

    parts, backbone = [Ingredient(entry.name, 0.5) for entry in list_shelf()], _base()
    for number in range(10**6):
        name = f"both-{number // 2}"  # each one is replaced once
        mix_adapters(parts, name, "cat", backbone=backbone, replace_it=True)
        say(name)


def _blends_whole(said: Collection[str]) -> list[str]:
    wrong = _adapters_whole(said)
    sweep(older_than=-1)  # as a start one minute later does
    return wrong + [f"{path.name} stays" for path in shelf().iterdir() if path.name.startswith(LEFT)]


WORK = {
    "upload": Work("photos brought", _one_person, _upload, _photos_whole),
    "shelf": Work("adapters put on the shelf", _adapter_on_shelf, _keep_adapters, _adapters_whole),
    "gallery": Work("pictures kept", lambda: None, _keep_pictures, _pictures_whole),
    "run": Work("a run's heartbeat and losses", _run_folder, _write_run, _run_true),
    "checkpoint": Work("checkpoints of a run", _run_folder, _save_checkpoints, _checkpoint_there),
    "pack": Work("an adapter packed for sharing", _adapter_on_shelf, _pack, _packs_whole),
    "blend": Work("adapters mixed and proven", _two_adapters, _blend, _blends_whole, lasts=4.0),
    "vault": Work("the vault unlocked and locked", _several_photos, _lock_and_unlock, _readable),
    "line": Work("jobs submitted and run", line.nothing_yet, line.submit_and_run, line.all_came_to_an_end),
    "forget": Work("a person forgotten", _two_people, _forget, _forgotten, ends=True),
    "expire": Work("photos expired", _expired, _expire, _expiry_done, ends=True),
}


# What is tried with power cuts too. A run's heartbeat and losses are told to be lost for some seconds (see
# `docs/reliability.md`); the line of jobs is SQLite's.
POWER = ("upload", "shelf", "gallery", "checkpoint", "pack", "forget", "expire")


def left_behind(folder: Path) -> int:
    """Files of interrupted writes; they are swept when someone is forgotten."""
    return sum(path.name.startswith(LEFT) for path in folder.rglob("*"))
