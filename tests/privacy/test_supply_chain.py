"""What is installed is what was tested: locked versions with hashes, and no address of a package index anywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
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
