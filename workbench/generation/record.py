"""The record: everything that is needed to make a picture again, kept inside its PNG.

Three text chunks are written: `chibi_workbench`, our record as JSON, `parameters`, one paragraph in the form that
A1111 and the sites that read it know, and XMP that says that a model made it (`provenance.py`). A record that comes
back from a file may have been written by anyone, so each value is checked as if a stranger had typed it; names in it
are only ever looked up, never used as paths.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from workbench.errors import GenerationError
from workbench.generation.provenance import PNG_KEYWORD, xmp_packet
from workbench.generation.request import LARGEST_SEED, LONGEST_PROMPT, Request, Start, Variation
from workbench.processes import strangers_json

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

RECORD_KEY = "chibi_workbench"
RECORD_FORMAT = 1
LARGEST_PNG = 64 * 2**20
LONGEST_RECORD = 256 * 1024
LONGEST_LABEL = 80
_PACKAGES = ("torch", "diffusers", "transformers", "peft")
_TEXTS = ("base", "base_fingerprint", "scheduler", "device", "dtype", "created")


@dataclass(frozen=True)
class Picture:
    """A picture and the record that makes it again.

    Args:
        image: PIL, RGB.
        record: see `Engine.generate`; plain JSON types only.
    """

    image: PILImage
    record: dict[str, Any]

    @property
    def notes(self) -> list[str]:
        """What the person should know of how it was made, such as that the prompt was cut."""
        return list(self.record.get("notes", []))

    @property
    def seed(self) -> int:
        return int(self.record["seed"])


def picture_png(picture: Picture) -> bytes:
    """The picture as a PNG that carries its record; equal pictures and records give equal bytes."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(RECORD_KEY, json.dumps(picture.record, ensure_ascii=False, sort_keys=True))
    chunks.add_itxt("parameters", parameters_text(picture.record))
    chunks.add_itxt(PNG_KEYWORD, xmp_packet().decode())
    buffer = io.BytesIO()
    picture.image.save(buffer, "PNG", pnginfo=chunks, optimize=True)
    return buffer.getvalue()


def parameters_text(record: Mapping[str, Any]) -> str:
    """A record as the `parameters` paragraph of A1111: prompt, negative prompt, one line of settings."""
    adapters = record.get("adapters", [])
    prompt = str(record.get("prompt", "")) + "".join(f" <lora:{a['name']}:{a['strength']:g}>" for a in adapters)
    hashes = ", ".join(f"{a['name']}: {a['sha256'][:12]}" for a in adapters)
    settings = {
        "Steps": record.get("steps"),
        "Sampler": record.get("scheduler"),
        "CFG scale": record.get("guidance"),
        "Seed": record.get("seed"),
        "Size": f"{_side(record)}x{_side(record)}",
        "Model hash": str(record.get("base_fingerprint", ""))[:10],
        "Model": record.get("base"),
        "Variation seed": (record.get("variation") or {}).get("seed"),
        "Variation seed strength": (record.get("variation") or {}).get("strength"),
        "Denoising strength": (record.get("start") or {}).get("noise"),
        "Lora hashes": f'"{hashes}"' if hashes else "",
        "Version": f"chibi-workbench {record.get('versions', {}).get('workbench', '')}".strip(),
    }
    lines = [prompt]
    if record.get("negative"):
        lines.append(f"Negative prompt: {record['negative']}")
    lines.append(", ".join(f"{key}: {value}" for key, value in settings.items() if value not in (None, "")))
    return "\n".join(lines)


def _side(record: Mapping[str, Any]) -> Any:
    """The finished picture's side; what a record lacks shows as None."""
    size = record.get("size")
    return size * record.get("enlarge", 1) if isinstance(size, int) else size


def read_record(source: bytes | Path) -> dict[str, Any]:
    """Reads and checks the record of a PNG.

    Returns:
        A record whose every value has the right type and range; unknown keys are dropped.

    Raises:
        GenerationError: it is no PNG, has no record of ours, or one that makes no sense.
    """
    name = source.name if isinstance(source, Path) else "The picture"
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > LARGEST_PNG:
            raise GenerationError(name, "the file is far larger than a picture of ours", "Choose another picture")
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=["PNG"]) as image:
            text = _chunks(image).get(RECORD_KEY)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GenerationError(name, "it is not a PNG that can be read", "Choose a PNG made by the workbench") from error
    if not text or len(text) > LONGEST_RECORD:
        raise GenerationError(name, "it does not carry a record", "Choose a PNG made by the workbench, as downloaded")
    try:
        return checked_record(strangers_json(text))
    except GenerationError as error:
        raise GenerationError(name, f"its record makes no sense ({error.reason})", "Choose another picture") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise GenerationError(name, "its record cannot be read", "Choose another picture") from error


def _chunks(image: PILImage) -> dict[str, str]:
    # Ours stand before the pixels, and `info` knows them without decoding any; `text` would decode all.
    if RECORD_KEY in image.info:
        return {RECORD_KEY: str(image.info[RECORD_KEY])}
    # Other programs put text chunks after the pixels, where only loading finds them.
    image.load()
    text = getattr(image, "text", {})
    return {str(key): str(value) for key, value in text.items()}


def checked_record(table: Mapping[str, Any]) -> dict[str, Any]:
    """A record of which only what is right is left.

    Args:
        table: parsed JSON from anyone.

    Raises:
        GenerationError, ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    adapters: list[dict[str, Any]] = [
        {"name": str(a["name"])[:200], "strength": float(a["strength"]), "sha256": str(a.get("sha256", ""))[:64]}
        for a in table.get("adapters", [])
    ]
    request = Request(
        prompt=table["prompt"],
        negative=table.get("negative", ""),
        seed=table["seed"],
        count=1,
        steps=table["steps"],
        guidance=table["guidance"],
        adapters=[(a["name"], a["strength"]) for a in adapters],
        size=table.get("size", 0),
        variation=_variation(table),
        start=_start(table),
        enlarge=table.get("enlarge", 1),
    )
    record: dict[str, Any] = {
        "format": RECORD_FORMAT,
        "prompt": request.prompt,
        "negative": request.negative,
        "seed": request.seed,
        "steps": request.steps,
        "guidance": request.guidance,
        "guidance_rescale": min(1.0, max(0.0, float(table.get("guidance_rescale", 0.0)))),
        "adapters": adapters,
        "size": request.size,
    } | begun_from(request)
    record |= {key: str(table[key])[:200] for key in _TEXTS if key in table}
    record |= {"said": str(table["said"])[:LONGEST_PROMPT]} if table.get("said") else {}
    record |= {"label": str(table["label"])[:LONGEST_LABEL]} if table.get("label") else {}
    versions = table.get("versions", {})
    record["versions"] = {str(k)[:40]: str(v)[:40] for k, v in list(versions.items())[:20]}
    record["notes"] = [str(note)[:500] for note in table.get("notes", [])[:20]]
    return record


def begun_from(request: Request) -> dict[str, Any]:
    """What a record says of a variation, a picture that was begun from, and an enlargement; nothing of what is not."""
    table: dict[str, Any] = {}
    if request.variation:
        table["variation"] = asdict(request.variation)
    if request.start:
        table["start"] = asdict(request.start)
    return table | ({"enlarge": request.enlarge} if request.enlarge != 1 else {})


def _variation(table: Mapping[str, Any]) -> Variation | None:
    said = table.get("variation")
    return Variation(said["seed"], said["strength"]) if said else None


def _start(table: Mapping[str, Any]) -> Start | None:
    said = table.get("start")
    return Start(said["picture"], said["noise"], said.get("mask", "")) if said else None


def request_from_record(record: Mapping[str, Any], count: int = 1) -> Request:
    """The request that makes a recorded picture again; with `count`, the candidates that follow it as well.

    Raises:
        GenerationError: a value is out of range.
    """
    return Request(
        prompt=record["prompt"],
        negative=record.get("negative", ""),
        seed=record["seed"] % (LARGEST_SEED + 1),
        count=count,
        steps=record["steps"],
        guidance=record["guidance"],
        adapters=[(adapter["name"], adapter["strength"]) for adapter in record.get("adapters", [])],
        size=record.get("size", 0),
        variation=_variation(record),
        start=_start(record),
        enlarge=record.get("enlarge", 1),
    )


def versions() -> dict[str, str]:
    """Versions of what computes a picture, by package."""
    import workbench

    found = {"workbench": workbench.__version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # not every picture needs every one
    return found
