"""The report of a run: complete, self-contained, and deaf to what people write into names and settings."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from workbench.cli import main
from workbench.config import Settings, atomic_write, home, settings_to_yaml
from workbench.dataset import build_dataset
from workbench.identity.charts import Line, line_chart, ticks
from workbench.identity.run_page import page
from workbench.identity.run_report import read_run, write_report
from workbench.language import speaking
from workbench.language.catalogue import messages

EVIL = "<script>alert(1)</script>\"'&"


class Elements(html.parser.HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def furnish(name: str = "mia", words: str = "smiling") -> Path:
    folder = home() / "runs" / name
    settings = Settings(name=name, trigger=words[:20])
    atomic_write(folder / "settings.yaml", settings_to_yaml(settings))
    status = {"state": "done", "step": 150, "steps": 150, "updated": 1_780_000_000.0, "reason": ""}
    atomic_write(folder / "status.json", json.dumps(status))
    lines = []
    for step in range(1, 151):
        line = {"step": step, "loss": 0.5 / step**0.3}
        if step % 50 == 0:
            line |= {"likeness": 0.2 + step / 300, "traits": 0.7, "likely": 0.5, "scores": [step / 300] * 4}
        lines.append(json.dumps(line))
        if step % 50 == 0:
            (folder / "previews").mkdir(exist_ok=True)
            Image.new("RGB", (400, 100), (step, 90, 120)).save(folder / "previews" / f"step-{step:06d}.png")
    atomic_write(folder / "metrics.jsonl", "\n".join(lines) + "\n")
    report = {
        "photos": {"used": ["a.jpg"], "left out": [f"b.jpg: {words}"], "advice": ["bring one from the side"]},
        "traits": {"hair_style": words, "freckles": True},
        "chosen": {"step": 100, "why": f"because {words}", "last": False},
        "seconds": {"photos": 2.0, "training": 60.5},
        "machine": {"device": "cpu"}, "versions": {"torch": "2.13"},
    }  # fmt: skip
    atomic_write(folder / "report.json", json.dumps(report))
    build_dataset(home() / "datasets" / name, [(Image.new("RGB", (64, 64), "tan"), "photo of zkq person")])
    return folder


def test_everything_is_on_the_page() -> None:
    found = Elements(page(read_run(furnish())))
    said = ["mia", "done", "Checkpoint after step 100", "because smiling", "Loss", "Likeness", "Step 150", "taken",
            "left out", "bring one from the side", "hair style", "60.5 s", "2.13", "preview_prompts"]  # fmt: skip
    for words in said:
        assert words.lower() in found.text.lower(), words
    assert found.tags.count("img") == 4 and found.tags.count("polyline") == 4
    assert found.tags.count("circle") == 6


def test_nothing_is_loaded_and_nothing_runs() -> None:
    found = Elements(page(read_run(furnish("mia", EVIL))))
    assert all(address.startswith("data:image/jpeg;base64,") for address in found.addresses)
    assert not {"script", "link", "iframe", "object"} & set(found.tags)
    assert found.text.count("<script>alert(1)</script>") >= 3, "it is shown as it was written"


def test_the_copy_in_the_run_s_folder_has_no_photos() -> None:
    folder = furnish()
    path = write_report(folder, photos=False)
    assert path == folder / "report.html"
    text = path.read_text()
    assert 'class="photos"></div>' in text and "workbench report" in text and text.count("<img") == 3
    assert write_report(folder, folder.parent / "mine.html").read_text().count("<img") == 4


@pytest.mark.parametrize(
    "missing", ["status.json", "settings.yaml", "metrics.jsonl", "report.json", "previews", "dataset"]
)
@pytest.mark.parametrize("broken", [True, False])
def test_what_is_missing_or_broken_is_left_out(missing: str, broken: bool) -> None:
    folder = furnish()
    path = home() / "datasets" / "mia" / "metadata.jsonl" if missing == "dataset" else folder / missing
    if missing == "previews":
        path = path / "step-000100.png"
    path.unlink()
    if broken:
        path.write_bytes(b'{"step": [\n\xff\xfe nonsense\n[1, 2]\n')
    assert "mia" in Elements(page(read_run(folder))).text


def test_an_empty_folder_is_a_short_page() -> None:
    assert "mia" in page(read_run(home() / "runs" / "mia"))


def test_charts() -> None:
    assert line_chart("nothing", [Line("a", [])]) == ""
    assert line_chart("no number", [Line("a", [(1, float("nan"))])]) == ""
    one = line_chart("one point", [Line("a", [(5, 0.5)], dots=True)])
    assert one.count("<circle") == 1 and "nan" not in one
    many = line_chart("many <points>", [Line("a", [(x, x * x) for x in range(5000)])], mark=10, mark_words="here & now")
    assert "many &lt;points&gt;" in many and "here &amp; now" in many
    assert many.count(",") < 1200, "thousands of steps do not make a heavy page"
    assert ticks(0, 150) == [0, 50, 100, 150] and ticks(0.1, 0.42) == [0.1, 0.2, 0.3, 0.4]


def test_the_report_in_chinese() -> None:
    folder = furnish()
    report = json.loads((folder / "report.json").read_text())
    report["photos"]["advice"] = ["A good set: 5 photos, varied in pose, light and place."]
    numbers = "0.79 after step 100, 0.76 after step 150"
    report["chosen"]["why"] = f"likeness was {numbers}: no more than chance, so the last one is taken"
    report["traits"] = {"hair_style": "wavy", "freckles": True}
    atomic_write(folder / "report.json", json.dumps(report))
    atomic_write(home() / "datasets" / "mia" / "metadata.jsonl", "nonsense")
    text = page(read_run(folder), "zh")
    assert '<html lang="zh">' in text
    found = Elements(text)
    said = ["训练报告", "已完成", "采用第 100 步的检查点：相似度为", "波浪发", "雀斑", "很好的一组：5 张照片",
            "各步的损失", "判为“像”的占 50%", "第 150 步，共 150 步", "学习", "60.5 秒", "每一步"]  # fmt: skip
    for words in said:
        assert words in found.text, words
    translated = {form for form, string in messages("zh").items() if string != form}
    sentences = [form for form in translated if form.count(" ") > 1 and "{" not in form]
    unsaid = r"<style>.*?</style>|<details>.*?</details>"  # settings stand as they are written in files
    lines = [line.strip() for line in re.split(r"<[^>]*>", re.sub(unsaid, "", text, flags=re.S))]
    own = {"Python", "cpu"}
    left = [line for line in lines if line not in own and (line in translated or any(s in line for s in sentences))]
    assert not left
    assert "photo of {trigger} {class_noun}" in found.text, "prompts are no sentences for people"
    assert "Checkpoint after step 100" in page(read_run(folder)) and "Photos" in page(read_run(folder), "en")


def test_the_language_of_the_command(tmp_path: Path) -> None:
    furnish()
    assert main(["report", "mia", "--lang", "zh", "--out", str(tmp_path / "zh.html")]) == 0
    assert main(["report", "mia", "--out", str(tmp_path / "own.html")]) == 0
    assert "训练报告" in (tmp_path / "zh.html").read_text() and "run report" in (tmp_path / "own.html").read_text()
    with speaking("zh"):
        assert "训练报告" in write_report(home() / "runs" / "mia", tmp_path / "as-spoken.html").read_text()
