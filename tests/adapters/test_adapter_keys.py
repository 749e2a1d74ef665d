"""Every spelling of a weight's name is read, and what is written is what others write."""

from __future__ import annotations

import pytest

from workbench.adapters.keys import diffusers_key, dotted, kohya_key, parse_key, what_else


@pytest.fixture(scope="module")
def modules() -> dict[str, list[str]]:
    """All layers of Stable Diffusion 1.5 that a LoRA can change, by component; no weights are made."""
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768)
        text = CLIPTextModel(CLIPTextConfig(hidden_size=768, num_hidden_layers=12, num_attention_heads=12))

    def layers(model: torch.nn.Module) -> list[str]:
        kinds = (torch.nn.Linear, torch.nn.Conv2d)
        return [n.removeprefix("text_model.") for n, module in model.named_modules() if isinstance(module, kinds)]

    return {"unet": layers(unet), "text_encoder": layers(text)}


def test_all_layers_of_sd15_go_both_ways(modules: dict[str, list[str]]) -> None:
    assert len(modules["unet"]) > 250 and len(modules["text_encoder"]) == 72
    written = set()
    for component, names in modules.items():
        for name in names:
            for role in ("down", "up", "alpha"):
                key = kohya_key(component, name, role)
                parsed = parse_key(key)
                assert parsed is not None, key
                assert (parsed.component, parsed.module, parsed.role, parsed.spelling) == (
                    component,
                    name,
                    role,
                    "kohya",
                )
                written.add(key)
            for role in ("down", "up"):
                parsed = parse_key(diffusers_key(component, name, role))
                assert parsed is not None
                assert (parsed.component, parsed.module, parsed.role) == (component, name, role)
    assert len(written) == 3 * sum(map(len, modules.values()))


def test_unet_keys_are_those_of_diffusers_own_export(modules: dict[str, list[str]]) -> None:
    import torch
    from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya

    names = modules["unet"]
    state = {diffusers_key("unet", name, role): torch.zeros(1, 1) for name in names for role in ("down", "up")}
    ours = {kohya_key("unet", name, role) for name in names for role in ("down", "up", "alpha")}
    assert set(convert_state_dict_to_kohya(state)) == ours


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight",
         ("unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q", "down")),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight",
         ("unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0", "up")),
        ("unet.mid_block.attentions.0.proj_in.lora.down.weight", ("unet", "mid_block.attentions.0.proj_in", "down")),
        ("unet.mid_block.attentions.0.proj_in.lora_B.default.weight", ("unet", "mid_block.attentions.0.proj_in", "up")),
        ("text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.up.weight",
         ("text_encoder", "encoder.layers.3.self_attn.q_proj", "up")),
        ("text_encoder.encoder.layers.3.mlp.fc1.lora_A.weight", ("text_encoder", "encoder.layers.3.mlp.fc1", "down")),
        ("lora_te1_text_model_encoder_layers_11_self_attn_out_proj.lora_down.weight",
         ("text_encoder", "encoder.layers.11.self_attn.out_proj", "down")),
    ],
)  # fmt: skip
def test_older_spellings_are_read(key: str, expected: tuple[str, str, str]) -> None:
    parsed = parse_key(key)
    assert parsed is not None
    assert (parsed.component, parsed.module, parsed.role) == expected


def test_text_keys_are_written_for_readers_of_both_generations() -> None:
    key = diffusers_key("text_encoder", "encoder.layers.0.self_attn.q_proj", "down")
    assert key == "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.hada_w1_a", "LoHa"),
        ("model.diffusion_model.input_blocks.0.0.weight", "whole model"),
        ("lora_unet_x.dora_scale", "DoRA"),
        ("conv.weight", "something else"),
    ],
)
def test_what_is_no_lora_of_ours_is_named(key: str, words: str) -> None:
    assert parse_key(key) is None
    assert words in what_else([key])


def test_dotted() -> None:
    assert dotted("up_blocks_1_resnets_0_time_emb_proj") == "up_blocks.1.resnets.0.time_emb_proj"
