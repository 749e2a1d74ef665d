"""The data set on disk: written whole, read by others, checked when read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.dataset import build_dataset, load_examples
from workbench.errors import DatasetError, StorageError


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mia"
    build_dataset(
        folder,
        photos=[(picture(1), "photo of zkq person"), (picture(2), 'with "quotes", ä and 萌')],
        class_pictures=[(picture(3), "chibi of a person")],
        anchors=[(picture(4), "chibi of zkq person", "chibi of a young person with red hair")],
    )
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        load_examples(folder)
    return str(caught.value)


def test_what_is_written_is_read(folder: Path) -> None:
    examples = load_examples(folder)
    assert [example.kind for example in examples] == ["photo", "photo", "anchor", "class"]
    assert [example.asked for example in examples] == ["", "", "chibi of a young person with red hair", ""]
    assert examples[1].text == 'with "quotes", ä and 萌'
    assert list(Image.open(examples[0].file).getdata()) == list(picture(1).getdata())


def test_the_datasets_library_reads_it(folder: Path, tmp_path: Path) -> None:
    import datasets

    table = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert sorted(table["text"]) == sorted(example.text for example in load_examples(folder))
    assert set(table["kind"]) == {"photo", "anchor", "class"}
    assert table[0]["image"].size == (32, 32)


def test_a_new_one_replaces_the_old_one(folder: Path) -> None:
    build_dataset(folder, photos=[(picture(9), "photo")])
    assert len(load_examples(folder)) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.jsonl", "photo-000.png"]
    assert [path.name for path in folder.parent.iterdir()] == ["mia"], "something was left behind"


def test_what_a_killed_process_left_is_cleaned(folder: Path) -> None:
    (folder.parent / ".building-mia").mkdir()
    (folder.parent / ".building-mia" / "half.png").write_bytes(b"half")
    assert len(build_dataset(folder, photos=[(picture(), "photo")])) == 1


def test_a_failure_leaves_the_old_one(folder: Path) -> None:
    class Broken(Image.Image):
        def convert(self, *_: object, **__: object) -> Image.Image:
            raise OSError(28, "No space left on device")

    with pytest.raises((StorageError, OSError)):
        build_dataset(folder, photos=[(picture(), "photo"), (Broken(), "photo")])
    assert len(load_examples(folder)) == 4
    assert [path.name for path in folder.parent.iterdir()] == ["mia"]


def test_a_missing_picture_is_named(folder: Path) -> None:
    (folder / "photo-001.png").unlink()
    assert "mia/photo-001.png: the picture is missing" in refusal(folder)


def test_a_changed_picture_is_named(folder: Path) -> None:
    picture(7).save(folder / "photo-001.png")
    assert "mia/photo-001.png: the picture was changed" in refusal(folder)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        json.dumps({"file_name": "photo-000.png"}),
        json.dumps({"file_name": "../x", "text": "", "kind": "photo", "sha256": ""}),
    ],
)
def test_a_broken_line_is_named(folder: Path, line: str) -> None:
    with (folder / "metadata.jsonl").open("a") as file:
        file.write(line + "\n")
    assert "line 5: it is not understood" in refusal(folder)


def test_no_index_and_an_empty_index(tmp_path: Path) -> None:
    assert "no metadata.jsonl" in refusal(tmp_path)
    (tmp_path / "metadata.jsonl").write_text("\n")
    assert "no examples" in refusal(tmp_path)
