"""Settings of a run, and the places where a person's state lives.

`settings.py` says what can be set and why; `load.py` reads YAML and `key=value`; `places.py` knows the folders and
writes files so that a crash never leaves half of one.
"""

from __future__ import annotations

from workbench.config.load import changed_settings, load_settings, settings_to_yaml
from workbench.config.places import (
    ROOT,
    atomic_write,
    find_path,
    free_space,
    home,
    make_folder,
    safe_name,
    shelf,
    storage_errors,
)
from workbench.config.settings import (
    DataSettings,
    FollowSettings,
    LoraSettings,
    Settings,
    TrainSettings,
    explain,
    setting_names,
)

__all__ = [
    "ROOT",
    "DataSettings",
    "FollowSettings",
    "LoraSettings",
    "Settings",
    "TrainSettings",
    "atomic_write",
    "changed_settings",
    "explain",
    "find_path",
    "free_space",
    "home",
    "load_settings",
    "make_folder",
    "safe_name",
    "setting_names",
    "settings_to_yaml",
    "shelf",
    "storage_errors",
]
