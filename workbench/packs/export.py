"""Makes the files of a pack for a platform, checks what is on the disk then, and zips it."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from workbench.config import atomic_write, make_folder, storage_errors
from workbench.errors import PackError
from workbench.packs.check import CONTENTS, Problem, check_pack
from workbench.packs.compose import Look, avatar, banner, bounds_of, head_of, sticker
from workbench.packs.encode import Encoded, moving, still
from workbench.packs.expressions import EXPRESSIONS
from workbench.packs.gltf import write_card
from workbench.packs.moving import Kind, Loop, make_loop
from workbench.packs.platforms import FileRule, Platform
from workbench.packs.webm import write_webm

TURNS = 2  # how often a loop is shown where a platform wants a number; 2 × 2 s is LINE's limit
SIGNATURE = 6000  # bytes that a C2PA manifest may take; about 3,200 when measured
SMALL = ("icon", "tab")  # pictures of the head alone, without words
SOFTLESS = ("GIF",)

OnFile = Callable[[int, int], object]


@dataclass(frozen=True)
class Export:
    """What was made for a platform.

    Args:
        platform: its id.
        folder: the files.
        zip: the same in one file.
        problems: what the platform would not take; empty when all is well.
        notes: what had to be given up to keep to its limits, by file.
        files: how many.
    """

    platform: str
    folder: Path
    zip: Path
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    files: int


def export_pack(
    cuts: Mapping[str, Image.Image],
    platform: Platform,
    folder: Path,
    look: Look | None = None,
    move: Kind | None = None,
    name: str = "chibi",
    known_layout: bool = True,
    sign: bool = False,
    on_file: OnFile | None = None,
) -> Export:
    """Makes a pack for a platform, and checks it.

    Args:
        cuts: cut-out pictures of one person by expression, in the order they shall have; a platform that takes one
            picture gets the first.
        platform: where it goes.
        folder: what is there is replaced, once everything is made; the zip lies beside it.
        look: how stickers look; None for the usual look.
        move: how they move; None for still ones, where the platform takes those.
        name: of the pack, for lists that want one.
        known_layout: see `make_loop`.
        sign: add a C2PA manifest to every picture, see `workbench.packs.credentials`.
        on_file: called as (files made, files in all) after each.

    Raises:
        PackError: the platform takes another number of pictures, wants movement or none, or a file cannot be made.
        StorageError: the folder may not be written.
    """
    look = look or Look()
    chosen = dict(list(cuts.items())[:1]) if platform.single else dict(cuts)
    move = _movement(platform, move)
    if len(chosen) not in platform.counts:
        raise PackError(
            platform.title, f"it takes {platform.counts_words()} pictures, and {len(chosen)} are chosen",
            "Choose more or fewer expressions",
        )  # fmt: skip
    made = _Making(chosen, cuts, platform, look, move, known_layout, SIGNATURE if sign else 0)
    make_folder(folder.parent)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        notes = made.write(fresh, name, on_file)
        if sign:
            from workbench.packs.credentials import sign_folder

            notes += sign_folder(fresh)
        with storage_errors(folder):
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    zipped = folder.with_suffix(".zip")
    files = zip_folder(folder, zipped)
    problems = check_pack(folder, platform, zipped)
    return Export(platform.id, folder, zipped, tuple(problems), tuple(notes), files)


def zip_folder(folder: Path, target: Path) -> int:
    """Puts a folder's files into a zip that is the same for the same files.

    Returns:
        How many files.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    atomic_write(target, buffer.getvalue())
    return len(files)


def _movement(platform: Platform, move: Kind | None) -> Kind | None:
    if platform.moving == "never":
        return None
    return move or ("mix" if platform.moving == "always" else None)


class _Making:
    """One pack in the making: loops and words are made once and used by every file that needs them."""

    def __init__(
        self,
        chosen: Mapping[str, Image.Image],
        cuts: Mapping[str, Image.Image],
        platform: Platform,
        look: Look,
        move: Kind | None,
        known_layout: bool,
        spare: int,
    ) -> None:
        self._chosen, self._cuts, self._platform, self._look = chosen, cuts, platform, look
        self._move, self._known, self._spare = move, known_layout, spare
        self._loops: dict[str, Loop] = {}

    def write(self, folder: Path, name: str, on_file: OnFile | None) -> list[str]:
        """Writes all files.

        Returns:
            Notes.
        """
        notes: list[str] = []
        in_all = sum(len(self._chosen) if rule.each else 1 for rule in self._platform.files)
        done = 0
        for rule in self._platform.files:
            for number, expression in enumerate(self._chosen, start=1):
                if number > 1 and not rule.each:
                    break
                path = rule.path(number, self._move is not None)
                encoded = self._file(rule, expression)
                atomic_write(folder / path, encoded.content)
                done += 1
                if on_file:
                    on_file(done, in_all)
                if encoded.note:
                    notes.append(f"{path}: {encoded.note}")
        if self._platform.id == "whatsapp":
            atomic_write(folder / CONTENTS, _contents(name, list(self._chosen), self._platform, self._move))
        return notes

    def _file(self, rule: FileRule, expression: str) -> Encoded:
        moves = rule.moves(self._move is not None)
        kind, most = rule.format_for(moves), rule.most_bytes(moves) - self._spare
        if moves:
            loop = self._composed(rule, expression, kind)
            if kind == "WEBM":
                return write_webm(loop, most)
            return moving(loop, kind, most, TURNS if rule.loops else 0)
        if kind == "GLB":
            picture = still(self._still(rule, expression), "PNG", most - 4000)
            return Encoded(write_card(picture.content, expression), picture.note)
        return still(self._still(rule, expression), kind, most)

    def _still(self, rule: FileRule, expression: str) -> Image.Image:
        cut, size = self._chosen[expression], rule.box
        if rule.role == "banner":
            return banner(list(self._chosen.values()), size, self._look)
        if rule.role in ("avatar", "circle"):
            return avatar(cut, size[0], self._look, circle=rule.role == "circle")
        if rule.role in SMALL:
            return sticker(head_of(cut), size, self._look, margin=rule.margin, soft=rule.format not in SOFTLESS)
        text = self._words(expression) if rule.role in ("sticker", "thumb", "card") else ""
        return sticker(cut, size, self._look, text, rule.margin, soft=rule.format not in SOFTLESS)

    def _composed(self, rule: FileRule, expression: str, kind: str) -> Loop:
        if expression not in self._loops:
            assert self._move is not None  # only moving files come here
            self._loops[expression] = make_loop(self._move, expression, self._cuts, self._known)
        loop = self._loops[expression]
        frames = [head_of(frame) for frame in loop.frames] if rule.role in SMALL else list(loop.frames)
        bounds = bounds_of(*frames)
        text = self._words(expression) if rule.role == "sticker" else ""
        soft = kind not in SOFTLESS
        made = [sticker(frame, rule.box, self._look, text, rule.margin, soft, bounds) for frame in frames]
        if rule.loops and TURNS * loop.seconds < 1:
            raise PackError("The movement", "it is too short", "Choose another movement")
        return Loop(tuple(made), loop.ms)

    def _words(self, expression: str) -> str:
        known = EXPRESSIONS.get(expression)
        if known is None or not self._look.words:
            return ""
        return known.says_zh if self._look.words == "zh" else known.says


def _contents(name: str, expressions: Sequence[str], platform: Platform, move: Kind | None) -> str:
    """The list WhatsApp's sample app reads; see the README of github.com/WhatsApp/stickers."""
    rule = next(rule for rule in platform.files if rule.each)
    stickers = [
        {
            "image_file": rule.path(number, move is not None),
            "emojis": [EXPRESSIONS[expression].emoji if expression in EXPRESSIONS else "🙂"],
        }
        for number, expression in enumerate(expressions, start=1)
    ]
    pack = {
        "identifier": name[:100], "name": name[:100], "publisher": "chibi-workbench", "tray_image_file": "tray.png",
        "image_data_version": "1", "avoid_cache": False, "animated_sticker_pack": move is not None,
        "stickers": stickers,
    }  # fmt: skip
    table = {"android_play_store_link": "", "ios_app_store_link": "", "sticker_packs": [pack]}
    return json.dumps(table, ensure_ascii=False, indent=2) + "\n"
