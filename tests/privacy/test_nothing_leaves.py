"""A whole job, from photos to a picture, in a network namespace without routes: it works, and nobody tries to connect.

Two witnesses: Python's audit events of every process write each attempt to a file, and the kernel of the namespace
counts packets that found no route, whatever code sent them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import make_tiny_base

from workbench.config import ROOT, home, shelf
from workbench.privacy import is_sealed, row_of
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

# Loaded by every Python process that finds it on its path. A socket to another process of this machine is no network.
WITNESS = """
import os, sys
def heard(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"):
        if event.startswith("socket.get") or args[0].family.name in ("AF_INET", "AF_INET6"):
            with open(os.environ["WITNESS"], "a") as file:
                print(os.getpid(), event, args[1:] if event.startswith("socket.c") else args, file=file)
sys.addaudithook(heard)
with open(os.environ["WITNESS"] + ".started", "a") as file:
    print(os.getpid(), sys.orig_argv, file=file)
"""
ALONE = ["unshare", "--user", "--map-root-user", "--net"]


def alone() -> list[str]:
    """The command that runs another without a network; where that is not permitted, it is said loudly."""
    try:
        tried = subprocess.run([*ALONE, "true"], capture_output=True, text=True)
        reason = tried.stderr.strip() if tried.returncode else ""
    except FileNotFoundError:
        reason = "there is no `unshare` here"
    if reason:
        pytest.skip(f"NOT CHECKED that nothing leaves the machine: no network namespace is permitted ({reason})")
    return ALONE


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process reports its attempts to connect."""
    (tmp_path / "witness").mkdir()
    (tmp_path / "witness" / "sitecustomize.py").write_text(WITNESS)
    path = os.pathsep.join(filter(None, (str(tmp_path / "witness"), os.environ.get("PYTHONPATH", ""))))
    # What the tests' own environment forbids a person's may allow.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "STREAMLIT_", "WANDB_"))}
    return clean | {"PYTHONPATH": path, "WITNESS": str(tmp_path / "attempts.txt")}


def attempts(environment: dict[str, str]) -> list[str]:
    file = Path(environment["WITNESS"])
    return file.read_text().splitlines() if file.exists() else []


def no_routes(text: str) -> int:
    """`OutNoRoutes` of /proc/net/snmp and /proc/net/snmp6, summed."""
    names, values = (line.split()[1:] for line in text.splitlines() if line.startswith("Ip: "))
    six = [int(line.split()[1]) for line in text.splitlines() if line.startswith("Ip6OutNoRoutes")]
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"]) + sum(six)


COUNTERS = "cat /proc/net/snmp /proc/net/snmp6"


def test_the_witnesses_see_an_attempt(watched: dict[str, str]) -> None:
    knock = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass"
    command = f'{sys.executable} -c "{knock}"; {COUNTERS}'
    done = subprocess.run([*alone(), "sh", "-c", command], env=watched, capture_output=True, text=True, check=True)
    assert any("192.0.2.1" in line for line in attempts(watched))
    assert no_routes(done.stdout) >= 1


@pytest.mark.slow
def test_a_whole_job_without_a_network(watched: dict[str, str], tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path / "tiny")
    photos = tmp_path / "photos"
    photos.mkdir()
    scene = sample_scene(0, headwear="none", background="white", tilt=0.0, turn=0.0)
    draw(sample_character(3), scene, "photo", size=512, seed=0).save(photos / "selfie.png")
    workbench = f"{sys.executable} -m workbench"
    steps = [
        f"{workbench} privacy consent mia --whose drawn --scope share",
        f"{workbench} train photos={photos} name=mia base={base} steps=2 anchors=1 class_pictures=1 batch_size=2",
        f"{workbench} create -a mia --base {base} --size 64 --steps 1 --count 1 --expression smiling",
        f"{workbench} adapters show mia --json",
        COUNTERS,
    ]
    command = " && ".join(["set -e", *steps])
    done = subprocess.run([*alone(), "sh", "-c", command], env=watched, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (shelf() / "mia.safetensors").exists() and list((home() / "gallery").glob("*.png"))
    assert attempts(watched) == []
    assert no_routes(done.stdout) == 0
    # The witness was in the recipe too, not only in the command.
    assert "train_lora.py" in Path(watched["WITNESS"] + ".started").read_text()

    assert '"scope": "share"' in done.stdout, "the agreed use is not on the card"
    left = [path for place in (home(), shelf()) for path in place.rglob("*") if path.is_file()]
    assert [path for path in left if row_of(path) is None] == [], "the privacy page does not tell of these"
    crops = [path for path in left if path.match("datasets/mia/photo-*.png")]
    assert crops and all(is_sealed(path) for path in [*crops, home() / "datasets" / "mia" / "metadata.jsonl"])
    latents = [path for path in left if path.parent.name == "latents"]
    assert sum(is_sealed(path) for path in latents) >= len(crops) and len(left) > 10
    assert json.loads((home() / "runs" / "mia" / "status.json").read_text())["state"] == "done"
