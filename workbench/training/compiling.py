"""Compiled steps: the denoiser's repeated blocks through torch.compile, where a run is long enough to repay it.

Blocks of one kind share what is compiled, so that a network of dozens takes little longer than one of a few
("regional compilation", docs.pytorch.org/tutorials/recipes/regional_compilation.html). What is drawn on the way, in
other shapes, is computed as ever: each shape would be compiled anew for a few pictures.
"""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any

import torch

from workbench.backbones import Backbone
from workbench.errors import TrainingError

# diffusers names most families' blocks (`_repeated_blocks`), but not these.
BLOCKS = {"ResnetBlock2D", "JointTransformerBlock"}
# Seconds of training below which compiling is not even tried. On two cores chibi-mini's blocks take about a minute; a
# GPU's kernels are compiled by more cores.
WORTH_TRYING = {"cpu": 900.0, "cuda": 180.0}


def cannot_compile(device: torch.device) -> str:
    """Why nothing can be compiled for a device; empty when it can."""
    if device.type == "cuda":
        return "" if find_spec("triton") else "triton is not installed"
    if device.type != "cpu":
        return f"torch compiles for NVIDIA GPUs and CPUs, and this is {device.type}"
    return "" if any(map(shutil.which, ("g++", "clang++", "cl"))) else "there is no C++ compiler"


def compile_blocks(backbone: Backbone) -> int:
    """Compiles a denoiser's repeated blocks, each when it is first run. Call it once the adapter is attached.

    Args:
        backbone: is changed in place; the names of its weights stay.

    Returns:
        How many blocks.

    Raises:
        TrainingError: if this machine or this denoiser cannot.
    """
    why = cannot_compile(backbone.device)
    network: Any = backbone.denoiser
    kinds = {*(getattr(network, "_repeated_blocks", None) or ()), *BLOCKS}
    blocks = [module for module in network.modules() if type(module).__name__ in kinds]
    if why or not blocks:
        raise TrainingError(
            "train.compile", why or f"{type(network).__name__} has no repeated blocks", "Set train.compile=false"
        )
    for block in blocks:
        block.compile()
    return len(blocks)


def as_ever(compiled: bool) -> AbstractContextManager[Any]:
    """A context in which what was compiled is computed without.

    Args:
        compiled: something was; torch's compiler takes a second to load, only to be told that it has nothing to do.
    """
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
