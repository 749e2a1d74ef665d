"""Takes the pictures of the page for the README, in a workspace of its own that is gone afterwards.

    python docs/take_screenshots.py                 about seven minutes on two cores
    python docs/take_screenshots.py --base DIR --steps 6      with another base, to try the script

It does what a person does: drops photos, trains the sample person, draws, and looks at every screen. Needs the
development packages and a Chromium (the system's, else Playwright's own).
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import browsing  # noqa: E402
from tests.browsing import PHONE, WIDE, put  # noqa: E402

TARGET = ROOT / "docs" / "screenshots"
LARGEST = 300_000  # bytes; people read READMEs on the train
MINUTES = 60_000  # ms
SCREENS = {
    "": ("Photos", "Selfies in"), "train": ("Train", "Learn a face"), "create": ("Create", "Draw avatars"),
    "packs": ("Packs", "Make sticker packs"), "gallery": ("Gallery", "Gallery"), "adapters": ("Adapters", "The shelf"),
}  # fmt: skip


def main() -> None:
    """Serves the page, walks through it, and writes the pictures."""
    parser = argparse.ArgumentParser(description="Takes the README's pictures of the page.")
    parser.add_argument("--base", default="", help="train and draw on this base instead of chibi-mini")
    parser.add_argument("--steps", type=int, default=200, help="training steps (200)")
    parser.add_argument("--rounds", type=int, default=3, help="how often four candidates are drawn (3)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        browsing.served(browsing.places(Path(folder))) as address,
        browsing.chromium() as browser,
    ):
        tab = browser.new_context(viewport=WIDE).new_page()
        tab.set_default_timeout(10 * MINUTES)
        photos(tab, address, Path(folder))
        train(tab, address, options.base, options.steps)
        create(tab, address, options.rounds)
        packs(tab, address)
        gallery(tab, address)
        visit(tab, address, "adapters")
        shot(tab, "adapters", 1060)
        phone(browser, address)
    for path in sorted(TARGET.glob("*.png")):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} KB")


def photos(tab: Any, address: str, folder: Path) -> None:
    """The sample person, and a photo that is refused."""
    visit(tab, address, "")
    tab.locator(".title", has_text="selfie-1.jpg").wait_for()
    settle(tab)
    blurred = folder / "blurred.jpg"
    with Image.open(ROOT / "examples" / "selfies" / "selfie-1.jpg") as image:
        image.convert("RGB").filter(ImageFilter.GaussianBlur(image.width / 60)).save(blurred, quality=90)
    tab.locator("[class*=st-key-drop-] input[type=file]").set_input_files(blurred)
    tab.get_by_text("1 photo left out").wait_for()
    settle(tab)
    tab.locator("[data-testid=stToast]").wait_for(state="detached")
    tab.locator(".st-key-suggest button").click()
    settle(tab)
    shot(tab, "photos", 1240)


def train(tab: Any, address: str, base: str, steps: int) -> None:
    """A run in the middle, with its curve and a preview; then waits for its end."""
    visit(tab, address, "train")
    tab.get_by_text("Advanced settings").click()
    if base:
        put(tab, "train-base", base)
    if steps != 200:
        put(tab, "set-train-steps-200", str(steps))
        put(tab, "set-follow-preview_every-75", str(max(2, steps // 3)))
    tab.get_by_text("Advanced settings").click()
    tab.locator(".st-key-start button").click()
    tab.mouse.move(5, 400)
    tab.locator(".st-key-panel-run [data-testid=stImage]").nth(1).wait_for(timeout=15 * MINUTES)
    tab.wait_for_timeout(1500)
    shot(tab, "train", 1040)
    tab.locator(".st-key-panel-run .badge.good", has_text="Done").wait_for(timeout=30 * MINUTES)


def create(tab: Any, address: str, rounds: int) -> None:
    """Four candidates; the later rounds are surprises and fill the gallery."""
    visit(tab, address, "create")
    for turn in range(rounds):
        if turn < rounds - 1:
            tab.locator(".st-key-surprise button").first.click()
        else:
            tab.goto(f"{address}/create")  # the picture shows the form as it is at first
            settle(tab)
        settle(tab)
        tab.locator(".st-key-draw-button button").click()
        tab.locator(".st-key-stop-drawing").first.wait_for()
        tab.locator(".st-key-stop-drawing").wait_for(state="detached")
        settle(tab)
    tab.mouse.move(5, 400)
    shot(tab, "create", 1060)


def packs(tab: Any, address: str) -> None:
    """Sixteen expressions."""
    visit(tab, address, "packs")
    tab.locator(".st-key-make-pack button").click()
    tab.locator("[class*=st-key-card-sticker-] .sticker img").nth(15).wait_for(timeout=15 * MINUTES)
    settle(tab)
    tab.mouse.move(5, 400)
    shot(tab, "packs", 1240)


def gallery(tab: Any, address: str) -> None:
    """All that was drawn, two of it with a star."""
    visit(tab, address, "gallery")
    for index in (1, 4):
        stars = tab.locator("[class*=st-key-star-gallery-]")
        if index < stars.count():
            # Buttons with help are there twice, for mouse and for touch.
            stars.nth(index).locator("button").first.click()
            settle(tab)
    tab.mouse.move(5, 400)
    shot(tab, "gallery", 1000)


def phone(browser: Any, address: str) -> None:
    """Four screens as a phone shows them, side by side."""
    tab = browser.new_context(viewport=PHONE, device_scale_factor=1.5, is_mobile=True, has_touch=True).new_page()
    tab.set_default_timeout(10 * MINUTES)
    pages = []
    for screen in ("", "create", "packs", "gallery"):
        tab.goto(f"{address}/{screen}", wait_until="domcontentloaded")  # a phone hides the links in a menu
        tab.locator(".band h1", has_text=SCREENS[screen][1]).wait_for()
        settle(tab)
        tab.wait_for_timeout(800)
        pages.append(Image.open(io.BytesIO(tab.screenshot())).convert("RGB"))
    gap, width, height = 36, pages[0].width, pages[0].height
    sheet = Image.new("RGB", (len(pages) * (width + gap) - gap, height), "white")
    for index, page in enumerate(pages):
        sheet.paste(page, (index * (width + gap), 0))
    save(sheet, "phone")


def shot(tab: Any, name: str, tallest: int) -> None:
    """The whole screen in one picture, cut at `tallest` pixels."""
    height = tab.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    tab.set_viewport_size({"width": 1280, "height": min(max(height, 700), tallest)})
    tab.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    tab.wait_for_timeout(800)
    save(Image.open(io.BytesIO(tab.screenshot())).convert("RGB"), name)
    tab.set_viewport_size(WIDE)


def save(image: Image.Image, name: str) -> None:
    """Writes a PNG of at most `LARGEST` bytes: fewer pixels first, since READMEs are narrow, then fewer colours."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for share, colours in ((1.0, 0), (0.85, 0), (0.75, 0), (0.68, 0), (0.62, 0), (0.75, 256), (0.7, 128), (0.6, 96)):
        size = (round(image.width * share), round(image.height * share))
        smaller = image.resize(size, Image.Resampling.LANCZOS) if share < 1 else image
        if colours:
            smaller = smaller.quantize(colours, dither=Image.Dither.FLOYDSTEINBERG)
        buffer = io.BytesIO()
        smaller.save(buffer, "PNG", optimize=True)
        if buffer.tell() <= LARGEST:
            break
    (TARGET / f"{name}.png").write_bytes(buffer.getvalue())


def visit(tab: Any, address: str, screen: str) -> None:
    """Goes to a screen by its link when the page is open, so that what was chosen is kept."""
    label, title = SCREENS[screen]
    link = tab.get_by_role("link", name=label)
    if tab.url.startswith(address) and link.count():
        link.first.click()
    else:
        tab.goto(f"{address}/{screen}", wait_until="domcontentloaded")
    tab.locator(".band h1", has_text=title).wait_for()
    settle(tab)


def settle(tab: Any) -> None:
    """Waits until the page has been drawn, and a moment for what fades in."""
    browsing.settle(tab)
    tab.wait_for_timeout(300)


if __name__ == "__main__":
    main()
