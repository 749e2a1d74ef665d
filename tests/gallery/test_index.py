"""The index is carried over from its older form, follows the files, and is no truth of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
from gallery_pictures import picture, using

from workbench.adapters.labels import change_label
from workbench.config import home
from workbench.gallery import Gallery, Query
from workbench.gallery.index import in_utc

# As version 0.1 made it.
OLD = """
create table pictures (
    id text primary key, created text not null, starred integer not null, words text not null, record text not null
);
create table used (id text not null, adapter text not null, primary key (id, adapter)) without rowid;
create index by_created on pictures (created desc, id desc);
create index by_adapter on used (adapter);
pragma user_version = 1;
"""


def make_old(gallery: Gallery) -> list[tuple[str, str, int]]:
    """Puts an index of form 1 in the place of the present one, with the same pictures; what was in it."""
    kept = gallery.search(limit=1000)
    folder = gallery.folder / "index"
    for file in folder.iterdir():
        file.unlink()
    base = sqlite3.connect(folder / "index.sqlite")
    base.execute("pragma journal_mode = wal")
    base.executescript(OLD)
    for each in kept:
        words = f"{each.prompt} {each.record['base']} {each.record['seed']}".casefold()
        text = json.dumps(each.record, ensure_ascii=False)
        row = (each.id, each.record["created"], int(each.starred), words, text)
        base.execute("insert into pictures values (?, ?, ?, ?, ?)", row)
        base.executemany("insert into used values (?, ?)", [(each.id, a["name"]) for a in each.record["adapters"]])
    rows = base.execute("select id, record, starred from pictures order by id").fetchall()
    base.commit()
    base.close()
    return rows


def now_in(gallery: Gallery) -> list[tuple[str, str, int]]:
    base = sqlite3.connect(gallery.folder / "index" / "index.sqlite")
    try:
        assert base.execute("pragma user_version").fetchone() == (2,)
        return base.execute("select id, record, starred from pictures join records using (id) order by id").fetchall()
    finally:
        base.close()


def test_an_index_of_the_older_form_is_carried_over_and_loses_nothing() -> None:
    gallery = Gallery()
    ids = [gallery.add(picture(f"chibi number {n}, 公园", n, adapters=using("mia", "leo"))) for n in range(30)]
    gallery.star(ids[3])
    before = make_old(gallery)
    assert len(before) == 30 and sum(starred for _, _, starred in before) == 1
    # Were the files read again, this one's record would be lost.
    os.truncate(gallery.folder / f"{ids[5]}.png", 40)
    again = Gallery()
    assert now_in(again) == before
    assert [kept.id for kept in again.search(limit=100)] == ids[::-1]
    assert [kept.id for kept in again.search(stars_only=True)] == [ids[3]]
    assert [kept.id for kept in again.search("number 17 公园", adapter="leo")] == [ids[17]]
    assert again.get(ids[5]).prompt == "chibi number 5, 公园"
    assert dict(again.adapters()) == {"leo": 30, "mia": 30}
    assert again.rebuild() == 30 and again.get(ids[3]).starred


def test_an_older_index_with_nonsense_in_it_is_made_anew_from_the_files() -> None:
    gallery = Gallery()
    ids = [gallery.add(picture(seed=n)) for n in range(3)]
    make_old(gallery)
    base = sqlite3.connect(gallery.folder / "index" / "index.sqlite")
    base.execute("update pictures set record = '{ no json' where id = ?", (ids[0],))
    base.commit()
    base.close()
    assert [kept.id for kept in Gallery().search()] == ids[::-1]
    assert Gallery().get(ids[0]).prompt == picture().record["prompt"]


def test_an_index_of_a_later_version_is_made_anew() -> None:
    gallery = Gallery()
    name = gallery.add(picture())
    base = sqlite3.connect(gallery.folder / "index" / "index.sqlite")
    base.execute("pragma user_version = 77")
    base.close()
    assert [kept.id for kept in Gallery().search()] == [name]


def test_an_unchanged_folder_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery()
    name = gallery.add(picture())
    os.utime(gallery.folder, (time.time() - 60,) * 2)
    Gallery()
    looked: list[Path] = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: looked.append(Path(folder)) or real(folder))
    assert [kept.id for kept in Gallery().search()] == [name] and looked == []
    (gallery.folder / "new.png").write_bytes((gallery.folder / f"{name}.png").read_bytes())
    assert Gallery().count() == 2 and set(looked) == {gallery.folder}


def test_a_file_that_comes_right_after_a_look_is_seen() -> None:
    gallery = Gallery()
    name = gallery.add(picture())
    assert gallery.count() == 1
    stamp = gallery.folder.stat()
    (gallery.folder / "same tick.png").write_bytes((gallery.folder / f"{name}.png").read_bytes())
    os.utime(gallery.folder, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as within one tick of the clock
    assert gallery.count() == Gallery().count() == 2


def test_many_new_files_are_told_of() -> None:
    folder = home() / "gallery"
    name = Gallery().add(picture())
    content = (folder / f"{name}.png").read_bytes()
    for number in range(1001):
        (folder / f"p{number}.png").write_bytes(content)
    told: list[tuple[int, int]] = []
    assert Gallery(on_new=lambda done, all: told.append((done, all))).count() == 1002
    assert told == [(0, 1001), (500, 1001), (1000, 1001)]


def test_times_sort_whatever_zone_they_were_written_in() -> None:
    gallery = Gallery()
    early = gallery.add(picture(created="2026-01-02T09:00:00+08:00"))
    late = gallery.add(picture(created="2026-01-02T02:00:00+00:00"))
    assert [kept.id for kept in gallery.search()] == [late, early]
    assert gallery.count(since="2026-01-02T01:30:00") == 1
    assert gallery.get(early).record["created"] == "2026-01-02T09:00:00+08:00"
    assert in_utc("some day") == "some day"


def test_all_adapters_of_a_person_are_found_together() -> None:
    gallery = Gallery()
    ids = [gallery.add(picture(seed=n, adapters=using(name))) for n, name in enumerate(("mia", "mia-v2", "style"))]
    assert gallery.subjects() == {"mia": ["mia", "mia-v2"], "style": ["style"]}
    assert gallery.ids(Query(subject="mia")) == [ids[1], ids[0]]
    change_label("style", subject="mia")
    assert gallery.count(subject="mia") == 3 and gallery.count(subject="style") == 0
