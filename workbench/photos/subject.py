"""A subject: the person an adapter is made of, and where what belongs to them is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.config import atomic_write, home, safe_name
from workbench.errors import SubjectError
from workbench.privacy.consent import Consent, parse_consent
from workbench.privacy.retention import KEEP_DAYS, expiry

_LONGEST_WORD = 40


@dataclass(frozen=True)
class Subject:
    """A person who is learned.

    Args:
        name: also the name of their folder, data set, run and adapter.
        trigger: the rare word that stands for them in captions.
        class_noun: what they are: person, woman, man, child.
        traits: attributes as read from the photos or corrected by the person, in the words of the world's Character.
        created: when, in UTC, ISO 8601.
        consent: whose face it is and what was agreed; None when nobody has said so yet.
        keep_days: for how many days photos are kept after the last one was brought; 0 keeps them.
        expires: when the photos are erased, in UTC, ISO 8601; empty is never.
    """

    name: str
    trigger: str = "zkq"
    class_noun: str = "person"
    traits: Mapping[str, str | bool] = field(default_factory=dict)
    created: str = ""
    consent: Consent | None = None
    keep_days: int = KEEP_DAYS
    expires: str = ""

    @property
    def folder(self) -> Path:
        return subject_folder(self.name)


def subjects_folder() -> Path:
    return home() / "subjects"


def subject_folder(name: str) -> Path:
    """Where a subject's photos are kept.

    Raises:
        SubjectError: the name is not one that may become a folder's.
    """
    return subjects_folder() / safe_name(name)


def create_subject(
    name: str,
    trigger: str = "zkq",
    class_noun: str = "person",
    traits: Mapping[str, str | bool] | None = None,
    consent: Consent | None = None,
    keep_days: int = KEEP_DAYS,
) -> Subject:
    """Makes a new subject without photos.

    Raises:
        SubjectError: the name is not allowed or taken, a word is empty or holds a comma, or the days are out of range.
    """
    name = safe_name(name)
    if (subject_folder(name) / "subject.json").exists():
        raise SubjectError(name, "there is a subject of this name already", "Choose another name, or forget that one")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    noun, expires = class_noun.strip(), expiry(keep_days)
    subject = Subject(name, trigger.strip(), noun, dict(traits or {}), created, consent, keep_days, expires)
    save_subject(subject)
    return subject


def save_subject(subject: Subject) -> None:
    """Writes what is known of a subject, in one step: a reader sees the old or the new, never half.

    Raises:
        SubjectError: the name is not allowed, or a word is empty or holds a comma.
        StorageError: the disk is full or the folder may not be written.
    """
    for thing, word in (("trigger word", subject.trigger), ("class noun", subject.class_noun)):
        _check_word(thing, word)
    text = json.dumps(asdict(subject), ensure_ascii=False, indent=2) + "\n"
    atomic_write(subject_folder(subject.name) / "subject.json", text)


def _check_word(thing: str, word: str) -> None:
    way_out = "Use one word or two of letters and digits, for example zkq"
    if not word.strip():
        raise SubjectError(f"The {thing}", "it is empty", way_out)
    if len(word) > _LONGEST_WORD:
        raise SubjectError(f"The {thing}", f"it has {len(word)} characters", way_out)
    # A comma would end the word's part of the caption.
    if "," in word or not word.isprintable():
        raise SubjectError(f"The {thing} {word!r}", "it holds a comma or a character that cannot be seen", way_out)


def load_subject(name: str) -> Subject:
    """Reads a subject.

    Raises:
        SubjectError: there is none of this name, or its file is broken.
    """
    file = subject_folder(name) / "subject.json"
    try:
        record: Any = json.loads(file.read_text(encoding="utf-8"))
        return Subject(
            name=safe_name(name),
            trigger=str(record["trigger"]),
            class_noun=str(record["class_noun"]),
            traits=dict(record["traits"]),
            created=str(record["created"]),
            consent=parse_consent(record.get("consent")),
            keep_days=int(record.get("keep_days", KEEP_DAYS)),
            expires=str(record.get("expires", "")),
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        known = ", ".join(subject.name for subject in list_subjects()) or "none yet"
        raise SubjectError(name, "there is no subject of this name", f"Subjects: {known}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        way_out = "Bring the photos again under another name, or forget this one"
        raise SubjectError(name, "its subject.json is broken", way_out) from error


def agreed_scope(name: str) -> str:
    """What an adapter of this person may be used for: a word of `SCOPES`, empty when nobody has said so."""
    try:
        consent = load_subject(name).consent
    except SubjectError:
        return ""
    return consent.scope if consent else ""


def list_subjects() -> list[Subject]:
    """All subjects, by name. A folder whose record is broken is left out: opening it by name says why."""
    folder = subjects_folder()
    if not folder.is_dir():
        return []
    subjects = []
    for entry in sorted(folder.iterdir()):
        if (entry / "subject.json").is_file():
            try:
                subjects.append(load_subject(entry.name))
            except SubjectError:
                continue
    return subjects
