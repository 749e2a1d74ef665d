"""Recipes as modules: launched for real where that is the point, called here where imports need not be paid again."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from workbench.config import ROOT


def load_recipe(name: str) -> ModuleType:
    """A recipe of its own for whoever asks: `recipes/NAME.py`, not run."""
    beside = str(ROOT / "recipes")  # as when one is run: recipes find what they share beside them
    if beside not in sys.path:
        sys.path.insert(0, beside)
    spec = importlib.util.spec_from_file_location(name, ROOT / "recipes" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses ask for their module
    spec.loader.exec_module(module)
    return module
