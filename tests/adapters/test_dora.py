"""DoRA files of other programs: what peft computes is what comes onto the shelf, as a LoRA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file
from tiny import make_tiny_base

from workbench.adapters import find_adapter, import_adapter
from workbench.adapters.dora import dora_change, nearest
from workbench.adapters.keys import parse_key
from workbench.adapters.weights import LoraWeight, read_weights
from workbench.backbones import open_backbone
from workbench.cli import main
from workbench.errors import AdapterError
from workbench.training.kinds import layer_changes

TARGETS = ["to_q", "to_out.0", "conv1"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def learned(base: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A DoRA of peft's own: its state, and what it adds to each layer."""
    unet = open_backbone(base, device="cpu").pipeline.unet
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        unet.add_adapter(
            LoraConfig(r=4, lora_alpha=2, target_modules=TARGETS, use_dora=True, init_lora_weights=False), "mine"
        )
        for name, parameter in unet.named_parameters():
            if "magnitude" in name:  # as if it had learned lengths, too
                parameter.data *= 1 + 0.2 * torch.rand_like(parameter)
    state = {name: tensor.clone() for name, tensor in get_peft_model_state_dict(unet, adapter_name="mine").items()}
    return state, layer_changes(unet)


def kohya(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same in kohya's names; lengths as ComfyUI reads them, (out, 1, …)."""
    named: dict[str, torch.Tensor] = {}
    for key, tensor in state.items():
        module, _, rest = key.partition(".lora_")
        stem = f"lora_unet_{module.replace('.', '_')}"
        if rest.startswith("magnitude"):
            named[f"{stem}.dora_scale"] = tensor.reshape(-1, *[1] * (state[f"{module}.lora_A.weight"].dim() - 1))
        else:
            named[f"{stem}.lora_{'down' if rest[0] == 'A' else 'up'}.weight"] = tensor
            named[f"{stem}.alpha"] = torch.tensor(2.0)
    return named


def written(file: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, file)
    return file


def compare(name: str, changes: dict[str, torch.Tensor]) -> None:
    weights = read_weights(find_adapter(name).path)
    assert {module for _, module in weights} == set(changes)
    for (_, module), weight in weights.items():
        added = (weight.up.flatten(1) @ weight.down.flatten(1)) * (weight.alpha / weight.rank)
        left = (added - changes[module].flatten(1)).norm() / changes[module].norm()
        assert left < 0.04, module  # a part in a thousand of the energy may stay out


def test_kohyas_form_is_what_peft_computes(
    base: Path, learned: tuple[Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, changes = learned
    file = written(tmp_path / "theirs.safetensors", kohya(state))
    assert main(["adapters", "import", str(file)]) == 2
    assert "it is a DoRA" in (said := capsys.readouterr().err) and "--base" in said
    assert main(["adapters", "import", str(file), "--partial"]) == 2, "half of a DoRA would draw something else"
    capsys.readouterr()
    assert main(["adapters", "import", str(file), "--base", str(base)]) == 0
    assert "It was a DoRA" in capsys.readouterr().out
    compare("theirs", changes)


def test_diffusers_form(base: Path, learned: tuple[Any, Any], tmp_path: Path) -> None:
    state, changes = learned
    named = {f"unet.{key}": tensor for key, tensor in state.items()}
    assert any("lora_magnitude_vector" in key for key in named)
    # peft's own file says alpha in its configuration; without one, alpha is the rank.
    named = {key: tensor * 0.5 if ".lora_B." in key else tensor for key, tensor in named.items()}
    file = written(tmp_path / "own.safetensors", named)
    entry = import_adapter(file, "own", backbone=open_backbone(base, device="cpu"))
    assert "nearest" in entry.notes[0]
    compare("own", changes)


def test_a_length_for_each_input() -> None:
    own, up, down = torch.randn(6, 4), torch.randn(6, 2), torch.randn(2, 4)
    whole = own + up @ down
    length = whole.norm(dim=0) * torch.tensor([1.0, 2.0, 0.5, 1.0])
    change = dora_change(own, LoraWeight(down, up, 2.0), length[None], by_input=True)
    torch.testing.assert_close(own + change, whole * torch.tensor([1.0, 2.0, 0.5, 1.0]))
    weight, held = nearest(change)
    assert 0.999 <= held <= 1.0 + 1e-6
    torch.testing.assert_close(weight.up @ weight.down, change, atol=0.05 * float(change.abs().max()), rtol=0)


@pytest.mark.parametrize("wrong", ["another base", "a length too many", "a layer of no weight", "nan"])
def test_what_does_not_fit_is_refused(wrong: str, base: Path, learned: tuple[Any, Any], tmp_path: Path) -> None:
    named = kohya(learned[0])
    key = next(key for key in named if key.endswith("dora_scale") and "to_q" in key)
    if wrong == "a length too many":
        named[key] = torch.ones(len(named[key]) + 1, 1)
    elif wrong == "a layer of no weight":
        named["lora_unet_mid_block_attentions_0_proj_in.dora_scale"] = torch.ones(8, 1)
    elif wrong == "nan":
        named[key] = named[key] * float("nan")
    else:
        named = {k: v[:, :1] if k.endswith("down.weight") and "to_q" in k else v for k, v in named.items()}
    assert parse_key(key.replace("dora_scale", "alpha")) is not None
    backbone = open_backbone(base, device="cpu")
    with pytest.raises(AdapterError):
        import_adapter(written(tmp_path / "x.safetensors", named), "x", backbone=backbone)
    with pytest.raises(AdapterError, match="not on the shelf"):
        find_adapter("x")
