"""Two pages, or a page and a command, at the same person, shelf and gallery at once: nothing of either is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.adapters.labels import read_labels
from workbench.config import ROOT, shelf
from workbench.gallery import Gallery
from workbench.photos import create_subject, crops, judgements, load_subject

PAGE = """
import sys; sys.path.insert(0, "tests/faults")
import work
from workbench.adapters.labels import change_label
first = int(sys.argv[1])
work.judged()
print("ready", flush=True); sys.stdin.read(1)
for number in range(first, first + 15):
    work._bring("mia", number)
    change_label(f"adapter-{number}", tags=["kept"])
class Stop(Exception): pass
def say(said, count=[0]):
    count[0] += 1
    if count[0] == 15: raise Stop
try: work._keep_pictures(say, None)
except Stop: pass
"""


@pytest.mark.slow
def test_two_pages_at_once_lose_nothing(own_places: Path) -> None:
    create_subject("mia")
    shelf().mkdir(parents=True)
    pages = [
        subprocess.Popen(
            [sys.executable, "-c", PAGE, str(first)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for first in (100, 200)
    ]
    for page in pages:
        assert page.stdout is not None and page.stdout.readline() == b"ready\n"
    for page in pages:
        assert page.stdin is not None
        page.stdin.write(b"1")
        page.stdin.close()
    assert [page.wait(300) for page in pages] == [0, 0]
    keys = {f"{number:016x}" for first in (100, 200) for number in range(first, first + 15)}
    mia = load_subject("mia")
    assert {path.stem for path in crops(mia)} == keys == set(judgements(mia))
    assert len(read_labels()) == 30
    assert len(Gallery().search(limit=100)) == 15, "the same pictures are kept once"
