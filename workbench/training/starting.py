"""From a command line to a training: the settings read, the run held, and whatever goes wrong told in one line."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workbench.captions import check_traits
from workbench.config import Settings, flat_settings, home, load_settings, settings_to_yaml, with_settings
from workbench.config.layout import layout_of_workspace
from workbench.device import prepare_environment
from workbench.errors import WorkbenchError
from workbench.training.report import Stages, say, writes
from workbench.training.run import RunFolder
from workbench.training.stepping_down import fitting
from workbench.training.stopping import Stopping, attempted

Training = Callable[[Settings, RunFolder, Stopping, Stages], None]


def load_ahead() -> threading.Thread:
    """Begins to load the heavy libraries in a thread; join it before anything of theirs is imported.

    They take seconds, and so do photos, half of them in code that leaves the interpreter free: together they take
    little longer than one of the two. Photos that cannot be used are told at once all the same; the process ends when
    the libraries are there.
    """

    def load() -> None:
        try:
            from workbench.backbones import quiet_libraries

            quiet_libraries()
        except Exception:
            return  # told where they are imported

    thread = threading.Thread(target=load, name="libraries")
    thread.start()
    return thread


def start(train: Training, arguments: Sequence[str] | None = None, description: str = "") -> int:
    """Reads settings and trains; when memory runs out, once more with less, from the last checkpoint.

    Args:
        train: what a recipe does with its settings, the run's folder, wishes to stop and a clock for its stages.
        arguments: `--config FILE` and `key=value`; None takes the command line's.
        description: of the recipe, for `--help`.

    Returns:
        The exit code: 2 when something is wrong that a person can mend.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as recipes/configs/identity.yaml")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="single settings: photos=DIR name=NAME")
    options = parser.parse_args(arguments)
    prepare_environment(brief=True)
    try:
        layout_of_workspace()  # one that a newer workbench made is left alone
        settings = load_settings(options.config, options.settings)
        check_traits(settings.traits)
        run = RunFolder(home() / "runs" / settings.name)

        def attempt(changes: dict[str, Any]) -> None:
            changed = with_settings(settings, changes)
            if writes():
                say(run, run.begin(settings_to_yaml(changed), afresh=changed.follow.resume == "never"))
            stages = Stages(run if writes() else None)
            stages.launched()
            train(changed, run, stopping, stages)

        with attempted(run) as stopping:
            fitting(attempt, flat_settings(settings), lambda told: say(run, told))
    except WorkbenchError as error:
        if writes():
            print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
