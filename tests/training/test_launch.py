"""What is taken from `accelerate launch`, and what is refused of it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from workbench.errors import ConfigError
from workbench.training.launch import FSDP, REFUSED, allow_tf32, start_accelerator
from workbench.training.pieces import Pieces


@pytest.mark.parametrize("way", REFUSED)
def test_a_launch_that_would_cut_the_model_into_pieces_is_refused(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REFUSED[way], "true")
    with pytest.raises(ConfigError, match=f"{way} was asked for") as caught:
        start_accelerator(tmp_path, [], 4, {})
    assert "--multi_gpu" in str(caught.value) and "--use_fsdp" in str(caught.value)


def test_pieces_that_wait_in_the_computers_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FSDP, "true")
    monkeypatch.setenv("FSDP_OFFLOAD_PARAMS", "true")
    with pytest.raises(ConfigError, match="fsdp_offload_params"):
        start_accelerator(tmp_path, [], 4, {})


def test_fsdp_is_taken_over_from_accelerate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FSDP, "true")
    accelerator, pieces = start_accelerator(tmp_path, [], 4, {})
    assert pieces and FSDP not in os.environ, "transformers reads it too"
    # One process has nobody to share with: everything goes, and is what it is without.
    alone = Pieces(accelerator, pieces, "dora", True, "4bit")
    assert not alone.agreed(False) and alone.agreed(True)
    with alone.led():
        alone.follow()


@pytest.mark.parametrize(
    ("setting", "kind", "text_encoder", "quantise"),
    [
        ("lora.kind", "dora", False, "none"),
        ("lora.text_encoder", "rslora", True, "none"),
        ("memory.quantise", "lora", False, "4bit"),
    ],
)
def test_what_does_not_go_with_pieces_is_refused_by_name(
    setting: str, kind: str, text_encoder: bool, quantise: str
) -> None:
    two = SimpleNamespace(num_processes=2)
    with pytest.raises(ConfigError, match=setting) as caught:
        Pieces(two, True, kind, text_encoder, quantise)
    assert "--multi_gpu" in str(caught.value)
    Pieces(two, False, kind, text_encoder, quantise)


def test_a_tracker_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere is not installed"):
        start_accelerator(tmp_path, ["nowhere"], 4, {})


def test_tf32_is_for_gpus_alone() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        allow_tf32(torch.device("cpu"))
        assert torch.get_float32_matmul_precision() == before == "highest", "on a CPU a run would no longer be exact"
        allow_tf32(torch.device("cuda"))
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
