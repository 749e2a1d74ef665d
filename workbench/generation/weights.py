"""Weighted words: `(smiling:1.3)` says a word louder, `(hat:0.5)` more softly, `（微笑：1.3）` too.

A text encoder says something at each place of a prompt. The weight multiplies how far that lies, at the word's places,
from the mean of all others: 0 leaves a word like any other, 2 says what is particular about it twice as loud. (Merely
multiplying it, as is common, has no effect on families whose denoisers first bring each place to the same length.) It
happens inside the encoders, before a pipeline has seen their answer, so no family is treated apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import GenerationError

if TYPE_CHECKING:
    import torch

    from workbench.backbones import Backbone

LARGEST_WEIGHT = 2.0
_FORM = re.compile(r"[(（]\s*([^()（）]*[^()（）\s])\s*[:：]\s*(\d+(?:\.\d*)?|\.\d+)\s*[)）]")
_CORE = 32  # tokens that tell texts apart; more may be beyond what an encoder reads
_PARTS = ("", "_2", "_3")


@dataclass(frozen=True)
class Weighted:
    """A text without its weights, and the weights.

    Args:
        text: as the base is told.
        weights: (words of the text, weight), in their order.
    """

    text: str
    weights: tuple[tuple[str, float], ...] = ()

    def written(self) -> str:
        """The text with its weights, as a person writes it; the first place of each word gets it."""
        text, at, parts = self.text, 0, []
        for words, weight in self.weights:
            place = text.lower().find(words.lower(), at)
            if place >= 0:
                end = place + len(words)
                parts += [text[at:place], f"({text[place:end]}:{weight:g})"]
                at = end
        return "".join([*parts, text[at:]])


def parse_weights(prompt: str) -> Weighted:
    """Takes the weights out of a prompt.

    Raises:
        GenerationError: a weight is larger than `LARGEST_WEIGHT`.
    """
    weights: list[tuple[str, float]] = []

    def take(match: re.Match[str]) -> str:
        words, weight = match[1].strip(), float(match[2])
        if weight > LARGEST_WEIGHT:
            raise GenerationError(
                f"The weight of {words[:60]!r}", f"{weight:g} is too much",
                f"Choose 0 to {LARGEST_WEIGHT:g}; 1 is as usual",
            )  # fmt: skip
        weights.append((words, weight))
        return words

    text = _FORM.sub(take, prompt)
    return Weighted(text, tuple(weights))


def carried_over(weighted: Weighted, told: str, read: Callable[[str], str]) -> tuple[Weighted, list[str]]:
    """The weights on a text that was put in other words.

    Args:
        weighted: as it was written.
        told: what the base is told instead of its text.
        read: puts single words in the base's words.

    Returns:
        The weighted text, and notes on words whose weight found no place.
    """
    kept, notes = [], []
    for words, weight in weighted.weights:
        here = next((each for each in (words, read(words)) if each and each.lower() in told.lower()), "")
        if here:
            kept.append((here, weight))
        else:
            notes.append(f"The weight of {words!r} has no effect: the base is not told these words")
    return Weighted(told, tuple(kept)), notes


@contextmanager
def applied(backbone: Backbone, *texts: Weighted) -> Iterator[None]:
    """Weights what the text encoders say inside the block.

    Args:
        texts: all that will be encoded there, the unweighted ones as well, so that they are told apart.
    """
    handles = []
    if any(text.weights for text in texts):
        for part in _PARTS:
            encoder = getattr(backbone.pipeline, f"text_encoder{part}", None)
            tokenizer = getattr(backbone.pipeline, f"tokenizer{part}", None)
            if encoder is not None and tokenizer is not None:
                hook = _Hook([(_ids(tokenizer, text.text), _phrases(tokenizer, text)) for text in texts])
                handles.append(encoder.register_forward_hook(hook, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def count_tokens(backbone: Backbone, prompt: str) -> tuple[int, int]:
    """How long a prompt is for a base.

    Returns:
        Its tokens, and how many the base reads; 0 where that depends on the prompt. Of several text encoders, the one
        that reads most counts.
    """
    text = parse_weights(prompt).text
    rows = backbone.tokenize([text])
    counts = []
    for part in _PARTS:
        tokenizer = getattr(backbone.pipeline, f"tokenizer{part}", None)
        if f"ids{part}" in rows and tokenizer is not None:
            width = rows[f"ids{part}"].shape[1]
            counts.append((len(_ids(tokenizer, text)), width if width > len(_ids(tokenizer, text)) + 2 else 0))
            if backbone.unread(text):
                counts[-1] = (counts[-1][0], width)
    return max(counts, key=lambda each: (each[1], each[0]), default=(0, 0))


class _Hook:
    """Weights an encoder's answer at the places of weighted words."""

    def __init__(self, texts: Sequence[tuple[list[int], list[tuple[list[list[int]], float]]]]) -> None:
        self._texts = texts

    def __call__(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        import torch

        ids = kwargs.get("input_ids", args[0] if args else None)
        if ids is None:
            return output
        scales = torch.tensor([self._scale(row) for row in ids.tolist()], device=ids.device)[..., None]
        mask = kwargs.get("attention_mask")
        others = (scales == 1).float() * (1 if mask is None or mask.ndim != 2 else mask[..., None])

        def scaled(answer: torch.Tensor) -> torch.Tensor:
            if answer.ndim != 3:
                return answer
            share = (others / others.sum(1, keepdim=True).clamp(min=1)).to(answer.dtype)
            mean = (answer * share).sum(1, keepdim=True)
            return torch.where(scales == 1, answer, mean + (answer - mean) * scales.to(answer.dtype))

        if isinstance(output, tuple):
            return (scaled(output[0]), *output[1:])
        if output.get("last_hidden_state") is not None:  # a language model with its head has none
            output["last_hidden_state"] = scaled(output["last_hidden_state"])
        if output.get("hidden_states") is not None:
            output["hidden_states"] = tuple(scaled(each) for each in output["hidden_states"])
        return output

    def _scale(self, row: list[int]) -> list[float]:
        scale = [1.0] * len(row)
        # Prompt and negative prompt go through the same encoder: a row is of the text that is found in it, or of
        # the one that it shares most with where a template around it or the row's end has changed some tokens.
        _, phrases = max(self._texts, key=lambda text: _likeness(row, text[0]))
        for wordings, weight in phrases:
            for wording in wordings:
                places = [at for at in range(len(row)) if wording and row[at : at + len(wording)] == wording]
                for at in places:
                    scale[at : at + len(wording)] = [weight] * len(wording)
                if places:
                    break
        return scale


def _likeness(row: list[int], ids: list[int]) -> tuple[bool, float, int]:
    core = ids[1:-1][:_CORE]
    whole = any(row[at : at + len(core)] == core for at in range(len(row) - len(core) + 1))
    return whole and bool(core), len(set(row) & set(ids)) / max(1, len(set(ids))), len(ids)


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


def _phrases(tokenizer: Any, text: Weighted) -> list[tuple[list[list[int]], float]]:
    # Many tokenizers have a token of their own for a word after a space.
    return [([_ids(tokenizer, f" {words}"), _ids(tokenizer, words)], weight) for words, weight in text.weights]
