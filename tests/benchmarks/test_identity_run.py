"""The whole benchmark in small: a base of a few thousand weights, two subjects, judges that know nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import make_tiny_base
from tiny_adapter import make_adapter

from benchmarks.identity.__main__ import main
from workbench.adapters import read_card

pytestmark = pytest.mark.slow
SETTINGS = (
    "train.steps=2", "train.batch_size=2", "data.anchors=2", "data.class_pictures=1", "follow.preview_every=0",
    "follow.checkpoint_every=0", "follow.trackers=",
)  # fmt: skip
SCRIPT = """
import argparse, pathlib, shutil
parser = argparse.ArgumentParser()
for name in ("output_dir", "instance_data_dir", "max_train_steps", "instance_prompt", "learning_rate"):
    parser.add_argument(f"--{name}", required=True)
args, _ = parser.parse_known_args()
assert len(list(pathlib.Path(args.instance_data_dir).iterdir())) == 5
out = pathlib.Path(args.output_dir)
out.mkdir(parents=True, exist_ok=True)
shutil.copy(ADAPTER, out / "pytorch_lora_weights.safetensors")
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


def test_two_subjects_from_selfies_to_a_table(base: Path, blank_judges: Path, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "peer.safetensors", base)
    script = tmp_path / "peer_script.py"
    script.write_text(f"ADAPTER = {str(adapter)!r}\n{SCRIPT}", encoding="utf-8")
    out, work = tmp_path / "results.json", tmp_path / "work"
    words = [
        "--subjects", "2", "--pictures", "2", "--base", str(base), "--judges", str(blank_judges), "--work", str(work),
        "--out", str(out), "--rows", "base,ours,script-steps", "--peer-script", str(script),
        *(word for setting in SETTINGS for word in ("--set", setting)),
    ]  # fmt: skip
    assert main(words) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert set(report["rows"]) == {"truth", "base", "ours", "script-steps"}
    for name, row in report["rows"].items():
        assert row["subjects"] == 2 and row["failed"] == {}, f"{name}: {row['failed']}"
    ours = report["rows"]["ours"]
    assert ours["figures"]["attribute_agreement"]["count"] == 2 and "bleed" in ours["figures"]
    assert ours["seconds_per_subject"] > ours["seconds_of_stages"]["training"] > 0
    assert report["summary"]["attribute_agreement"] == ours["figures"]["attribute_agreement"]["mean"]
    assert report["summary"]["base"]["seconds_per_subject"] == 0 and report["ahead"]["base"]
    assert "train.steps=2" in report["rows"]["script-steps"]["settings"]
    with Image.open(out.with_suffix(".png")) as sheet:
        assert sheet.width > 800 and np.asarray(sheet).std() > 20

    adapters = sorted((work / "loras").glob("s*.safetensors"))
    assert len(adapters) == 4
    cards = [card for path in adapters if (card := read_card(path)) and card.steps == 2]
    assert len(cards) == 2, "two adapters of our recipe, two of the script"
    made = {path: path.stat().st_mtime_ns for folder in ("loras", "pictures") for path in (work / folder).iterdir()}
    assert main(words) == 0
    again = {path: path.stat().st_mtime_ns for folder in ("loras", "pictures") for path in (work / folder).iterdir()}
    assert again == made, "nothing is made twice"
    assert json.loads(out.read_text(encoding="utf-8"))["rows"]["ours"]["figures"] == ours["figures"]

    lost = next((work / "pictures").iterdir())
    lost.write_bytes(lost.read_bytes()[:100])
    assert (
        main([*words[: words.index("--rows")], "--rows", "base,ours", *words[words.index("--peer-script") + 2 :]]) == 0
    )
    assert lost.stat().st_size > 100, "a broken picture is drawn again"
    assert "script-steps" in json.loads(out.read_text(encoding="utf-8"))["rows"], "other rows of the same kind stay"


def test_a_failed_training_is_told_and_the_rest_goes_on(base: Path, blank_judges: Path, tmp_path: Path) -> None:
    script = tmp_path / "peer_script.py"
    script.write_text("raise SystemExit('no torchvision here')", encoding="utf-8")
    out = tmp_path / "results.json"
    words = ["--subjects", "1", "--pictures", "2", "--base", str(base), "--judges", str(blank_judges)]
    words += ["--work", str(tmp_path / "work"), "--out", str(out), "--rows", "script-steps", "--set", "train.steps=2"]
    assert main([*words, "--peer-script", str(script)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert set(report["rows"]) == {"truth"}
    assert "no torchvision here" in report["failed"]["script-steps"]["s800000"]


def test_wrong_wishes_end_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", "fly"]) == 2
    assert "there is no row 'fly'" in capsys.readouterr().err
    assert main(["--seed-base", "1000000", "--rows", "truth", "--work", str(tmp_path)]) == 2
    assert "training data" in capsys.readouterr().err
