"""What the page does with adapters, the command line does too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_adapter import make_adapter

from workbench.adapters import export_kohya, find_adapter, thumbnail_bytes
from workbench.adapters.header import read_header, with_metadata
from workbench.adapters.labels import change_label
from workbench.adapters.mix import block_strength
from workbench.cli import main
from workbench.cli.adapters_make import _ingredient
from workbench.cli.create import _name_and_strength
from workbench.config import shelf
from workbench.errors import AdapterError


@pytest.fixture
def full(adapter: Path, base: Path) -> Path:
    shelf().mkdir(parents=True)
    shutil.copy(adapter, shelf() / "mia.safetensors")
    make_adapter(shelf() / "lena.safetensors", base, 2, licence="CC0-1.0")
    return shelf()


def result(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    assert main(["adapters", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["adapters", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_check_says_what_any_file_is(
    full: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "check", "mia", "--base", base)
    for words in ("family", "sd1", "rank", "2, 4", "unet: attention", "trained on", "ComfyUI", "PEFT", "is sound"):
        assert words in text
    exported = export_kohya(full / "mia.safetensors", tmp_path / "k.safetensors")
    checked = result(capsys, "check", exported, "--base", base)
    assert checked["sound"] and checked["report"]["spelling"] == "kohya" and checked["difference"] < 1e-4
    assert "was not proven: its base tiny is not here" in said(capsys, "check", exported)
    folder = result(capsys, "export", "mia", "--format", "peft", "--out", tmp_path / "peft")["path"]
    assert result(capsys, "check", folder, "--base", base)["sound"]
    assert result(capsys, "import", folder, "--name", "from-peft")["name"] == "from-peft"


def test_private_words_are_said_and_cleaned(full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = read_header(full / "mia.safetensors").metadata | {"ss_tag_frequency": '{"10_mia lopez": {"bed": 1}}'}
    path = tmp_path / "told.safetensors"
    path.write_bytes(with_metadata((full / "mia.safetensors").read_bytes(), told))
    text = said(capsys, "import", path)
    assert "private: ss_tag_frequency tells every word" in text and "clean told" in text
    assert result(capsys, "show", "told")["private"][0]["key"] == "ss_tag_frequency"
    assert "tells of its photos" in said(capsys, "list")
    assert "Taken out of told: ss_tag_frequency" in said(capsys, "clean", "told")
    assert "tells nothing" in said(capsys, "clean", "told")


def test_labels_cards_search_and_trash(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert result(capsys, "label", "mia", "--tags", "Friends,red", "--strength", "0.8")["tags"] == ["friends", "red"]
    assert [each["name"] for each in result(capsys, "list", "--tag", "friends")] == ["mia"]
    assert [each["name"] for each in result(capsys, "list", "--search", "lena")] == ["lena"]
    assert result(capsys, "card", "mia", "--licence", "CC-BY-4.0", "--scope", "share")["licence"] == "CC-BY-4.0"
    assert find_adapter("mia").card.trigger == "zkq"
    text = said(capsys, "show", "mia")
    assert "on the shelf under: friends, red" in text and "usual strength: 0.8" in text
    undo = result(capsys, "delete", "mia")["undo"]
    assert [each["id"] for each in result(capsys, "trash")] == [undo]
    assert result(capsys, "restore", "mia")["label"]["strength"] == 0.8
    assert result(capsys, "delete", "mia", "--for-good")["removed"] == [str(full / "mia.safetensors")]
    said(capsys, "delete", "lena")
    assert "Erased 1 file." in said(capsys, "trash", "--empty") and "empty" in said(capsys, "trash")


def test_mix_resize_fuse_and_pack(full: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mixed = result(capsys, "mix", "mia:0.6", "lena:0.4", "-o", "both", "--base", base, "--rank", "8")
    assert mixed["parents"] == ["mia × 0.6", "lena × 0.4"] and mixed["proof"]["change"] > 0 and mixed["kept"] > 0.99
    assert thumbnail_bytes(find_adapter("both").card), "drawn with the mix: neither of the two has a picture"
    text = said(capsys, "mix", "mia:0.8@identity", "lena:0.7@style", "-o", "cross", "--no-proof")
    assert "% of the change kept" in text and "not proven" in text
    assert find_adapter("cross").card.parents == ["mia × 0.8 (identity)", "lena × 0.7 (style)"]
    small = result(capsys, "resize", "both", "small", "--rank", "2", "--base", base)
    assert small["ranks"] == [2] and 0 < small["kept"] < 1
    fused = result(capsys, "fuse", "mia:0.8", "-o", tmp_path / "fused", "--base", base)
    assert fused["difference"] < 1e-4 < fused["change"]
    packed = result(capsys, "pack", "both", "-o", tmp_path / "both.zip")
    assert "both.safetensors" in packed["files"] and "CONSENT.txt" in packed["files"]
    unpacked = result(capsys, "import", tmp_path / "both.zip", "--name", "again")
    assert "mia: not stated; lena: CC0-1.0" in unpacked["licence"] and unpacked["card"]["parents"][0] == "mia × 0.6"


def test_specs_of_a_mix(full: Path) -> None:
    shutil.copy(full / "mia.safetensors", full / "odd@name:2.safetensors")
    assert (_ingredient("odd@name:2").name, _ingredient("odd@name:2").strength) == ("odd@name:2", 1.0)
    assert _ingredient("mia").strength == 1.0 and _ingredient("mia:-0.5").strength == -0.5
    part = _ingredient("mia:0.5@up_blocks.1=0.25,rest=0")
    assert block_strength(("unet", "up_blocks.1.x"), part.blocks) == 0.25
    assert block_strength(("unet", "mid_block.x"), part.blocks) == 0.0
    for wrong in ("mia:much", "mia@up_blocks", "mia@up_blocks=x"):
        with pytest.raises(AdapterError, match="form"):
            _ingredient(wrong)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["mix", "mia", "-o", "x", "--no-proof"], "second"),
        (["mix", "mia", "nobody", "-o", "x", "--no-proof"], "nobody"),
        (["resize", "mia", "x", "--no-proof"], "rank of 1"),
        (["restore", "nobody"], "not in the trash"),
        (["push", "mia", "a/b"], "--yes"),
        (["push", "mia", "a/b", "--yes"], "no licence"),
        (["import", "nowhere.zip"], "no such file"),
        (["label", "mia", "--strength", "9"], "out of range"),
    ],
)
def test_mistakes_are_explained(full: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str) -> None:
    assert main(["adapters", *words]) == 2
    assert reason in capsys.readouterr().err


def test_drawing_begins_with_the_usual_strength(full: Path) -> None:
    change_label("mia", strength=0.8)
    assert _name_and_strength("mia") == ("mia", 0.8) and _name_and_strength("mia:0.5") == ("mia", 0.5)
    assert _name_and_strength("lena") == ("lena", 1.0)
