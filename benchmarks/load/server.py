"""The shared server that is looked at: its accounts, their galleries, the training, and all its processes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.gallery import fill
from workbench.accounts import Accounts, Owner
from workbench.config import ROOT, SHARED, atomic_write, make_folder
from workbench.gallery import Gallery

PASSWORD = "four words for the load"
PREFIX = "zqm"  # a marker begins so: no word does
SAMPLE = ROOT / "examples" / "adapters" / "sample.safetensors"
SELFIES = ROOT / "examples" / "selfies"
_STARTING, _ENDING = 120.0, 30.0  # s


def new_marker() -> str:
    """A word that nothing else holds."""
    return PREFIX + secrets.token_hex(6)


@dataclass
class Person:
    """Somebody with an account.

    Args:
        marker: in the recipe of every picture of theirs.
        markers: of their sessions.
        came: whether a session of theirs has opened a window.
    """

    name: str
    owner: Owner
    marker: str = field(default_factory=new_marker)
    markers: set[str] = field(default_factory=set)
    came: bool = False

    def plant(self, marker: str) -> None:
        """Puts a picture with a session's marker into the gallery, as a person who drops a file into the folder."""
        from workbench.generation.record import Picture, picture_png
        from workbench.world.character import sample_character, sample_scene
        from workbench.world.draw import draw

        number = int(marker.removeprefix(PREFIX)[:4], 16)
        record = {
            "format": 1, "prompt": f"chibi of somebody, {marker}, {self.marker}", "negative": "", "seed": number,
            "steps": 20, "guidance": 4.0, "size": 256, "base": "chibi-mini", "adapters": [], "notes": [],
            "created": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), "versions": {},
        }  # fmt: skip
        self.markers.add(marker)
        drawn = draw(sample_character(number), sample_scene(number), "chibi", 256)
        atomic_write(self.owner.home / "gallery" / f"{marker}.png", picture_png(Picture(drawn, record)))


class Server:
    """A shared server in a process of its own, with everything below one folder.

    Args:
        folder: that is gone afterwards.
        people: how many accounts.
    """

    def __init__(self, folder: Path, people: int) -> None:
        self.folder = folder
        self.root = folder / "server"
        self.environment = os.environ | {
            "WORKBENCH_HOME": str(self.root), "WORKBENCH_LORAS": str(folder / "loras"),
            "WORKBENCH_KEYS": str(folder / "keys"), "WORKBENCH_VAULT": "plain",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "HF_HUB_OFFLINE": "1",
        }  # fmt: skip
        self.environment.pop(SHARED, None)
        accounts = Accounts(self.root / "accounts.sqlite")
        self.people = []
        for number in range(people):
            name = f"person-{number + 1}"
            accounts.add(name, password=PASSWORD)
            owner = Owner(self.root, accounts.find(name).id, folder / "keys" / "people")
            self.people.append(Person(name, owner))
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def furnish(self, person: Person, pictures: int) -> int:
        """Gives a person pictures and an adapter, as if they had been here for months: the gallery has been looked at.

        No sample person, whose photos would be examined at the first visit.

        Returns:
            The bytes of the pictures.
        """
        make_folder(person.owner.home / "subjects")
        atomic_write(person.owner.folder / "loras" / SAMPLE.name, SAMPLE.read_bytes())
        size = fill(person.owner.home / "gallery", pictures, person.marker)
        Gallery(person.owner.home / "gallery")
        return size

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            RuntimeError: it does not start.
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "workbench", "ui", "--shared", "--port", str(port)]
        with (self.folder / "server.log").open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--most", str(len(self.people) + 1)], cwd=ROOT, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + _STARTING
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False, timeout=10).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise RuntimeError(f"the server did not start: {(self.folder / 'server.log').read_text(errors='replace')}")

    def train(self, person: Person, steps: int) -> None:
        """Puts a training into the line, as that person's page would.

        Raises:
            subprocess.CalledProcessError: it was refused.
        """
        person.owner.prepare()
        words = [f"photos={SELFIES}", "name=load", f"train.steps={steps}", "--background"]
        subprocess.run(
            [sys.executable, "-m", "workbench", "train", *words], cwd=ROOT, check=True, capture_output=True,
            env=self.environment | {k: v for k, v in person.owner.environment(person.name).items() if k in _PLACES},
        )  # fmt: skip

    def steps_trained(self, person: Person) -> int:
        """The steps that the training has done."""
        from workbench.processes import number, read_object

        return int(number(read_object(person.owner.home / "runs" / "load" / "status.json").get("step")) or 0)

    def processes(self) -> dict[str, list[psutil.Process]]:
        """All that belong to this server now, by kind: `gate`, `pages`, `training`, `other`."""
        found: dict[str, list[psutil.Process]] = {"gate": [], "pages": [], "training": [], "other": []}
        known = {process.pid: process for process in psutil.process_iter() if _is_of(process, self.root)}
        for process in list(known.values()):
            try:
                # The photo decoder is given none of our variables.
                known |= {child.pid: child for child in process.children()}
            except psutil.Error:
                continue
        for process in known.values():
            try:
                words = " ".join(process.cmdline())
            except psutil.Error:
                continue
            found[_kind(words)].append(process)
        return found

    def log_of_errors(self) -> list[str]:
        """What the server and the pages have written of errors, by its last line each."""
        found = []
        for log in [self.folder / "server.log", *(person.owner.folder / "page.log" for person in self.people)]:
            text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            for part in text.split("Traceback (most recent call last)")[1:]:
                lines = [line for line in part.splitlines() if line and not line.startswith((" ", ":"))]
                found.append(f"{log.name}: {lines[0] if lines else 'an error'}")
        return found

    def stop(self) -> None:
        """Ends every process of this server, and nothing else; then everything is erased."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + _ENDING
        while left := [each for some in self.processes().values() for each in some]:
            late = time.monotonic() > end - _ENDING / 2
            for process in left:
                try:
                    # The gate ends its pages by itself, and a page its decoder.
                    if late or process.pid != getattr(self.process, "pid", 0):
                        process.kill() if late else process.terminate()
                except psutil.Error:
                    continue
            if time.monotonic() > end:
                break
            time.sleep(0.3)
        if self.process is not None:
            self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


_PLACES = ("WORKBENCH_HOME", "WORKBENCH_LORAS", "WORKBENCH_KEYS", "WORKBENCH_ACCOUNT", SHARED)


def _is_of(process: psutil.Process, root: Path) -> bool:
    try:
        environment: dict[str, Any] = process.environ()
    except (psutil.Error, OSError):
        return False
    return str(root) in (environment.get(SHARED), environment.get("WORKBENCH_HOME"))


def _kind(words: str) -> str:
    for kind, part in (("gate", "ui --shared"), ("pages", "workbench.gate.page"), ("pages", "decoder_process")):
        if part in words:
            return kind
    training = ("workbench.jobs.worker", "accelerate.commands.launch", "train_lora")
    return "training" if any(part in words for part in training) else "other"
