"""What it costs to decode photos apart: in the decoder's bounded process, beside the same work in this one.

    python -m benchmarks.decoding               each photo 20 times
    python -m benchmarks.decoding --page        and the table goes into docs/benchmarks.md

The decoder's process is started once and kept, so its start is measured apart. What is left is handing the file over
and the pixels back, which needs a turn of both processes for each megabyte: on a busy machine that is what one waits
for. Close other programs first. Results: `benchmarks/results/decoding-MACHINE.json`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.speed import median, timed
from benchmarks.tables import put, table, where
from workbench.config import ROOT, atomic_write
from workbench.device import prepare_environment

RESULTS = Path(__file__).parent / "results"
SELFIE = ROOT / "examples" / "selfies" / "selfie-1.jpg"
# Of phones: 12 million pixels; what is kept of it is at most 2048 long.
PHONE = (4000, 3000)


def main() -> None:
    """Measures, prints a table, and writes the results."""
    parser = argparse.ArgumentParser(description="What does it cost to decode photos in a process of their own?")
    parser.add_argument("--tries", type=int, default=20, help="tries of each photo (20)")
    parser.add_argument("--page", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the results go")
    args = parser.parse_args()
    prepare_environment()
    from workbench.photos import decoder
    from workbench.photos.decode import decode_picture
    from workbench.training.report import machine

    photos = pictures()
    seconds: dict[str, dict[str, float]] = {}
    start = timed(lambda: decoder.decode_apart(photos["a selfie"], "first"))
    for name, data in photos.items():
        decode_picture(data, name), decoder.decode_apart(data, name)  # each kind of file loads its decoder once
        here = median(lambda data=data, name=name: decode_picture(data, name), args.tries)  # type: ignore[misc]
        apart = median(lambda data=data, name=name: decoder.decode_apart(data, name), args.tries)  # type: ignore[misc]
        seconds[name] = {"here": round(here, 4), "apart": round(apart, 4)}
    rows = [[name, *(each[how] * 1000 for how in ("here", "apart"))] for name, each in seconds.items()]
    measured = table(["photo, milliseconds", "in this process", "apart"], rows)
    measured += f"\n\nStarting the decoder's process, once: {start * 1000:.0f} ms."
    print(measured)
    here_ = machine("cpu")
    report: dict[str, Any] = {
        "seconds": seconds, "start": round(start, 3), "load": [round(each, 1) for each in os.getloadavg()],
        "machine": here_, "measured": time.strftime("%Y-%m-%d"),
        "versions": {each: version(each) for each in ("pillow", "pillow-heif", "chibi-workbench")},
    }  # fmt: skip
    if args.page:
        put("decoding", f"{measured}\n\n{where(report)}")
    name = f"decoding-{platform.system().lower()}-{here_['cores']}-cores.json"
    atomic_write(args.out or RESULTS / name, json.dumps(report, indent=1) + "\n")


def pictures() -> dict[str, bytes]:
    """Photos as people bring them, made from a drawn selfie."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    found = {"a selfie": SELFIE.read_bytes()}
    with Image.open(SELFIE) as image:
        large = image.convert("RGB").resize(PHONE)
    for kind in ("JPEG", "HEIF", "PNG"):
        buffer = io.BytesIO()
        large.save(buffer, kind)
        found[f"12 million pixels, {kind}"] = buffer.getvalue()
    return found


if __name__ == "__main__":
    sys.exit(main())
