"""What is saved is what was trained, for us, for plain diffusers and for tools that speak kohya's spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import make_tiny_base
from tiny_adapter import card_for, carry_adapter

from workbench.adapters import attach, export_kohya, inspect_adapter, prove_adapter, read_card, save_adapter
from workbench.adapters.file import check_base
from workbench.adapters.proof import draw_small
from workbench.adapters.weights import read_weights
from workbench.backbones import Backbone, open_backbone
from workbench.errors import AdapterError


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A base that still carries its adapter, and the file that was saved and proven from it."""
    backbone = open_backbone(base, device="cpu")
    state = carry_adapter(backbone)
    path = tmp_path_factory.mktemp("saved") / "mia.safetensors"
    save_adapter(path, **state, card=card_for(backbone, "mia"), backbone=backbone)
    return {"backbone": backbone, "state": state, "path": path, "picture": draw_small(backbone)}


def fresh(base: Path) -> Backbone:
    return open_backbone(base, device="cpu")


def test_plain_diffusers_draws_the_same_picture(base: Path, trained: dict[str, Any]) -> None:
    opened = fresh(base)
    bare = draw_small(opened)
    opened.pipeline.load_lora_weights(
        str(trained["path"])
    )  # alpha 2 at rank 4: a reader that ignores alpha draws another
    np.testing.assert_array_equal(draw_small(opened), trained["picture"])
    assert np.abs(bare - trained["picture"]).mean() > 1e-3


def test_keys_are_diffusers_and_say_text_model(trained: dict[str, Any]) -> None:
    with safe_open(trained["path"], "pt") as file:
        keys, metadata = list(file.keys()), file.metadata()
    assert all(key.startswith(("unet.", "text_encoder.text_model.")) for key in keys)
    assert all(key.endswith((".lora_A.weight", ".lora_B.weight")) for key in keys)
    table = json.loads(metadata["lora_adapter_metadata"])
    assert (table["unet.r"], table["unet.lora_alpha"], table["text_encoder.lora_alpha"]) == (4, 2, 3)
    assert "tmp" not in json.dumps(metadata)  # no folder of this machine


def test_equal_training_gives_equal_bytes(trained: dict[str, Any], tmp_path: Path) -> None:
    backbone = trained["backbone"]
    again = save_adapter(
        tmp_path / "mia.safetensors", **trained["state"], card=card_for(backbone, "mia"), backbone=backbone, prove=False
    )
    assert again.read_bytes() == trained["path"].read_bytes()


def test_what_the_header_tells(trained: dict[str, Any]) -> None:
    info = inspect_adapter(trained["path"])
    assert (info.spelling, info.ranks, info.components, info.base) == (
        "diffusers",
        (2, 4),
        ("unet", "text_encoder"),
        "tiny",
    )
    assert read_card(trained["path"]) == card_for(trained["backbone"], "mia")


def test_kohya_and_back_is_lossless(base: Path, trained: dict[str, Any], tmp_path: Path) -> None:
    exported = export_kohya(trained["path"], tmp_path / "mia.kohya.safetensors", trained["backbone"])
    assert inspect_adapter(exported).spelling == "kohya"
    assert read_card(exported) == read_card(trained["path"])
    ours, theirs = read_weights(trained["path"]), read_weights(exported)
    assert ours.keys() == theirs.keys()
    for where, weight in ours.items():
        assert torch.equal(weight.down, theirs[where].down) and torch.equal(weight.up, theirs[where].up)
        assert weight.alpha == theirs[where].alpha
    opened = fresh(base)
    opened.pipeline.load_lora_weights(str(exported))
    np.testing.assert_array_equal(draw_small(opened), trained["picture"])
    keys = load_file(exported)
    assert float(keys["lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.alpha"]) == 2.0
    assert "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight" in keys
    with safe_open(exported, "pt") as file:
        assert file.metadata()["ss_output_name"] == "mia"


def test_alphas_and_ranks_that_differ_between_layers_are_honoured(base: Path, tmp_path: Path) -> None:
    weights = read_weights(make_mixed(base, tmp_path / "mixed.safetensors"))
    assert {(w.rank, w.alpha) for w in weights.values()} == {(4, 2.0), (4, 8.0), (2, 3.0)}
    proof = prove_adapter(tmp_path / "mixed.safetensors", open_backbone(base, device="cpu"))
    assert not proof.plain  # diffusers' own reader takes one alpha for all
    assert proof.difference < 1e-5 < proof.change


def make_mixed(base: Path, path: Path) -> Path:
    """A kohya file whose alphas differ from layer to layer."""
    backbone = open_backbone(base, device="cpu")
    plain = save_adapter(
        path.with_name("plain.safetensors"), **carry_adapter(backbone), card=card_for(backbone, "x"),
        backbone=backbone, prove=False,
    )  # fmt: skip
    tensors = load_file(export_kohya(plain))
    for key in tensors:
        if key.endswith(".alpha") and "attn2" in key:
            tensors[key] = torch.tensor(8.0)
    save_file(tensors, path)
    return path


def test_the_proof_finds_what_does_not_arrive(base: Path, trained: dict[str, Any], tmp_path: Path) -> None:
    backbone, tensors = trained["backbone"], load_file(trained["path"])
    with safe_open(trained["path"], "pt") as file:
        metadata = file.metadata()
    wrong_alpha = json.loads(metadata["lora_adapter_metadata"]) | {"unet.lora_alpha": 16}
    metadata.pop("modelspec.hash_sha256")
    path = tmp_path / "x.safetensors"
    save_file(tensors, path, metadata | {"lora_adapter_metadata": json.dumps(wrong_alpha)})
    with pytest.raises(AdapterError, match="draws another picture"):
        prove_adapter(path, backbone, trained["picture"])
    save_file({key: torch.zeros_like(value) for key, value in tensors.items()}, path, metadata)
    with pytest.raises(AdapterError, match="changes nothing"):
        prove_adapter(path, backbone)


def test_nothing_is_left_when_saving_fails(base: Path, tmp_path: Path) -> None:
    backbone = open_backbone(base, device="cpu")
    state = carry_adapter(backbone)
    path = tmp_path / "mia.safetensors"
    path.write_bytes(b"what was there before")

    def refused(reason: str, **changed: Any) -> None:
        with pytest.raises(AdapterError, match=reason):
            save_adapter(path, **(state | changed), card=card_for(backbone, "mia"), backbone=backbone)
        assert path.read_bytes() == b"what was there before"
        assert list(tmp_path.iterdir()) == [path]

    unet, text = state["states"]["unet"], state["states"]["text_encoder"]
    refused("no weight to save", states={})
    refused("trained and not saved", states={"unet": unet})
    first = next(iter(unet))
    refused("not a LoRA weight", states={"unet": {"conv_in.weight": torch.ones(2, 2)}})
    refused("NaN", states={"unet": unet | {first: unet[first] * float("nan")}, "text_encoder": text})
    dead = {key: torch.zeros_like(value) if "lora_B" in key else value for key, value in unet.items()}
    dead_text = {key: torch.zeros_like(value) for key, value in text.items()}
    refused("changes nothing", states={"unet": dead, "text_encoder": dead_text})


def test_another_base_is_named(trained: dict[str, Any], tmp_path: Path) -> None:
    other = open_backbone(make_tiny_base(tmp_path / "other", seed=5), device="cpu")
    info = inspect_adapter(trained["path"])
    assert "likeness may be weaker" in check_base(info, other)[0]  # same shapes, other weights
    assert check_base(info, trained["backbone"]) == []

    from diffusers import UNet2DConditionModel

    other.pipeline.unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(8, 16), layers_per_block=1,
        cross_attention_dim=32, attention_head_dim=8, norm_num_groups=4,
    )  # fmt: skip
    with pytest.raises(AdapterError, match="trained on tiny and does not fit other"):
        check_base(info, other)


def test_attaching_takes_a_partly_loaded_adapter_off_again(base: Path, trained: dict[str, Any]) -> None:
    opened = fresh(base)
    before = draw_small(opened)
    weights = read_weights(trained["path"])
    broken = {(part, module.replace("layers.0", "layers.9")): w for (part, module), w in weights.items()}
    with pytest.raises((AdapterError, ValueError)):
        attach(opened.pipeline, broken, "a1", "mia")
    np.testing.assert_array_equal(draw_small(opened), before)
    attach(opened.pipeline, weights, "a1", "mia")
    np.testing.assert_array_equal(draw_small(opened), trained["picture"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_read(base: Path, trained: dict[str, Any], tmp_path: Path, dtype: torch.dtype) -> None:
    with safe_open(trained["path"], "pt") as file:
        metadata = file.metadata()
    metadata.pop("modelspec.hash_sha256")
    path = tmp_path / "half.safetensors"
    save_file({key: value.to(dtype) for key, value in load_file(trained["path"]).items()}, path, metadata)
    assert prove_adapter(path, trained["backbone"]).difference < 1e-5
