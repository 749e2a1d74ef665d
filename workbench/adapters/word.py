"""A learned trigger word inside an adapter: what the text encoder's table says of its tokens (arXiv 2208.01618).

Inside our files it is a LoRA of the token table itself, `down` picking the trigger's rows (one-hot) and `up` holding
what was added to them. diffusers' own `load_lora_weights` opens that, strength and all. Files in kohya's spelling
carry the finished rows as `bundle_emb.WORD.string_to_param.*`, which A1111 and ComfyUI read as a textual inversion
named like the word; where two text encoders learned it, as `bundle_emb.WORD.clip_l` and `bundle_emb.WORD.clip_g`.

The metadata key `chibi_workbench.word` holds what leads from one to the other: the word, its tokens, the size of the
table, and the base's own rows; those of a second text encoder under its name.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

WORD_KEY = "chibi_workbench.word"
TABLE = "embeddings.token_embedding"
FIRST, SECOND = "text_encoder", "text_encoder_2"
PLACES = ((FIRST, TABLE), (SECOND, TABLE))
# What kohya's spelling calls the rows: of the only text encoder, and of each of two.
ALONE, BOTH = "string_to_param.*", {FIRST: "clip_l", SECOND: "clip_g"}
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
        component: the text encoder that learned it.
        slot: what its rows are called in kohya's spelling.
    """

    text: str
    ids: tuple[int, ...]
    size: int
    rows: bytes
    component: str = FIRST
    slot: str = ALONE

    @property
    def place(self) -> tuple[str, str]:
        """Its component and module."""
        return self.component, TABLE

    @property
    def key(self) -> str:
        """The name of its tensor in kohya's spelling."""
        return f"bundle_emb.{self.text}.{self.slot}"

    def _facts(self) -> dict[str, Any]:
        return {"ids": list(self.ids), "table": self.size, "rows": base64.b64encode(self.rows).decode()}


def words_metadata(words: Sequence[Word]) -> str:
    """A word of one text encoder, or of both, as it travels in a file."""
    first, *others = words
    table = {"word": first.text} | first._facts() | {word.component: word._facts() for word in others}
    return json.dumps(table, sort_keys=True)


def describe_words(
    text: str, downs: Mapping[str, torch.Tensor], tables: Mapping[str, torch.Tensor]
) -> tuple[Word, ...]:
    """Describes a word that was learned.

    Args:
        text: the word.
        downs: for each text encoder that learned it, (tokens, size) one-hot rows.
        tables: for each of them, (size, d) the base's own.
    """
    words = []
    for component, down in downs.items():
        ids = tuple(int(index) for index in down.argmax(1))
        rows = tables[component][list(ids)].detach().float().cpu().contiguous().numpy().tobytes()
        words.append(Word(text, ids, int(down.shape[1]), rows, component))
    return _with_slots(words)


def words_from_metadata(metadata: Mapping[str, str]) -> tuple[Word, ...]:
    """Reads what `words_metadata` wrote: a word for each text encoder; none when there is none, or it is not sound."""
    try:
        table: Any = json.loads(metadata.get(WORD_KEY, ""))
        text = table["word"]
        words = [_word(text, FIRST, table)]
        if SECOND in table:
            words.append(_word(text, SECOND, table[SECOND]))
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        return ()
    return _with_slots(words)


def _word(text: Any, component: str, table: Any) -> Word:
    """One text encoder's word; raises ValueError when it is not sound."""
    ids, size, rows = tuple(table["ids"]), table["table"], base64.b64decode(table["rows"], validate=True)
    whole = all(type(number) is int for number in (*ids, size)) and isinstance(text, str) and bool(text)
    if not whole or not 0 < size <= LARGEST_TABLE or not 0 < len(ids) <= MOST_TOKENS:
        raise ValueError("no word")
    if any(not 0 <= index < size for index in ids) or not rows or len(rows) % (4 * len(ids)):
        raise ValueError("no word")
    return Word(text, ids, size, rows, component)


def _with_slots(words: Sequence[Word]) -> tuple[Word, ...]:
    return tuple(words) if len(words) == 1 else tuple(replace(word, slot=BOTH[word.component]) for word in words)


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
