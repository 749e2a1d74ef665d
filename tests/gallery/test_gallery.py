"""The files are the truth; the index only makes them quick to find."""

from __future__ import annotations

import shutil
import threading
from typing import Any

import pytest
from gallery_pictures import picture, using
from PIL import Image

from workbench.config import home
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.index import Index
from workbench.generation import picture_png


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture
def filled(gallery: Gallery) -> tuple[Gallery, list[str]]:
    return gallery, [
        gallery.add(picture("chibi of zkq person, smiling, in the park", 1, adapters=using("mia"))),
        gallery.add(picture("chibi of zkq person, sad, wearing a red kimono", 2, adapters=using("mia", "leo"))),
        gallery.add(picture("photo of a person, 在公园里 100% Red_x", 3)),
    ]


def test_what_is_kept_is_found_newest_first(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    found = gallery.search()
    assert [kept.id for kept in found] == ids[::-1]
    assert found[0].path.parent == home() / "gallery" and found[0].path.is_file()
    assert found[2].record == picture("chibi of zkq person, smiling, in the park", 1, adapters=using("mia")).record
    assert [kept.id for kept in gallery.search(limit=1, offset=1)] == [ids[1]]
    assert gallery.add(picture("chibi of zkq person, smiling, in the park", 1, adapters=using("mia"))) == ids[0]
    assert gallery.count() == 3


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"words": "PARK"}, [0]),
        ({"words": "red"}, [2, 1]),
        ({"words": "zkq kimono"}, [1]),
        ({"words": "公园"}, [2]),
        ({"words": "100%"}, [2]),
        ({"words": "d_x"}, [2]),
        ({"words": "'; drop table pictures; --"}, []),
        ({"words": "leo"}, [1]),
        ({"adapter": "mia"}, [1, 0]),
        ({"adapter": "mi"}, []),
        ({"adapter": "mia", "words": "park"}, [0]),
        ({"since": "2026-01-02T03:04:02"}, [2, 1]),
        ({"until": "2026-01-02T03:04:02"}, [0]),
        ({"stars_only": True}, []),
        ({"subject": "mia"}, [1, 0]),
        ({"subject": "leo", "words": "kimono"}, [1]),
        ({"subject": "nobody"}, []),
        ({"collection": "nothing"}, []),
    ],
)
def test_search(filled: tuple[Gallery, list[str]], asked: dict[str, Any], expected: list[int]) -> None:
    gallery, ids = filled
    assert [kept.id for kept in gallery.search(**asked)] == [ids[index] for index in expected]
    assert gallery.count(**asked) == len(expected)


def test_adapters_are_counted(filled: tuple[Gallery, list[str]]) -> None:
    assert dict(filled[0].adapters()) == {"mia": 2, "leo": 1}


def test_stars_survive_a_new_index(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.star(ids[0])
    gallery.star(ids[1])
    gallery.star(ids[1], False)
    shutil.rmtree(gallery.folder / "index")
    again = Gallery()
    assert [kept.id for kept in again.search(stars_only=True)] == [ids[0]]
    assert again.rebuild() == 3
    assert again.get(ids[0]).starred and not again.get(ids[1]).starred
    assert [kept.record for kept in again.search()] == [gallery.get(name).record for name in ids[::-1]]


def test_a_damaged_index_is_made_anew(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    for content in (b"not a database" * 100, b""):
        for file in (gallery.folder / "index").iterdir():
            file.unlink()
        (gallery.folder / "index" / "index.sqlite").write_bytes(content)
        assert [kept.id for kept in Gallery().search()] == ids[::-1]


def test_files_come_and_go_by_hand(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    (gallery.folder / "from a friend.png").write_bytes(picture_png(picture("chibi of a friend", 9)))
    Image.new("RGB", (8, 8)).save(gallery.folder / "no record.png")
    (gallery.folder / "broken.png").write_bytes(b"\x89PNG")
    (gallery.folder / ".hidden.png").write_bytes(b"")
    gallery.get(ids[1]).path.unlink()
    found = {kept.id: kept for kept in gallery.search()}
    assert set(found) == {ids[0], ids[2], "from a friend", "no record", "broken"}
    assert found["from a friend"].prompt == "chibi of a friend"
    assert "record" in found["no record"].record["notes"][0]
    assert gallery.thumbnail("from a friend").startswith(b"RIFF")
    with pytest.raises(GalleryError, match=r"broken\.png"):
        gallery.thumbnail("broken")
    gallery.delete("broken")
    assert gallery.count() == 4


def test_deleting_leaves_nothing(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.star(ids[1])
    gallery.collections.put("best kimono", [ids[1]])
    gallery.collections.put("mixed", ids[:2])
    assert len(gallery.delete(ids[1])) == 4
    assert gallery.collections.names() == ["mixed"]
    left = [path for path in gallery.folder.rglob("*") if path.is_file()]
    assert not [path for path in left if ids[1] in path.name]
    assert not [path for path in left if b"kimono" in path.read_bytes()]  # nor in the index's free pages
    with pytest.raises(GalleryError, match="not in the gallery"):
        gallery.get(ids[1])
    with pytest.raises(GalleryError):
        gallery.delete(ids[0], "gone")
    assert gallery.get(ids[0]).path.is_file()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", ".", "..", "a/b", "a\\b", "x" * 500, "a\0b"])
def test_names_never_leave_the_gallery(gallery: Gallery, name: str) -> None:
    secret = gallery.folder.parent / "secret.png"
    secret.write_bytes(picture_png(picture()))
    for act in (gallery.get, gallery.star, gallery.delete, gallery.thumbnail):
        with pytest.raises(GalleryError):
            act(name)
    assert secret.is_file()


def test_two_galleries_of_one_folder_see_each_other(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    other = Gallery()
    new = other.add(picture("another", 30))
    assert gallery.search()[0].id == new
    gallery.delete(ids[0])
    assert ids[0] not in [kept.id for kept in other.search()]


def test_what_is_kept_while_another_session_looks_stays(
    filled: tuple[Gallery, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, ids = filled
    names, kept, other = Index.names, [], Gallery()
    first = iter([True])

    def keeps_first(index: Index) -> set[str]:
        """Another session's picture comes just as this one compares what is known with what is there."""
        if next(first, False):
            kept.append(other.add(picture("in between", 40)))
        return names(index)

    monkeypatch.setattr(Index, "names", keeps_first)
    (gallery.folder / f"{ids[0]}.png").unlink()  # by hand: so it has to look
    assert [each.id for each in gallery.search()] == [kept[0], *ids[:0:-1]]


def test_many_threads_add_at_once(gallery: Gallery) -> None:
    def add(first: int) -> None:
        for seed in range(first, first + 5):
            Gallery().add(picture(seed=seed))

    threads = [threading.Thread(target=add, args=(first,)) for first in range(0, 40, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gallery.count() == 40 == len(list(gallery.folder.glob("*.png")))


def test_pictures_are_found_by_the_words_the_person_wrote(gallery: Gallery) -> None:
    name = gallery.add(picture("chibi of a person, round glasses", said="萌版，圆眼镜"))
    assert [each.id for each in gallery.search("圆眼镜")] == [name] == [each.id for each in gallery.search("glasses")]
