"""Judges that have learnt nothing: enough to run everything, without waiting for real ones."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def blank_judges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of both judges."""
    import torch

    from benchmarks.identity.judges import STAGES, new_net, save_net

    folder = tmp_path_factory.mktemp("judges")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for stage in STAGES:
            save_net(folder / f"{stage}.safetensors", new_net(stage), {"samples": 0}, half=True)
    return folder
