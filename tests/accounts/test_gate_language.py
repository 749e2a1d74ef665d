"""The gate speaks the language of whoever asks: by address, by what they chose before, by their browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from ui import language as of_the_page
from workbench.accounts import Accounts
from workbench.gate.app import Gate
from workbench.gate.language import COOKIE, IN_ADDRESS, language_of
from workbench.gate.messages import FromWindow, language_of_page, read_window
from workbench.gate.pages import Pages
from workbench.gate.serve import make_gate
from workbench.language.catalogue import messages

PASSWORD = "four good words here"
URL = "http://testserver"


def connection(query: str = "", **headers: str) -> HTTPConnection:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "query_string": query.encode(), "headers": pairs, "path": "/login"})


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("", {"accept_language": "zh-CN,zh;q=0.9,en;q=0.8"}, "zh"),
        ("", {"accept_language": "en-GB,zh;q=0.9"}, "en"),
        ("", {"accept_language": "fr,zh;q=0.5,en;q=0.7"}, "en"),
        ("", {"accept_language": "fr-FR, zh;q=0.1"}, "zh"),
        ("", {"accept_language": "fr-FR"}, "en"),
        ("", {"accept_language": "zh;q=0, *;q=0.5"}, "en"),
        ("", {"accept_language": "zh;q=much"}, "en"),
        ("", {"cookie": f"{COOKIE}=zh", "accept_language": "en"}, "zh"),
        ("lang=en", {"cookie": f"{COOKIE}=zh", "accept_language": "zh"}, "en"),
        ("lang=xx", {"cookie": f"{COOKIE}=yy", "accept_language": "zh"}, "zh"),
        ("", {}, "zh"),
    ],
)
def test_which_language(query: str, headers: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_LANG", "zh" if not headers else "en")  # the server's own
    assert language_of(connection(query, **headers)) == code


def test_a_window_says_its_language_and_whether_somebody_clicked() -> None:
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.query_string = "lang=zh&x=1"
    assert read_window(message.SerializeToString()) == FromWindow(True, "zh")
    message.rerun_script.is_auto_rerun = True  # a timer's
    message.rerun_script.query_string = "lang=tlh"
    assert read_window(message.SerializeToString()) == FromWindow(False, None)
    other = BackMsg(clear_cache=True)
    assert not read_window(other.SerializeToString()).by_a_person
    assert read_window(b"\xff\xff") == read_window("") == FromWindow()


def test_a_page_says_the_language_that_its_button_chose() -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    message = ForwardMsg()
    message.page_info_changed.query_string = "lang=en"
    assert language_of_page(message.SerializeToString()) == "en"
    other = ForwardMsg()
    other.auth_redirect.url = "/login?lang=zh"
    assert language_of_page(other.SerializeToString()) is None
    assert language_of_page(b"\xff") is None and language_of_page(message.SerializeToString() * 200) is None


def test_the_page_behind_the_gate_reads_the_same_cookie() -> None:
    assert (of_the_page.COOKIE, of_the_page.IN_ADDRESS) == (COOKIE, IN_ADDRESS)


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[TestClient]:
    accounts = Accounts(tmp_path / "accounts.sqlite")
    for name, role in (("anna", "owner"), ("root", "admin")):
        accounts.add(name, role, PASSWORD)
    yield TestClient(
        make_gate(Gate(accounts, Pages())), base_url=URL, headers={"origin": URL, "accept-language": "en"},
        follow_redirects=True,
    )  # fmt: skip


def words(page: str) -> list[str]:
    """What a page says: its text, and the labels of its fields."""
    bare = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    labels = re.findall(r'(?:placeholder|aria-label|alt)="([^"]*)"', bare)
    return [html.unescape(text).strip() for text in [*re.split(r"<[^>]*>", bare), *labels] if text.strip()]


def english(page: str) -> list[str]:
    translated = {form for form, string in messages("zh").items() if string != form}
    sentences = [form for form in translated if form.count(" ") > 1 and "{" not in form]
    return [text for text in words(page) if text in translated or any(each in text for each in sentences)]


def test_pages_of_the_gate_in_both_languages(visitor: TestClient) -> None:
    first = visitor.get("/login").text
    assert '<html lang="en">' in first and "Password" in first and "Log in" in english(first)
    assert '<a href="/login?lang=zh" lang="zh" hreflang="zh">中文</a>' in first

    chosen = visitor.get("/login?lang=zh&over")
    assert f"{COOKIE}=zh" in chosen.headers["set-cookie"] and "HttpOnly" in chosen.headers["set-cookie"]
    assert '<html lang="zh">' in chosen.text and "登录已过期" in chosen.text and not english(chosen.text)

    wrong = visitor.post("/login", data={"name": "anna", "password": "not this one"})
    assert wrong.status_code == 401 and not english(wrong.text)
    assert re.search(r'class="bad"[^>]*>[^<]*[\u4e00-\u9fff]', wrong.text)

    visitor.post("/login", data={"name": "anna", "password": PASSWORD}, follow_redirects=False)
    account = visitor.get("/account").text
    assert "修改密码" in account and "退出登录" in account and not english(account)
    visitor.post("/logout")

    visitor.post("/login", data={"name": "root", "password": PASSWORD}, follow_redirects=False)
    added = visitor.post("/admin/add", data={"name": "dora", "role": "owner"}).text
    assert re.search(r"dora 可以用密码 [\w-]+ 登录（只显示一次）", added) and "添加了 dora" in added
    assert not english(added)
    for action, said in (("lock", "dora 已停用"), ("unlock", "dora 已重新开放"), ("remove", "没有再次输入名字")):
        answer = visitor.post(f"/admin/{action}", data={"name": "dora"}).text
        assert said in answer and not english(answer), words(answer)
    assert "Accounts, disk, jobs" in visitor.get("/admin?lang=en").text
