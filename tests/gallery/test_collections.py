"""Collections: named sets of pictures, kept in files of their own."""

from __future__ import annotations

import shutil
import threading

import pytest
from gallery_pictures import picture

from workbench.errors import GalleryError
from workbench.gallery import Gallery


@pytest.fixture
def filled() -> tuple[Gallery, list[str]]:
    gallery = Gallery()
    return gallery, [gallery.add(picture(seed=seed)) for seed in range(4)]


def test_a_picture_may_be_in_several(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    assert gallery.collections.put(" Birthday   cards ", ids[:2]) == "Birthday cards"
    assert gallery.collections.put("birthday CARDS", ids[1:3]) == "Birthday cards", "letter case makes no second one"
    gallery.collections.put("生日", ids[:1])
    assert gallery.filled_collections() == {"Birthday cards": 3, "生日": 1}
    assert gallery.collections_of(ids[0]) == ["Birthday cards", "生日"]
    assert [kept.id for kept in gallery.search(collection="Birthday cards")] == [ids[2], ids[1], ids[0]]
    gallery.collections.take("Birthday cards", [ids[0]])
    assert gallery.count(collection="Birthday cards") == 2 and gallery.count() == 4


def test_they_survive_a_lost_index(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.collections.put("best", ids[:2])
    shutil.rmtree(gallery.folder / "index")
    assert Gallery().count(collection="best") == 2
    assert gallery.rebuild() == 4 and gallery.count(collection="best") == 2


def test_rename_and_drop(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.collections.put("best", ids[:2])
    gallery.collections.put("rest", ids[2:])
    assert gallery.collections.rename("best", "Best") == "Best", "another letter case is another spelling"
    assert gallery.collections.rename("Best", "finest") == "finest"
    with pytest.raises(GalleryError, match="one of that name"):
        gallery.collections.rename("rest", "Finest")
    gallery.collections.drop("rest")
    assert gallery.filled_collections() == {"finest": 2} and gallery.count() == 4
    assert Gallery().count(collection="finest") == 2 and Gallery().count(collection="rest") == 0
    for act in (gallery.collections.drop, lambda name: gallery.collections.take(name, ids)):
        with pytest.raises(GalleryError, match="there is none"):
            act("rest")


@pytest.mark.parametrize("name", ["", "  ", ".hidden", "../up", "a/b", "a\\b", "x" * 61, "a\0b", "a:b", "tab\x07"])
def test_names_never_leave_the_folder(filled: tuple[Gallery, list[str]], name: str) -> None:
    gallery, ids = filled
    with pytest.raises(GalleryError, match="The collection"):
        gallery.collections.put(name, ids)
    assert not (gallery.folder / "collections").exists()


def test_a_damaged_file_is_told_of_and_not_overwritten(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.collections.put("best", ids)
    file = gallery.folder / "collections" / "best.json"
    file.write_text("{ half")
    assert Gallery().filled_collections() == {"best": 0}
    with pytest.raises(GalleryError, match="damaged"):
        gallery.collections.put("best", ids[:1])
    assert file.read_text() == "{ half"
    gallery.collections.drop("best")
    assert gallery.filled_collections() == {}


def test_ids_that_nobody_has_count_for_nothing(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.collections.put("best", [ids[0], "../gone", "gone"])
    assert gallery.filled_collections() == {"best": 1}


def test_of_two_that_put_at_once_none_is_lost(filled: tuple[Gallery, list[str]]) -> None:
    gallery, _ = filled

    def put(first: int) -> None:
        for number in range(first, first + 5):
            Gallery().collections.put("together", [str(number)])

    threads = [threading.Thread(target=put, args=(first,)) for first in range(0, 20, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = gallery.collections._list("together")
    assert sorted(map(int, names)) == list(range(20))
