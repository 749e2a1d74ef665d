"""The privacy page in English and Chinese, printed from the table in `kept.py`, so that it says what the code does."""

from __future__ import annotations

from typing import Literal

from workbench.privacy.consent import SCOPES, WHOSE
from workbench.privacy.kept import KEPT, Kept
from workbench.privacy.keys import KEY_PLACES, PROTECTION
from workbench.privacy.retention import KEEP_DAYS

Language = Literal["en", "zh"]

_UNTIL = {
    "photos": ("until the photos expire, or the person is forgotten", "直到照片到期，或此人被遗忘"),
    "cache": ("until anyone's photos expire, or anyone is forgotten", "直到任何人的照片到期，或任何人被遗忘"),
    "person": ("until the person is forgotten", "直到此人被遗忘"),
    "shelf": ("until it is deleted, or the person is forgotten", "直到被删除，或此人被遗忘"),
    "gallery": ("until they are deleted, or the person is forgotten", "直到被删除，或此人被遗忘"),
    "trash": ("30 days, or until the person is forgotten", "30 天，或直到此人被遗忘"),
    "shared": ("until the person is forgotten; then it is in the receipt", "直到此人被遗忘；之后写入凭据"),
    "queue": (
        "until 500 later ones have ended, or the person is forgotten",
        "直到之后又有 500 个任务结束，或此人被遗忘",
    ),
    "account": ("until the account is removed", "直到账户被移除"),
    "installation": ("as long as the workbench is used; it is of no person", "只要还在使用本工作台；不属于任何个人"),
}
_PLACES = {"workspace": "workspace/", "shelf": "loras/", "keys": "~/.config/chibi-workbench/"}
_WHOSE_ZH = {
    "mine": "是我自己的脸",
    "agreed": "是别人的脸，本人已同意",
    "child": "是我孩子的脸，我有权代为决定",
    "drawn": "不是任何人的脸：画的或生成的",
}
_SCOPES_ZH = {"personal": "仅自己使用：适配器留在本机", "share": "可以分享，不可出售", "commercial": "可以分享和商用"}
_PROTECTION_ZH = {
    "keyring": "密钥在系统钥匙串里：复制走的工作区或被盗的硬盘看不到照片；您登录期间以您的身份运行的程序可以读取",
    "file": "密钥在工作区之外、您自己的文件里：复制或共享的工作区看不到照片；得到整块硬盘或您的账户的人可以读取",
    "passphrase": "密钥由您的口令算出：得到整块硬盘的人也必须猜出口令；工作台打开期间以您的身份运行的程序可以读取",
    "": "照片是普通文件：能读这个文件夹的人都能看到",
}

_TEXT = {
    "en": (
        """# What is kept of you

This page is printed from the code that keeps and erases (`workbench privacy`); a test compares it with the files that
a whole job leaves behind. [中文](PRIVACY.zh.md)

Nothing leaves this computer: no photo, no prompt, no usage statistics. A test runs a whole job, photos to pictures, in
a network namespace without routes and finds no attempt to connect. What you download or fetch yourself is yours to do:
bases from a hub, files you give away, and the words that you send to a hosted service to compare (off unless you set
its key; you are shown the words and asked each time; never a photo).

## What, where, how long

`NAME` is the person's name. `workspace/` is `$WORKBENCH_HOME`, `loras/` is `$WORKBENCH_LORAS`.
""",
        "| what | where | encrypted | how long |\n| --- | --- | --- | --- |",
        """
Your own photo files are never changed, moved or kept. While the page is open, photos and faces are in the computer's
memory; face embeddings are computed there and never written.

## How long photos stay

You choose when you bring photos: {days} days if you change nothing, counted from the last photo. When the page or a
command starts, photos that are over are erased, and you are told. Adapters and pictures stay until you delete them.

## Consent

Before photos are taken, you say whose face it is:
{whose}

and what the adapter may be used for; this goes into the adapter's card and is shown when it is shared:
{scopes}

## Encryption

New workspaces are encrypted (AES-256-GCM; every person has a key of their own). `workbench vault status` says how it
is here; `workbench vault lock` and `workbench vault unlock` change it. Where the key is decides what it is worth:
{protection}

Not encrypted, as the table says: adapters, previews, checkpoints and pictures, and the person's record with the traits.
Erased files may still be on a disk, in snapshots or backups, until they are overwritten; of encrypted photos the key is
erased too, so those stay unreadable. Somebody who controls this computer while you use it sees what you see.

## Being forgotten

```bash
workbench forget NAME --dry-run          # what there is of a person
workbench forget NAME --receipt FILE     # erases it all, and signs what was erased
workbench privacy verify FILE            # whether a receipt is genuine
```

The page has a button for it, on Photos. Adapters that were mixed from the person's are erased too. The receipt lists
those that were exported or downloaded: they are elsewhere, and only you can ask for them back.
""",
    ),
    "zh": (
        """# 关于您，保存了什么

本页由负责保存和删除的代码直接生成（`workbench privacy`）；有测试把它与一次完整任务留下的文件逐一对照。
[English](PRIVACY.md)

没有任何东西离开这台电脑：没有照片、提示词，也没有使用统计。有测试在没有路由的网络命名空间里跑完从照片到图片的整个任务，
没有发现任何联网企图。您自己下载或取得的东西由您决定：从模型站取来的底模，以及您交给别人的文件，
以及为了比较而发给在线服务的文字（不设置其密钥就是关闭的；每次都会先显示这些文字并征求同意；从不发送照片）。

## 保存什么、在哪里、多久

`NAME` 是此人的名字。`workspace/` 即 `$WORKBENCH_HOME`，`loras/` 即 `$WORKBENCH_LORAS`。
""",
        "| 内容 | 位置 | 加密 | 多久 |\n| --- | --- | --- | --- |",
        """
您自己的照片文件不会被改动、移动或保留。页面打开期间，照片和人脸在内存里；人脸特征向量只在内存里计算，从不写入磁盘。

## 照片保留多久

带来照片时由您选择：不改则为 {days} 天，从最后一张照片算起。页面或命令启动时，到期的照片会被删除，并会告诉您。
适配器和图片会一直保留，直到您删除它们。

## 同意

接收照片之前，您要说明这是谁的脸：
{whose}

以及适配器可以用来做什么；这会写进适配器的卡片，并在分享时显示：
{scopes}

## 加密

新的工作区是加密的（AES-256-GCM，每个人有自己的密钥）。`workbench vault status` 说明这里的情况；
`workbench vault lock` 和 `workbench vault unlock` 可以更改。密钥放在哪里，决定它能防住什么：
{protection}

如表所示，以下内容不加密：适配器、预览、检查点、图片，以及此人的记录和特征。被删除的文件在被覆盖之前，可能仍留在硬盘、
快照或备份里；加密的照片连密钥也一并删除，因此无法再读。能控制这台电脑的人，在您使用时能看到您所看到的。

## 被遗忘

```bash
workbench forget NAME --dry-run          # 列出关于此人的一切
workbench forget NAME --receipt FILE     # 全部删除，并签署删除清单
workbench privacy verify FILE            # 凭据是否真实
```

页面的“Photos”一屏也有这个按钮。由此人的适配器混合而成的适配器也会删除。凭据会列出导出或下载过的适配器：
它们已在别处，只有您能要求对方交回。
""",
    ),
}


def privacy_page(language: Language = "en") -> str:
    """The page as Markdown."""
    head, table, rest = _TEXT[language]
    zh = language == "zh"
    whose, scopes, protection = (
        (_WHOSE_ZH, _SCOPES_ZH, _PROTECTION_ZH) if zh else (WHOSE, SCOPES, PROTECTION)
    )  # fmt: skip
    name = {"": "无" if zh else "none"}
    lines = {
        "whose": [f"- `{key}`: {whose[key]}" for key in WHOSE],
        "scopes": [f"- `{key}`: {scopes[key]}" for key in SCOPES],
        "protection": [f"- **{name.get(key, key)}**: {protection[key]}" for key in (*KEY_PLACES, "")],
    }
    rows = "\n".join(_row(row, language) for row in KEPT)
    end = rest.format(days=KEEP_DAYS, **{key: "\n".join(value) for key, value in lines.items()})
    return f"{head}\n{table}\n{rows}\n{end}"


def _row(row: Kept, language: Language) -> str:
    zh = language == "zh"
    yes, no = ("是", "否") if zh else ("yes", "no")
    where = "<br>".join(f"`{_PLACES[row.place]}{path.format(name='NAME')}`" for path in row.paths)
    return f"| {row.what_zh if zh else row.what} | {where} | {yes if row.sealed else no} | {_UNTIL[row.until][zh]} |"
