"""A learned trigger word goes into the file, comes out of it in plain diffusers, and goes to other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from tiny_adapter import card_for

from workbench.adapters import export_kohya, inspect_adapter, prove_adapter, read_weights, save_adapter
from workbench.adapters.word import (
    PLACES,
    WORD_KEY,
    Word,
    describe_words,
    word_halves,
    words_from_metadata,
    words_metadata,
)
from workbench.adapters.word import word_vectors as vectors_of
from workbench.backbones import open_backbone
from workbench.errors import AdapterError


@pytest.fixture(scope="module")
def learned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A file with a LoRA of the text encoder's first layers and a word of two tokens, and the model it came from."""
    backbone = open_backbone(base, device="cpu")
    text: Any = backbone.text_encoders["text_encoder"]
    config = LoraConfig(
        r=4, lora_alpha=2, target_modules=["q_proj", "token_embedding"], init_lora_weights=False,
        rank_pattern={"token_embedding": 2}, alpha_pattern={"token_embedding": 2},
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        text.add_adapter(config)
    table = text.get_input_embeddings()
    ids = backbone.pipeline.tokenizer("zkq red", add_special_tokens=False).input_ids
    table.lora_embedding_A["default"].data.zero_()
    for row, token in enumerate(ids):
        table.lora_embedding_A["default"].data[row, token] = 1
    path = save_adapter(
        tmp_path_factory.mktemp("learned") / "mia.safetensors",
        {"text_encoder": get_peft_model_state_dict(text, save_embedding_layers=False)}, {"text_encoder": config},
        card_for(backbone, "mia"), backbone,
    )  # fmt: skip
    return {"path": path, "backbone": backbone, "ids": ids}


def test_plain_diffusers_reads_the_word(base: Path, learned: dict[str, Any]) -> None:
    fresh = open_backbone(base, device="cpu")
    before = fresh.encode_text(["zkq red"])["text"]
    fresh.pipeline.load_lora_weights(str(learned["path"]))
    ours, theirs = learned["backbone"].encode_text(["zkq red"])["text"], fresh.encode_text(["zkq red"])["text"]
    assert torch.equal(ours, theirs) and not torch.equal(before, theirs)
    table = fresh.pipeline.text_encoder.get_input_embeddings()
    others = [index for index in range(table.base_layer.num_embeddings) if index not in learned["ids"]]
    change = table.get_delta_weight("default_0")
    assert not change[others].any() and bool(change[learned["ids"]].any(1).all()), "another word was changed"


def test_other_tools_get_the_finished_rows_and_the_export_is_proven(
    base: Path, learned: dict[str, Any], tmp_path: Path
) -> None:
    backbone = open_backbone(base, device="cpu")
    exported = export_kohya(learned["path"], tmp_path / "mia.kohya.safetensors", backbone)
    tensors = load_file(exported)
    rows = tensors.pop("bundle_emb.zkq.string_to_param.*")
    table = learned["backbone"].pipeline.text_encoder.get_input_embeddings()
    expected = table.base_layer.weight[learned["ids"]] + table.lora_embedding_B["default"].T
    torch.testing.assert_close(rows, expected.detach(), rtol=0, atol=0)
    assert tensors and all(key.startswith("lora_te_text_model_encoder") for key in tensors)
    # As A1111 and diffusers read a textual inversion: rows of the text encoder's width, for a word of its own.
    backbone.pipeline.load_textual_inversion({"string_to_param": {"*": rows}, "name": "mia-word"}, token="mia-word")
    assert torch.equal(backbone.pipeline.text_encoder.get_input_embeddings().weight[-2:], rows)

    ours, theirs = read_weights(learned["path"]), read_weights(exported)
    assert ours.keys() == theirs.keys() and PLACES[0] in ours
    for place, weight in ours.items():
        assert torch.equal(weight.down, theirs[place].down) and weight.alpha == theirs[place].alpha
        torch.testing.assert_close(weight.up, theirs[place].up, rtol=0, atol=1e-6)
    assert inspect_adapter(exported).spelling == "kohya"


def test_the_proof_adds_the_word_by_hand(base: Path, learned: dict[str, Any]) -> None:
    proof = prove_adapter(learned["path"], open_backbone(base, device="cpu"))
    assert proof.plain and proof.change > 10 * proof.difference


def test_a_bundled_word_of_another_tool_is_refused_by_name(learned: dict[str, Any], tmp_path: Path) -> None:
    exported = export_kohya(learned["path"], tmp_path / "mia.kohya.safetensors")
    stranger = tmp_path / "stranger.safetensors"
    save_file(load_file(exported), stranger)
    with pytest.raises(AdapterError, match="another tool's textual inversion"):
        inspect_adapter(stranger)


def test_a_word_of_the_wrong_size_is_refused(learned: dict[str, Any], tmp_path: Path) -> None:
    exported = export_kohya(learned["path"], tmp_path / "mia.kohya.safetensors")
    word = words_metadata([Word("zkq", (563,), 576, b"\0" * 4 * 32)])
    save_file(load_file(exported), tmp_path / "odd.safetensors", metadata={WORD_KEY: word})
    with pytest.raises(AdapterError, match="another size"):
        inspect_adapter(tmp_path / "odd.safetensors")


def test_rows_by_hand_and_back() -> None:
    table = torch.arange(12.0).reshape(6, 2)
    down = torch.tensor([[0, 0, 1.0, 0, 0, 0], [0, 0, 0, 0, 1.0, 0]])
    up = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    (word,) = describe_words("zkq", {"text_encoder": down}, {"text_encoder": table})
    assert word.ids == (2, 4) and words_from_metadata({WORD_KEY: words_metadata([word])}) == (word,)
    assert word.key == "bundle_emb.zkq.string_to_param.*"
    rows = vectors_of(word, up, 0.5)
    # rows 2 and 4 are (4, 5) and (8, 9); half of (1, 3) and of (2, 4) is added
    assert rows.tolist() == [[4.5, 6.5], [9.0, 11.0]]
    again, change = word_halves(word, rows)
    assert torch.equal(again, down) and torch.equal(change, up * 0.5)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"word": "a", "ids": [9], "table": 4, "rows": "AAAAAA=="}',
     '{"word": "a", "ids": [1], "table": 4, "rows": "AAA="}',
     '{"word": 1, "ids": [1], "table": 4, "rows": "AAAAAA=="}'],
)  # fmt: skip
def test_what_is_no_word_is_none(text: str) -> None:
    assert words_from_metadata({WORD_KEY: text}) == ()
