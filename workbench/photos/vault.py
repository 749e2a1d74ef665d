"""What is kept of a subject's photos, and how it is erased.

The files a person brought are never touched and never kept: what is kept are their pixels, upright and without
metadata, and the crops that training sees. Both are encrypted unless the workspace is plain (`workbench.privacy`), so
whoever wants a crop's pixels asks `open_crop`.
"""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.config import home, safe_name, storage_errors
from workbench.config.alone import alone
from workbench.errors import PhotoError, SubjectError
from workbench.photos.crop import crop_face, natural_size
from workbench.photos.photo import Photo, open_photo
from workbench.photos.subject import Subject, load_subject, save_subject, subject_folder
from workbench.photos.verdict import Judgement, Verdict
from workbench.privacy import erase, erase_key, places_of, read_private, sweep, write_private
from workbench.privacy.retention import expiry
from workbench.processes import is_running


def add_photos(subject: Subject, verdict: Verdict) -> list[Path]:
    """Keeps the accepted photos of a verdict and their crops; drops those that it refuses.

    Photos that the verdict does not speak of stay as they are, so photos can be added one by one.

    Returns:
        The crops of the accepted photos.

    Raises:
        SubjectError: the name is not allowed.
        StorageError: the disk is full or the folder may not be written.
    """
    folder = subject_folder(subject.name)
    kept = []
    with alone(folder):  # two pages may bring photos of one person at once
        records = judgements(subject)
        for judgement in verdict.judgements:
            if judgement.photo is None:
                continue
            key = _key(judgement.photo)
            if judgement.accepted and judgement.face is not None:
                kept.append(_keep(folder, key, judgement))
                records[key] = judgement.to_dict()
            # The second of two equal files has the key of the first, which was accepted.
            elif not any(problem.code == "duplicate" for problem in judgement.problems):
                _drop(folder, key)
                records.pop(key, None)
        _write_records(folder, records)
    if kept:
        _renew(subject.name)
    return kept


def _renew(name: str) -> None:
    """Photos that came in now are kept for the days that were chosen, counted from now."""
    with suppress(SubjectError):  # photos may be kept before anyone wrote a record
        known = load_subject(name)
        save_subject(replace(known, expires=expiry(known.keep_days)))


def _keep(folder: Path, key: str, judgement: Judgement) -> Path:
    photo, face = judgement.photo, judgement.face
    assert photo is not None and face is not None
    crop = folder / "crops" / f"{key}.png"
    kept = folder / "photos" / f"{key}.png"
    if not kept.exists():
        write_private(kept, _png(photo.image))
    # Last: a crop without its photo cannot be.
    write_private(crop, _png(crop_face(photo, face, natural_size(face))))
    return crop


def _key(photo: Photo) -> str:
    return photo.sha256[:16]


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=2)
    return buffer.getvalue()


def _drop(folder: Path, key: str) -> None:
    for part in ("crops", "photos"):
        with storage_errors(folder):
            (folder / part / f"{key}.png").unlink(missing_ok=True)


def _write_records(folder: Path, records: dict[str, Any]) -> None:
    write_private(folder / "judgements.json", json.dumps(records, ensure_ascii=False, indent=1) + "\n")


def judgements(subject: Subject) -> dict[str, Any]:
    """What was said of each kept photo, by the first 16 characters of its file's sha256; as `Judgement.to_dict`."""
    try:
        records = json.loads(read_private(subject_folder(subject.name) / "judgements.json"))
    except (OSError, ValueError):
        return {}
    return records if isinstance(records, dict) else {}


def kept_photos(subject: Subject) -> list[Photo]:
    """The kept photos, with the names and hashes of the files they came from: to be judged again with new ones."""
    folder, records = subject_folder(subject.name) / "photos", judgements(subject)
    photos = []
    for path in _pictures(folder):
        record = records.get(path.stem, {})
        photo = open_photo(read_private(path), record.get("name") or path.name)
        photos.append(replace(photo, sha256=record.get("sha256") or photo.sha256))
    return photos


def crops(subject: Subject) -> list[Path]:
    """The crops that training sees, in an order that does not depend on when they came."""
    return _pictures(subject_folder(subject.name) / "crops")


def _pictures(folder: Path) -> list[Path]:
    # What a write that was interrupted leaves behind ends in .png too.
    return sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))


def open_crop(path: Path) -> Image.Image:
    """A crop's pixels, RGB, decrypted in memory.

    Raises:
        PhotoError: it is broken.
        VaultError: it is encrypted and the key cannot be had.
    """
    try:
        with Image.open(io.BytesIO(read_private(path)), formats=["PNG"]) as opened:
            return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PhotoError(path.name, "the kept photo is broken", "Bring it again") from error


def remove_photo(subject: Subject, sha256: str) -> None:
    """Takes one photo out of a subject; `sha256` is of the file it came from (its first 16 characters are enough).

    Raises:
        SubjectError: the subject has no such photo.
    """
    key = sha256[:16]
    with alone(subject_folder(subject.name)):
        records = judgements(subject)
        if not key.isalnum() or not (subject_folder(subject.name) / "crops" / f"{key}.png").exists():
            raise SubjectError(subject.name, f"it has no photo {key}", "Choose one of the photos it shows")
        _drop(subject_folder(subject.name), key)
        records.pop(key, None)
        _write_records(subject_folder(subject.name), records)


def forget(name: str) -> list[Path]:
    """Erases what `home()` holds of a subject: kept photos, crops, data set, run, and the cache.

    The adapter on the shelf and pictures in the gallery are erased by those who keep them.

    Returns:
        What was removed; empty when nothing was there.

    Raises:
        SubjectError: the name is not allowed, or a training of this name is going on.
        StorageError: something may not be removed.
    """
    name = safe_name(name)
    if is_running(home() / "runs" / name):
        raise SubjectError(name, "a training of this name is going on", "Stop it first")
    # The key first: should the rest be interrupted, nobody can read it any more. Cache entries are named by a hash that
    # does not tell whose they are, so all of them go: making them again costs seconds, and a face that stays behind in
    # the cache costs trust.
    return erase_key(name) + erase(places_of(name, "photos", "cache", "person")) + sweep()
