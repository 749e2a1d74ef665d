"""Plans a run in a process of its own: what is measured there must not fill the page's memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from workbench.config import ROOT
from workbench.errors import JobError
from workbench.jobs.start import as_word

PATIENCE = 1800.0


def plan_run(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Measures what a run will take; needs as long as the base takes to open and a few steps.

    Args:
        overrides: settings by name.

    Returns:
        `words` for a person, `fits`, `minutes`, `probe`, `changes` (settings that make it fit).

    Raises:
        JobError: the settings or the base cannot be used; says why.
    """
    words = [f"{name}={as_word(value)}" for name, value in overrides.items()]
    command = [sys.executable, "-m", "workbench", "plan", "--json", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=PATIENCE)
        plan: dict[str, Any] = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired):
        raise JobError("The plan", "it could not be measured", "Start the run: it says what is wrong") from None
    if "error" in plan:
        raise JobError(plan["error"]["thing"], plan["error"]["reason"], plan["error"]["way_out"])
    return plan
