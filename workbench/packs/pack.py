"""A pack on the disk: sixteen expressions of one person, drawn with one seed, each of which may be drawn again.

    packs/<name>/pack.json           the recipe, and what was chosen
    packs/<name>/pictures/<id>.png   an expression, with the record that made it
    packs/<name>/cut/<id>.png        the same without its background, made when first needed
    packs/<name>/exports/<platform>/ finished files, and <platform>.zip beside them

A refreshed page, a stopped drawing or a second program finds what is there and goes on.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from workbench.config import atomic_write, home, make_folder, safe_name, storage_errors
from workbench.errors import GenerationError, PackError, SubjectError
from workbench.generation import Picture, picture_png, read_record
from workbench.packs.cut_out import Method, cut_out
from workbench.packs.expressions import EXPRESSIONS
from workbench.packs.recipe import BUILT_IN, Recipe

if TYPE_CHECKING:
    from workbench.generation import Engine

FORMAT = 1

OnStep = Callable[[str, int, int], object]
OnPicture = Callable[[str, Picture], object]


@dataclass(frozen=True)
class Pack:
    """A pack of the workspace.

    Args:
        name: its folder's name.
        recipe: what its pictures have in common.
        created: ISO time.
        chosen: the expressions that go into exports, in order.
    """

    name: str
    recipe: Recipe
    created: str
    chosen: tuple[str, ...] = tuple(EXPRESSIONS)

    @property
    def folder(self) -> Path:
        return packs_folder() / self.name

    @property
    def drawn(self) -> tuple[str, ...]:
        """The expressions that have a picture, in the order of the list."""
        return tuple(each for each in EXPRESSIONS if self.picture_file(each).is_file())

    @property
    def missing(self) -> tuple[str, ...]:
        """The expressions that have none yet."""
        return tuple(each for each in EXPRESSIONS if not self.picture_file(each).is_file())

    @property
    def known_layout(self) -> bool:
        """Whether faces are where the built-in base draws them."""
        return self.recipe.base == BUILT_IN

    def picture_file(self, expression: str) -> Path:
        return self.folder / "pictures" / f"{expression}.png"

    def seed_of(self, expression: str) -> int | None:
        """The seed a picture was drawn with; None when it carries no record."""
        try:
            return int(read_record(self.picture_file(expression))["seed"])
        except GenerationError:
            return None

    def cut(self, expression: str, method: Method = "auto") -> Image.Image:
        """An expression without its background, RGBA.

        Raises:
            PackError: it was not drawn yet, its file is broken, or it cannot be cut out.
        """
        picture, small = self.picture_file(expression), self.folder / "cut" / f"{expression}.png"
        try:
            if small.is_file() and small.stat().st_mtime_ns >= picture.stat().st_mtime_ns:
                with Image.open(small, formats=["PNG"]) as image:
                    return image.convert("RGBA")
            with Image.open(picture, formats=["PNG"]) as image:
                cut = cut_out(image.convert("RGB"), method)
        except FileNotFoundError as error:
            raise PackError(f"The expression {expression!r}", "it was not drawn yet", "Draw it first") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise PackError(picture.name, "the file cannot be read", "Draw this expression again") from error
        except PackError as error:
            raise PackError(EXPRESSIONS[expression].title, error.reason, error.way_out) from error
        buffer = io.BytesIO()
        cut.save(buffer, "PNG", compress_level=3)
        atomic_write(small, buffer.getvalue())
        return cut

    def cuts(self, expressions: Sequence[str] | None = None) -> dict[str, Image.Image]:
        """Cut-out pictures by expression: the chosen ones that are drawn, or those asked for."""
        wanted = self.chosen if expressions is None else expressions
        return {each: self.cut(each) for each in wanted if expressions is not None or each in self.drawn}

    def choose(self, expressions: Sequence[str]) -> Pack:
        """The pack with other expressions chosen, which is kept.

        Raises:
            PackError: there is no such expression.
        """
        unknown = [each for each in expressions if each not in EXPRESSIONS]
        if unknown:
            raise _no_such(unknown[0])
        changed = replace(self, chosen=tuple(dict.fromkeys(expressions)))
        _write(changed)
        return changed

    def keep(self, expression: str, picture: Picture) -> None:
        """Keeps a picture as an expression, instead of the one that was there.

        Raises:
            PackError: there is no such expression.
            StorageError: it cannot be written.
        """
        if expression not in EXPRESSIONS:
            raise _no_such(expression)
        atomic_write(self.picture_file(expression), picture_png(picture))
        (self.folder / "cut" / f"{expression}.png").unlink(missing_ok=True)

    def draw(
        self,
        engine: Engine,
        expressions: Sequence[str] | None = None,
        seed: int | None = None,
        on_step: OnStep | None = None,
        on_picture: OnPicture | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[str]:
        """Draws expressions; each is kept as soon as it is finished.

        Args:
            engine: open on the recipe's base.
            expressions: which; None for those that are missing.
            seed: another than the pack's, to draw single ones again.
            on_step: called as (expression, step, steps).
            on_picture: called as (expression, picture).
            should_stop: asked after every step; True ends the work.

        Returns:
            The expressions that were drawn; fewer than asked for when stopped.

        Raises:
            PackError: there is no such expression.
            GenerationError, AdapterError: see `Engine.generate`.
        """
        made: list[str] = []
        for name in self.missing if expressions is None else expressions:
            if name not in EXPRESSIONS:
                raise _no_such(name)

            def step(_: int, at: int, steps: int, name: str = name) -> None:
                if on_step:
                    on_step(name, at, steps)

            pictures = engine.generate(self.recipe.request(EXPRESSIONS[name], seed), step, should_stop)
            if not pictures:
                break
            self.keep(name, pictures[0])
            made.append(name)
            if on_picture:
                on_picture(name, pictures[0])
        return made


def packs_folder() -> Path:
    """Where the packs of the workspace are."""
    return home() / "packs"


def create_pack(name: str, recipe: Recipe) -> Pack:
    """Begins a pack.

    Raises:
        PackError: the name is taken or not allowed.
        StorageError: the folder cannot be made.
    """
    try:
        name = safe_name(name)
    except SubjectError as error:
        raise PackError(error.thing, error.reason, error.way_out) from error
    if (packs_folder() / name).exists():
        raise PackError(f"The pack {name!r}", "there is one of this name already", "Choose another name, or delete it")
    pack = Pack(name, recipe, datetime.now(UTC).isoformat(timespec="seconds"))
    make_folder(pack.folder / "pictures")
    _write(pack)
    return pack


def load_pack(name: str) -> Pack:
    """A pack by name.

    Raises:
        PackError: there is none, or its file is broken.
    """
    file = packs_folder() / name / "pack.json"
    if name not in list_packs():
        raise PackError(f"The pack {name[:80]!r}", "there is none of this name", "Make it first")
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        known = {field.name for field in fields(Recipe)}
        recipe = {key: value for key, value in table["recipe"].items() if key in known}
        recipe["adapters"] = tuple((str(each), float(strength)) for each, strength in recipe.get("adapters", []))
        chosen = tuple(each for each in table["chosen"] if each in EXPRESSIONS)
        return Pack(name, Recipe(**recipe), str(table["created"]), chosen)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"The pack {name!r}", "its file pack.json is broken", "Delete the pack") from error


def list_packs() -> list[str]:
    """The names of all packs, the newest first; broken ones are among them."""
    folder = packs_folder()
    if not folder.is_dir():
        return []
    found = [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    return [each.name for each in sorted(found, key=lambda each: (-each.stat().st_mtime_ns, each.name))]


def delete_pack(name: str) -> list[Path]:
    """Erases a pack with its pictures and exports.

    Returns:
        The files that were removed.

    Raises:
        PackError: there is none.
    """
    if name not in list_packs():
        raise PackError(f"The pack {name[:80]!r}", "there is none of this name", "Choose one that is there")
    folder = packs_folder() / name
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with storage_errors(folder):
        shutil.rmtree(folder)
    return files


def packs_of(adapter: str) -> list[str]:
    """The packs that show a person: made with their adapter; where that is not known, called like them."""
    found = []
    for name in list_packs():
        try:
            used = {each for each, _ in load_pack(name).recipe.adapters}
        except PackError:
            used = set()
        if adapter in (used or {name, name.rsplit("-", 1)[0]}):
            found.append(name)
    return found


def _no_such(expression: str) -> PackError:
    return PackError(f"The expression {expression!r}", "there is none of this name", f"Choose {', '.join(EXPRESSIONS)}")


def _write(pack: Pack) -> None:
    table: dict[str, Any] = {
        "format": FORMAT, "name": pack.name, "created": pack.created, "chosen": list(pack.chosen),
        "recipe": asdict(pack.recipe),
    }  # fmt: skip
    atomic_write(pack.folder / "pack.json", json.dumps(table, ensure_ascii=False, indent=2) + "\n")
