"""Expressions in a stranger's metadata are read as peft reads them, and cannot be made to run for ever."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.utils.other import get_pattern_key

from workbench.adapters import import_adapter, list_shelf
from workbench.adapters.header import read_header, with_metadata
from workbench.adapters.patterns import pattern_value, refuse_patterns
from workbench.adapters.weights import LoraWeight, Shape, lora_config, stored_alphas
from workbench.adapters.word import TABLE
from workbench.errors import AdapterError


@pytest.mark.parametrize(
    "pattern",
    [
        {"^down_blocks.0.attn1.to_q": 8, "to_k": 4},
        {"to_q": 8},
        {".*attn1.*": 3, "to_q": 8},
        {r"attn1\\.to_q".replace("\\\\", "\\"): 5},
        {"^down_blocks.*to_q$": 7},
        {"o_q": 9},
        {},
    ],
)
@pytest.mark.parametrize("module", ["down_blocks.0.attn1.to_q", "mid_block.attn1.to_k", "proj_out"])
def test_patterns_give_what_peft_gives(pattern: dict[str, int], module: str) -> None:
    theirs = pattern.get(get_pattern_key(list(pattern), module), 1)
    assert pattern_value(pattern, module, 1) == theirs


def test_a_table_with_a_line_for_every_layer_is_quick() -> None:
    modules = [f"down_blocks.{a}.attentions.{b}.transformer_blocks.0.attn{c}.to_q" for a in range(50) for b in range(20)
               for c in range(2)]  # fmt: skip
    table = {f"^{module}": index for index, module in enumerate(modules)}
    started = time.perf_counter()
    assert [pattern_value(table, module, 0) for module in modules] == list(range(len(modules)))
    assert time.perf_counter() - started < 5  # peft's own search compiles four million expressions


@pytest.mark.parametrize(
    "table",
    [
        {"unet.r": 4, "unet.lora_alpha": 2, "unet.alpha_pattern": {"(a+)+$": 3}},
        {"unet.r": 4, "unet.lora_alpha": 2, "unet.rank_pattern": {".*" * 40 + "x": 3}},
        {"unet.r": 4, "unet.lora_alpha": 2, "unet.target_modules": "(([a-z])+.)+[A-Z]([a-z])+$"},
        {"unet.r": 4, "unet.lora_alpha": 2, "unet.alpha_pattern": {"[": 3}},
    ],
)
def test_expressions_of_ill_will_are_refused(adapter: Path, table: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match="for ever"):
        refuse_patterns(table, "x")
    told = read_header(adapter).metadata | {"lora_adapter_metadata": json.dumps(table)}
    with pytest.raises(AdapterError, match="for ever"):
        import_adapter(with_metadata(adapter.read_bytes(), told), "evil")
    assert list_shelf() == []


def test_what_tools_write_passes() -> None:
    refuse_patterns({"unet.target_modules": ["to_q"], "unet.alpha_pattern": {"^a.b.0": 1, r"x\.y": 2}, "t.r": 3}, "x")
    refuse_patterns({"target_modules": "all-linear", "rank_pattern": {".*attn.*": 3}}, "x")
    refuse_patterns([], "x")


def test_what_is_written_for_uneven_layers_is_read_again() -> None:
    small, large = (LoraWeight(torch.zeros(r, 6), torch.zeros(6, r), float(r)) for r in (2, 4))
    table: dict[str, Any] = {}
    for component, layers in {"unet": ("to_q", "to_k", "proj"), "text_encoder": ("fc1", "fc2", TABLE)}.items():
        weights = {(component, layer): large for layer in layers[:2]} | {(component, layers[2]): small}
        table |= lora_config(weights, component)
    assert len(table["text_encoder.alpha_pattern"]) == 1
    told = {"lora_adapter_metadata": json.dumps(table)}
    shapes = {("text_encoder", TABLE): Shape("diffusers", 6, 6, 2), ("unet", "proj"): Shape("diffusers", 6, 6, 2)}
    assert stored_alphas(told, shapes, "x") == dict.fromkeys(shapes, 2.0)
    # peft finds it under both of the names that the layer has in different text encoders
    pattern = table["text_encoder.rank_pattern"]
    for name in (TABLE, f"text_model.{TABLE}"):
        assert pattern[get_pattern_key(list(pattern), name)] == 2
