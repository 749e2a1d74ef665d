"""Photos expire when they were promised to, not before, and it is told."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from privacy_people import bring, png

from workbench.cli import main
from workbench.config import home, shelf
from workbench.errors import SubjectError
from workbench.photos import agreed_scope, create_subject, crops, load_subject, save_subject
from workbench.privacy import enforce_retention, scope_words, state_consent, write_private
from workbench.privacy.consent import parse_consent


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def filled(name: str, **about: int) -> Path:
    """A person with a photo, a data set, a cache, a run and an adapter."""
    subject = create_subject(name, consent=state_consent("mine", "share"), **about)
    for path in (subject.folder / "photos" / "a.png", subject.folder / "crops" / "a.png"):
        write_private(path, png())
    write_private(home() / "datasets" / name / "metadata.jsonl", "{}")
    write_private(home() / "cache" / "latents" / "0.safetensors", b"0", owner=name)
    write_private(home() / "runs" / name / "log.txt", "log")
    write_private(shelf() / f"{name}.safetensors", b"weights")
    return subject.folder


def test_photos_expire_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    folder = filled("mia")
    filled("leo", keep_days=0)
    assert enforce_retention() == [] and enforce_retention(later(29)) == []
    [over] = enforce_retention(later(31))
    assert over.name == "mia" and "Adapter, run and pictures are still here" in str(over)
    assert sorted(path.name for path in folder.iterdir()) == ["subject.json"]
    assert not (home() / "datasets" / "mia").exists() and not (home() / "cache").exists()
    assert not (home() / "keys" / "mia.key").exists()
    assert (home() / "runs" / "mia" / "log.txt").exists() and (shelf() / "mia.safetensors").exists()
    assert (home() / "subjects" / "leo" / "photos" / "a.png").exists()
    assert load_subject("mia").expires == "" and load_subject("mia").consent
    assert enforce_retention(later(60)) == [], "it was told twice"


def test_every_command_enforces_it_and_tells(capsys: pytest.CaptureFixture[str]) -> None:
    folder = filled("mia", keep_days=1)
    record = json.loads((folder / "subject.json").read_text())
    (folder / "subject.json").write_text(json.dumps(record | {"expires": "2026-01-01T00:00:00+00:00"}))
    assert main(["--json", "adapters"]) == 0
    shown = capsys.readouterr()
    assert "The photos of mia expired on 2026-01-01" in shown.err
    assert json.loads(shown.out) and not (folder / "photos").exists()


def test_new_photos_are_kept_anew_and_the_days_are_the_persons() -> None:
    subject = bring()
    save_subject(type(subject)(**{**subject.__dict__, "keep_days": 5, "expires": "2026-01-01T00:00:00+00:00"}))
    from workbench.photos import add_photos, judge_photos, open_photo
    from workbench.photos.vault import kept_photos

    assert kept_photos(subject) and add_photos(subject, judge_photos(kept_photos(subject)))
    assert later(4).isoformat() < load_subject("mia").expires < later(6).isoformat()
    assert open_photo and len(crops(subject)) == 1
    for days in (-1, 4000):
        with pytest.raises(SubjectError, match="days"):
            create_subject("leo", keep_days=days)


def test_people_from_before_get_notice_first() -> None:
    folder = filled("mia")
    record = json.loads((folder / "subject.json").read_text())
    for key in ("expires", "keep_days", "consent"):
        del record[key]
    (folder / "subject.json").write_text(json.dumps(record))
    assert enforce_retention() == [] and load_subject("mia").expires > later(29).isoformat()
    assert load_subject("mia").consent is None


def test_a_folders_data_set_expires_too() -> None:
    file = home() / "datasets" / "ava" / "metadata.jsonl"
    write_private(file, "{}")
    assert enforce_retention() == []
    os.utime(file, (time.time() - 31 * 86_400,) * 2)
    assert [over.name for over in enforce_retention()] == ["ava"] and not file.parent.exists()


def test_a_training_is_not_robbed_of_its_photos() -> None:
    folder = filled("mia")
    status = home() / "runs" / "mia" / "status.json"
    status.write_text(json.dumps({"state": "running", "pid": os.getpid()}))
    assert enforce_retention(later(31)) == [] and (folder / "photos").exists()
    os.utime(status, (0, 0))
    assert len(enforce_retention(later(31))) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"expires": 5}', '{"expires": "soon"}'])
def test_a_broken_record_hinders_nobody(text: str) -> None:
    filled("mia")
    (home() / "subjects" / "ben").mkdir()
    (home() / "subjects" / "ben" / "subject.json").write_text(text)
    assert [over.name for over in enforce_retention(later(31))] == ["mia"]


def test_consent_is_kept_and_becomes_the_scope(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "consent", "mia", "--whose", "agreed", "--scope", "share", "--days", "7"]) == 0
    assert agreed_scope("mia") == "share" and load_subject("mia").keep_days == 7
    assert "agreed, share" in capsys.readouterr().out
    assert main(["privacy", "consent", "mia", "--days", "0"]) == 0
    assert load_subject("mia").expires == "" and agreed_scope("mia") == "share"
    assert main(["privacy", "consent", "nobody"]) == 2
    assert agreed_scope("nobody") == "" and "ask the person" in scope_words("")
    with pytest.raises(SubjectError, match="none of its words"):
        state_consent("stolen")
    for wrong in (None, [], {"whose": "me", "scope": "share"}, {"whose": "mine", "scope": {}}):
        assert parse_consent(wrong) is None
