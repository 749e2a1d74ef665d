"""What a person wrote, in the words of the chibi world: synonyms and Chinese become words that the built-in base knows.

A base that has only read captions of the world makes noise of any other word. So a prompt is read here first: known
words stay as they are, synonyms are replaced (`synonyms.yaml`), the rest is left out, and all of it is told. A prompt
in the world's own words comes back unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from workbench.world.character import CHARACTER_WORDS, COLOURS, HAIR_COLOURS, PLACES, SCENE_WORDS
from workbench.world.words import scene_phrases, trait_phrases

TABLE = Path(__file__).with_name("synonyms.yaml")
SOMEBODY = "chibi of a person"
_DOMAINS = ("chibi", "photo")
_LITTLE = ("a", "an", "the", "of", "with", "in", "wearing")
_WHO = ("person", "child", "young", "old")
_LATIN = re.compile(r"[a-zA-ZÀ-ɏ]+(?:['’-][a-zA-ZÀ-ɏ]+)*")
# Words of other scripts, and emoji.
_OTHER = re.compile(r"[^\W\d_a-zA-ZÀ-ɏ\u3400-\u4dbf\u4e00-\u9fff]+|[\U0001f000-\U0001faff\u2600-\u27bf]+")
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_HAIR = r"(?:hair|bob|ponytail|pigtails|bun|braids|afro|buzz)"
_STYLE = r"(?:long straight|long wavy|side parted|short|parted|spiky|curly|straight|wavy|long)"


@dataclass(frozen=True)
class ReadAs:
    """A prompt as it was understood.

    Args:
        text: for the base; equal to what was written when `changed` is false.
        left_out: words the base does not know, as they were written.
        changed: whether anything was replaced or left out.
    """

    text: str
    left_out: tuple[str, ...] = ()
    changed: bool = False

    def notes(self) -> list[str]:
        """What to tell the person; empty when nothing was changed."""
        told = [f"Read as: {self.text}"] if self.changed else []
        if self.left_out:
            told.append(f"Left out, since the base does not know it: {', '.join(self.left_out)}")
        return told


@dataclass(frozen=True)
class _Table:
    phrases: dict[str, str]  # lower case, English and Chinese
    longest: int  # words of the longest English entry
    chinese: int  # letters of the longest Chinese entry
    hair_colours: dict[str, str]
    negations: tuple[str, ...]


@cache
def _table() -> _Table:
    content: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    english, chinese, negations = content["english"], content["chinese"], content["negations"]
    said = {str(word).lower(): str(means) for word, means in (english | chinese).items()}
    # What synonyms mean stands for itself, so that a prompt that was read once is not changed by reading it again.
    phrases = {means.lstrip("+"): means.lstrip("+") for means in said.values() if " " in means} | said
    return _Table(
        phrases=phrases,
        longest=max(len(words.split()) for words in phrases),
        chinese=max(len(words) for words in (*chinese, *negations["chinese"])),
        hair_colours=content["hair_colours"],
        negations=(*negations["english"], *negations["chinese"]),
    )


@cache
def world_words() -> frozenset[str]:
    """Every word that captions of the world are made of, in lower case."""
    phrases = [*_DOMAINS, *_LITTLE, *_WHO, "clothes"]
    every = CHARACTER_WORDS | SCENE_WORDS | {"freckles": {"": 1}, "earrings": {"": 1}}
    for name, words in every.items():
        for word in words:
            for seed in range(8):  # enough for every wording of a trait to come up
                rng = np.random.default_rng(seed)
                said = {name: word or True, "hair_colour" if name == "hair_style" else name: word or True}
                phrases += trait_phrases(said | ({"hair_colour": "black"} if name == "hair_style" else {}), rng)
                phrases += scene_phrases({name: word}, "chibi", rng) + scene_phrases({name: word}, "photo", rng)
        phrases += [word for word in words if word not in ("none", "standing", "bald", "beard")]
    return frozenset(word.lower() for phrase in phrases for word in phrase.replace(",", " ").split())


def read_as(prompt: str, keep: Sequence[str] = (), otherwise: str = SOMEBODY) -> ReadAs:
    """Reads a prompt.

    Args:
        prompt: English, Chinese or both.
        keep: words that stay whatever they are: how the adapters in use call their persons, such as `zkq person`.
        otherwise: the text when no word of the prompt is known.

    Returns:
        The prompt for the base. A phrase that denies something (no hat, 不戴眼镜) is left out whole: a base would
        draw what is named.
    """
    whole = unicodedata.normalize("NFKC", prompt) if not prompt.isascii() else prompt
    phrases: list[str] = []
    left_out: list[str] = []
    changed = whole != prompt
    for clause in re.split(r"[,;、。\n]|\.(?=\s|$)", whole):
        found = _pieces(clause, {word.lower() for each in keep for word in each.split()})
        left_out += found.lost
        if found.same:
            phrases += [" ".join(clause.split())] if clause.strip() else []
            continue
        changed = True
        # A clause of Chinese words has no commas where English ones want them.
        phrases += _chinese_order(found.words, keep) if _CHINESE.search(clause) else _phrases(found.words)
    if not changed:
        return ReadAs(prompt)
    text = _articles(_hair(", ".join(phrases) or otherwise))
    return ReadAs(text, tuple(dict.fromkeys(left_out)), text != prompt or bool(left_out))


@dataclass
class _Clause:
    """A clause's words in the world's words, what is left out, and whether it may stay as it is written."""

    words: list[str]
    lost: list[str]
    same: bool = True


def _pieces(clause: str, kept: set[str]) -> _Clause:
    table, known, lower = _table(), world_words(), clause.lower()
    found, tail = _Clause([], []), list[str]()
    place = lost_until = 0
    while place < len(clause):
        said, choices = _match(clause, lower, place)
        if any(word in table.negations and word not in kept for word, _ in choices):
            found.lost.append(clause[place:].strip())
            found.words, found.same = _without_loose_end(found.words), False
            break
        for word, length in choices:
            written = clause[place : place + length]
            means = word if word in kept else table.phrases.get(word, word if word in known else None)
            if means is None and word.endswith("s") and word[:-1] in known:
                means = word[:-1]
            if means is None:
                continue
            found.same = found.same and means == word
            tail += [",", means[1:]] if means.startswith("+") else []
            found.words += [written if means == word else means] if means and not means.startswith("+") else []
            place += length
            break
        else:
            if said.strip() and _CHINESE.match(said) and found.lost and lost_until == place:
                found.lost[-1] += said
            elif said.strip():
                found.lost.append(said)
            if said.strip():
                found.words, found.same = _without_loose_end(found.words), False
                lost_until = place + len(said)
            place += max(1, len(said))
    found.words += tail
    return found


def _match(clause: str, lower: str, place: int) -> tuple[str, list[tuple[str, int]]]:
    """What begins at a place: the word that is left out if nothing is known, and what to look up, longest first."""
    if _CHINESE.match(clause, place):
        ends = range(min(len(clause), place + _table().chinese), place, -1)
        return clause[place], [(lower[place:end], end - place) for end in ends]
    latin = _LATIN.match(clause, place)
    if latin is None:
        other = _OTHER.match(clause, place)
        return (other[0], [(other[0].lower(), len(other[0]))]) if other else ("", [])
    choices = [(latin[0].lower(), len(latin[0]))]
    end = latin.end()
    for _ in range(_table().longest - 1):
        following = re.compile(rf" +({_LATIN.pattern})").match(clause, end)
        if not following:
            break
        end = following.end()
        choices.append((" ".join(lower[place:end].split()), end - place))
    # Q版 and T恤 begin with a Latin letter.
    for end in range(latin.end() + 1, min(len(clause), place + 4) + 1):
        choices.append((lower[place:end], end - place))
    first = latin[0].split("-")[0]  # blue-hoodie: as two words
    return latin[0], [*sorted(choices, key=lambda choice: -choice[1]), (first.lower(), len(first))]


def _without_loose_end(words: list[str]) -> list[str]:
    """Takes off little words that led to a word that is left out: `holding a` balloon."""
    while words and words[-1].lower() in _LITTLE:
        words = words[:-1]
    return words


def _phrases(words: list[str]) -> list[str]:
    """Words as phrases; little words that stand alone go."""
    phrases = [_without_loose_end(phrase.split()) for phrase in re.split(r"\s*,\s*", " ".join(words))]
    return [" ".join(phrase) for phrase in phrases if phrase]


def _chinese_order(words: list[str], keep: Sequence[str]) -> list[str]:
    """Phrases of a Chinese clause: who and how it is drawn first, then each thing with the words before it."""
    # The first word of `zkq person` is the trigger: who writes it means this person.
    names = [name for name in keep if name.split()[0].lower() in {word.lower() for word in words}]
    own = {word.lower() for name in names for word in name.split()}
    domain = next((word for word in words if word in _DOMAINS), "")
    who = {word for piece in words for word in piece.split() if piece.split()[-1] in _WHO}
    age = "young " if "young" in who else "old " if "old" in who else ""
    somebody = ", ".join(names) or ("a child" if "child" in who else f"a {age}person")
    phrases = [f"{domain} of {somebody}"] if domain else [somebody] if who or names else []
    leading = {*COLOURS, *HAIR_COLOURS, "wearing", "in the"}
    phrase: list[str] = []
    for piece in words:
        if piece in _DOMAINS or piece == "," or piece.split()[-1] in _WHO or piece.lower() in own:
            continue
        if piece == "background" and not phrase and phrases and phrases[-1] in PLACES:
            phrases[-1] += " background"
            continue
        phrase.append(piece)
        if piece not in leading:
            phrases.append(" ".join(phrase))
            phrase = []
    return phrases + ([" ".join(phrase)] if phrase and phrase[-1] not in ("wearing", "in the") else [])


def _hair(text: str) -> str:
    """Hair as the world says it: `short black hair`, and ginger where somebody said red."""
    colours = _table().hair_colours
    said = "|".join(colours)
    text = re.sub(rf"\b({said})(?= (?:{_STYLE} )?{_HAIR}\b)", lambda m: colours[m[1]], text)
    text = re.sub(rf"\b({'|'.join(HAIR_COLOURS)}) ({_STYLE})(?= {_HAIR}\b)", r"\2 \1", text)
    return re.sub(r"\blong (?=(?:" + "|".join(HAIR_COLOURS) + r") hair\b)", "long straight ", text)


def _articles(text: str) -> str:
    """`wearing a red hoodie`, `an old person`."""
    worn = "|".join(word for word in (*SCENE_WORDS["clothing"], "cap", "beanie", "hat", "bow") if word != "overalls")
    text = re.sub(rf"\bwearing (?=(?:(?:{'|'.join(COLOURS)}) )?(?:{worn})\b)", "wearing a ", text)
    text = re.sub(r"\ba (?=(?:old|orange|afro|amber|angry)\b)", "an ", text)
    text = re.sub(r"\b(a|an) (?=(?:glasses|headphones|cat ears|freckles|earrings|overalls)\b)", "", text)
    return re.sub(r"\b(a|an|the) (?=(?:a|an|the)\b)", "", text)
