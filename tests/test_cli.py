"""The command line as a person and a script meet it: words in, words or JSON out, an exit code."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from tiny import make_tiny_base
from tiny_adapter import make_adapter

from workbench import __version__
from workbench.cli import build_parser, main
from workbench.cli.create import PREFERENCES
from workbench.cli.demo import SCENES
from workbench.cli.sheet import compose_sheet
from workbench.cli.ui import page_command
from workbench.config import home, setting_names, shelf
from workbench.generation import Preferences, read_record
from workbench.jobs import stop


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny-base")


@pytest.fixture
def adapter(tiny_base: Path) -> Path:
    shelf().mkdir(parents=True)
    return make_adapter(shelf() / "mia.safetensors", tiny_base)


def result(capsys: pytest.CaptureFixture[str], *words: Any, code: int = 0) -> Any:
    """Runs a command with --json and returns what it printed."""
    assert main(["--json", *map(str, words)]) == code
    return json.loads(capsys.readouterr().out)


def wait_until(happened: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.1)


def healthy(port: int) -> bool:
    """Whether the page answers on this computer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def test_help_loads_no_library() -> None:
    """What makes it quick; seconds are the machine's affair."""
    heavy = ("torch", "diffusers", "numpy", "PIL", "streamlit")
    script = (
        "import sys\nfrom workbench.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_every_command_has_help_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "train", "runs", "create", "adapters", "forget", "doctor", "ui", "demo"):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert "--json" in capsys.readouterr().out
    assert build_parser().parse_args(["--json", "doctor"]).json
    assert build_parser().parse_args(["doctor", "--json"]).json


def test_train_help_explains_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    assert all(f"  {name} (" in text for name in setting_names())


def test_preferences_are_the_ones_of_the_library() -> None:
    assert [field.name for field in fields(Preferences)] == list(PREFERENCES)
    assert all(Preferences(**scene).prompt("zkq") for scene in SCENES)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["check", "nowhere"], "nowhere"),
        (["train", "rnk=4"], "did you mean lora.rank"),
        (["train", "photos"], "not of the form key=value"),
        (["train", "--config", "nowhere.yaml"], "nowhere.yaml"),
        (["train", "name=../x"], "name"),
        (["runs", "show", "nobody"], "nobody"),
        (["runs", "stop", "nobody"], "nobody"),
        (["runs", "resume", "nobody"], "nobody"),
        (["runs", "follow", "nobody"], "nobody"),
        (["create", "--adapter", "nobody"], "nobody"),
        (["create", "--adapter", "nobody:strong"], "strong"),
        (["create", "--expression", "happy"], "happy"),
        (["create", "--again", "nowhere.png"], "nowhere.png"),
        (["create", "chibi", "--count", "0"], "0"),
        (["create", "chibi", "--base", "no-such-base"], "no-such-base"),
        (["adapters", "show", "nobody"], "nobody"),
        (["adapters", "check", "nobody"], "nobody"),
        (["adapters", "export", "nobody"], "nobody"),
        (["adapters", "delete", "nobody"], "nobody"),
        (["adapters", "rename", "nobody", "somebody"], "nobody"),
        (["adapters", "import", "evil.ckpt"], "evil.ckpt"),
        (["adapters", "import", "nowhere.safetensors"], "nowhere.safetensors"),
        (["forget", "mia"], "--yes"),
        (["forget", "../..", "--yes"], "../.."),
        (["ui", "--port", "99999"], "99999"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_and_exit_code_2(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.ckpt").write_bytes(b"\x80\x04.")
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("workbench: ") and shown.err.count("\n") == 1
    assert named in shown.err and "Traceback" not in shown.err
    assert main([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"thing", "reason", "way_out"} and all(error.values())


def test_a_word_that_is_no_command_says_so() -> None:
    done = subprocess.run([sys.executable, "-m", "workbench", "fly"], capture_output=True, text=True)
    assert done.returncode == 2 and "fly" in done.stderr and "Traceback" not in done.stderr
    done = subprocess.run([sys.executable, "-m", "workbench", "--version"], capture_output=True, text=True)
    assert done.stdout.strip() == f"workbench {__version__}"


def test_check_says_of_each_photo_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "letter.jpg").write_text("this is not a picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert main(["check", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "✗ letter.jpg" in text and "✗ dot.png" in text and "0 of 2 photos" in text
    verdict = result(capsys, "check", tmp_path, code=1)
    assert verdict["ready"] is False
    assert {each["name"]: bool(each["problems"]) for each in verdict["judgements"]} == {
        "letter.jpg": True,
        "dot.png": True,
    }


def test_adapters_from_import_to_delete(
    capsys: pytest.CaptureFixture[str], adapter: Path, tiny_base: Path, tmp_path: Path
) -> None:
    assert [entry["name"] for entry in result(capsys, "adapters")] == ["mia"]
    assert result(capsys, "adapters", "show", "mia")["card"]["trigger"] == "zkq"
    checked = result(capsys, "adapters", "check", "mia", "--base", tiny_base)
    assert checked["sound"] and checked["change"] > 0 and checked["modules"] > 0
    exported = result(capsys, "adapters", "export", "mia", "--base", tiny_base, "--out", tmp_path / "out.safetensors")
    imported = result(capsys, "adapters", "import", exported["path"], "--name", "copy")
    assert imported["name"] == "copy" and not imported["broken"]
    assert result(capsys, "adapters", "rename", "copy", "second")["name"] == "second"
    (shelf() / "torn.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{")
    assert main(["adapters", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and any("torn" in line and "broken" in line for line in lines)
    assert main(["adapters", "show", "mia"]) == 0
    assert "trigger: zkq" in capsys.readouterr().out
    for name in ("mia", "second", "torn"):
        assert result(capsys, "adapters", "delete", name)["removed"]
    assert result(capsys, "adapters") == []


def test_create_draws_into_the_gallery_and_again(
    capsys: pytest.CaptureFixture[str], adapter: Path, tiny_base: Path, tmp_path: Path
) -> None:
    words = [
        "create",
        "--adapter",
        "mia:0.5",
        "--base",
        tiny_base,
        "--size",
        64,
        "--steps",
        2,
        "--count",
        2,
        "--seed",
        5,
    ]
    made = result(capsys, *words, "--expression", "smiling", "--out", tmp_path / "out")
    assert [each["record"]["seed"] for each in made] == [5, 6]
    record = read_record(Path(made[0]["path"]))
    assert record["prompt"] == "chibi of zkq person, smiling" and record["adapters"][0]["strength"] == 0.5
    assert len(list((home() / "gallery").glob("*.png"))) == 2
    again = result(capsys, "create", "--again", made[1]["path"], "--base", tiny_base)
    with Image.open(made[1]["path"]) as first, Image.open(again[0]["path"]) as second:
        assert first.tobytes() == second.tobytes()
    assert main([*map(str, words), "photo of {trigger} {class_noun}"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert read_record(Path(shown[0]))["prompt"] == "photo of zkq person"


def test_create_lists_the_words_to_choose_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert "winking" in result(capsys, "create", "--choices")["expression"]


def test_forget_erases_what_was_made(capsys: pytest.CaptureFixture[str], adapter: Path, tiny_base: Path) -> None:
    main(["create", "-a", "mia", "--base", str(tiny_base), "--size", "64", "--steps", "1", "--count", "1"])
    for folder in ("subjects", "datasets", "runs"):
        (home() / folder / "mia").mkdir(parents=True)
        (home() / folder / "other").mkdir()
    capsys.readouterr()
    removed = result(capsys, "forget", "mia", "--yes")["removed"]
    assert any("gallery" in path for path in removed) and str(adapter) in removed
    left = [
        path for place in (home(), shelf()) for path in place.rglob("*") if "mia" in path.name or path.suffix == ".png"
    ]
    assert left == []
    assert (home() / "runs" / "other").exists()
    assert main(["forget", "mia", "--yes"]) == 0
    assert "nothing of mia" in capsys.readouterr().out


def test_doctor_finds_what_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    main(["--json", "doctor"])
    report = json.loads(capsys.readouterr().out)
    states = {finding["thing"]: finding["state"] for finding in report["findings"]}
    assert states["Python"] == states["packages"] == states["face detector"] == states["device"] == "good"
    assert report["ready"] == ("bad" not in states.values())
    monkeypatch.setenv("WORKBENCH_HOME", "/proc/nowhere")
    assert main(["doctor"]) == 1


def test_runs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert result(capsys, "runs") == []
    folder = home() / "runs" / "mia"
    folder.mkdir(parents=True)
    status = {
        "state": "stopped",
        "stage": "stopped",
        "step": 3,
        "steps": 9,
        "pid": 1,
        "updated": 5.0,
        "reason": "tired",
    }
    (folder / "status.json").write_text(json.dumps(status))
    (folder / "metrics.jsonl").write_text('{"step": 3, "loss": 0.25, "left": 4}\n')
    [state] = result(capsys, "runs", "list")
    assert (state["name"], state["state"], state["step"], state["loss"]) == ("mia", "stopped", 3, 0.25)
    assert result(capsys, "runs", "show", "mia")["reason"] == "tired"
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.split() == ["mia", "stopped", "3/9", "loss", "0.2500", "tired"]


def test_the_sheet_shows_every_photo_and_avatar() -> None:
    photos = [Image.new("RGB", (80, 60), colour) for colour in ("red", "green")]
    avatars = [(Image.new("RGB", (64, 64), "blue"), f"picture {index}") for index in range(5)]
    sheet = compose_sheet("title", photos, avatars, "note")
    colours = {colour: count for count, colour in sheet.getcolors(maxcolors=1 << 24)}
    # Rounded corners take a little of each tile.
    assert colours[(255, 0, 0)] == colours[(0, 128, 0)] > 0.97 * 288**2
    assert colours[(0, 0, 255)] > 5 * 0.97 * 288**2
    assert compose_sheet("t", [], avatars[:1]).height < sheet.height


@pytest.mark.slow
def test_train_in_the_terminal_ctrl_c_saves_and_the_next_one_continues(
    capsys: pytest.CaptureFixture[str], tiny_base: Path
) -> None:
    words = ["train", "name=mia", f"base={tiny_base}", "anchors=2", "class_pictures=2", "preview_every=0", "trackers="]
    command = [sys.executable, "-m", "workbench", *words, "steps=100000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (home() / "runs" / "mia" / "metrics.jsonl").exists() or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        stop("mia", force=True)  # it would train on for hours, beside all other tests
        raise
    assert process.returncode == 130, out + err
    assert "saving" in err and "Traceback" not in out + err
    [stopped] = result(capsys, "runs")
    assert (stopped["state"], stopped["can_resume"], stopped["alive"]) == ("stopped", True, False)
    done = result(capsys, *words, f"steps={stopped['step'] + 2}")
    assert (done["state"], done["step"]) == ("done", stopped["step"] + 2)
    assert Path(done["adapter"]) == shelf() / "mia.safetensors"
    assert result(capsys, "adapters", "show", "mia")["card"]["steps"] == done["step"]


@pytest.mark.slow
def test_the_page_is_served_to_this_computer_only() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "ui", "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: healthy(port) or process.poll() is not None)
        assert process.poll() is None
        listening = [each for each in psutil.Process(process.pid).net_connections() if each.status == "LISTEN"]
        assert [each.laddr.ip for each in listening] == ["127.0.0.1"]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def test_the_page_sends_no_usage_statistics() -> None:
    command = page_command(8501)
    assert command[command.index("--browser.gatherUsageStats") + 1] == "false"
    assert command[command.index("--server.address") + 1] == "127.0.0.1"
