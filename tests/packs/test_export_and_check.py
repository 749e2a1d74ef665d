"""Every platform's files pass its checker, and what is wrong with a file is found and named."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from workbench.errors import PackError
from workbench.packs import EXPRESSIONS, Export, Look, check_pack, export_pack, find_platform
from workbench.packs.webm import find_ffmpeg

Cuts = dict[str, Image.Image]
CALM = Look(words="en")


@pytest.fixture(scope="module")
def make(cuts: Cuts, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Export]:
    """Makes a pack once for all tests of this file; they work on copies."""
    made: dict[tuple[str, int, str | None], Export] = {}

    def once(name: str, count: int, move: str | None = None) -> Export:
        key = (name, count, move)
        if key not in made:
            some = {each: cuts[each] for each in list(EXPRESSIONS)[:count]}
            folder = tmp_path_factory.mktemp("export") / name
            made[key] = export_pack(some, find_platform(name), folder, CALM, move, "mia")  # type: ignore[arg-type]
        return made[key]

    return once


@pytest.mark.parametrize(
    ("name", "count", "move", "files"),
    [
        ("wechat", 8, None, 19), ("wechat", 8, "blink", 19), ("telegram", 2, None, 3), ("line", 8, None, 10),
        ("discord-emoji", 2, None, 2), ("discord-emoji", 2, "bounce", 2), ("discord-sticker", 2, None, 2),
        ("discord-sticker", 1, "talk", 1), ("whatsapp", 3, None, 5), ("steam", 3, None, 1), ("avatars", 1, None, 7),
        ("vrm", 1, None, 1), ("gltf", 2, None, 2),
    ],
)  # fmt: skip
def test_files_pass_their_checker(
    make: Callable[..., Export], name: str, count: int, move: str | None, files: int
) -> None:
    made = make(name, count, move)
    assert made.problems == () and made.files == files
    with zipfile.ZipFile(made.zip) as archive:
        assert len(archive.namelist()) == files
    first = next(rule for rule in find_platform(name).files if rule.each or find_platform(name).single)
    path = made.folder / first.path(1, move is not None)
    assert path.is_file()
    if path.suffix != ".glb":
        with Image.open(path) as image:
            assert (getattr(image, "n_frames", 1) > 1) == (move is not None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("line-animated", 8), ("whatsapp", 3)])
def test_heavy_moving_packs(make: Callable[..., Export], name: str, count: int) -> None:
    assert make(name, count, "mix").problems == ()


@pytest.mark.slow
def test_video_where_there_is_ffmpeg(make: Callable[..., Export]) -> None:
    if find_ffmpeg() is None:
        with pytest.raises(PackError, match=r"ffmpeg is not installed.*\[video\]"):
            make("telegram-video", 1, "mix")
        return
    assert make("telegram-video", 1, "mix").problems == ()


def test_other_counts_are_refused(cuts: Cuts, tmp_path: Path) -> None:
    some = {name: cuts[name] for name in ("ok", "smile", "laugh")}
    with pytest.raises(PackError, match="8, 16 or 24 pictures, and 3 are chosen"):
        export_pack(some, find_platform("wechat"), tmp_path / "wechat")
    assert list(tmp_path.iterdir()) == []


def test_an_export_replaces_the_last_one(cuts: Cuts, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    some = {"ok": cuts["ok"], "smile": cuts["smile"]}
    folder = tmp_path / "discord-emoji"
    export_pack(some, find_platform("discord-emoji"), folder, on_file=lambda *at: told.append(at))
    export_pack({"ok": cuts["ok"]}, find_platform("discord-emoji"), folder)
    assert [path.name for path in folder.iterdir()] == ["01.png"] and told == [(1, 2), (2, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["discord-emoji", "discord-emoji.zip"]


def picture(path: Path, change: Callable[[Image.Image], Image.Image], kind: str | None = None) -> None:
    with Image.open(path) as image:
        changed = change(image.convert("RGBA"))
        kind = kind or image.format
    changed.save(path, kind)


def opaque(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def blank(image: Image.Image) -> Image.Image:
    return Image.new("RGBA", image.size)


BREAK: dict[str, Callable[[Path], object]] = {
    "size": lambda f: picture(f / "thumb/01.png", lambda im: im.resize((121, 120))),
    "alpha": lambda f: picture(f / "cover.png", opaque),
    "empty": lambda f: picture(f / "icon.png", blank),
    "format": lambda f: picture(f / "thumb/02.png", lambda im: im, "WEBP"),
    "missing": lambda f: (f / "thumb/03.png").unlink(),
    "stray": lambda f: (f / "notes.txt").write_text("x"),
    "readable": lambda f: (f / "banner.png").write_bytes((f / "banner.png").read_bytes()[:900]),
    "bytes": lambda f: (f / "icon.png").write_bytes((f / "icon.png").read_bytes() + b"\0" * 100_000),
    "provenance": lambda f: picture(f / "cover.png", lambda im: im),
    "count": lambda f: [each.unlink() for each in (f / "main/08.gif", f / "thumb/08.png")],
}


@pytest.mark.parametrize("rule", list(BREAK))
def test_what_is_wrong_is_named(make: Callable[..., Export], tmp_path: Path, rule: str) -> None:
    folder = tmp_path / "wechat"
    shutil.copytree(make("wechat", 8).folder, folder)
    assert check_pack(folder, find_platform("wechat")) == []
    BREAK[rule](folder)
    found = check_pack(folder, find_platform("wechat"))
    assert rule in {each.rule for each in found}, found
    assert all(each.reason and str(each) for each in found)


def moved(path: Path, **settings: object) -> None:
    with Image.open(path) as image:
        frames = []
        for index in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(index)
            frames.append(image.convert("RGBA"))
    count = int(settings.pop("count", len(frames)))  # type: ignore[call-overload]
    frames = (frames * 3)[:count]
    frames[0].save(path, "PNG", save_all=True, append_images=frames[1:], **({"duration": 100, "loop": 2} | settings))


@pytest.mark.parametrize(
    ("rule", "settings"),
    [("frames", {"count": 4}), ("frames", {"count": 25}), ("seconds", {"duration": 700}), ("loops", {"loop": 0}),
     ("moves", {"count": 1})],
)  # fmt: skip
def test_what_is_wrong_with_a_moving_file_is_named(
    cuts: Cuts, tmp_path: Path, rule: str, settings: dict[str, object]
) -> None:
    from workbench.packs.encode import moving
    from workbench.packs.moving import make_loop
    from workbench.packs.platforms import FileRule, Platform

    wanted = next(each for each in find_platform("line-animated").files if each.each)
    only = Platform(
        "line-animated", "", "", "always", range(1, 9), (FileRule(**vars(wanted) | {"bytes": 10**7}),), (), ()
    )
    small = make_loop("bounce", "hello", {"hello": cuts["hello"].resize((320, 250))})
    (tmp_path / "01.png").write_bytes(moving(small, "APNG", 10**7, 2).content)
    assert [each.rule for each in check_pack(tmp_path, only)] == []
    moved(tmp_path / "01.png", **settings)
    assert rule in {each.rule for each in check_pack(tmp_path, only)}


def test_whatsapp_list_is_checked(make: Callable[..., Export], tmp_path: Path) -> None:
    folder = tmp_path / "whatsapp"
    shutil.copytree(make("whatsapp", 3).folder, folder)
    table = json.loads((folder / "contents.json").read_text(encoding="utf-8"))
    stickers = table["sticker_packs"][0]["stickers"]
    assert [each["image_file"] for each in stickers] == ["01.webp", "02.webp", "03.webp"]
    stickers[0]["emojis"], stickers[1]["image_file"] = [], "09.webp"
    (folder / "contents.json").write_text(json.dumps(table), encoding="utf-8")
    found = {(each.rule, each.reason.split(" ")[0]) for each in check_pack(folder, find_platform("whatsapp"))}
    assert {("emoji", "01.webp"), ("list", "02.webp"), ("list", "09.webp")} <= found
    (folder / "contents.json").write_text("{", encoding="utf-8")
    assert "readable" in {each.rule for each in check_pack(folder, find_platform("whatsapp"))}


def test_margin_circle_and_zip_are_checked(make: Callable[..., Export], tmp_path: Path) -> None:
    folder = tmp_path / "line"
    shutil.copytree(make("line", 8).folder, folder)
    picture(folder / "01.png", lambda im: im.crop(im.getbbox()).resize(im.size))
    assert "margin" in {each.rule for each in check_pack(folder, find_platform("line"))}
    folder = tmp_path / "steam"
    shutil.copytree(make("steam", 3).folder, folder)
    picture(folder / "avatar.png", lambda im: im.crop((40, 20, 144, 124)).resize(im.size).convert("RGB"))
    assert "circle" in {each.rule for each in check_pack(folder, find_platform("steam"))}
    (tmp_path / "steam.zip").write_bytes(b"PK no zip")
    assert "readable" in {each.rule for each in check_pack(folder, find_platform("steam"), tmp_path / "steam.zip")}


def test_chinese_words_are_on_the_stickers(cuts: Cuts, tmp_path: Path) -> None:
    from workbench.packs.lettering import chinese_font

    if chinese_font() is None:
        pytest.skip("CHINESE LETTERING WAS NOT TESTED: this computer has no Chinese font")
    made = [
        export_pack({"night": cuts["night"]}, find_platform("discord-sticker"), tmp_path / words, Look(words=words))
        for words in ("", "zh", "en")
    ]  # type: ignore[arg-type]
    seen = {(each.folder / "01.png").read_bytes() for each in made}
    assert len(seen) == 3 and not any(each.problems for each in made)
    assert isinstance(Image.open(io.BytesIO(seen.pop())), Image.Image)
