"""SDXL's two text encoders learn the trigger word together: trained, saved, opened again, given to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny_families import make_tiny, name_it

from workbench.adapters import Card, export_kohya, inspect_adapter, prove_adapter, read_weights, save_adapter
from workbench.adapters.complete import find_strays
from workbench.adapters.header import read_header
from workbench.adapters.proof import draw_small
from workbench.adapters.word import PLACES
from workbench.backbones import open_backbone
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting
from workbench.training.optimizer import make_optimizer


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A file in which a word was really learned, and the model that learned it."""
    folder = tmp_path_factory.mktemp("sdxl")
    base = make_tiny("sdxl", folder / "base")
    backbone = open_backbone(base, "cpu", torch.float32)
    backbone.resolution = 32
    adapter = attach_lora(backbone, 2, 2.0, ["to_q", "to_v"], text_rank=2, seed=1, word="zkq")
    groups = adapter.groups(1e-2, 1e-2, word_rate=0.5)
    assert [rate for _, rate in groups] == [1e-2, 1e-2, 0.5, 1e-2, 0.5]
    optimizer = make_optimizer(groups, "adamw", 0.0)
    objective = Objective(backbone, Weighting(), True).train()
    for step in range(3):
        random = torch.Generator().manual_seed(step)
        latents, noise = torch.randn(2, 2, 4, 8, 8, generator=random)
        ids = backbone.tokenize(["photo of zkq person"] * 2)
        objective(latents, noise, torch.tensor([100, 700]), ids).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    objective.eval()
    states, configs, _ = adapter.saved()
    card = Card(name="mia", trigger="zkq", base=backbone.id, base_fingerprint=backbone.fingerprint, family="sdxl")
    path = save_adapter(folder / "mia.safetensors", states, configs, card, backbone)
    ids = backbone.pipeline.tokenizer("zkq", add_special_tokens=False).input_ids
    return {"path": path, "backbone": backbone, "base": base, "ids": ids}


def test_both_tables_learned_the_word_and_nothing_else(learned: dict[str, Any]) -> None:
    for part in ("text_encoder", "text_encoder_2"):
        table = getattr(learned["backbone"].pipeline, part).get_input_embeddings()
        change = table.get_delta_weight("default").detach()
        others = [index for index in range(len(change)) if index not in learned["ids"]]
        assert not change[others].any() and float(change[learned["ids"]].abs().max()) > 0.1, part


def test_plain_diffusers_draws_the_trained_picture(learned: dict[str, Any]) -> None:
    backbone, fresh = learned["backbone"], open_backbone(learned["base"], "cpu", torch.float32)
    fresh.resolution = 32
    bare = draw_small(fresh)
    fresh.pipeline.load_lora_weights(str(learned["path"]))
    ours, theirs = backbone.encode_text(["zkq"]), fresh.encode_text(["zkq"])
    assert torch.equal(ours["text"], theirs["text"]) and torch.equal(ours["pooled"], theirs["pooled"])
    drawn = draw_small(fresh)
    assert (drawn == draw_small(backbone)).all() and not (drawn == bare).all()


def test_other_programs_get_the_rows_of_both_and_the_export_is_proven(learned: dict[str, Any], tmp_path: Path) -> None:
    fresh = open_backbone(learned["base"], "cpu", torch.float32)
    exported = export_kohya(learned["path"], tmp_path / "mia.kohya.safetensors", fresh)
    assert prove_adapter(exported, fresh).change > 0
    tensors = load_file(exported)
    # A1111 and Forge read both as one SDXL textual inversion; ComfyUI looks each up for its encoder.
    rows = {part: tensors.pop(f"bundle_emb.zkq.{slot}") for part, slot in (("", "clip_l"), ("_2", "clip_g"))}
    assert [each.shape for each in rows.values()] == [(1, 16), (1, 32)]
    assert all(key.startswith(("lora_unet_", "lora_te1_", "lora_te2_")) for key in tensors)
    for part, vectors in rows.items():
        table = getattr(learned["backbone"].pipeline, f"text_encoder{part}").get_input_embeddings()
        expected = table.base_layer.weight[learned["ids"]] + table.lora_embedding_B["default"].T
        torch.testing.assert_close(vectors, expected.detach(), rtol=0, atol=0)
        fresh.pipeline.load_textual_inversion(
            {"mia-word": vectors}, token=f"mia-word{part}", tokenizer=getattr(fresh.pipeline, f"tokenizer{part}"),
            text_encoder=getattr(fresh.pipeline, f"text_encoder{part}"),
        )  # fmt: skip

    ours, theirs = read_weights(learned["path"]), read_weights(exported)
    assert ours.keys() == theirs.keys() and set(PLACES) <= ours.keys()
    for place in PLACES:
        assert torch.equal(ours[place].down, theirs[place].down)
        torch.testing.assert_close(ours[place].up, theirs[place].up, rtol=0, atol=1e-6)
    assert inspect_adapter(exported).spelling == "kohya" and not find_strays(read_header(exported))


def test_a_base_in_the_persons_catalogue_is_learned_alike(learned: dict[str, Any]) -> None:
    """A word of several tokens: each encoder has all of them."""
    backbone = open_backbone(name_it(learned["base"], "mine", resolution=32), "cpu")
    adapter = attach_lora(backbone, 2, 2.0, ["to_q"], word="aab")
    for part in ("text_encoder", "text_encoder_2"):
        state = adapter.saved_state(part)
        (picks,) = (value for name, value in state.items() if name.endswith("lora_embedding_A"))
        assert picks.shape[0] == 2 and picks.sum(1).tolist() == [1, 1]
