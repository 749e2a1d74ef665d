"""A shared page with two owners and an admin, for the tests of the gate."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image

from workbench.accounts import Accounts, Owner
from workbench.config import ROOT

PASSWORD = "four good words here"


@dataclass
class Shared:
    """A running gate."""

    url: str
    accounts: Accounts
    owners: dict[str, Owner]
    process: subprocess.Popen[bytes]

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Client:
        client = httpx.Client(base_url=self.url, headers={"origin": self.url}, timeout=120, trust_env=False)
        client.answer = client.post("/login", data={"name": name, "password": password})  # type: ignore[attr-defined]
        return client


@contextmanager
def serve_shared(folder: Path, script: Path, more: Callable[[str], dict[str, str]] | None = None) -> Iterator[Shared]:
    """A gate in a process of its own.

    Args:
        folder: where everything is kept.
        script: what an owner's page runs.
        more: environment, made from the address.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "WORKBENCH_HOME": str(folder / "home"), "WORKBENCH_LORAS": str(folder / "loras"),
        "WORKBENCH_KEYS": str(folder / "keys"), "WORKBENCH_PASSPHRASE": "of whoever starts the server",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    } | (more(url) if more else {})  # fmt: skip
    accounts = Accounts(folder / "home" / "accounts.sqlite")
    owners = {}
    for name, role, colour in (("anna", "owner", "red"), ("ben", "owner", "blue"), ("root", "admin", "")):
        accounts.add(name, role, PASSWORD)
        owners[name] = Owner(folder / "home", accounts.find(name).id, folder / "keys" / "people")
        if colour:
            owners[name].home.mkdir(parents=True)
            Image.new("RGB", (40, 40), colour).save(owners[name].home / "face.png")
    start = (
        "import sys; from pathlib import Path; from workbench.gate import app; "
        f"from workbench.gate.serve import *; import uvicorn; "
        f"gate = Gate(Accounts(), Pages(), Door.configured(), script=Path({str(script)!r})); "
        f"uvicorn.run(make_gate(gate), host='127.0.0.1', port={port}, ws='websockets-sansio', "
        "timeout_graceful_shutdown=2, log_level='warning')"
    )
    process = subprocess.Popen([sys.executable, "-c", start], cwd=ROOT, env=environment)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None
        try:
            assert httpx.get(f"{url}/healthz", trust_env=False).json()["status"] == "ok"
            break
        except httpx.HTTPError:
            time.sleep(0.2)
    try:
        yield Shared(url, accounts, owners, process)
    finally:
        process.terminate()
        process.wait(30)
