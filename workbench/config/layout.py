"""Which form a workspace has, written in it, so that an older workbench does not work on what it does not know.

    layout 1    has no `layout.json`
    layout 2    the line of jobs: `queue/`

`workbench.jobs.layout` carries a workspace over to this version's layout.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.config.places import home
from workbench.errors import StorageError

LAYOUT = 2


def layout_file() -> Path:
    """Where the layout is written, which need not exist."""
    return home() / "layout.json"


def layout_of_workspace() -> int:
    """The workspace's layout; 0 when there is nothing in it yet.

    Raises:
        StorageError: the layout is newer than this workbench, or what is written there is no layout.
    """
    file = layout_file()
    try:
        layout = json.loads(file.read_text(encoding="utf-8"))["layout"]
    except FileNotFoundError:
        return 1 if home().is_dir() and any(home().iterdir()) else 0
    except OSError:
        return 0  # it cannot be used at all, which whoever uses it will say
    except (ValueError, KeyError, TypeError):
        layout = None
    if not isinstance(layout, int) or isinstance(layout, bool) or layout < 1:
        raise StorageError(str(file), "it does not say which layout the workspace has", "Bring a backup of it back")
    if layout > LAYOUT:
        raise StorageError(
            str(home()),
            f"it has layout {layout}, made by a newer workbench; this one knows up to {LAYOUT}",
            "Update the workbench, or set WORKBENCH_HOME to another folder; nothing was changed",
        )
    return layout
