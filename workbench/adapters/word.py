"""A learned trigger word inside an adapter: what the text encoder's table says of its tokens (arXiv 2208.01618).

Inside our files it is a LoRA of the token table itself, `down` picking the trigger's rows (one-hot) and `up` holding
what was added to them. diffusers' own `load_lora_weights` opens that, strength and all. Files in kohya's spelling
carry the finished rows as `bundle_emb.WORD.string_to_param.*`, which A1111 and ComfyUI read as a textual inversion
named like the word.

The metadata key `chibi_workbench.word` holds what leads from one to the other: the word, its tokens, the size of the
table, and the base's own rows.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

WORD_KEY = "chibi_workbench.word"
TABLE = "embeddings.token_embedding"
PLACE = ("text_encoder", TABLE)
LARGEST_TABLE = 2**18  # no text encoder that is trained this way has more tokens
MOST_TOKENS = 64


@dataclass(frozen=True)
class Word:
    """What is known of a learned word beside what was learned.

    Args:
        text: the word.
        ids: its tokens.
        size: number of tokens in the base's table.
        rows: (tokens, d) the base's own rows, as bytes of float32.
    """

    text: str
    ids: tuple[int, ...]
    size: int
    rows: bytes

    @property
    def key(self) -> str:
        """The name of its tensor in kohya's spelling."""
        return f"bundle_emb.{self.text}.string_to_param.*"

    def metadata(self) -> str:
        """As it travels in a file."""
        rows = base64.b64encode(self.rows).decode()
        return json.dumps({"word": self.text, "ids": list(self.ids), "table": self.size, "rows": rows}, sort_keys=True)


def describe_word(text: str, down: torch.Tensor, table: torch.Tensor) -> Word:
    """Describes a word that was learned.

    Args:
        text: the word.
        down: (tokens, size) one-hot rows.
        table: (size, d) the base's own.
    """
    ids = tuple(int(index) for index in down.argmax(1))
    rows = table[list(ids)].detach().float().cpu().contiguous().numpy().tobytes()
    return Word(text, ids, int(down.shape[1]), rows)


def word_from_metadata(metadata: Mapping[str, str]) -> Word | None:
    """Reads what `Word.metadata` wrote; None when there is none, or it is not sound."""
    try:
        table: Any = json.loads(metadata.get(WORD_KEY, ""))
        ids, size, text = tuple(table["ids"]), table["table"], table["word"]
        rows = base64.b64decode(table["rows"], validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        return None
    whole = all(type(number) is int for number in (*ids, size)) and isinstance(text, str) and bool(text)
    if not whole or not 0 < size <= LARGEST_TABLE or not 0 < len(ids) <= MOST_TOKENS:
        return None
    if any(not 0 <= index < size for index in ids) or not rows or len(rows) % (4 * len(ids)):
        return None
    return Word(text, ids, size, rows)


def word_vectors(word: Word, up: torch.Tensor, scale: float) -> torch.Tensor:
    """The word's finished rows (tokens, d): the base's plus what was learned.

    Args:
        word: which word.
        up: (d, tokens) what was learned.
        scale: of what was learned, alpha / rank.
    """
    return _rows(word) + up.detach().float().cpu().T * scale


def word_halves(word: Word, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Undoes `word_vectors` for a scale of 1: (down, up) of the token table's LoRA."""
    import torch

    down = torch.zeros(len(word.ids), word.size)
    down[torch.arange(len(word.ids)), list(word.ids)] = 1.0
    return down, (vectors.float() - _rows(word)).T.contiguous()


def _rows(word: Word) -> torch.Tensor:
    import torch

    return torch.frombuffer(bytearray(word.rows), dtype=torch.float32).reshape(len(word.ids), -1)
