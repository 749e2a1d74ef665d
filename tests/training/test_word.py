"""The trigger word's rows learn, and nothing else of the token table does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from workbench.backbones import Backbone, open_backbone
from workbench.errors import TrainingError
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting
from workbench.training.word import word_tokens


def test_the_tokens_of_a_word(backbone: Backbone) -> None:
    tokenizer = backbone.pipeline.tokenizer
    ids = tuple(tokenizer("zkq", add_special_tokens=False).input_ids)
    assert word_tokens(backbone, "zkq") == {"text_encoder": ids}
    assert len(word_tokens(backbone, "aab")["text_encoder"]) == 2, "a token that occurs twice is learned once"


@pytest.mark.parametrize("text_rank", [0, 2])
def test_only_the_words_rows_learn(base: Path, text_rank: int) -> None:
    backbone = open_backbone(base, "cpu")
    adapter = attach_lora(backbone, rank=2, alpha=2, targets=["to_q"], text_rank=text_rank, word="zkq")
    groups = adapter.groups(1e-3, 1e-4, word_rate=0.5)
    assert [rate for _, rate in groups] == ([1e-3, 1e-4, 0.5] if text_rank else [1e-3, 0.5])
    (learned,) = groups[-1][0]
    assert learned.shape == (32, 1) and not learned.any()

    ids = backbone.tokenize(["photo of zkq person", "photo of a person"])
    losses = Objective(backbone, Weighting(), True)(
        torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([10, 700]), ids
    )
    losses[0].backward(retain_graph=True)
    assert learned.grad is not None and bool(learned.grad.any())
    learned.grad = None
    losses[1].backward()
    assert learned.grad is None or not learned.grad.any(), "a caption without the word taught it"

    bare = backbone.encode_text(["a person"])["text"]
    with torch.no_grad():
        before = backbone.encode_text(["photo of zkq person"])["text"]
        learned.fill_(0.5)
        assert not torch.equal(backbone.encode_text(["photo of zkq person"])["text"], before)
        assert torch.equal(backbone.encode_text(["a person"])["text"], bare), "other words changed"


def test_what_is_saved_of_it(base: Path) -> None:
    adapter = attach_lora(open_backbone(base, "cpu"), rank=2, alpha=2, targets=["to_q"], word="zkq")
    state = adapter.saved_state("text_encoder")
    assert sorted(name.rsplit(".", 1)[1] for name in state) == ["lora_embedding_A", "lora_embedding_B"]
    assert len(adapter.state()) == len(adapter.parameters("unet")) + 1, "the rows that are picked do not learn"


def test_a_base_without_a_text_encoder_that_learns(backbone: Backbone) -> None:
    backbone.text_encoders = {}
    with pytest.raises(TrainingError, match="word_learning_rate"):
        attach_lora(backbone, rank=2, alpha=2, targets=["to_q"], word="zkq")
