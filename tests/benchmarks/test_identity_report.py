"""Tables in documents, the sheet, and the quality check's arithmetic."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.chibi_mini import compare, decoded_again, psnr, sharpness
from benchmarks.identity import table
from benchmarks.identity.report import machine_name
from benchmarks.identity.sheet import TILE, compose
from workbench.backbones import open_backbone
from workbench.captions.reader import ANSWERS, truth
from workbench.config import ROOT
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw
from workbench.world.words import describe


@pytest.fixture
def report() -> dict[str, Any]:
    """Results of two rows and one curve, in numbers that can be found again."""

    def figures(mean: float) -> dict[str, Any]:
        each = {"mean": mean, "low": mean - 0.05, "high": mean + 0.05, "count": 2}
        return dict.fromkeys(("attribute_agreement", "top1", "editability", "bleed"), each)

    def row(words: str, mean: float, seconds: float | None) -> dict[str, Any]:
        return {
            "words": words, "subjects": 2, "failed": {}, "figures": figures(mean), "seconds_per_subject": seconds,
            "traits": {"hair_colour": mean}, "obeyed": {"expression": mean},
            "each_subject": {"s1": {"top1": 0.25}, "s2": {"top1": 0.75}},
        }  # fmt: skip

    probe = {"chibi": {"skin": 0.98, "pose": 0.9}, "photo": {"skin": 0.97, "light": 0.8}}
    return {
        "created": "2026-01-02T03:04:05", "machine": {"device": "cpu", "cores": 2}, "base": "chibi-mini",
        "versions": {"torch": "2.13.0", "diffusers": "0.42.1"}, "base_fingerprint": "0123456789", "subjects": 2,
        "seed_base": 7, "pictures": 8, "rows": {"base": row("base alone", 0.31, 0.0), "ours": row("ours", 0.62, 61.4)},
        "points": {"photos-1": row("one photo", 0.47, None)},
        "judges": {"probe": {"accuracy": probe}, "verifier": {"accuracy": {"top1 of 24": 0.93}}},
        "ahead": {"base": figures(0.31)},
    }  # fmt: skip


def test_every_table_is_markdown_with_as_many_cells_in_each_line(report: dict[str, Any]) -> None:
    for name, write in table.TABLES.items():
        lines = [line for line in write(report).splitlines() if line.startswith("|")]
        blocks = write(report).split("\n\n")
        assert name == "machine" or len(lines) >= 3, name
        for block in blocks:
            widths = {line.count("|") for line in block.splitlines() if line.startswith("|")}
            assert len(widths) <= 1, name


def test_rows_carry_mean_interval_and_seconds(report: dict[str, Any]) -> None:
    lines = table.rows(report).splitlines()
    assert lines[2].startswith("| base alone | 0.31 (0.26–0.36) | – |") and lines[2].endswith("| 0 |")
    assert lines[3].endswith("| 61 |")
    report["rows"]["ours"] |= {"subjects": 1, "failed": {"s2": "no face"}}
    assert "ours (1 subjects), 1 failed" in table.rows(report)


def test_the_documents_places_are_filled_and_nothing_else(report: dict[str, Any]) -> None:
    text = "before\n<!-- identity: rows -->\nold\n<!-- end -->\nbetween\n<!-- identity: machine -->\n<!-- end -->\n"
    once = table.fill(text, report)
    assert "old" not in once and once.startswith("before\n<!-- identity: rows -->\n|") and "between" in once
    assert "2 subjects from seed 7" in once and "2 CPU cores" in once
    assert table.fill(once, report) == once
    with pytest.raises(SystemExit, match="no table 'flies'"):
        table.fill("<!-- identity: flies -->\n<!-- end -->", report)


def test_the_document_has_places_for_the_tables(report: dict[str, Any]) -> None:
    whole, first_page = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/identity.md", "README.md"))
    assert set(table.TABLES) - {"short"} == {match[2] for match in table.MARKED.finditer(whole)}
    assert {"short"} == {match[2] for match in table.MARKED.finditer(first_page)}
    assert "0.62 (0.57–0.67)" in table.fill(whole, report)


def test_committed_results_say_what_the_issue_asks_for() -> None:
    for path in table.RESULTS.glob("identity-*.json"):
        summary = json.loads(path.read_text(encoding="utf-8"))["summary"]
        for part in (summary, summary["peer_settings"], summary["base"]):
            assert {
                "attribute_agreement", "attribute_agreement_of_bound", "top1", "top5", "tpr_at_fpr1", "editability",
                "style", "copy", "bleed", "seconds_per_subject",
            } <= set(part), path.name  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "name"),
    [({"device": "cpu", "cores": 2}, "cpu-2-cores"), ({"device": "NVIDIA H200", "cores": 16}, "nvidia-h200")],
)
def test_a_machine_has_a_name_for_files(machine: dict[str, Any], name: str) -> None:
    assert machine_name(machine) == name


def test_the_sheet_shows_every_picture_in_its_place() -> None:
    red, blue = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    sheet = compose({"one": [[red, red], [blue]], "two": [[red], []]}, ["selfies", "ours"])
    pixels = np.asarray(sheet)
    assert (pixels == (255, 0, 0)).all(axis=2).sum() == 3 * TILE**2
    assert (pixels == (0, 0, 255)).all(axis=2).sum() == TILE**2


def test_psnr_by_hand() -> None:
    black, grey = np.zeros((4, 4, 3)), np.full((4, 4, 3), 25.5)
    assert psnr(black, grey) == pytest.approx(20.0)
    assert psnr(grey, grey) == float("inf")


def test_sharpness_is_that_of_the_outlines() -> None:
    plain = np.full((101, 101, 3), 90, np.uint8)
    assert sharpness(plain) == 0
    # Two straight lines from black to white: 200 of the 10,000 places are the steepest 2 %.
    lined = np.zeros((101, 101, 3), np.uint8)
    lined[:, 30:60] = 255
    assert sharpness(lined) == pytest.approx(255)
    smeared = lined.astype(float)
    smeared[:, 29:31], smeared[:, 59:61] = 127.5, 127.5
    assert sharpness(smeared) == pytest.approx(127.5)


def test_obedience_leaves_out_what_the_caption_leaves_open() -> None:
    people = [(sample_character(i), sample_scene(i)) for i in range(12)]
    prompts = [describe(character, scene, "chibi", i) for i, (character, scene) in enumerate(people)]
    right = np.array([list(truth(*each, "chibi").values()) for each in people])
    made = right.copy()
    shape, skin = list(ANSWERS).index("eye_shape"), list(ANSWERS).index("skin")
    told = [f"{character.eye_shape} {character.eye_colour} eyes" in words
            for (character, _), words in zip(people, prompts, strict=True)]  # fmt: skip
    assert 0 < sum(told) < 12
    made[np.logical_not(told), shape] += 1
    made[:3, skin] += 1
    rows = compare({"made": made, "drawn": right}, people, prompts, "chibi")
    assert rows["eye_shape"]["made"] == 1.0 and rows["skin"]["made"] == 0.75 and rows["skin"]["drawn"] == 1.0
    assert "light" not in rows and rows["skin"]["guess"] == 0.2


def test_what_the_autoencoder_gives_back_is_the_picture() -> None:
    backbone = open_backbone("chibi-mini")
    drawn, other = (draw(sample_character(seed), sample_scene(seed), "chibi", 256) for seed in (600_000, 600_001))
    again = decoded_again(backbone, drawn)
    assert again.size == drawn.size
    assert 20 < psnr(np.asarray(drawn), np.asarray(again)) < 40
    assert psnr(np.asarray(other), np.asarray(again)) < 15
