"""Which language is spoken: by block, by whoever is asked, by environment; and what is looked up in it."""

from __future__ import annotations

import threading

import pytest

from workbench import language as said
from workbench.errors import PhotoError
from workbench.language import known_language, language, mark, speaking, told, told_error, tr, trn


@pytest.fixture
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page of another test answers who is spoken to, and the environment is bare."""
    monkeypatch.setattr(said, "_askers", {})
    for name in ("WORKBENCH_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        ("zh_CN.UTF-8", "zh"), ("zh-Hans-CN", "zh"), ("ZH", "zh"), ("en_US.UTF-8", "en"), ("fr-FR", None), ("C", None),
        ("zhx", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_names_of_locales(locale: str | None, code: str | None) -> None:
    assert known_language(locale) == code


def test_english_is_spoken_where_nothing_is_said(nobody_asked: None) -> None:
    assert language() == "en" and tr("Delete {name}", name="mia") == "Delete mia"
    assert trn("{number} photo", "{number} photos", 1) == "1 photo"
    assert trn("{number} photo", "{number} photos", 3) == "3 photos"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"WORKBENCH_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
    ],
)
def test_the_environment_of_a_terminal(
    nobody_asked: None, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], code: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == code


def test_chinese(nobody_asked: None) -> None:
    with speaking("zh"):
        assert tr("Delete {name}", name="mia") == "删除 mia"
        assert trn("{number} photo", "{number} photos", 3) == "3 张照片"
        assert tr("") == "", "the header of a catalogue is no message"
    assert language() == "en"
    assert mark("Delete it") == "Delete it"


def test_a_third_language_is_refused() -> None:
    with pytest.raises(ValueError, match="fr"), speaking("fr"):
        pass


def test_threads_speak_their_own(nobody_asked: None) -> None:
    """Two people, one server: what one of them speaks never reaches the other."""
    ready, found = threading.Barrier(2), {}

    def speak(code: str) -> None:
        with speaking(code):
            ready.wait(10)
            found[code] = [tr("Delete it") for _ in range(200)]

    threads = [threading.Thread(target=speak, args=(code,)) for code in ("en", "zh")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert set(found["en"]) == {"Delete it"} and set(found["zh"]) == {"删除"}


def test_whoever_is_asked_comes_before_the_environment(nobody_asked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    said.ask("test", lambda: "zh")
    assert language() == "zh"
    with speaking("en"):
        assert language() == "en"
    said.ask("test", lambda: None)
    assert language() == "en"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("No face is found", "找不到人脸"),
        ("No face is found.", "找不到人脸。"),
        ("The photo has only 80 × 60 pixels", "照片只有 80 × 60 像素"),
        ("2 faces are found. Crop it to the person who is meant, or bring one in which they are alone",
         "找到 2 张脸。请裁剪到所指的人，或带来只有此人的照片"),
        ("a/b: it contains '/'", "a/b：它含有 '/'"),
        ("The shelf: there is no such file. Check the path.", "适配器架：没有这个文件。请检查路径。"),
        ("Left out, as no picture: note.txt, b.md.", "不是图片，未采用：note.txt, b.md。"),
        ("Run mia: there is no such run", "训练 mia：没有这次训练"),
        # A value that is a sentence of its own is translated too; one that is a name is not.
        ("opened again, it changes nothing: all its weights are zero", "重新打开后，它什么也没改变：所有权重都是零"),
        ("Delete Open", "删除 Open"),
        ("Nothing that the catalogue holds", "Nothing that the catalogue holds"),
        ("", ""),
        # Braces of a person's own are no places.
        ("Delete {name} {0} {", "删除 {name} {0} {"),
    ],
)  # fmt: skip
def test_sentences_that_were_finished_in_english(english: str, chinese: str) -> None:
    with speaking("zh"):
        assert told(english) == chinese
    with speaking("en"):
        assert told(english) == english


def test_errors() -> None:
    error = PhotoError("IMG_1.jpg", "No face is found.", "Bring photos of the person")
    with speaking("zh"):
        assert told_error(error.thing, error.reason, error.way_out) == "IMG_1.jpg：找不到人脸。请带来此人的照片。"
    with speaking("en"):
        assert told_error(error.thing, error.reason, error.way_out) == str(error)
