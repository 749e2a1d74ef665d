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
from workbench.language import mark, told, tr, trn

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
_SET_HOME = mark("set WORKBENCH_HOME to a folder of yours")
MARKS = {"good": "✓", "note": "·", "bad": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `bad` means the workbench will not work, `note` that it will work less well."""

    thing: str
    state: Literal["good", "note", "bad"]
    words: str


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "doctor", parents=[flags], help=tr("say whether this machine is ready, and what is used")
    )
    parser.add_argument(
        "--quick", action="store_true", help=tr("only disk, folders and the line of jobs; for monitors")
    )
    parser.add_argument(
        "--repair", action="store_true", help=tr("mend what can be mended: index, line, leftovers, layout")
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    repaired: list[str] = []
    if args.repair:
        from workbench.jobs.health import repair

        repaired = repair()
        if not args.json:
            print("".join(f"✓ {told(words + '.')}\n" for words in repaired) or tr("Nothing had to be mended.") + "\n")
    findings = list(examine(args.quick))
    ready = all(finding.state != "bad" for finding in findings)
    if args.json:
        print_json({"ready": ready, "findings": [asdict(finding) for finding in findings], "repaired": repaired})
    else:
        for finding in findings:
            print(f"{MARKS[finding.state]} {tr(finding.thing)}{tr(': ')}{finding.words}")
        print("\n" + (tr("Ready.") if ready else tr("Not ready: see the lines with ✗.")))
    return 0 if ready else 1


def examine(quick: bool = False) -> Iterator[Finding]:
    """Looks at each thing; a check that falls over is a finding, not an end.

    Args:
        quick: only what changes while the workbench runs.
    """
    for thing, look in (
        (mark("layout"), _layout),
        (mark("disk"), _disk),
        (mark("workspace"), _writable),
        (mark("line of jobs"), _line),
    ):
        yield _look(thing, look)
    if quick:
        return
    for thing, look in (
        (mark("Python"), _python),
        (mark("packages"), _packages),
        (mark("processor"), _processor),
        (mark("device"), _device),
        (mark("memory"), _memory),
        (mark("space used"), _workspace),
        (mark("files"), _files),
        (mark("shelf"), _shelf),
        (mark("vault"), _vault),
        (mark("face detector"), _faces),
        (mark("base"), _base),
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
    words = tr(
        "{version} on {system} {machine}",
        version=platform.python_version(),
        system=platform.system(),
        machine=platform.machine(),
    )
    return ("good", words) if fine else ("bad", tr("{words}; 3.11 or later is needed", words=words))


def _packages() -> tuple[str, str]:
    missing = [name for name in PACKAGES if importlib.util.find_spec("PIL" if name == "pillow" else name) is None]
    if missing:
        return "bad", tr("missing: {missing}; `make venv` installs them", missing=", ".join(missing))
    return "good", ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)


def _processor() -> tuple[str, str]:
    from workbench.device import thread_count

    cores, used = os.cpu_count() or 1, thread_count()
    words = tr("{cores} cores, {used} threads", cores=cores, used=used)
    return (
        ("good", words)
        if used > 1 or cores == 1
        else ("note", tr("{words}; WORKBENCH_THREADS={cores} would use all", words=words, cores=cores))
    )


def _device() -> tuple[str, str]:
    import torch

    from workbench.device import pick_device, pick_dtype

    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return "good", tr("{name}, computing in {dtype}", name=name, dtype=str(pick_dtype(device)).removeprefix("torch."))


def _memory() -> tuple[str, str]:
    import psutil

    memory = psutil.virtual_memory()
    words = tr("{available} free of {total}", available=megabytes(memory.available), total=megabytes(memory.total))
    return (
        ("good", words)
        if memory.available > 3e9
        else ("note", tr("{words}; training wants 3 GB: close other programs", words=words))
    )


def _layout() -> tuple[str, str]:
    from workbench.config.layout import LAYOUT, layout_of_workspace

    found = layout_of_workspace()
    words = (
        f"{LAYOUT}"
        if found in (0, LAYOUT)
        else tr("{found}; the next command makes it {layout}, with a copy", found=found, layout=LAYOUT)
    )
    return "good", words


def _writable() -> tuple[str, str]:
    """Writes and flushes a small file: a disk that has become read-only says so here."""
    import tempfile

    from workbench.config import home, storage_errors

    if not home().exists():
        parent = next(path for path in home().parents if path.exists())
        fine = os.access(parent, os.W_OK | os.X_OK)
        return (
            ("good", tr("{home} (not there yet)", home=home()))
            if fine
            else ("bad", tr("{home} cannot be made; {set_home}", home=home(), set_home=tr(_SET_HOME)))
        )
    try:
        with storage_errors(home()), tempfile.TemporaryFile(dir=home()) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except WorkbenchError as error:
        return "bad", f"{home()}: {error.reason}; {_SET_HOME}"
    return "good", tr("{home} can be written", home=home())


def _line() -> tuple[str, str]:
    from workbench.jobs.health import line_health

    found = line_health()
    words = tr(
        "{running} running, {waiting} waiting, {failed} failed",
        running=found.running,
        waiting=found.waiting,
        failed=found.failed,
    )
    if found.unattended:
        return "note", tr(
            "{words}; {unattended} wait for a worker: `workbench queue` starts one",
            words=words,
            unattended=found.unattended,
        )
    return "good", words


def _files() -> tuple[str, str]:
    from workbench.jobs.health import troubles

    found = list(troubles())
    if not found:
        return "good", tr("all can be read")
    shown = "; ".join(f"{told(each.what)} ({each.where})" for each in found[:5])
    more = tr(" and {number} more", number=len(found) - 5) if len(found) > 5 else ""
    mends = sum(each.mends for each in found)
    way_out = (
        tr("; `workbench doctor --repair` mends {mends} of {found}", mends=mends, found=len(found)) if mends else ""
    )
    return "note", f"{shown}{more}{way_out}"


def _disk() -> tuple[str, str]:
    from workbench.config import free_space, home
    from workbench.jobs.training import NEEDED_BYTES

    free = free_space(home())
    words = tr("{free} free", free=megabytes(free))
    return (
        ("good", words)
        if free > NEEDED_BYTES
        else ("bad", tr("{words}; a run needs {needed_bytes}", words=words, needed_bytes=megabytes(NEEDED_BYTES)))
    )


def _workspace() -> tuple[str, str]:
    from workbench.config import home

    return _place(home(), "WORKBENCH_HOME")


def _vault() -> tuple[str, str]:
    from workbench.privacy import vault_status

    found = vault_status()
    words = tr(
        "{mode}: {sealed} private files encrypted, {plain} not; {protection}",
        mode=found.mode,
        sealed=found.sealed,
        plain=found.plain,
        protection=told(found.protection),
    )
    if found.mode == "plain" and found.plain:
        return "note", tr("{words}; `workbench vault lock` encrypts them", words=words)
    return "good", words


def _shelf() -> tuple[str, str]:
    from workbench.adapters import list_shelf
    from workbench.config import shelf

    state, words = _place(shelf(), "WORKBENCH_LORAS")
    entries = list_shelf()
    broken = [entry.name for entry in entries if entry.broken]
    words += tr(", ") + trn("{number} adapter", "{number} adapters", len(entries))
    words += tr(", ") + tr("broken: {names}", names=", ".join(broken)) if broken else ""
    return ("note" if broken and state == "good" else state), words


def _place(folder: Path, variable: str) -> tuple[str, str]:
    if not folder.exists():
        return "good", tr("{folder} (not there yet)", folder=folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        return "bad", tr(
            "{folder} may not be written; set {variable} to a folder of yours", folder=folder, variable=variable
        )
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return "good", tr("{folder}, {used} used", folder=folder, used=megabytes(used))


def _faces() -> tuple[str, str]:
    import numpy as np
    from PIL import Image

    from workbench.photos import find_faces

    # Finding nothing on an empty picture needs the detector and its weights all the same.
    find_faces(Image.fromarray(np.full((64, 64, 3), 128, np.uint8)))
    return "good", tr("works offline")


def _base() -> tuple[str, str]:
    from workbench.backbones import fingerprint_folder, locate

    folder, entry = locate("chibi-mini")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return "good", tr(
        "{id}, {size}, fingerprint {folder}", id=entry.id, size=megabytes(size), folder=fingerprint_folder(folder)[:12]
    )
