"""Pivotal tuning (https://github.com/cloneofsimo/lora): the trigger word's rows in the token table learn with the LoRA.

Textual inversion (arXiv 2208.01618) gives a new word to a frozen base; here the word is one that the tokenizer knows,
and what is added to its rows is a LoRA of the table: `A` picks the rows and stays, `B` learns and starts at zero. So
diffusers opens it like every other layer of the adapter (`adapters.word` says how other tools get it).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from workbench.backbones import Backbone
from workbench.errors import TrainingError

TABLE = "token_embedding"
LEARNED = "lora_embedding_B"


def learned_word(trigger: str, rate: float, text_encoder: bool) -> str:
    """The word that gets an entry of its own, or none.

    Args:
        trigger: the run's.
        rate: its learning rate.
        text_encoder: whether layers of the text encoder learn too; diffusers opens a learned word only with them.
    """
    return trigger if rate > 0 and text_encoder else ""


def word_tokens(backbone: Backbone, word: str) -> dict[str, tuple[int, ...]]:
    """The tokens of a word, each once, for each text encoder that learns it: all that can learn.

    A rare word may have several that other rare words share; they are learned together.

    Raises:
        TrainingError: if the base has no text encoder that can learn one.
    """
    if not backbone.text_encoders:
        raise TrainingError(
            "word_learning_rate",
            f"{backbone.id} has no text encoder that can learn a word",
            "Set word_learning_rate=0",
        )
    tokens = {}
    for part in backbone.text_encoders:
        tokenizer = getattr(backbone.pipeline, part.replace("text_encoder", "tokenizer"))
        ids = tokenizer(word, add_special_tokens=False).input_ids
        tokens[part] = tuple(dict.fromkeys(int(token) for token in ids))
    return tokens


def learn_word(text_encoder: Any, adapter: str, tokens: Sequence[int]) -> None:
    """Prepares peft's layer on the token table so that only what is added to these tokens' rows learns.

    Args:
        text_encoder: with the adapter attached, `TABLE` among its targets.
        adapter: its name.
        tokens: see `word_tokens`.
    """
    table = text_encoder.get_input_embeddings()
    picks, adds = table.lora_embedding_A[adapter], table.lora_embedding_B[adapter]
    picks.requires_grad_(False)
    with torch.no_grad():
        picks.zero_()
        picks[torch.arange(len(tokens)), list(tokens)] = 1.0
        adds.zero_()
    picks.data = picks.data.to(adds.dtype)
