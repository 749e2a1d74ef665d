"""A data set on disk: pictures and `metadata.jsonl`, the layout that `datasets.load_dataset("imagefolder")` reads."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.config import make_folder, storage_errors
from workbench.errors import DatasetError
from workbench.privacy import read_private, write_private

if TYPE_CHECKING:
    from PIL import Image

# A picture with its caption and, when the base drew it, what it was asked for, and the caption without the person.
Captioned = tuple["Image.Image", str] | tuple["Image.Image", str, str, str]

# What an example is for: a photo of the person, a chibi with the person's traits, a picture of someone else.
KINDS = ("photo", "anchor", "class")
REBUILD = "Start the training again: it builds the data set anew"


@dataclass(frozen=True)
class Example:
    """One picture with its caption.

    Args:
        file: where it is.
        text: its caption.
        kind: see `KINDS`.
        sha256: of the file's bytes.
        asked: what the base was asked for when it drew the picture; empty when it did not.
        anyone: the caption with anyone of the class in the person's place; empty where it is of no use.
    """

    file: Path
    text: str
    kind: str
    sha256: str
    asked: str = ""
    anyone: str = ""


def build_dataset(
    folder: Path,
    photos: Sequence[Captioned],
    class_pictures: Sequence[Captioned] = (),
    anchors: Sequence[Captioned] = (),
) -> list[Example]:
    """Writes a data set, in place of one that was there before.

    The new one is written beside the old one and takes its place when it is complete. In `datasets/NAME` of an
    encrypted workspace the photos and the captions are encrypted; `workbench vault unlock` opens them.

    Args:
        folder: where it goes.
        photos, class_pictures, anchors: pictures with their captions.

    Returns:
        Its examples, photos first.

    Raises:
        StorageError: if the disk is full or the folder may not be written; the old data set is untouched then.
    """
    building, replaced = folder.with_name(f".building-{folder.name}"), folder.with_name(f".replaced-{folder.name}")
    for leftover in (building, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    make_folder(building)
    lines = []
    try:
        for kind, captioned in zip(KINDS, (photos, anchors, class_pictures), strict=True):
            for index, (picture, text, *said) in enumerate(captioned):
                content = _png(picture)
                file = building / f"{kind}-{index:03d}.png"
                if kind == "photo":
                    write_private(file, content)
                else:
                    with storage_errors(file):
                        file.write_bytes(content)
                digest = hashlib.sha256(content).hexdigest()
                line = {"file_name": file.name, "text": text, "kind": kind, "sha256": digest}
                lines.append(line | dict(zip(("asked", "anyone"), said, strict=False)))
        table = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_private(building / "metadata.jsonl", table)
        with storage_errors(folder):
            if folder.exists():
                folder.rename(replaced)
            building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
    return load_examples(folder)


def load_examples(folder: Path) -> list[Example]:
    """Reads a data set's index and checks that every picture is there and is the one that was captioned.

    Raises:
        DatasetError: names the picture or the line that is missing, changed or not understood.
    """
    index = folder / "metadata.jsonl"
    try:
        lines = read_private(index).decode("utf-8").splitlines()
    except FileNotFoundError:
        raise DatasetError(str(folder), "there is no metadata.jsonl in it", REBUILD) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(str(index), f"it cannot be read ({error})", REBUILD) from error
    examples = [_example(folder, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not examples:
        raise DatasetError(str(folder), "there are no examples in it", REBUILD)
    return examples


def _example(folder: Path, number: int, line: str) -> Example:
    where = f"{folder.name}/metadata.jsonl, line {number}"
    try:
        fields = json.loads(line)
        name, text, kind, sha256 = (fields[key] for key in ("file_name", "text", "kind", "sha256"))
        asked, anyone = fields.get("asked", ""), fields.get("anyone", "")
        if not all(isinstance(words, str) for words in (text, asked, anyone)):
            raise ValueError("a caption that is no text")
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}")
        if Path(name).name != name:
            raise ValueError(f"{name!r} is not in the folder")
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(where, f"it is not understood ({error})", REBUILD) from error
    file = folder / name
    try:
        found = hashlib.sha256(read_private(file)).hexdigest()
    except FileNotFoundError:
        raise DatasetError(f"{folder.name}/{name}", "the picture is missing", REBUILD) from None
    except OSError as error:
        raise DatasetError(f"{folder.name}/{name}", f"it cannot be read ({error})", REBUILD) from error
    if found != sha256:
        raise DatasetError(f"{folder.name}/{name}", "the picture was changed after it was captioned", REBUILD)
    return Example(file, text, kind, sha256, asked, anyone)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG", compress_level=1)  # half of the time for a fifth more bytes
    return buffer.getvalue()
