"""What is installed is what was tested: locked versions with hashes, and no address of a package index anywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from auditing import HOLES, NOT_LOOKED_UP, verdict
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from workbench.config import ROOT

LOCKS = ("locked.txt", "locked-dev.txt")


def locked(file: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package of a lock file."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition("==")
            found[canonicalize_name(name)] = (rest.split()[0], len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line)))
    return found


@pytest.mark.parametrize("file", LOCKS)
def test_every_locked_package_has_one_version_and_hashes(file: str) -> None:
    packages = locked(file)
    assert len(packages) > 50 and all(Version(version) and hashes for version, hashes in packages.values())
    assert "torch" not in packages


def test_every_dependency_is_locked_at_a_version_we_allow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core, both = locked("locked.txt"), locked("locked.txt") | locked("locked-dev.txt")
    groups = [(project["dependencies"], core)]
    groups += [(project["optional-dependencies"][extra], both) for extra in ("dev", "audit", "login")]
    for wanted, there in groups:
        for requirement in map(Requirement, wanted):
            name = canonicalize_name(requirement.name)
            if name != "torch":
                assert name in there, f"{name} is not locked: make lock"
                assert requirement.specifier.contains(there[name][0], prereleases=True), f"{name}: make lock"


def test_torch_is_pinned_for_every_accelerator() -> None:
    for file in ("constraints.txt", "constraints-cuda.txt"):
        assert re.search(r"^torch={2,3}2\.\d+\.\d+$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_no_file_names_an_index_or_lets_hashes_go() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("--no-deps --require-hashes") == 2
    for file in ("Makefile", "pyproject.toml", "constraints.txt", "constraints-cuda.txt", *LOCKS):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not re.search(r"index-url|find-links|trusted-host|https?://", text.replace("http://127.0.0.1", "")), file


def test_nothing_reads_code_from_a_hub() -> None:
    for folder in ("workbench", "recipes", "ui"):
        for path in sorted(Path(ROOT / folder).rglob("*.py")):
            assert not re.search(r"trust_remote_code\s*=\s*True", path.read_text(encoding="utf-8")), path


def test_an_audit_that_looked_nothing_up_is_no_audit() -> None:
    good = {"name": "pillow", "version": "12.0", "vulns": []}
    bad = good | {"vulns": [{"id": "CVE-2099-1", "fix_versions": ["12.1"]}]}
    unknown = {"name": "urllib3", "skip_reason": "not found"}
    torch = {"name": "torch", "skip_reason": "not found"}
    assert verdict([good, torch]) == (["1 of 2 packages were looked up; 0 known holes."], 0)
    assert verdict([good, unknown])[1] == NOT_LOOKED_UP and "NOT AUDITED" in " ".join(verdict([unknown])[0])
    lines, code = verdict([bad, unknown])
    assert code == HOLES and lines[0] == "pillow 12.0: CVE-2099-1, mended in 12.1"
