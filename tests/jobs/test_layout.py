"""Workspaces of other versions: an earlier one is carried over with nothing lost, a newer one is refused.

`layout-1.zip` was made by the code of before there was a layout: one person, three runs, two pictures, an adapter.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from workbench.adapters import list_shelf
from workbench.cli import main
from workbench.config import ROOT, home
from workbench.config.layout import LAYOUT, layout_file, layout_of_workspace
from workbench.errors import StorageError
from workbench.gallery import Gallery
from workbench.jobs import job_state, list_jobs, queue
from workbench.jobs.layout import open_workspace
from workbench.photos import crops, load_subject
from workbench.privacy import row_of


@pytest.fixture
def old(own_places: Path) -> dict[str, bytes]:
    """A workspace of layout 1; all its files."""
    with zipfile.ZipFile(Path(__file__).with_name("layout-1.zip")) as archive:
        archive.extractall(own_places)
    return {str(path.relative_to(home())): path.read_bytes() for path in home().rglob("*") if path.is_file()}


def test_a_workspace_of_before_is_carried_over_and_nothing_is_lost(old: dict[str, bytes]) -> None:
    assert layout_of_workspace() == 1
    [told] = open_workspace()
    assert "3 runs of before" in told and open_workspace() == []
    assert json.loads(layout_file().read_text())["layout"] == LAYOUT == layout_of_workspace()
    for name, content in old.items():
        if name.startswith("gallery/index"):
            assert (home() / "backups" / "layout-1" / name).read_bytes() == content, "the index as it was is kept"
        else:
            assert (home() / name).read_bytes() == content, name
    assert {job.name: job.state for job in queue.jobs()} == {"mia": "done", "leo": "stopped", "kim": "failed"}
    assert {state.name: (state.state, state.step) for state in list_jobs()} == {
        "mia": ("done", 12), "leo": ("stopped", 5), "kim": ("failed", 7),
    }  # fmt: skip
    assert job_state("leo").can_resume and job_state("kim").reason == "the process ended without a word"
    mia = load_subject("mia")
    assert mia.traits == {"glasses": "round"} and len(crops(mia)) == 1
    found = Gallery().search()
    assert len(found) == 2 and sum(kept.starred for kept in found) == 1
    assert [entry.name for entry in list_shelf() if not entry.broken] == ["mia"]
    unknown = [path for path in home().rglob("*") if path.is_file() and row_of(path) is None]
    assert unknown == [], "the privacy page does not tell of it"


def test_killed_in_the_midst_it_is_carried_over_the_next_time(old: dict[str, bytes]) -> None:
    code = (
        "import os\nfrom workbench.jobs import layout\n"
        "layout.queue.remember = lambda *_, **__: os.kill(os.getpid(), 9)\nlayout.open_workspace()"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -signal.SIGKILL
    assert layout_of_workspace() == 1
    open_workspace()
    assert layout_of_workspace() == 2 and len(queue.jobs()) == 3
    layout_file().unlink()  # as if it had been killed just before it said so
    open_workspace()
    assert len(queue.jobs()) == 3, "a step that is done again enters nothing twice"


def test_two_starts_at_once_carry_it_over_once(old: dict[str, bytes]) -> None:
    code = "from workbench.jobs.layout import open_workspace; print(len(open_workspace()))"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(each.communicate()[0] for each in both) == ["0\n", "1\n"]
    assert len(queue.jobs()) == 3


@pytest.mark.parametrize("content", ['{"layout": 99}', '{"layout": "two"}', "{}", "[]", '{"lay'])
def test_a_newer_or_unreadable_layout_is_refused_and_nothing_is_touched(
    content: str, old: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    layout_file().write_text(content)
    with pytest.raises(StorageError, match="newer workbench" if "99" in content else "does not say"):
        open_workspace()
    for command in (["runs"], ["queue"], ["train", "name=new"], ["forget", "mia", "--yes"]):
        assert main(command) == 2
        assert "layout" in capsys.readouterr().err
    main(["--json", "doctor", "--quick"])
    findings = {each["thing"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["layout"]["state"] == "bad"
    layout_file().unlink()
    now = {str(path.relative_to(home())): path.read_bytes() for path in home().rglob("*") if path.is_file()}
    assert now == old


def test_an_empty_workspace_needs_nothing(own_places: Path) -> None:
    assert layout_of_workspace() == 0 and open_workspace() == [] and not home().exists()
    assert list(own_places.iterdir()) == []
