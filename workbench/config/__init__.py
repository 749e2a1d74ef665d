"""Settings of a run, and the places where a person's state lives.

`settings.py` says what can be set and why; `load.py` reads YAML and `key=value`; `places.py` knows the folders and
writes files so that a crash never leaves half of one.
"""

from __future__ import annotations

from workbench.config.load import changed_settings, flat_settings, load_settings, settings_to_yaml, with_settings
from workbench.config.places import (
    ROOT,
    SHARED,
    atomic_write,
    find_path,
    flush_folder,
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
    MemorySettings,
    Settings,
    TrainSettings,
    explain,
    setting_names,
)
from workbench.config.techniques import TECHNIQUES, strengths, wished

__all__ = [
    "ROOT",
    "SHARED",
    "TECHNIQUES",
    "DataSettings",
    "FollowSettings",
    "LoraSettings",
    "MemorySettings",
    "Settings",
    "TrainSettings",
    "atomic_write",
    "changed_settings",
    "explain",
    "find_path",
    "flat_settings",
    "flush_folder",
    "free_space",
    "home",
    "load_settings",
    "make_folder",
    "safe_name",
    "setting_names",
    "settings_to_yaml",
    "shelf",
    "storage_errors",
    "strengths",
    "wished",
    "with_settings",
]
