"""One hash for a base model's whole content, so that caches and adapters know which base they belong to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from workbench.config import find_path

PARTS = (
    "unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3", "vae", "scheduler",
    "tokenizer", "tokenizer_2", "tokenizer_3",
)  # fmt: skip


def fingerprint_folder(folder: Path) -> str:
    """Hashes what decides a base's pictures: weights, structure, vocabulary and noise schedule.

    Keys of a configuration that begin with "_" (version, path it was read from) and files that draw nothing (cards,
    previews) do not count, so the same base saved by another version keeps its fingerprint.

    Args:
        folder: a diffusers folder.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in PARTS:
        files = sorted(path for path in (folder / part).glob("*") if path.is_file())
        for path in files:
            if path.suffix == ".safetensors" or path.name in ("vocab.json", "merges.txt"):
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").digest()
            elif path.name in ("config.json", "scheduler_config.json"):
                values = json.loads(path.read_text(encoding="utf-8"))
                kept = {key: value for key, value in values.items() if not key.startswith("_")}
                content = json.dumps(kept, sort_keys=True).encode()
            else:
                continue
            digest.update(f"{part}/{path.name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def fingerprint_base(source: Path, rest: str = "") -> str:
    """Hashes a base as it was given: a diffusers folder (see above), or a single file's whole content.

    Args:
        source: folder or file.
        rest: where a single file's missing parts come from: a folder, whose content counts, or a hub id.

    Returns:
        64 hexadecimal digits.
    """
    if source.is_dir():
        return fingerprint_folder(source)
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    if rest:
        folder = find_path(rest)
        digest.update((fingerprint_folder(folder) if folder.is_dir() else rest).encode())
    return digest.hexdigest()
