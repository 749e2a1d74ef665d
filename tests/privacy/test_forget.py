"""Being forgotten: markers planted in every kind of file are gone from every byte, and a receipt says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from privacy_people import png
from safetensors.numpy import save

from workbench.adapters.card import Card, card_metadata
from workbench.adapters.labels import change_label
from workbench.adapters.trash import trash_adapter
from workbench.cli import main
from workbench.config import atomic_write, home, shelf
from workbench.gallery import Gallery, Query
from workbench.generation import Picture
from workbench.jobs import footprint, forget_person, forget_with_receipt
from workbench.packs import Recipe, create_pack
from workbench.photos import create_subject
from workbench.photos.scene import save_photo_words
from workbench.privacy import list_shared, note_shared, row_of, sweep, verify_receipt, write_private

MARK = "MARKER-Q7Z"


def adapter(name: str, card: Card) -> Path:
    """A LoRA of two weights with a card."""
    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    weights = {
        f"{layer}.lora_A.weight": np.ones((2, 8), np.float32),
        f"{layer}.lora_B.weight": np.ones((8, 2), np.float32),
    }
    shelf().mkdir(parents=True, exist_ok=True)
    path = shelf() / f"{name}.safetensors"
    path.write_bytes(save(weights, card_metadata(card)))
    return path


def picture(gallery: Gallery, used: str, mark: str) -> str:
    record = {
        "format": 1, "prompt": f"chibi of zkq person, {mark}", "negative": "", "seed": 1, "steps": 2, "guidance": 4.0,
        "guidance_rescale": 0.5, "size": 64, "base": "tiny", "versions": {}, "notes": [],
        "adapters": [{"name": used, "strength": 1.0, "sha256": "a"}],
        "created": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    name = gallery.add(Picture(Image.new("RGB", (64, 64), "red"), record))
    gallery.star(name)
    gallery.thumbnail(name)
    return name


def plant(name: str, mark: str) -> None:
    """One marked file of every kind there is, for a person."""
    subject = create_subject(name, traits={"hair_colour": mark})
    marked = png() + mark.encode()
    for part in ("photos", "crops"):
        write_private(subject.folder / part / "aaaa.png", marked)
    write_private(subject.folder / "judgements.json", json.dumps({"aaaa": {"name": f"{mark}.jpg"}}))
    save_photo_words(subject, {"aaaa": mark})
    for folder in (name, f".building-{name}", f".replaced-{name}"):
        for file in ("photo-000.png", "anchor-000.png", "class-000.png", "metadata.jsonl"):
            write_private(home() / "datasets" / folder / file, marked)
    write_private(home() / "cache" / "latents" / f"{name}.safetensors", marked, owner=name)
    write_private(home() / "cache" / "pictures" / f"{name}.png", marked)
    run = home() / "runs" / name
    for file in (
        "settings.yaml", "request.yaml", "job.json", "metrics.jsonl", "log.txt", "output.txt", "start.lock",
        "report.json", "adapter.safetensors", "previews/step-000010.png", "checkpoints/step-000010/adapter.safetensors",
        "training/events.out", "wandb/offline-run/files/output.log", "earlier/1/log.txt",
    ):  # fmt: skip
        write_private(run / file, mark)
    for file in (f"search/{name}/teach/0.png", f"search/{name}.log", f"runs/{name}-search-3/log.txt"):
        write_private(home() / file, mark)
    gallery = Gallery()
    picture(gallery, name, mark)
    picture(gallery, f"{name}-renamed", mark + "2")
    gallery.collections.put(f"best of {name} {mark}", gallery.ids(Query(adapter=name)))
    picture(gallery, name, mark + "3")
    gallery.throw_away(gallery.ids(Query(words=mark + "3"))[0])
    adapter(name, Card(name=name, traits={"hair_colour": mark}))
    (shelf() / f"{name}.kohya.safetensors").write_bytes((shelf() / f"{name}.safetensors").read_bytes())
    adapter(f"{name}-renamed", Card(name=name, scope=mark))
    adapter(f"{name}-and-friend", Card(name="both", parents=[f"{name} × 0.5", "somebody × 0.5"], author=mark))
    change_label(name, tags=[mark.casefold()])
    adapter(f"{name}-labelled", Card(name="x", author=mark))
    change_label(f"{name}-labelled", subject=name)
    trash_adapter(f"{name}-labelled")
    pack = create_pack(f"{name}-stickers", Recipe(adapters=((name, 1.0),), trigger=mark))
    pack.keep(
        "smile",
        Picture(Image.new("RGB", (8, 8)), {"prompt": mark, "adapters": [{"name": name, "strength": 1, "sha256": ""}]}),
    )
    atomic_write(pack.folder / "exports" / "line" / "01.png", marked)
    note_shared(name, name, "f" * 64, "kohya", mark)
    for place in (home() / "gallery", shelf(), run):
        for left in (place / f".writing-{name}.png", place / f".unproven-{ended_process()}-{name}.safetensors"):
            left.write_bytes(marked)
            os.utime(left, (time.time() - 600,) * 2)


def ended_process() -> int:
    """The number of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def everything() -> dict[Path, bytes]:
    return {path: path.read_bytes() for place in (home(), shelf()) for path in place.rglob("*") if path.is_file()}


def showing(mark: str) -> list[Path]:
    """Files whose bytes or names hold the marker, in either letter case."""
    text = mark.encode()
    return [p for p, content in everything().items() if text in content or text.lower() in content or mark in str(p)]


def test_an_adapter_that_is_being_proven_is_left_alone() -> None:
    shelf().mkdir()
    proving, left = (shelf() / f".unproven-{pid}-mia.safetensors" for pid in (os.getpid(), ended_process()))
    for file in (proving, left):
        file.write_bytes(b"x")
        os.utime(file, (time.time() - 600,) * 2)
    assert sweep() == [left] and proving.exists() and not left.exists()


@pytest.mark.parametrize("mode", ["plain", ""])
def test_markers_in_every_kind_of_file_are_gone_from_every_byte(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_VAULT", mode)
    plant("mia", MARK)
    plant("leo", "OTHER-Q7Z")
    # Cache and leftovers do not tell whose they are, so they all go.
    his = [path for path in everything() if "leo" in path.as_posix() and "/." not in path.as_posix()]
    before = {path for path in his if "cache" not in path.parts}
    marked = showing(MARK)
    unseen = [path for path in everything() if "mia" in path.as_posix() and path not in marked]
    if mode == "plain":
        # A file of hers without the marker would prove nothing when it is gone; the label's lock and stars are empty.
        assert all(path.stat().st_size == 0 for path in unseen), unseen
        assert len(marked) > 30
    assert [path for path in everything() if row_of(path) is None] == []

    receipt = forget_with_receipt("mia")

    assert showing(MARK) == []
    assert [path for path in everything() if "mia" in path.as_posix()] == []
    assert showing("mia") == [], "her name is still somewhere"
    assert {path for path in everything() if "leo" in path.as_posix()} >= before, "somebody else lost something"
    assert showing("OTHER-Q7Z")
    assert Gallery().count() == 2 and Gallery().count(adapter="mia") == 0
    paths = [each["path"] for each in receipt["removed"]]
    assert "workspace/runs/mia/earlier/1/log.txt" in paths and "shelf/mia-renamed.safetensors" in paths
    assert verify_receipt(receipt)


def test_a_dry_run_changes_nothing_and_lists_what_will_go(capsys: pytest.CaptureFixture[str]) -> None:
    plant("mia", MARK)
    before = {path: path.stat().st_mtime_ns for path in everything() if "index" not in str(path)}
    found = footprint("mia")
    assert set(found.adapters) == {"mia-renamed", "mia-and-friend", "mia-labelled"}
    assert found.shared[0]["sha256"] == "f" * 64
    assert main(["forget", "mia", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert all(thing.path.name in shown for thing in found.things) and "call them back" in shown
    assert {path: path.stat().st_mtime_ns for path in everything() if "index" not in str(path)} == before
    forget_with_receipt("mia")
    assert footprint("mia").things == () and not [thing for thing in found.things if thing.path.exists()]


def test_another_person_with_a_name_that_begins_alike_keeps_everything() -> None:
    create_subject("mia-2")
    mine = adapter("mia-2", Card(name="mia-2"))
    adapter("mia", Card(name="mia"))
    trashed = adapter("mia-2-old", Card(name="mia-2"))
    trash_adapter("mia-2-old")
    forget_person("mia")
    assert mine.exists() and not trashed.exists() and list((home() / "trash").rglob("mia-2-old.safetensors"))
    assert (home() / "subjects" / "mia-2").exists()


def test_the_receipt_is_signed_lists_exports_and_is_not_kept_with_the_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plant("mia", MARK)
    file = tmp_path / "receipt.json"
    assert main(["forget", "mia", "--yes", "--receipt", str(file)]) == 0
    assert f"sha256 {'f' * 64}" in capsys.readouterr().out
    receipt = json.loads(file.read_text())
    assert receipt["forgotten"] == "mia" and receipt["to be called back"][0]["adapter"] == "mia"
    assert list_shared() == []
    assert main(["privacy", "verify", str(file)]) == 0
    file.write_text(file.read_text().replace("runs/mia/log.txt", "runs/mia/lag.txt"))
    assert main(["privacy", "verify", str(file)]) == 1
    [note] = (home() / "receipts").iterdir()
    assert "mia" not in note.read_text() and verify_receipt(json.loads(note.read_text()))


def test_a_lost_key_does_not_hinder_forgetting() -> None:
    plant("mia", MARK)
    (home() / "keys" / "mia.key").write_text("broken")
    assert forget_with_receipt("mia")["removed"]
    assert showing("mia") == []
