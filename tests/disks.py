"""Disks of a few megabytes, and disks that have become read-only, in a namespace of their own: nobody else sees them.

What is not permitted here is found out by trying the same without the command; only then a test is skipped.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from workbench.config import ROOT

_ALONE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def on_a_small_disk(folder: Path, megabytes: int, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command while a folder is a new disk of that size."""
    return _mounted(f"mount -t tmpfs -o size={megabytes}m tmpfs '{folder}'", words)


def on_a_read_only_disk(folder: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command while a folder is as a disk after an error is: mounted read-only."""
    return _mounted(f"mount --bind '{folder}' '{folder}' && mount -o remount,bind,ro '{folder}'", words)


def _mounted(mount: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        tried = subprocess.run([*_ALONE, mount], capture_output=True, text=True)
        reason = tried.stderr.strip() if tried.returncode else ""
    except FileNotFoundError:
        reason = "there is no `unshare` here"
    if reason:
        pytest.skip(f"no disk may be mounted here: {reason}")
    return subprocess.run(
        [*_ALONE, f'{mount} && exec "$@"', "sh", *words], cwd=ROOT, capture_output=True, text=True, timeout=540
    )
