"""How kohya's spelling names the layers of each family, held against diffusers' own readers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from workbench.adapters.family_names import family_of, flux_module, flux_name, joins, sdxl_name
from workbench.adapters.joined import join, split
from workbench.adapters.keys import kohya_key, parse_key
from workbench.adapters.weights import LoraWeight

TEXT = "encoder.layers.0.self_attn.q_proj"


def layers(network: nn.Module) -> list[str]:
    return [name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    """Every family's network in its true shape: names alone, without memory for weights."""
    import json

    from accelerate import init_empty_weights
    from diffusers import (
        FluxTransformer2DModel,
        QwenImageTransformer2DModel,
        UNet2DConditionModel,
        ZImageTransformer2DModel,
    )

    from workbench.backbones.single_file import CONFIGS

    with init_empty_weights():
        return {
            "sdxl": UNet2DConditionModel.from_config(json.loads((CONFIGS / "sdxl/unet/config.json").read_text())),
            "sd1": UNet2DConditionModel.from_config(json.loads((CONFIGS / "sd1/unet/config.json").read_text())),
            "flux": FluxTransformer2DModel(num_layers=2, num_single_layers=2),
            "qwen-image": QwenImageTransformer2DModel(num_layers=2),
            "z-image": ZImageTransformer2DModel(n_layers=2),
        }


@pytest.mark.parametrize("family", ["sd1", "sdxl", "qwen-image", "z-image"])
def test_every_layer_has_a_name_of_its_own_that_leads_back(family: str, networks: dict[str, Any]) -> None:
    component = "unet" if family.startswith("sd") else "transformer"
    names = [name for name in layers(networks[family]) if "blocks." in name or "layers." in name or "refiner" in name]
    keys = [kohya_key(component, name, "down", family) for name in names]
    assert len(set(keys)) == len(names) > 25
    for name, key in zip(names, keys, strict=True):
        parsed = parse_key(key)
        assert parsed is not None and (parsed.component, parsed.module, parsed.role) == (component, name, "down"), key
    assert family_of({(component, name) for name in names}) == family


def test_sdxl_names_are_those_of_its_first_code() -> None:
    assert sdxl_name("down_blocks.1.attentions.0.transformer_blocks.1.attn2.to_out.0") == (
        "input_blocks_4_1_transformer_blocks_1_attn2_to_out_0"
    )
    assert sdxl_name("up_blocks.0.attentions.2.proj_in") == "output_blocks_2_1_proj_in"
    assert sdxl_name("mid_block.resnets.1.conv1") == "middle_block_2_in_layers_2"
    assert sdxl_name("down_blocks.0.downsamplers.0.conv") == "input_blocks_3_0_op"
    assert kohya_key("text_encoder", TEXT, "alpha", "sdxl") == (
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.alpha"
    )
    assert kohya_key("text_encoder_2", TEXT, "up", "sdxl") == (
        "lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight"
    )


def test_diffusers_reads_our_sdxl_names_as_we_do(networks: dict[str, Any]) -> None:
    from diffusers.loaders.lora_conversion_utils import (
        _convert_non_diffusers_lora_to_diffusers,
        _maybe_map_sgm_blocks_to_diffusers,
    )

    chosen = [name for name in layers(networks["sdxl"]) if "attentions" in name or "resnets" in name]
    state = {}
    for number, name in enumerate(chosen):
        for role, shape in (("down", (1, 1)), ("up", (1, 1))):
            state[kohya_key("unet", name, role, "sdxl")] = torch.full(shape, float(number))  # type: ignore[arg-type]
    mapped = _maybe_map_sgm_blocks_to_diffusers(state, networks["sdxl"].config)
    read, _ = _convert_non_diffusers_lora_to_diffusers(mapped)
    from_theirs = {parsed.module: value for key, value in read.items() if (parsed := parse_key(key))}
    assert set(from_theirs) == set(chosen)
    assert all(float(from_theirs[name]) == number for number, name in enumerate(chosen))


def test_flux_names_and_what_is_joined() -> None:
    assert flux_name("transformer_blocks.7.attn.qkv") == "double_blocks_7_img_attn_qkv"
    assert flux_name("single_transformer_blocks.3.proj_out") == "single_blocks_3_linear2"
    assert flux_module("double_blocks_0_txt_mlp_2") == "transformer_blocks.0.ff_context.net.2"
    assert joins("transformer_blocks.0.attn.add_k_proj") == "transformer_blocks.0.attn.add_qkv"
    assert joins("single_transformer_blocks.0.proj_mlp") == "single_transformer_blocks.0.linear1"
    assert joins("transformer_blocks.0.ff.net.2") == ""


def random_weight(rows: int, columns: int, rank: int, alpha: float) -> LoraWeight:
    return LoraWeight(torch.randn(rank, columns), torch.randn(rows, rank), alpha)


def change(weight: LoraWeight) -> torch.Tensor:
    return weight.alpha / weight.rank * weight.up @ weight.down


def test_joining_and_splitting_keep_every_change() -> None:
    block = "single_transformer_blocks.0"
    weights = {
        ("transformer", f"{block}.attn.to_q"): random_weight(8, 8, 2, 1.0),
        ("transformer", f"{block}.attn.to_v"): random_weight(8, 8, 3, 6.0),
        ("transformer", f"{block}.proj_mlp"): random_weight(32, 8, 2, 2.0),
        ("transformer", f"{block}.proj_out"): random_weight(8, 40, 2, 2.0),
    }
    whole = join(weights)
    assert set(whole) == {("transformer", f"{block}.linear1"), ("transformer", f"{block}.proj_out")}
    linear = whole["transformer", f"{block}.linear1"]
    expected = torch.cat(
        [change(weights[key]) if (key := ("transformer", f"{block}.{part}")) in weights else torch.zeros(8, 8)
         for part in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")]
    )  # fmt: skip
    torch.testing.assert_close(change(linear), expected)
    back = {key: one for where, weight in whole.items() for key, one in split(*where, weight).items()}
    assert back.keys() == weights.keys()
    for key, weight in weights.items():
        assert back[key].rank == weight.rank
        torch.testing.assert_close(change(back[key]), change(weight))


def test_diffusers_reads_our_joined_flux_layers_as_we_do() -> None:
    from diffusers.loaders.lora_conversion_utils import _convert_kohya_flux_lora_to_diffusers

    torch.manual_seed(0)
    weights = {
        ("transformer", f"transformer_blocks.0.attn.to_{letter}"): random_weight(12, 12, 2, 2.0) for letter in "qkv"
    }
    state = {}
    for (component, module), weight in join(weights).items():
        state[kohya_key(component, module, "down", "flux")] = weight.down
        state[kohya_key(component, module, "up", "flux")] = weight.up
        state[kohya_key(component, module, "alpha", "flux")] = torch.tensor(weight.alpha)
    assert {key.split(".")[0] for key in state} == {"lora_unet_double_blocks_0_img_attn_qkv"}
    read = _convert_kohya_flux_lora_to_diffusers(dict(state))
    for (_, module), weight in weights.items():
        theirs = read[f"transformer.{module}.lora_B.weight"] @ read[f"transformer.{module}.lora_A.weight"]
        torch.testing.assert_close(theirs, change(weight))
