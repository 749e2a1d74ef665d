"""Reads settings from YAML and `key=value`, and says all mistakes at once.

A run that takes minutes to start should not reveal its typing errors one by one, and a misspelt key that is
silently ignored trains the wrong thing: unknown keys are refused with the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from workbench.config.places import safe_name
from workbench.config.settings import USUAL_TECHNIQUES, Settings, setting_names
from workbench.config.techniques import MOVED, TECHNIQUES, wished
from workbench.errors import ConfigError, SubjectError

YES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def load_settings(path: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Reads settings: defaults, then the YAML file, then `key=value` words, each stronger than the last.

    Args:
        path: a YAML file with groups (`lora: {rank: 8}`), or None for the defaults alone.
        overrides: words such as `lora.rank=8`, or `rank=8` where the last part of the name is unique; lists are
            written `trackers=tensorboard,wandb`, traits `traits.hair_colour=brown`.

    Raises:
        ConfigError: names every unknown key, wrong type and value out of range, not only the first.
    """
    mistakes: list[str] = []
    values: dict[str, Any] = {}
    # Where techniques are named all at once, that comes first: it would take the place of those named one by one.
    for name, value in sorted(_read_yaml(path, mistakes), key=lambda item: item[0] != "train.techniques"):
        _take(name, value, values, mistakes)
    for word in sorted(overrides, key=lambda word: _full_name(word.partition("=")[0].strip()) != "train.techniques"):
        key, equals, text = word.partition("=")
        name = _full_name(key.strip())
        if not equals:
            mistakes.append(f"{word!r} is not of the form key=value")
        else:
            _take(name, _Typed(text), values, mistakes)
    settings = _build(values)
    mistakes += _disagreements(settings)
    if mistakes:
        thing = f"Settings ({path})" if path else "Settings"
        reason = mistakes[0] if len(mistakes) == 1 else f"{len(mistakes)} mistakes: {'; '.join(mistakes)}"
        raise ConfigError(thing, reason, "Correct that and start again; `workbench train --help` lists all settings")
    return settings


def settings_to_yaml(settings: Settings) -> str:
    """Settings as a YAML file that `load_settings` reads back to equal settings."""
    return _dump(dataclasses.asdict(settings))


def changed_settings(settings: Settings) -> dict[str, Any]:
    """The settings that differ from the defaults, by dotted name: `{"lora.rank": 8}`."""
    default, chosen = flat_settings(Settings()), flat_settings(settings)
    return {name: value for name, value in chosen.items() if value != default[name]}


def with_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The same settings but for some, by dotted name: `{"memory.parts": 2}`."""
    return _build(flat_settings(settings) | dict(changes))


class _Typed(str):
    """Text from the command line, which has no types yet, unlike a value from YAML."""


def _dump(values: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120))


def flat_settings(settings: Settings) -> dict[str, Any]:
    """All settings by dotted name: `{"lora.rank": 16, …}`."""
    flat: dict[str, Any] = {}
    for name in setting_names():
        group, _, leaf = name.rpartition(".")
        flat[name] = getattr(getattr(settings, group) if group else settings, leaf)
    return flat


def _read_yaml(path: Path | None, mistakes: list[str]) -> Iterator[tuple[str, Any]]:
    if path is None:
        return
    way_out = "Give a settings file such as recipes/configs/identity.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file", way_out) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"it cannot be read ({error})", way_out) from error
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" near line {where.line + 1}" if where else ""
        raise ConfigError(str(path), f"it is not valid YAML{line}", "Check the colons and the indentation") from error
    if content is None:
        return
    if not isinstance(content, dict):
        raise ConfigError(str(path), "it does not contain settings", way_out)
    groups = {name.split(".")[0] for name in setting_names() if "." in name}
    for key, value in content.items():
        if key not in groups:
            yield str(key), value
        elif isinstance(value, dict):
            yield from ((f"{key}.{leaf}", inner) for leaf, inner in value.items())
        elif value is not None:
            mistakes.append(f"{key} is a group of settings, not one value")


def _full_name(key: str) -> str:
    """`rank` → `lora.rank`; names that are not the end of exactly one setting stay as they are."""
    matches = [name for name in setting_names() if name == key or name.endswith(f".{key}")]
    return matches[0] if len(matches) == 1 else key


def _take(name: str, value: Any, values: dict[str, Any], mistakes: list[str]) -> None:
    known = setting_names()
    group, _, leaf = name.rpartition(".")
    if group in ("techniques", "train.techniques", MOVED.get(leaf)) or (not group and leaf in TECHNIQUES):
        _take_technique(leaf, value, values, mistakes)
        return
    if name.startswith("traits.") and name != "traits.":
        # `traits.glasses=round` sets one attribute and keeps the others.
        text = str(value)
        values["traits"] = values.get("traits", {}) | {
            name.partition(".")[2]: {"true": True, "false": False}.get(text.lower(), text)
        }
        return
    if name not in known:
        leaves = {full.rpartition(".")[2]: full for full in known}
        leaves |= {technique: f"techniques.{technique}" for technique in TECHNIQUES}
        near = difflib.get_close_matches(name, [*known, *leaves], n=1, cutoff=0.5)
        near = near or difflib.get_close_matches(name.rpartition(".")[2], leaves, n=1, cutoff=0.5)
        hint = f"; did you mean {leaves.get(near[0], near[0])}?" if near else ""
        mistakes.append(f"{name} is not a setting{hint}")
        return
    item, kind = known[name]
    try:
        converted = _convert(value, kind, item.metadata["separator"])
        _check_range(converted, item.metadata)
    except ValueError as error:
        mistakes.append(f"{name} {error}, not {str(value)!r}")
    else:
        values[name] = converted


def _take_technique(name: str, value: Any, values: dict[str, Any], mistakes: list[str]) -> None:
    """`techniques.huber=0.1`, or `huber=0.1`, sets one and keeps the others."""
    try:
        strength = _strength(name, value)
    except ValueError as error:
        mistakes.append(f"train.techniques {error}")
        return
    values["train.techniques"] = wished(values.get("train.techniques", USUAL_TECHNIQUES) | {name: strength})


def _convert(value: Any, kind: Any, separator: str) -> Any:
    """Gives the value its setting's type, or raises ValueError with the words that follow the setting's name."""
    text = isinstance(value, _Typed)
    if kind is bool:
        if isinstance(value, bool):
            return value
        if text and value.lower() in YES:
            return YES[value.lower()]
        raise ValueError("must be true or false")
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if text and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
            return int(value)
        raise ValueError("must be a whole number")
    if kind is float:
        # YAML 1.1 reads 5e-4 as text, because it has no dot.
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if math.isfinite(number):
                return number
        raise ValueError("must be a number")
    if kind is str:
        if isinstance(value, str):
            return str(value)
        raise ValueError("must be text (put it in quotes)")
    if kind == dict[str, float]:
        return _convert_techniques(value)
    return _convert_many(value, kind, separator if text else "")


def _convert_techniques(value: Any) -> dict[str, float]:
    """Checks `train.techniques`: known names, numbers in their range."""
    if isinstance(value, _Typed):
        parts = [part.partition("=" if "=" in part else ":") for part in value.strip("{} ").split(",") if part.strip()]
        value = {name.strip(" \"'"): _Typed(number.strip()) for name, _, number in parts}
    if not isinstance(value, Mapping):
        raise ValueError("must be techniques with numbers, such as huber: 0.1")
    return {name: _strength(name, strength) for name, strength in value.items()}


def _strength(name: str, value: Any) -> float:
    """Checks one technique's number; ValueError's words follow `train.techniques`."""
    technique = TECHNIQUES.get(name)
    if technique is None:
        near = difflib.get_close_matches(str(name), TECHNIQUES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(TECHNIQUES)}"
        raise ValueError(f"names {name!r}, which is no technique ({hint})")
    if technique.switch and (isinstance(value, bool) or str(value).lower() in YES):
        return float(value if isinstance(value, bool) else YES[str(value).lower()])
    try:
        number = float(_convert(value, float, ","))
    except ValueError as error:
        raise ValueError(f"has {name} at {str(value)!r}; it {error}") from None
    low, high = technique.at_least, technique.at_most
    if not low <= number <= high:
        raise ValueError(f"has {name} at {number:g}; it goes from {low:g} to {high:g}")
    if technique.whole and number % 1:
        raise ValueError(f"has {name} at {number:g}; it must be {'0 or 1' if technique.switch else 'a whole number'}")
    return number


def _convert_many(value: Any, kind: Any, separator: str) -> Any:
    if separator and value.strip()[:1] in ("[", "{"):
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError("must be valid YAML when it starts with a bracket") from None
    elif separator and kind == list[str]:
        value = [part.strip() for part in value.split(separator) if part.strip()]
    if kind == list[str]:
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return [str(part) for part in value]
        raise ValueError("must be a list of texts")
    if isinstance(value, dict) and all(isinstance(part, str | bool) for part in [*value, *value.values()]):
        return {str(word): part for word, part in value.items()}
    raise ValueError("must be attributes with words, such as hair_colour: brown")


def _check_range(value: Any, rules: Mapping[str, Any]) -> None:
    if rules["one_of"] and any(part not in rules["one_of"] for part in (value if isinstance(value, list) else [value])):
        raise ValueError(f"must be {' or '.join(rules['one_of'])}")
    if rules["at_least"] is not None and value < rules["at_least"]:
        raise ValueError(f"must be at least {rules['at_least']}")
    if rules["at_most"] is not None and value > rules["at_most"]:
        raise ValueError(f"must be at most {rules['at_most']}")


def _build(values: Mapping[str, Any]) -> Settings:
    groups: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        group, _, leaf = name.rpartition(".")
        groups.setdefault(group, {})[leaf] = value
    kinds = get_type_hints(Settings)
    own = groups.pop("", {})
    return Settings(**own, **{group: kinds[group](**inner) for group, inner in groups.items()})


def _disagreements(settings: Settings) -> Iterator[str]:
    """Mistakes that need more than a type: names that cannot be files, words that cannot be called."""
    try:
        safe_name(settings.name)
    except SubjectError as error:
        yield f"name: {error.reason}"
    for label, word in (("trigger", settings.trigger), ("class_noun", settings.class_noun)):
        if not re.fullmatch(r"[\w-]+", word):
            yield f"{label} must be one word of letters, digits, - or _, not {word!r}"
    if settings.trigger == settings.class_noun:
        yield "trigger and class_noun are the same word: the trigger must be one of its own"
    if not settings.photos.strip():
        yield "photos must name a folder"
    if not settings.lora.targets:
        yield "lora.targets is empty: the adapter would attach nowhere"
    if settings.data.resolution % 8:
        yield f"data.resolution must be a multiple of 8, not {settings.data.resolution}"
    for prompt in settings.follow.preview_prompts:
        try:
            prompt.format(trigger="", class_noun="")
        except (KeyError, IndexError, ValueError):
            yield f"follow.preview_prompts: only {{trigger}} and {{class_noun}} can be filled in, not as in {prompt!r}"
    techniques = settings.train.techniques
    if techniques.get("lora_plus") and settings.lora.kind not in ("lora", "rslora", "pissa", "dora"):
        yield f"train.techniques: lora_plus has no effect with lora.kind={settings.lora.kind}"
    if techniques.get("mask") and techniques.get("buckets", 0) > 1:
        yield "train.techniques: mask knows where the head is in face crops only; leave out mask or buckets"
    if settings.train.batch_size % settings.memory.parts:
        yield f"memory.parts: {settings.train.batch_size} pictures do not make {settings.memory.parts} equal parts"
    if settings.memory.phased and settings.lora.text_encoder:
        yield "memory.phased gives the text encoders' memory back, and lora.text_encoder teaches them: choose one"
    anyone = settings.data.class_pictures or (settings.data.anchors and techniques.get("teacher"))
    if techniques.get("prior_weight") and not anyone:
        yield "train.techniques: prior_weight has no effect without data.class_pictures"
