"""What is written on adapters stays beside them, what is deleted can be brought back, and everything can be found."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.adapters import delete_adapter, find_adapter, list_shelf, rename_adapter
from workbench.adapters.browse import all_tags, search_shelf, subject_of, versions
from workbench.adapters.labels import FILE, Label, change_label, read_labels
from workbench.adapters.trash import empty_trash, list_trash, restore_adapter, trash_adapter, trash_folder
from workbench.config import home, shelf
from workbench.errors import AdapterError
from workbench.jobs import forget_person
from workbench.photos import create_subject


@pytest.fixture
def full(adapter: Path) -> Path:
    """A shelf with two versions of one person, and somebody else."""
    shelf().mkdir(parents=True)
    for name in ("mia", "mia-v2", "Zoé"):
        shutil.copy(adapter, shelf() / f"{name}.safetensors")
    return shelf()


def names() -> list[str]:
    return sorted(entry.name for entry in list_shelf())


def test_a_label_is_kept_beside_the_adapter_and_not_in_it(full: Path) -> None:
    before = (full / "mia.safetensors").read_bytes()
    change_label("mia", tags=["Friends ", "friends", "Work"], strength=0.8)
    change_label("mia", subject="Mia L.")
    assert find_adapter("mia").label == Label(("friends", "work"), "Mia L.", 0.8)
    assert (full / "mia.safetensors").read_bytes() == before
    change_label("mia", tags=[], subject="", strength=1.0)
    assert not (full / FILE).exists(), "a label that says nothing leaves nothing"


def test_labels_follow_their_adapter(full: Path) -> None:
    change_label("mia", tags=["friends"])
    rename_adapter("mia", "lena")
    assert find_adapter("lena").label.tags == ("friends",) and "mia" not in read_labels()
    trash_adapter("lena")
    assert read_labels() == {}
    assert restore_adapter("lena").label.tags == ("friends",)
    delete_adapter("lena")
    assert read_labels() == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"adapters": 3}', '{"adapters": {"mia": 3}}', "\udcff"])
def test_a_broken_label_file_breaks_nothing_and_is_kept(full: Path, content: str) -> None:
    (full / FILE).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert names() == ["Zoé", "mia", "mia-v2"] and find_adapter("mia").label == Label()
    change_label("mia", tags=["a"])
    assert find_adapter("mia").label.tags == ("a",)
    assert (full / ".shelf.unreadable.json").read_bytes() == content.encode("utf-8", "surrogateescape")


def test_labels_edited_by_hand_are_read_with_care(full: Path) -> None:
    table = {"adapters": {"mia": {"tags": ["a", 3], "subject": 5, "strength": 99, "other": 1}, "gone": {}}}
    (full / FILE).write_text(json.dumps(table))
    assert find_adapter("mia").label == Label(("a", "3"))


@pytest.mark.parametrize("wrong", [{"tags": ["x" * 31]}, {"tags": [str(n) for n in range(21)]}, {"strength": 2.5},
                                   {"strength": float("nan")}, {"tags": ["a,b"]}])  # fmt: skip
def test_labels_have_limits(full: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(AdapterError):
        change_label("mia", **wrong)  # type: ignore[arg-type]


def test_search_and_tags(full: Path) -> None:
    change_label("mia", tags=["friends", "red"])
    change_label("Zoé", tags=["friends"])
    (full / "torn.safetensors").write_bytes(b"x")
    entries = list_shelf()
    assert [entry.name for entry in search_shelf(entries, "ZOE")] == ["Zoé"]
    assert {entry.name for entry in search_shelf(entries, "mia tiny")} == {"mia", "mia-v2", "Zoé"}  # cards say mia
    assert [entry.name for entry in search_shelf(entries, tags=["friends", "red"])] == ["mia"]
    assert [entry.name for entry in search_shelf(entries, "torn")] == ["torn"]
    assert search_shelf(entries, "nobody") == [] and len(search_shelf(entries)) == 4
    assert all_tags(entries) == ["friends", "red"]


def test_versions_of_one_subject_stand_together(full: Path) -> None:
    change_label("Zoé", subject="zoe of the choir")
    found = versions(list_shelf())
    assert [entry.name for entry in found["mia"]] == ["mia", "mia-v2"]
    assert [entry.name for entry in found["zoe of the choir"]] == ["Zoé"]
    entry = find_adapter("mia-v2")
    assert subject_of(entry) == "mia"


def test_what_is_deleted_comes_back_whole(full: Path, adapter: Path) -> None:
    (full / "mia.kohya.safetensors").write_bytes(b"export")
    change_label("mia", tags=["friends"], strength=0.7)
    gone = trash_adapter("mia")
    assert names() == ["Zoé", "mia-v2"] and not (full / "mia.kohya.safetensors").exists()
    assert gone.days_left == 30 and [each.name for each in list_trash()] == ["mia"]
    entry = restore_adapter(gone.id)
    assert entry.label == Label(("friends",), "", 0.7) and entry.path.read_bytes() == adapter.read_bytes()
    assert (full / "mia.kohya.safetensors").read_bytes() == b"export"
    assert list_trash() == [] and not (home() / "trash").exists()


def test_broken_files_can_be_deleted_and_come_back_too(full: Path) -> None:
    (full / "old.ckpt").write_bytes(b"\x80\x04")
    trash_adapter("old.ckpt")
    assert not (full / "old.ckpt").exists()
    assert restore_adapter("old.ckpt").broken


def test_the_newest_of_one_name_comes_back_first_and_nothing_is_overwritten(full: Path, adapter: Path) -> None:
    trash_adapter("mia")
    (full / "mia.safetensors").write_bytes(adapter.read_bytes() + b"")
    with pytest.raises(AdapterError, match="one of that name"):
        restore_adapter("mia")
    assert len(list_trash()) == 1
    with pytest.raises(AdapterError, match="not in the trash"):
        restore_adapter("../mia")


def test_the_trash_forgets_after_thirty_days(full: Path) -> None:
    gone = trash_adapter("mia")
    old = datetime.now(UTC) - timedelta(days=31)
    (trash_folder() / gone.id).rename(trash_folder() / f"{old:%Y%m%d-%H%M%S}-{'a' * 8}")
    assert list_trash() == [] and not trash_folder().exists()


def test_a_lost_record_loses_no_adapter(full: Path) -> None:
    gone = trash_adapter("mia")
    (trash_folder() / gone.id / "record.json").write_text("{")
    assert [each.name for each in list_trash()] == ["mia"] and restore_adapter("mia").name == "mia"


def test_forgetting_a_person_empties_the_trash_of_them(full: Path) -> None:
    for name in ("mia", "mia-v2", "Zoé"):
        trash_adapter(name)
    create_subject("Zoé")  # else an adapter that was trained as mia would be hers, whatever it is called here
    removed = forget_person("mia")
    assert {path.name for path in removed} == {"mia.safetensors", "mia-v2.safetensors"}
    assert [each.name for each in list_trash()] == ["Zoé"]
    assert len(empty_trash()) == 1 and list_trash() == []
