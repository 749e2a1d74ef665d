"""`workbench doctor`: what is broken is found and named, what can be mended is mended, and a monitor gets an answer."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.cli import main
from workbench.config import home
from workbench.gallery import Gallery
from workbench.generation import Picture
from workbench.jobs import queue
from workbench.jobs.health import line_health, repair, troubles
from workbench.jobs.lanes import ONLY, held
from workbench.jobs.table import queue_file
from workbench.photos import create_subject
from workbench.privacy import write_private
from workbench.processes import mark


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["--json", "doctor", *words])
    answer = json.loads(capsys.readouterr().out)
    return code, {each["thing"]: each for each in answer["findings"]} | {"repaired": answer["repaired"]}


def picture(number: int) -> str:
    record = {
        "format": 1, "prompt": "chibi", "negative": "", "seed": number, "steps": 2, "guidance": 4.0, "size": 64,
        "base": "tiny", "adapters": [], "versions": {}, "created": f"2026-01-02T03:04:0{number}+00:00", "notes": [],
    }  # fmt: skip
    return Gallery().add(Picture(Image.new("RGB", (64, 64), (number, 0, 0)), record))


def test_a_monitor_gets_an_answer_without_any_name(capsys: pytest.CaptureFixture[str]) -> None:
    with held(ONLY):  # no worker shall begin what waits
        queue.submit("generation", "zkqzkq", {"words": []})
        code, found = doctor(capsys, "--quick")
    assert code == 0 and set(found) == {"layout", "disk", "workspace", "line of jobs", "repaired"}
    assert "1 waiting" in found["line of jobs"]["words"] and "zkqzkq" not in json.dumps(found)


def test_a_dead_job_that_nobody_has_written_down_is_noticed() -> None:
    job = queue.claim(queue.submit("training", "mia", {"settings": ""}), ONLY)
    assert job is not None and queue.note_process(job, mark())
    assert line_health().unattended == 0
    queue.note_process(job, mark() | {"boot": "the start before this one"})
    assert (line_health().running, line_health().unattended) == (1, 1)


def test_what_is_broken_is_named_and_what_can_be_mended_is(capsys: pytest.CaptureFixture[str]) -> None:
    kept, broken = picture(1), picture(2)
    assert list(troubles()) == []
    (home() / "gallery" / f"{broken}.png").write_bytes(b"\x89PNG half")
    mia = create_subject("mia")
    write_private(mia.folder / "photos" / "aaaa.png", b"no picture")
    (mia.folder / "subject.json").write_text('{"name": "mi')
    run = home() / "runs" / "leo"
    for step, state in ((1, '{"step": 1}'), (2, '{"st')):
        (run / "checkpoints" / f"step-00000{step}").mkdir(parents=True)
        (run / "checkpoints" / f"step-00000{step}" / "state.json").write_text(state)
    (run / "status.json").write_text('{"state": "run')
    leftover = run / ".writing-abc"
    leftover.write_bytes(b"half")
    os.utime(leftover, (time.time() - 600,) * 2)
    found = {each.where.name: each for each in troubles()}
    assert set(found) == {
        f"{broken}.png", "aaaa.png", "subject.json", "status.json", "step-000002", ".writing-abc",
    }  # fmt: skip
    assert "resumes from the one before" in found["step-000002"].what
    assert [name for name, each in found.items() if each.mends] == [".writing-abc"]
    index = home() / "gallery" / "index" / "index.sqlite"
    index.write_bytes(os.urandom(4096))
    queue.submit("generation", "mia", {"words": []})
    queue_file().write_bytes(os.urandom(4096))
    for suffix in ("-wal", "-shm"):
        Path(f"{queue_file()}{suffix}").unlink(missing_ok=True)
    code, report = doctor(capsys, "--quick")
    assert code == 1 and "doctor --repair" in report["line of jobs"]["words"]
    done = repair()
    assert any("broken-1.sqlite" in words for words in done) and any("made anew" in words for words in done)
    assert not leftover.exists() and kept in [each.id for each in Gallery().search()]
    assert (home() / "gallery" / f"{broken}.png").exists(), "what cannot be read is kept"
    assert doctor(capsys, "--quick")[0] == 0 and queue.submit("generation", "mia", {}).state == "submitted"


def test_photos_that_would_stay_for_want_of_a_date_are_told() -> None:
    file = create_subject("mia", keep_days=30).folder / "subject.json"
    record = json.loads(file.read_text())
    assert record["expires"] and list(troubles()) == []
    for wrong in ("soon", 30):
        file.write_text(json.dumps(record | {"expires": wrong}))
        assert [(each.where, "they stay" in each.what) for each in troubles()] == [(file, True)]
    file.write_text(json.dumps(record | {"expires": ""}))
    assert list(troubles()) == []


def test_a_workspace_that_cannot_be_written_is_no_healthy_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", "/proc/self")
    code, found = doctor(capsys, "--quick")
    assert code == 1 and found["workspace"]["state"] == "bad"
