"""The page in Chinese: nothing English is left on it; each session has its own language, and keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from reading import text_of
from streamlit.testing.v1 import AppTest

from workbench.language.catalogue import messages

Open = Callable[[str], AppTest]
SCREENS = ("photos", "train", "create", "packs", "gallery", "adapters", "compare")
LABEL = {"en": "New person", "zh": "新建人物"}


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the server's own language were Chinese; AppTest has no browser to ask."""
    monkeypatch.setenv("WORKBENCH_LANG", "zh")


def said(page: AppTest) -> Iterator[str]:
    """Every text in everything that is on the page, tips and options too, without markup."""
    waiting: list[Any] = [page._tree]
    while waiting:
        node = waiting.pop()
        waiting += list(getattr(node, "children", {}).values())
        proto = getattr(node, "proto", None)
        if isinstance(proto, Message):
            for text in strings(proto):
                bare = re.sub(r"<style.*?</style>|<[^>]+>|:material/\w+:|!\[[^]]*\]\([^)]*\)", "\n", text, flags=re.S)
                yield from filter(None, map(str.strip, re.sub(r"\\(.)", r"\1", bare).split("\n")))


def strings(proto: Message) -> Iterator[str]:
    """The text fields of a message and of those inside it; ids, keys and the like are no text for people."""
    for field, value in proto.ListFields():
        if field.name in ("id", "key", "icon", "url", "element_id", "script_hash", "page_script_hash", "form_id"):
            continue
        values = value if field.is_repeated else [value]
        for each in values:
            if isinstance(each, Message):
                yield from strings(each)
            elif isinstance(each, str):
                yield each


@pytest.mark.parametrize("name", SCREENS)
def test_no_english_is_left_in_an_empty_workspace(screen: Open, no_samples: None, in_chinese: None, name: str) -> None:
    page = screen(name)
    texts = list(said(page))
    assert sum(bool(re.search(r"[\u4e00-\u9fff]", text)) for text in texts) > 8
    # Single words are compared as a whole: a file's name or a prompt may hold one.
    translated = {form: string for form, string in messages("zh").items() if string != form}
    sentences = [form for form in translated if form.count(" ") > 1 and "{" not in form and "%" not in form]
    left = [text for text in texts if text in translated or any(each in text for each in sentences)]
    assert not left


def test_sentences_with_values_are_read_too(screen: Open, no_samples: None) -> None:
    """The reader of this file finds English where it is: on the page in English."""
    texts = list(said(screen("train")))
    assert "Nobody to learn yet" in texts and "Photos come first: make a person and drop some in." in texts
    assert any("中文" in text for text in texts), "the button says the other language's own name"


def test_the_button_changes_the_language_of_this_session_only(screen: Open, no_samples: None) -> None:
    one, other = screen("photos"), screen("photos")
    assert LABEL["en"] in labels(one)
    one.button(key="language-switch").click().run()
    assert LABEL["zh"] in labels(one) and one.query_params["lang"] in ("zh", ["zh"])
    other.run()
    assert LABEL["en"] in labels(other) and "lang" not in other.query_params
    one.button(key="language-switch").click().run()
    assert LABEL["en"] in labels(one) and one.query_params["lang"] in ("en", ["en"])


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def test_the_address_chooses_the_language_and_other_screens_keep_it(
    screen: Open, no_samples: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = screen("photos")
    page.query_params["lang"] = "zh"
    page.run()
    assert LABEL["zh"] in labels(page)
    # Going to another screen takes the parameters out of the address.
    del page.query_params["lang"]
    page.switch_page("screens/train.py").run()
    assert "还没有人可学" in text_of(page) and page.query_params["lang"] in ("zh", ["zh"])
    page.query_params["lang"] = "xx"
    page.run()
    assert "还没有人可学" in text_of(page), "a language that is not spoken here changes nothing"


def test_errors_of_callbacks_are_told_in_the_language(screen: Open, no_samples: None, in_chinese: None) -> None:
    page = screen("photos")
    page.button(key="first").click().run()
    page.text_input(key="new-name").set_value("a/b")
    page.button(key="make-person").click().run()
    assert "这是谁的脸" in text_of(page) and "请选择符合事实的一项。" in text_of(page)
    page.radio(key="new-whose").set_value("drawn").run()
    page.button(key="make-person").click().run()
    assert "名字" in text_of(page) and "它含有 '/'" in text_of(page)
