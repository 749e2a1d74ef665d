"""`workbench doctor`: what this machine has, what is missing or broken, and how to get it or mend it.

`--quick` is the health check of a server: a fraction of a second, no library is loaded, the exit code tells. It names
nobody, so its `--json` may go to a monitor.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from workbench.cli.output import Commands, Flags, megabytes, print_json
from workbench.errors import WorkbenchError

PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "datasets",
    "streamlit",
    "pillow",
)
_SET_HOME = "set WORKBENCH_HOME to a folder of yours"
MARKS = {"good": "✓", "note": "·", "bad": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `bad` means the workbench will not work, `note` that it will work less well."""

    thing: str
    state: Literal["good", "note", "bad"]
    words: str


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("doctor", parents=[flags], help="say whether this machine is ready, and what is used")
    parser.add_argument("--quick", action="store_true", help="only disk, folders and the line of jobs; for monitors")
    parser.add_argument("--repair", action="store_true", help="mend what can be mended: index, line, leftovers, layout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    told: list[str] = []
    if args.repair:
        from workbench.jobs.health import repair

        told = repair()
        if not args.json:
            print("".join(f"✓ {words}.\n" for words in told) or "Nothing had to be mended.\n")
    findings = list(examine(args.quick))
    ready = all(finding.state != "bad" for finding in findings)
    if args.json:
        print_json({"ready": ready, "findings": [asdict(finding) for finding in findings], "repaired": told})
    else:
        for finding in findings:
            print(f"{MARKS[finding.state]} {finding.thing}: {finding.words}")
        print("\nReady." if ready else "\nNot ready: see the lines with ✗.")
    return 0 if ready else 1


def examine(quick: bool = False) -> Iterator[Finding]:
    """Looks at each thing; a check that falls over is a finding, not an end.

    Args:
        quick: only what changes while the workbench runs.
    """
    for thing, look in (
        ("layout", _layout),
        ("disk", _disk),
        ("workspace", _writable),
        ("line of jobs", _line),
    ):
        yield _look(thing, look)
    if quick:
        return
    for thing, look in (
        ("Python", _python),
        ("packages", _packages),
        ("processor", _processor),
        ("device", _device),
        ("memory", _memory),
        ("space used", _workspace),
        ("files", _files),
        ("shelf", _shelf),
        ("vault", _vault),
        ("face detector", _faces),
        ("base", _base),
    ):
        yield _look(thing, look)


def _look(thing: str, look: Callable[[], tuple[Any, str]]) -> Finding:
    try:
        state, words = look()
    except Exception as error:  # whatever is broken here is the answer to the question
        return Finding(thing, "bad", f"{type(error).__name__}: {error}".splitlines()[0])
    return Finding(thing, state, words)


def _python() -> tuple[str, str]:
    fine = sys.version_info >= (3, 11)
    words = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return ("good", words) if fine else ("bad", f"{words}; 3.11 or later is needed")


def _packages() -> tuple[str, str]:
    missing = [name for name in PACKAGES if importlib.util.find_spec("PIL" if name == "pillow" else name) is None]
    if missing:
        return "bad", f"missing: {', '.join(missing)}; `make venv` installs them"
    return "good", ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)


def _processor() -> tuple[str, str]:
    from workbench.device import thread_count

    cores, used = os.cpu_count() or 1, thread_count()
    words = f"{cores} cores, {used} threads"
    return ("good", words) if used > 1 or cores == 1 else ("note", f"{words}; WORKBENCH_THREADS={cores} would use all")


def _device() -> tuple[str, str]:
    import torch

    from workbench.device import pick_device, pick_dtype

    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return "good", f"{name}, computing in {str(pick_dtype(device)).removeprefix('torch.')}"


def _memory() -> tuple[str, str]:
    import psutil

    memory = psutil.virtual_memory()
    words = f"{megabytes(memory.available)} free of {megabytes(memory.total)}"
    return (
        ("good", words) if memory.available > 3e9 else ("note", f"{words}; training wants 3 GB: close other programs")
    )


def _layout() -> tuple[str, str]:
    from workbench.config.layout import LAYOUT, layout_of_workspace

    found = layout_of_workspace()
    words = f"{LAYOUT}" if found in (0, LAYOUT) else f"{found}; the next command makes it {LAYOUT}, with a copy"
    return "good", words


def _writable() -> tuple[str, str]:
    """Writes and flushes a small file: a disk that has become read-only says so here."""
    import tempfile

    from workbench.config import home, storage_errors

    if not home().exists():
        parent = next(path for path in home().parents if path.exists())
        fine = os.access(parent, os.W_OK | os.X_OK)
        return ("good", f"{home()} (not there yet)") if fine else ("bad", f"{home()} cannot be made; {_SET_HOME}")
    try:
        with storage_errors(home()), tempfile.TemporaryFile(dir=home()) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except WorkbenchError as error:
        return "bad", f"{home()}: {error.reason}; {_SET_HOME}"
    return "good", f"{home()} can be written"


def _line() -> tuple[str, str]:
    from workbench.jobs.health import line_health

    found = line_health()
    words = f"{found.running} running, {found.waiting} waiting, {found.failed} failed"
    if found.unattended:
        return "note", f"{words}; {found.unattended} wait for a worker: `workbench queue` starts one"
    return "good", words


def _files() -> tuple[str, str]:
    from workbench.jobs.health import troubles

    found = list(troubles())
    if not found:
        return "good", "all can be read"
    shown = "; ".join(f"{each.what} ({each.where})" for each in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    mends = sum(each.mends for each in found)
    way_out = f"; `workbench doctor --repair` mends {mends} of {len(found)}" if mends else ""
    return "note", f"{shown}{more}{way_out}"


def _disk() -> tuple[str, str]:
    from workbench.config import free_space, home
    from workbench.jobs.training import NEEDED_BYTES

    free = free_space(home())
    words = f"{megabytes(free)} free"
    return ("good", words) if free > NEEDED_BYTES else ("bad", f"{words}; a run needs {megabytes(NEEDED_BYTES)}")


def _workspace() -> tuple[str, str]:
    from workbench.config import home

    return _place(home(), "WORKBENCH_HOME")


def _vault() -> tuple[str, str]:
    from workbench.privacy import vault_status

    found = vault_status()
    words = f"{found.mode}: {found.sealed} private files encrypted, {found.plain} not; {found.protection}"
    if found.mode == "plain" and found.plain:
        return "note", f"{words}; `workbench vault lock` encrypts them"
    return "good", words


def _shelf() -> tuple[str, str]:
    from workbench.adapters import list_shelf
    from workbench.config import shelf

    state, words = _place(shelf(), "WORKBENCH_LORAS")
    entries = list_shelf()
    broken = [entry.name for entry in entries if entry.broken]
    words += f", {len(entries)} adapters" + (f", broken: {', '.join(broken)}" if broken else "")
    return ("note" if broken and state == "good" else state), words


def _place(folder: Path, variable: str) -> tuple[str, str]:
    if not folder.exists():
        return "good", f"{folder} (not there yet)"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "bad", f"{folder} may not be written; set {variable} to a folder of yours"
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return "good", f"{folder}, {megabytes(used)} used"


def _faces() -> tuple[str, str]:
    import numpy as np
    from PIL import Image

    from workbench.photos import find_faces

    # Finding nothing on an empty picture needs the detector and its weights all the same.
    find_faces(Image.fromarray(np.full((64, 64, 3), 128, np.uint8)))
    return "good", "works offline"


def _base() -> tuple[str, str]:
    from workbench.backbones import fingerprint_folder, locate

    folder, entry = locate("chibi-mini")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return "good", f"{entry.id}, {megabytes(size)}, fingerprint {fingerprint_folder(folder)[:12]}"
