"""What is kept of a person, where, how long, and whether it is encrypted: one table.

Erasing reads it, the privacy page is printed from it, and a test compares it with the files that a whole job leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from workbench.config import home, safe_name, shelf
from workbench.privacy.keys import keys_folder

Place = Literal["workspace", "shelf", "keys"]
Until = Literal["photos", "cache", "person", "shelf", "gallery", "trash", "shared", "queue", "installation", "account"]
SAMPLE = "sample"
_BOTH: tuple[Place, Place] = ("workspace", "shelf")
LEFTOVERS = (".writing-*", ".arriving-*", ".unproven-*")


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept.

    Args:
        what: in English; Chinese in `what_zh`.
        paths: below the place; `{name}` is the person, a path that ends in "/" is a folder with all that is in it.
        until: how long: `photos` until the photos expire or the person is forgotten; `cache` until anyone's photos
            expire or anyone is forgotten; `person` until the person is forgotten; `shelf`, `gallery`, `trash`,
            `shared` and `queue` the same, but found by what they say of themselves; `installation` is of no person;
            `account` until the account is removed.
        sealed: whether the vault encrypts it.
        place: the workspace, the shelf, or the user's configuration folder.
        only: of this one person.
    """

    what: str
    what_zh: str
    paths: tuple[str, ...]
    until: Until
    sealed: bool = False
    place: Place = "workspace"
    only: str = ""


KEPT = (
    Kept(
        "The photos that were brought: pixels only, upright, without place, time and camera",
        "带来的照片：只有像素，已摆正，不含地点、时间和相机信息",
        ("subjects/{name}/photos/",),
        "photos",
        sealed=True,
    ),
    Kept(
        "The crops around the face that training sees",
        "训练用的脸部裁剪图",
        ("subjects/{name}/crops/",),
        "photos",
        True,
    ),
    Kept(
        "What was said of each photo: the file's name, the judgement, the words given to it; no face embedding",
        "对每张照片的说明：文件名、评判、所写的描述。不保存人脸特征向量",
        ("subjects/{name}/judgements.json", "subjects/{name}/captions.json"),
        "photos",
        sealed=True,
    ),
    Kept(
        "The person's record: name, trigger word, class noun, corrected traits, consent, expiry",
        "此人的记录：名字、触发词、类别词、更正过的特征、同意、到期日",
        ("subjects/{name}/subject.json", "subjects/{name}/"),
        "person",
    ),
    Kept(
        "The data set of the last training: crops with their captions",
        "上次训练的数据集：裁剪图和说明文字",
        ("datasets/{name}/photo-*.png", "datasets/{name}/metadata.jsonl"),
        "photos",
        sealed=True,
    ),
    Kept(
        "Pictures in that data set that the base drew; and what a killed process left of one",
        "该数据集中由底模画的图；以及被中断的进程留下的残余",
        ("datasets/{name}/", "datasets/.building-{name}/", "datasets/.replaced-{name}/"),
        "photos",
    ),
    Kept(
        "Copies of the photos while settings are searched (`recipes/search.py`)",
        "搜索设置时（`recipes/search.py`）的照片副本",
        ("search/{name}/photos/",),
        "photos",
        sealed=True,
    ),
    Kept(
        "The trials of that search",
        "该搜索的各次试验",
        ("search/{name}/", "search/{name}.log", "datasets/{name}-search-*/", "runs/{name}-search-*/"),
        "photos",
    ),
    Kept(
        "Encoded photos (latents), so that the next training starts sooner",
        "照片的编码（潜变量），使下次训练更快开始",
        ("cache/latents/",),
        "cache",
        sealed=True,
    ),
    Kept(
        "Photos, sketches and masks that pictures were begun from in Create",
        "“创作”中作为起点的照片、草图和遮罩",
        ("starts/",),
        "cache",
        sealed=True,
    ),
    Kept("Pictures that the base drew from words", "底模按文字画的图", ("cache/",), "cache"),
    Kept(
        "The run: settings, log, losses, previews, checkpoints, adapter, report; earlier runs of the name",
        "训练过程：设置、日志、损失、预览、检查点、适配器、报告；以及同名的早先训练",
        ("runs/{name}/",),
        "person",
    ),
    Kept(
        "The finished adapter and its export: it can draw this person, so it is as private as the scope says",
        "完成的适配器及其导出文件：它能画出此人，公开程度以约定的用途为准",
        ("{name}.safetensors", "{name}.kohya.safetensors", "*.safetensors"),
        "shelf",
        place="shelf",
    ),
    Kept(
        "Tags and notes of the shelf",
        "架子上的标签和备注",
        (".shelf.json", ".shelf.unreadable.json"),
        "shelf",
        place="shelf",
    ),
    Kept("Adapters that were deleted, for 30 days", "已删除的适配器，保留 30 天", ("trash/",), "trash"),
    Kept("Small copies of the pictures", "图片的小图", ("gallery/thumbs/",), "gallery", sealed=True),
    Kept(
        "Pictures with the prompt that made them, their stars, collections and index; deleted ones for 30 days",
        "图片及其提示词、星标、收藏集和索引；已删除的保留 30 天",
        ("gallery/",),
        "gallery",
    ),
    Kept(
        "Packs: expressions of a person, their cut-outs, and the finished files for each platform",
        "表情包：此人的各种表情、抠图，以及为各平台制作的文件",
        ("packs/",),
        "gallery",
    ),
    Kept(
        "Which adapters were exported, so that they can be called back",
        "导出过哪些适配器，以便召回",
        ("shared.jsonl",),
        "shared",
    ),
    Kept(
        "The line of jobs: the names of runs and adapters, and of what waits its request; a log with numbers only",
        "任务队列：训练和适配器的名字，以及排队中任务的请求；日志只含编号",
        ("queue/",),
        "queue",
    ),
    Kept(
        "Copies that were made before a newer version changed a file",
        "新版本更改文件之前所做的副本",
        ("backups/",),
        "cache",
    ),
    Kept("The sheet and report of `make demo`", "`make demo` 的总图和报告", ("demo/",), "person", only=SAMPLE),
    Kept(
        "The key of the small copies, itself encrypted",
        "小图的密钥（本身已加密）",
        ("keys/.gallery.key",),
        "installation",
    ),
    Kept("The person's key, itself encrypted", "此人的密钥（本身已加密）", ("keys/{name}.key",), "photos"),
    Kept(
        "That somebody was forgotten: when, how much, and a signature; no name",
        "“某人已被遗忘”的凭据：时间、数量和签名；不含名字",
        ("receipts/",),
        "installation",
    ),
    Kept(
        "The key that signs pictures (content credentials), when that is used; it names nobody",
        "签署图片（内容凭证）用的密钥，仅在使用该功能时才有；不含任何名字",
        ("credentials/",),
        "installation",
    ),
    Kept(
        "That a prompt was refused or a picture blurred: when and why, without the words and the picture",
        "某条提示词被拒绝或某张图片被模糊：时间和原因，不含提示词和图片",
        ("safety.jsonl",),
        "installation",
    ),
    Kept(
        "On a shared server: accounts (name, role, email, password as Argon2id), sessions, failed logins of the last "
        "15 minutes, and what admins did",
        "共享服务器：账户（名字、角色、邮箱、Argon2id 形式的密码）、会话、最近 15 分钟的失败登录，以及管理员的操作",
        ("accounts.sqlite", "accounts.sqlite-*", "door.log"),
        "installation",
    ),
    Kept(
        "On a shared server: everyone's own workspace and shelf, each laid out as this table says",
        "共享服务器：每个人各自的工作区和架子，内部结构与本表相同",
        ("people/",),
        "account",
    ),
    Kept("How the vault is set", "保险库的设置", ("vault.json",), "installation"),
    Kept(
        "The vault's key, and the key that signs receipts",
        "保险库的密钥，以及签署凭据的密钥",
        ("",),
        "installation",
        place="keys",
    ),
    Kept(
        "Your own lists of bases and styles; measurements and training of the built-in base",
        "自己的底模和风格清单；内置底模的测量和训练",
        ("layout.json", "bases.yaml", "styles.yaml", "bench.yaml", "identity-benchmark/", "chibi-mini/", "likeness/"),
        "installation",
    ),
    *(
        Kept(
            "What an interrupted write leaves, in any folder: swept at the next start where photos are, "
            "elsewhere when anyone is forgotten",
            "被中断的写入留下的文件（可能在任何文件夹里）：照片所在处在下次启动时清除，其余在遗忘任何人时清除",
            LEFTOVERS,
            "cache",
            place=place,
        )
        for place in _BOTH
    ),
)


def place_of(kept: Kept) -> Path:
    """The folder that a row's paths are below."""
    return {"workspace": home(), "shelf": shelf(), "keys": keys_folder()}[kept.place]


def places_of(name: str, *until: Until) -> list[Path]:
    """What is there of a person, by the table: folders and single files.

    Args:
        name: the person's.
        until: which rows.

    Raises:
        SubjectError: the name is not allowed.
    """
    name = safe_name(name)
    found: list[Path] = []
    for row in KEPT:
        if row.until in until and row.only in ("", name):
            for pattern in row.paths:
                found += _there(place_of(row), pattern.format(name=name))
    # A folder stands for what is in it.
    return [path for path in dict.fromkeys(found) if not any(parent in found for parent in path.parents)]


def row_of(path: Path) -> Kept | None:
    """The row that speaks of a file, or None when the table does not know it."""
    for row in KEPT:
        try:
            inside = path.relative_to(place_of(row))
        except ValueError:
            continue
        for pattern in row.paths:
            if pattern.endswith("/") or not pattern:
                if fnmatch(f"{inside.parent.as_posix()}/", f"{pattern.format(name='*')}*"):
                    return row
            elif fnmatch(inside.as_posix(), pattern.format(name="*")) or fnmatch(inside.name, pattern):
                return row
    return None


def _there(place: Path, pattern: str) -> Iterator[Path]:
    if pattern.startswith("."):  # leftovers lie wherever somebody wrote
        return
    whole = place / pattern
    if "*" in pattern:
        yield from sorted(whole.parent.glob(whole.name)) if whole.parent.is_dir() else []
    elif whole.exists() or whole.is_symlink():
        yield whole
