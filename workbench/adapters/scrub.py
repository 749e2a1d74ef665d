"""What an adapter's metadata tells of the photos it was trained on and of the machine it was made on, and its removal.

Training tools write far more into a file than a reader needs: kohya's sd-scripts
(https://github.com/kohya-ss/sd-scripts, `train_network.py`) counts every word of every caption and names every
folder, which often bear the person's name; OneTrainer can write its whole configuration. A person who shares such a
file shares that as well, mostly without knowing. `RULES` is the list of what is looked for, each with its reason; a
value that holds a path of somebody's home is found under any key.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adapters.card import CARD_KEY, without_folders
from workbench.adapters.header import read_header, with_metadata
from workbench.config import atomic_write

LORA_METADATA = "lora_adapter_metadata"
THUMBNAIL = "modelspec.thumbnail"
LONGEST_SAMPLE = 160


@dataclass(frozen=True)
class Rule:
    """One thing that is looked for.

    Args:
        key: a metadata key, as a regular expression that must match all of it.
        why: what it gives away.
        shorten: whether the value is still useful without its folders; otherwise it is taken out.
    """

    key: str
    why: str
    shorten: bool = False


RULES = (
    Rule(r"ss_dataset_dirs|ss_reg_dataset_dirs", "the names of the photo folders and how many photos were in each"),
    Rule(r"ss_datasets", "the whole data set: folders, captions and photo counts"),
    Rule(r"ss_tag_frequency", "every word of every caption, and how often, by folder"),
    Rule(r"ss_bucket_info", "the sizes of the photos and how many of each"),
    Rule(r"ss_num_train_images|ss_num_reg_images", "how many photos there were"),
    Rule(r"ss_train_data_dir|ss_reg_data_dir|ss_output_dir|ss_logging_dir", "folders of the machine it was made on"),
    Rule(r"ss_training_comment", "a private note of whoever trained it"),
    Rule(r"ss_session_id", "a number that tells which files were made by the same person on the same day"),
    Rule(r"ss_training_started_at|ss_training_finished_at", "the hour at which somebody worked on it"),
    Rule(r"ss_wandb_run_name|ss_log_tracker_\w+", "the person's account or run at a tracking service"),
    Rule(r"ss_sample_prompts|ss_caption_\w*prefix|ss_caption_\w*suffix", "words that were written for the photos"),
    Rule(r"ss_(new_)?(sd_model|vae)_name|ss_pretrained_\w+", "folders of the machine it was made on", shorten=True),
    Rule(r"ot_config|ot_concepts", "OneTrainer's whole configuration: folders, prompts and concept names"),
    Rule(r"config|training_config|train_config|job_config|meta", "a training tool's settings: folders and prompts"),
    Rule(r"concepts?|dataset|datasets|captions?", "the captions or folders of the photos"),
    Rule(r"prompt|workflow", "a ComfyUI workflow: prompts, file names and folders"),
    Rule(r"sd_merge_recipe|sd_merge_models", "the files on the disk of whoever mixed it"),
)  # fmt: skip

# Keys that this project writes and checks itself (card.py, word.py), or whose form is known to be harmless.
_OWN = re.compile(r"chibi_workbench\..+|modelspec\.hash_\w+|sshs_\w+|format")
_FOLDERS = re.compile(
    r"(?:[A-Za-z]:\\{1,2}|\\\\\\?\\?)[^\s\"']+|(?:^|[\s\"'=(,\[])(?:/(?:home|Users|root|mnt|media|content|workspace|data|tmp|opt|srv|var|private|kaggle|teamspace|notebooks|storage|Volumes)/|~/)[^\s\"']+"
)
_FOLDER_WHY = "a folder of the machine it was made on"


@dataclass(frozen=True)
class Finding:
    """Something private in a file.

    Args:
        key: the metadata key that holds it.
        why: what it gives away.
        sample: the beginning of the value.
    """

    key: str
    why: str
    sample: str


def private_findings(metadata: Mapping[str, str]) -> list[Finding]:
    """What a file's metadata gives away, in the order of the keys."""
    return [
        Finding(key, why, re.sub(r"\s+", " ", metadata[key])[:LONGEST_SAMPLE])
        for key in sorted(metadata)
        if (why := _why(key, metadata[key]))
    ]


def scrubbed(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata without what `private_findings` finds; nothing else is touched."""
    kept = {}
    for key, value in metadata.items():
        if not _why(key, value):
            kept[key] = value
        elif key == THUMBNAIL:
            if plain := _plain_thumbnail(value):
                kept[key] = plain
        elif key == LORA_METADATA:
            kept[key] = json.dumps(_without_folder_fields(json.loads(value)), indent=2, sort_keys=True)
        elif (rule := _rule(key)) and rule.shorten:
            kept[key] = without_folders(value)
        elif key.startswith("modelspec."):
            kept[key] = _FOLDERS.sub(" ", value).strip()
    return kept


def scrub_file(path: Path) -> list[Finding]:
    """Takes everything private out of a file, in place; its weights stay byte by byte.

    Returns:
        What was found and is gone.

    Raises:
        AdapterError: the file cannot be read.
        StorageError: it cannot be written; it is as before then.
    """
    header = read_header(path)
    if found := private_findings(header.metadata):
        atomic_write(path, with_metadata(path.read_bytes(), scrubbed(header.metadata)))
    return found


def _why(key: str, value: str) -> str:
    """What a value gives away; empty when nothing."""
    if _OWN.fullmatch(key) or not value or key == CARD_KEY:
        return ""
    if key == THUMBNAIL:
        return "the thumbnail holds the photo's own record (camera, time or place)" if _has_exif(value) else ""
    if key == LORA_METADATA:
        return _FOLDER_WHY if _names_folder(value) else ""
    rule = _rule(key)
    if rule is not None and (not rule.shorten or without_folders(value) != value):
        # Tools write empty tables where they counted nothing.
        return "" if value.strip() in ("{}", "[]", "None", "null", "0", '""') else rule.why
    return _FOLDER_WHY if _FOLDERS.search(value) else ""


def _rule(key: str) -> Rule | None:
    return next((rule for rule in RULES if re.fullmatch(rule.key, key)), None)


def _names_folder(text: str) -> bool:
    try:
        return _without_folder_fields(table := json.loads(text)) != table
    except (ValueError, RecursionError):
        return False


def _without_folder_fields(table: Any) -> Any:
    """peft's configuration without the fields that name a folder; the numbers that scale the weights stay."""
    if not isinstance(table, dict):
        return table
    return {
        key: value
        for key, value in table.items()
        if not key.endswith("base_model_name_or_path") and not (isinstance(value, str) and _FOLDERS.search(value))
    }


def _picture(uri: str) -> bytes:
    try:
        return base64.b64decode(uri.partition("base64,")[2])
    except ValueError:
        return b""


def _has_exif(uri: str) -> bool:
    content = _picture(uri)
    # APP1 of JPEG, the chunk of WebP and of PNG; and the text form that editors write.
    return any(mark in content for mark in (b"Exif\0\0", b"EXIF", b"eXIf", b"http://ns.adobe.com/xap/"))


def _plain_thumbnail(uri: str) -> str:
    """The same picture without any record; empty when it cannot be read."""
    from PIL import Image, ImageOps

    from workbench.adapters.card import thumbnail_uri

    try:
        with Image.open(io.BytesIO(_picture(uri)), formats=["JPEG", "PNG", "WEBP"]) as image:
            return thumbnail_uri(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
