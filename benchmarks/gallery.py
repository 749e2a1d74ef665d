"""How long a gallery of ten thousand pictures takes to open, to search and to leaf through, on this machine.

    python -m benchmarks.gallery                   10,000 pictures, the page under Streamlit's runner and in a browser
    python -m benchmarks.gallery --count 500       to see that it works

Fills a workspace of its own with real PNGs that carry whole recipes, and removes it afterwards. Three looks at the same
thing: the library alone, the page's script (`AppTest`), and a headless Chromium, which is what a person waits for. Each
line is the median of several tries, unless it happens only once. Close other programs first. Results:
`benchmarks/results/gallery-MACHINE.json`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed import median, timed
from workbench.config import ROOT, atomic_write
from workbench.device import prepare_environment

RESULTS = Path(__file__).parent / "results"
TARGET = 2.0  # seconds to open, on two cores
DRAWN = 64  # different pictures; each of the files has a recipe of its own
PEOPLE = ("mia", "leo", "kofi", "yuki", "omar", "rose", "lena", "ravi")
WORDS = "kimono park"
Say = Callable[[str, float], None]


def main() -> None:
    """Measures, prints a table, and writes the results."""
    parser = argparse.ArgumentParser(description="How quick is a gallery of ten thousand pictures?")
    parser.add_argument("--count", type=int, default=10_000, help="number of pictures (10,000)")
    parser.add_argument("--tries", type=int, default=5, help="tries of what can be repeated (5)")
    parser.add_argument("--no-browser", action="store_true", help="leave the browser out")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the results go")
    args = parser.parse_args()
    prepare_environment()
    from workbench.training.report import machine

    seconds: dict[str, float] = {}

    def say(thing: str, value: float) -> None:
        seconds[thing] = round(value, 4)
        print(f"{value:9.3f} s  {thing}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "WORKBENCH_HOME": f"{folder}/workspace", "WORKBENCH_LORAS": f"{folder}/loras",
            "WORKBENCH_KEYS": f"{folder}/keys", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }  # fmt: skip
        size = fill(Path(folder) / "workspace" / "gallery", args.count)
        print(f"{args.count} pictures, {size / 1e6:.0f} MB", flush=True)
        library(say, args.tries)
        script(say, args.tries)
        if not args.no_browser:
            browser(say, args.tries)
    opened = [value for thing, value in seconds.items() if thing.startswith(("page: open", "browser: open"))]
    kept = max(opened) < TARGET
    print(f"opens in under {TARGET:g} s: {'yes' if kept else 'NO'} (slowest {max(opened):.2f} s)")
    here = machine("cpu")
    name = f"{platform.system().lower()}-{here['cores']}-cores"
    report = {
        "pictures": args.count, "megabytes": round(size / 1e6), "seconds": seconds, "target": TARGET, "kept": kept,
        # A busy machine measures itself: processes waiting for a core, over the last 1, 5 and 15 minutes.
        "load": [round(each, 1) for each in os.getloadavg()], "machine": here, "measured": time.strftime("%Y-%m-%d"),
        "versions": {each: version(each) for each in ("streamlit", "pillow", "chibi-workbench")},
    }  # fmt: skip
    atomic_write(args.out or RESULTS / f"gallery-{name}.json", json.dumps(report, indent=2) + "\n")


def fill(folder: Path, count: int, words: str = "") -> int:
    """Writes pictures with recipes, as the engine records them; the pixels are drawn by the world.

    Args:
        words: at the end of every prompt.

    Returns:
        The bytes written.
    """
    from workbench.generation.record import RECORD_KEY, parameters_text
    from workbench.world.character import sample_character, sample_scene
    from workbench.world.draw import draw
    from workbench.world.words import scene_words

    folder.mkdir(parents=True)
    drawn = []
    for index in range(DRAWN):
        buffer = io.BytesIO()
        draw(sample_character(index), sample_scene(index), "chibi", 256).save(buffer, "PNG")
        drawn.append(buffer.getvalue())
    first, written = datetime(2025, 1, 1, tzinfo=UTC), 0
    for index in range(count):
        person = PEOPLE[index % len(PEOPLE)]
        name = person + ("" if index % 3 else "-v2")
        record = {
            "format": 1, "negative": "hat",
            "prompt": f"chibi of zkq person, {scene_words(sample_scene(index))} {words}".rstrip(),
            "seed": index * 7919, "steps": 20, "guidance": 4.0, "guidance_rescale": 0.5, "size": 256,
            "base": "chibi-mini", "base_fingerprint": "f" * 64, "scheduler": "DDIMScheduler", "device": "cpu",
            "dtype": "bfloat16", "adapters": [{"name": name, "strength": 1.0, "sha256": f"{index % 8:064x}"}],
            "created": (first + timedelta(minutes=37 * index)).isoformat(timespec="seconds"), "notes": [],
            "versions": {"workbench": "0.1.0", "torch": "2.13.0", "diffusers": "0.42.0"},
        }  # fmt: skip
        texts = {RECORD_KEY: json.dumps(record), "parameters": parameters_text(record)}
        # Encoding each anew would take minutes. After the signature and IHDR (33 bytes) text may stand.
        plain = drawn[index % DRAWN]
        content = plain[:33] + b"".join(_text_chunk(key, text) for key, text in texts.items()) + plain[33:]
        (folder / f"p-{index:06d}.png").write_bytes(content)
        written += len(content)
    return written


def _text_chunk(key: str, text: str) -> bytes:
    body = b"iTXt" + key.encode() + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def library(say: Say, tries: int) -> None:
    """The gallery without a page."""
    from workbench.gallery import Gallery, Query

    say("library: the first look at all new files, once", timed(Gallery))
    time.sleep(2.1)  # the folder counts as unchanged when its last change is two seconds ago
    say("library: the look after that, once", timed(Gallery))
    say("library: open, nothing has changed", median(Gallery, tries))
    kept = Gallery()
    count = kept.count()
    say("library: first page", median(lambda: kept.find(Query(), 24, 0), tries))
    say("library: last page", median(lambda: kept.find(Query(), 24, count - 24), tries))
    say("library: search two words, with count", median(lambda: _look(kept, Query(words=WORDS)), tries))
    say("library: pictures of one person, with count", median(lambda: _look(kept, Query(subject="mia")), tries))
    say("library: collect 500", timed(lambda: kept.collections.put("best", kept.ids(Query())[:500])))
    say("library: pictures of a collection", median(lambda: _look(kept, Query(collection="best")), tries))
    names = kept.ids(Query())[-20:]
    deleted = kept.throw_away(*names)
    say("library: bring 20 deleted ones back", timed(lambda: kept.put_back(deleted.id)))
    assert kept.count() == count and _look(kept, Query(subject="mia")) > 0


def _look(kept: Any, query: Any) -> int:
    kept.find(query, 24, 0)
    return int(kept.how_many(query))


def script(say: Say, tries: int) -> None:
    """The page's own work, as Streamlit's test runner runs it: what one of its users costs."""
    from streamlit.testing.v1 import AppTest

    def opened() -> Any:
        page = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=300)
        page.switch_page("screens/gallery.py")
        page.run()
        assert not page.exception and sum((b.key or "").startswith("star-gallery-") for b in page.button) == 24
        return page

    say("script: the very first run, small copies made, imports", timed(opened))
    say("page: open, as the page's script", median(opened, tries))
    before = time.process_time()
    page = opened()
    # This does not depend on what else the machine does.
    say("script: processor time of one opening", time.process_time() - before)
    say("script: next page, small copies made", timed(lambda: page.button(key="page-older").click().run()))
    say("script: draw the same again", median(page.run, tries))
    say("script: search two words", timed(lambda: page.text_input(key="search").set_value(WORDS).run()))
    page.text_input(key="search").set_value("").run()
    say("script: one person", timed(lambda: page.selectbox(key="person").set_value("mia").run()))
    star = next(button for button in page.button if (button.key or "").startswith("star-gallery-"))
    say("script: give a star", timed(lambda: star.click().run()))


def browser(say: Say, tries: int) -> None:
    """The whole way, in a headless Chromium; left out with a word where there is none."""
    from tests import browsing

    try:
        with (
            browsing.served(browsing.places(Path(os.environ["WORKBENCH_HOME"]).parent)) as address,
            browsing.chromium() as chromium,
        ):
            tab = chromium.new_page(viewport=browsing.WIDE)
            tab.set_default_timeout(120_000)
            _look(tab, address, say, tries)
    except browsing.NoBrowser as error:
        print(f"NOT MEASURED in a browser: {error}")


def _look(tab: Any, address: str, say: Say, tries: int) -> None:
    shots = tab.locator(".st-key-grid-gallery [data-shot] img")

    def opened() -> None:
        tab.goto(f"{address}/gallery", wait_until="commit")
        shots.nth(23).wait_for()

    def shows(text: str) -> None:
        tab.locator(".st-key-pages .badge", has_text=text).wait_for()

    def opened_empty() -> None:
        tab.goto(f"{address}/compare", wait_until="commit")
        tab.get_by_text("No picture chosen").wait_for()

    say("browser: the very first visit, server's imports, once", timed(opened))
    opened_empty()
    say("browser: for comparison, a screen of ours with nothing on it", median(opened_empty, tries))
    say("browser: open, until 24 pictures are seen", median(opened, tries))
    tab.locator(".st-key-page-older button").wait_for()
    say("browser: next page", timed(lambda: (tab.locator(".st-key-page-older button").click(), shows("25–48"))))
    field = tab.locator(".st-key-search input")

    def search() -> None:
        field.fill(WORDS)
        field.press("Enter")
        tab.wait_for_function(
            "() => { const all = [...document.querySelectorAll('.st-key-grid-gallery .prompt')];"
            " return all.length && all.every((each) => /kimono.*park/.test(each.textContent)); }"
        )

    say("browser: search two words", timed(search))


if __name__ == "__main__":
    sys.exit(main())
