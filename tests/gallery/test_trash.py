"""What is deleted can be brought back for thirty days, and is gone for good when its person is forgotten."""

from __future__ import annotations

import json
import time

import pytest
from gallery_pictures import picture, using

from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.generation import picture_png
from workbench.jobs.forget import footprint, forget_person


@pytest.fixture
def filled() -> tuple[Gallery, list[str]]:
    gallery = Gallery()
    ids = [gallery.add(picture(seed=seed, adapters=using("mia" if seed < 2 else "leo"))) for seed in range(4)]
    gallery.star(ids[0])
    gallery.collections.put("best", ids[:1])
    gallery.collections.put("of mia", ids[:3])
    return gallery, ids


def test_deleting_is_undone_with_stars_and_collections(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    before = [path.read_bytes() for path in sorted(gallery.folder.glob("*.png"))]
    deleted = gallery.throw_away(*ids[:2])
    assert [kept.id for kept in gallery.search()] == [ids[3], ids[2]]
    assert gallery.filled_collections() == {"of mia": 1}
    assert not [path for path in gallery.folder.glob("thumbs/*") if path.stem in ids[:2]]
    [listed] = Gallery().trash.batches()
    assert (listed.id, len(listed.pictures), listed.days_left) == (deleted.id, 2, 30)
    assert sorted(gallery.put_back(deleted.id)) == sorted(ids[:2])
    assert [path.read_bytes() for path in sorted(gallery.folder.glob("*.png"))] == before
    assert [kept.id for kept in gallery.search(stars_only=True)] == [ids[0]]
    assert gallery.filled_collections() == {"best": 1, "of mia": 3}
    assert gallery.trash.batches() == [] and not (gallery.folder / "trash").exists()
    with pytest.raises(GalleryError, match="not in the trash"):
        gallery.put_back(deleted.id)


@pytest.mark.parametrize("which", ["", "..", "../stars", "20260102-030405-00000000"])
def test_only_what_is_there_comes_back(filled: tuple[Gallery, list[str]], which: str) -> None:
    with pytest.raises(GalleryError):
        filled[0].put_back(which)
    assert filled[0].count() == 4


def test_nothing_is_deleted_when_one_is_not_there(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    with pytest.raises(GalleryError):
        gallery.throw_away(ids[0], "gone")
    assert gallery.count() == 4 and gallery.trash.batches() == []


def test_one_that_is_there_again_is_kept_once_and_another_of_its_name_beside_it(
    filled: tuple[Gallery, list[str]],
) -> None:
    gallery, ids = filled
    deleted = gallery.throw_away(ids[0], ids[3])
    assert gallery.add(picture(seed=3, adapters=using("leo"))) == ids[3]
    (gallery.folder / f"{ids[0]}.png").write_bytes(picture_png(picture("another one of this name")))
    assert sorted(gallery.put_back(deleted.id)) == sorted([f"{ids[0]} 2", ids[3]])
    assert gallery.count() == 5 and gallery.trash.batches() == []
    assert gallery.get(f"{ids[0]} 2").starred and not gallery.get(ids[0]).starred


def test_after_thirty_days_it_is_gone(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    deleted = gallery.throw_away(ids[0])
    old = time.strftime("%Y%m%d-%H%M%S", time.gmtime(time.time() - 31 * 86400)) + deleted.id[15:]
    (gallery.folder / "trash" / deleted.id).rename(gallery.folder / "trash" / old)
    assert gallery.trash.batches() == [] and not (gallery.folder / "trash").exists()


def test_a_lost_record_costs_only_the_star(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    deleted = gallery.throw_away(ids[0])
    (gallery.folder / "trash" / deleted.id / "record.json").write_text("[]")
    assert gallery.put_back(deleted.id) == [ids[0]] and not gallery.get(ids[0]).starred


def test_who_is_forgotten_is_forgotten_in_the_trash_too(filled: tuple[Gallery, list[str]]) -> None:
    gallery, ids = filled
    gallery.throw_away(ids[0], ids[3])
    trashed = [path for path in gallery.folder.glob("trash/*/*.png") if path.stem == ids[0]]
    assert set(trashed) <= {thing.path for thing in footprint("mia").things}
    forget_person("mia")
    assert [path.stem for path in gallery.folder.glob("trash/*/*.png")] == [ids[3]]
    [record] = gallery.folder.glob("trash/*/record.json")
    assert list(json.loads(record.read_text())["pictures"]) == [ids[3]]
    assert footprint("mia").things == () and gallery.count() == 1
    forget_person("leo")
    assert not (gallery.folder / "trash").exists() and gallery.count() == 0
    assert gallery.collections.names() == []
