"""A CLIP-style tokenizer with a small vocabulary, made from captions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path


def train_tokenizer(captions: Iterable[str], folder: Path, rare: Iterable[str] = (), length: int = 64) -> None:
    """Makes a byte-level BPE vocabulary and writes it as a `CLIPTokenizer` folder.

    Every byte is in the vocabulary, so any text in any language can be written with it; words of the captions become
    single tokens.

    Args:
        captions: the text to learn from.
        folder: where `vocab.json`, `merges.txt` and `tokenizer.json` go; made if absent.
        rare: words that shall be single tokens although captions seldom carry them, such as trigger words.
        length: the longest prompt in tokens, beginning and end included.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    tokenizer = Tokenizer(
        models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix="")
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, min_frequency=2, initial_alphabet=sorted(alphabet), end_of_word_suffix="</w>",
        special_tokens=[], show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator([*captions, *[f"{word} " * 50 for word in rare]], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    # CLIP's order: bytes, bytes at the end of a word, merges, then the two markers.
    tokens = [*sorted(alphabet), *[f"{letter}</w>" for letter in sorted(alphabet)], *["".join(m) for m in merges]]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    for marker in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[marker] = len(vocabulary)
    clip = CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,  # type: ignore[arg-type]
        model_max_length=length,
    )
    folder.mkdir(parents=True, exist_ok=True)
    clip.save_pretrained(folder)
    # Older readers of the format look for these two beside tokenizer.json.
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    lines = ["#version: 0.2", *[" ".join(merge) for merge in merges]]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
