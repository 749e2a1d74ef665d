"""What is taken from `accelerate launch`, and what is refused of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import ConfigError
from workbench.training.launch import SHARDING, start_accelerator


@pytest.mark.parametrize("way", SHARDING)
def test_a_launch_that_would_cut_the_model_into_pieces_is_refused(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SHARDING[way], "true")
    with pytest.raises(ConfigError, match=f"{way} was asked for") as caught:
        start_accelerator(tmp_path, [], 4, {})
    assert "--multi_gpu" in str(caught.value) and "memory.quantise=4bit" in str(caught.value)


def test_a_tracker_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere is not installed"):
        start_accelerator(tmp_path, ["nowhere"], 4, {})
