"""Fills a workspace as a person would have by using the page: photos, a run, adapters, pictures."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from PIL import Image

from workbench.adapters import thumbnail_uri
from workbench.config import Settings, atomic_write, home, settings_to_yaml, shelf
from workbench.gallery import Gallery
from workbench.generation import Picture
from workbench.photos import add_photos, create_subject, judge_photos, open_photo
from workbench.photos.photo import Photo
from workbench.privacy import state_consent
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw
from workbench.world.words import scene_words

ROOT = Path(__file__).resolve().parents[2]
SELFIES = ROOT / "examples" / "selfies"


def photos() -> list[Photo]:
    """The sample selfies."""
    return [open_photo(path) for path in sorted(SELFIES.iterdir())]


def furnish_subject(name: str = "mia") -> None:
    """A person with the sample selfies."""
    add_photos(create_subject(name, consent=state_consent("drawn", "share")), judge_photos(photos()))


def furnish_run(name: str = "mia", state: str = "done", steps: int = 150, done: int = 150, **status: object) -> Path:
    """A run folder as the recipe leaves it; no process belongs to it."""
    folder = home() / "runs" / name
    atomic_write(folder / "settings.yaml", settings_to_yaml(Settings(name=name)))
    record = {"state": state, "stage": state, "step": done, "steps": steps, "pid": 2**22 + 1, "reason": ""}
    atomic_write(folder / "status.json", json.dumps(record | {"updated": time.time() - 90} | status))
    lines = []
    for step in range(1, done + 1):
        loss = 0.55 * math.exp(-step / 45) + 0.16 + 0.05 * math.sin(step * 2.3)
        left = 0.42 * (steps - step)
        lines.append({"step": step, "loss": loss, "lr": 5e-4, "grad_norm": 0.3, "seconds": 0.42, "left": left})
    atomic_write(folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    for step in range(50, done + 1, 50):
        row = Image.new("RGB", (4 * 256, 256))
        for index in range(4):
            row.paste(chibi(3, index + step), (256 * index, 0))
        (folder / "previews").mkdir(exist_ok=True)
        row.save(folder / "previews" / f"step-{step:06d}.png")
    if state == "done":
        seconds = {"photos": 2.1, "imports": 6.4, "training": 63.0, "saving": 3.9}
        atomic_write(folder / "report.json", json.dumps({"seconds": seconds, "photos": {"used": ["a", "b", "c"]}}))
    return folder


def furnish_adapter(base: Path, name: str = "mia", seed: int = 1) -> Path:
    """An adapter of random weights for the tiny base, with a card and a thumbnail."""
    from tiny_adapter import make_adapter

    shelf().mkdir(parents=True, exist_ok=True)
    return make_adapter(
        shelf() / f"{name}.safetensors",
        base,
        seed,
        thumbnail=thumbnail_uri(chibi(seed, seed)),
        steps=150,
        traits={"hair_style": "wavy", "hair_colour": "chestnut", "glasses": "round", "skin": "pale"},
        scores={"traits": 0.86, "prompt": 0.91},
    )


def furnish_broken_adapters() -> None:
    """What else lies on shelves: a pickle, a cut file, one that is no LoRA."""
    shelf().mkdir(parents=True, exist_ok=True)
    (shelf() / "old.ckpt").write_bytes(b"\x80\x04not weights")
    (shelf() / "cut.safetensors").write_bytes(b"\xff\xff\xff\xff\xff\xff\xff\x7f{}")


def furnish_gallery(count: int = 6, adapter: str = "mia") -> list[str]:
    """Pictures with records, as the engine makes them; drawn by the world."""
    gallery, names = Gallery(), []
    for index in range(count):
        scene = sample_scene(index)
        record = {
            "format": 1, "prompt": f"chibi of zkq person, {scene_words(scene)}", "negative": "", "seed": 100 + index,
            "steps": 20, "guidance": 4.0, "guidance_rescale": 0.5, "size": 256, "base": "chibi-mini",
            "base_fingerprint": "f" * 64, "adapters": [{"name": adapter, "strength": 1.0, "sha256": "a" * 64}],
            "created": f"2026-01-02T03:{index // 60:02d}:{index % 60:02d}+00:00", "versions": {}, "notes": [],
        }  # fmt: skip
        names.append(gallery.add(Picture(chibi(3, index), record)))
    if names:
        gallery.star(names[-1])
    return names


def chibi(who: int, scene: int) -> Image.Image:
    return draw(sample_character(who), sample_scene(scene), "chibi", 256)
