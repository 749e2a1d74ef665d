"""The base in pieces: each process holds its share, and what it computes is what the whole one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_families import make_tiny, name_it

from workbench.backbones import open_backbone
from workbench.backbones.phases import in_pieces
from workbench.config import ROOT
from workbench.errors import ConfigError
from workbench.training.lora import attach_lora
from workbench.training.pieces import Pieces, cut_network

# Two of them: each says how many weights it holds, how many there are, and what it computed.
WORKER = """
import json, sys, torch
from torch.distributed.device_mesh import init_device_mesh
from workbench.backbones import open_backbone
from workbench.training.pieces import cut_network
torch.distributed.init_process_group("gloo")
denoiser = open_backbone(sys.argv[1], "cpu").denoiser
there = sum(weight.numel() for weight in denoiser.parameters())
cut_network(denoiser, init_device_mesh("cpu", (2,), mesh_dim_names=("fsdp",)))
held = sum(weight.to_local().numel() for weight in denoiser.parameters())
rank = torch.distributed.get_rank()
with open(f"{sys.argv[2]}/{rank}.json", "w") as file:
    json.dump({"there": there, "held": held}, file)
"""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[torch.distributed.device_mesh.DeviceMesh]:
    """A launch of one process, in this one."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield torch.distributed.init_device_mesh("cpu", (1,), mesh_dim_names=("fsdp",))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("family", ["flux", "sd3", "qwen-image", "z-image"])
def test_a_cut_base_says_what_the_whole_one_says(
    family: str, tmp_path: Path, alone: torch.distributed.device_mesh.DeviceMesh
) -> None:
    name = name_it(make_tiny(family, tmp_path / "base"), f"tiny-{family}", resolution=32)
    whole, cut = open_backbone(name, "cpu"), open_backbone(name, "cpu")
    cut_network(cut.denoiser, alone)
    assert in_pieces(cut.denoiser) and not in_pieces(whole.denoiser)
    for backbone in (whole, cut):
        attach_lora(backbone, 4, 4, ["auto"], seed=1)
    latents = torch.randn(2, whole.latent_channels, 8, 8, generator=torch.Generator().manual_seed(0))
    levels, words = torch.tensor([100, 900]), whole.encode_text(["a chibi", "a photo"])
    said = [backbone.predict(latents, levels, words) for backbone in (whole, cut)]
    assert torch.equal(*said)
    for each in said:
        each.square().mean().backward()
    learned = {name: weight for name, weight in cut.denoiser.named_parameters() if weight.requires_grad}
    assert learned and all(type(weight) is torch.nn.Parameter for weight in learned.values()), "the adapter is whole"
    for name, weight in whole.denoiser.named_parameters():
        if weight.requires_grad and weight.grad is not None:
            torch.testing.assert_close(learned[name].grad, weight.grad)
    assert all(type(weight).__name__ == "DTensor" for weight in cut.denoiser.parameters() if not weight.requires_grad)


@pytest.mark.slow
def test_each_of_two_processes_holds_half_of_the_base(tmp_path: Path) -> None:
    base = make_tiny("flux", tmp_path / "base")
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    places = os.environ | {"PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    done = subprocess.run(
        [*line, str(script), str(base), str(tmp_path)], capture_output=True, text=True, check=False, env=places
    )
    assert done.returncode == 0, done.stderr
    each = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert each[0]["there"] == each[1]["there"] == each[0]["held"] + each[1]["held"]
    assert each[0]["held"] < 0.51 * each[0]["there"]


@pytest.mark.parametrize(
    ("settings", "named", "way_out"),
    [
        ({"kind": "pissa"}, "lora.kind", "lora.kind=lora"),
        ({"quantise": "4bit"}, "memory.quantise", "memory.quantise=none"),
        ({"text_encoder": True}, "lora.text_encoder", "lora.text_encoder=false"),
        ({"compiled": True}, "train.compile", "train.compile=false"),
    ],
)
def test_what_does_not_go_with_pieces_is_refused(settings: dict[str, Any], named: str, way_out: str) -> None:
    two, alone = SimpleNamespace(num_processes=2), SimpleNamespace(num_processes=1)
    with pytest.raises(ConfigError) as refused:
        Pieces(two, True, **settings)
    assert refused.value.thing == named and way_out in refused.value.way_out
    for accelerator, asked in ((two, False), (alone, True)):
        Pieces(accelerator, asked, **settings)  # nothing is cut: everything goes
