"""The train screen: what it shows of runs in every state, live ones and damaged ones included."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from furnish import furnish_adapter, furnish_run, furnish_subject
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from workbench.config import home
from workbench.jobs import queue
from workbench.jobs.lanes import ONLY, held
from workbench.photos import create_subject
from workbench.processes import mark

Open = Callable[[str], AppTest]


def test_nobody_yet(screen: Open, no_samples: None) -> None:
    page = screen("train")
    assert "Nobody to learn yet" in text_of(page)
    assert "start" not in keys(page.button)


def test_person_without_photos_is_sent_to_the_photos(screen: Open, no_samples: None) -> None:
    create_subject("mia")
    page = screen("train")
    assert "has no photos yet" in text_of(page)
    assert "start" not in keys(page.button)


def test_ready_to_start(screen: Open) -> None:
    page = screen("train")
    assert page.button(key="start").label == "Train sample"
    assert "Not trained yet" in text_of(page)
    page.get("button_group")[1].set_value("Quick").run()
    assert "100 steps" in text_of(page)


def test_finished_run(screen: Open, tiny_base: Path) -> None:
    furnish_subject("mia")
    furnish_adapter(tiny_base, "mia")
    furnish_run("mia")
    page = screen("train")
    said = text_of(page)
    assert "mia Done" in said and "Step 150" not in said
    assert len(page.image) >= 3 and page.get("vega_lite_chart")
    assert "200 steps, about 1 min 24 s of steps going by your last run" in said
    assert [(link.page, link.query_string) for link in ways_on(page)] == [("create", "adapter=mia")]
    page.query_params["adapter"] = "mia"
    page.switch_page("screens/create.py").run()
    assert "Draw avatars" in text_of(page) and page.selectbox(key="who").value == "mia"
    assert "adapter" not in page.query_params, "a reload would choose again"


def test_a_run_whose_process_still_ends_has_no_way_on_yet(screen: Open) -> None:
    """What is drawn while the panel's timer runs must not lead to another screen: a late tick would empty that one."""
    furnish_subject("mia")
    furnish_run("mia", pid=os.getpid(), updated=time.time() + 5)
    page = screen("train")
    assert "mia Done" in text_of(page) and not ways_on(page)


def ways_on(page: AppTest) -> list[Any]:
    """The links that look like buttons."""
    return [link.proto for link in page.get("page_link") if link.proto.label == "Create pictures"]


def test_live_run_can_be_stopped_from_any_tab(screen: Open) -> None:
    furnish_subject("mia")
    folder = furnish_run("mia", "running", done=40, pid=os.getpid(), updated=time.time() + 5, stage="training")
    page = screen("train")
    assert page.get("progress")[0].proto.text == "Learning · step 40 of 150 · 46 s left"
    assert page.button(key="start").disabled
    page.button(key="stop-mia").click().run()
    assert (folder / "stop").exists()
    assert page.button(key="stop-mia").disabled and "kill-mia" in keys(page.button)


def test_stopped_run_can_be_resumed(screen: Open) -> None:
    furnish_subject("mia")
    furnish_run("mia", "stopped", done=40)
    page = screen("train")
    assert "Stopped at step 40 of 150" in text_of(page)
    assert "resume-mia" in keys(page.button)


def test_run_whose_process_is_gone_says_so(screen: Open) -> None:
    furnish_subject("mia")
    furnish_run("mia", "running", done=40)
    assert "the process ended without a word" in text_of(screen("train"))


@pytest.mark.parametrize("damage", ["status.json", "metrics.jsonl", "report.json", "settings.yaml"])
def test_damaged_run_is_shown_without_falling_over(screen: Open, damage: str) -> None:
    furnish_subject("mia")
    folder = furnish_run("mia")
    (folder / damage).write_text('{"state": "do\nnonsense\n[1, 2]\n', encoding="utf-8")
    (folder / "previews" / "step-000100.png").write_bytes(b"\x89PNG half")
    page = screen("train")
    assert "mia" in text_of(page) and not page.exception


def test_numbers_of_another_kind_in_the_metrics(screen: Open) -> None:
    furnish_subject("mia")
    folder = furnish_run("mia")
    lines = [{"step": 1, "loss": "NaN"}, {"step": "two", "loss": None}, {"loss": 0.5}, {"step": 4, "loss": 0.4}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert not screen("train").exception


def test_wrong_settings_are_told_and_start_nothing(screen: Open) -> None:
    page = screen("train")
    field = next(each for each in page.number_input if (each.key or "").startswith("set-data.resolution"))
    field.set_value(33).run()
    page.button(key="start").click().run()
    assert "must be a multiple of 8" in text_of(page)
    assert not (home() / "runs" / "sample" / "job.json").exists()


def test_likeness_of_the_previews_and_the_report(screen: Open) -> None:
    furnish_subject("mia")
    folder = furnish_run("mia")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line["step"] % 50 == 0:
            line |= {"likeness": line["step"] / 200, "traits": 0.8, "scores": [line["step"] / 200] * 4}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    page = screen("train")
    said = text_of(page)
    assert len(page.get("vega_lite_chart")) == 2
    assert "Step 150: the last one has the best likeness, 0.75" in said
    [button] = page.get("download_button")
    assert button.proto.label == "Report"


def test_live_run_can_be_asked_for_a_preview_and_to_save(screen: Open) -> None:
    furnish_subject("mia")
    folder = furnish_run("mia", "running", done=40, pid=os.getpid(), updated=time.time() + 5, stage="training")
    page = screen("train")
    for wish in ("preview", "save"):
        page.button(key=f"{wish}-mia").click().run()
        assert (folder / wish).exists() and not (folder / "stop").exists()
        assert page.button(key=f"{wish}-mia").disabled, "it waits for the end of the step"


def test_a_plan_is_shown_and_its_changes_are_taken(screen: Open) -> None:
    furnish_subject("mia")
    page = screen("train")
    page.session_state["planned"] = (
        '{"train.steps": 200}', {"words": ["It fits with memory.parts=8."], "changes": {"memory.parts": 8}},
    )  # fmt: skip
    page.run()
    assert "It fits with memory.parts=8." in text_of(page)
    page.get("button_group")[1].set_value("Quick").run()
    assert "It fits with" not in text_of(page), "a plan of other settings is shown"


def test_a_run_that_waits_shows_its_place_and_can_be_cancelled(screen: Open) -> None:
    furnish_subject("mia")
    furnish_run("leo", "running", done=40, **mark(), updated=time.time(), stage="training")
    runs = queue.submit("training", "leo", {"settings": ""})
    assert queue.claim(runs, ONLY) and queue.note_process(runs, mark())
    with held(ONLY):  # as the worker does
        other = queue.submit("training", "kim", {"settings": ""}, owner="ben")
        queue.submit("generation", "mia", {"words": []})
        waits = queue.submit("training", "mia", {"settings": ""})
        page = screen("train")
        page.button(key="watch-mia").click().run()
        said = text_of(page)
        assert "mia Waiting" in said and "Number 3 in the line: 2 jobs before it. It begins by itself." in said
        assert page.button(key="start").label == "It waits for its turn" and page.button(key="start").disabled
        assert "Another person" in said and "kim" not in said, "of others one sees only that they are there"
        assert f"line-cancel-{other.id}" not in keys(page.button)
        page.button(key=f"sooner-{waits.id}").click().run()
        assert queue.places_in_line()[waits.id] == 2
        page.button(key="cancel-mia").click().run()
        assert queue.find(waits.id).state == "stopped"
        assert page.button(key="start").label == "Train mia when it is free"
