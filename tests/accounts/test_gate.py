"""The gate, with real processes, over HTTP and the page's own socket: nobody reaches what is somebody else's."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image
from shared_page import PASSWORD, Shared, serve_shared

from workbench.accounts import Owner
from workbench.config import ROOT
from workbench.errors import StorageError
from workbench.jobs import queue

# A page that shows what the workspace of its process holds, and asks for a folder as a page might be made to.
SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
import streamlit as st
from workbench.config import find_path, home
from workbench.errors import WorkbenchError
st.write(f"I am {{os.environ['WORKBENCH_ACCOUNT']}}; passphrase: {{os.environ.get('WORKBENCH_PASSPHRASE')}}")
st.image((home() / "face.png").read_bytes())
for other in sorted((home().parents[1]).iterdir()):
    try:
        st.write(f"{{other.name}} can be used: {{find_path(other / 'workspace')}}")
    except WorkbenchError as error:
        st.write(f"{{other.name}} is refused")
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Two owners, whose workspaces hold one picture each, and an admin."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "page.py").write_text(SCRIPT.format(root=str(ROOT)), encoding="utf-8")
    with serve_shared(folder, folder / "page.py") as running:
        yield running


async def _window(shared: Shared, client: httpx.Client) -> bytes:
    """What the page of a session shows, by Streamlit's own protocol; or where it sends the window to."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    headers = {"cookie": "; ".join(f"{key}={value}" for key, value in client.cookies.items()), "origin": shared.url}
    address = shared.url.replace("http", "ws") + "/_stcore/stream"
    seen = b""
    async with asyncio.timeout(90), connect(
        address, subprotocols=["streamlit"], additional_headers=headers, proxy=None, max_size=None  # type: ignore[list-item]
    ) as window:  # fmt: skip
        message = BackMsg()
        message.rerun_script.query_string = ""
        with suppress(ConnectionClosed):  # who is not logged in is sent away at once
            await window.send(message.SerializeToString())
        async for data in window:
            assert isinstance(data, bytes)
            seen += data
            answer = ForwardMsg.FromString(data)
            if answer.WhichOneof("type") in ("script_finished", "auth_redirect"):
                break
    return seen


def look(shared: Shared, client: httpx.Client) -> bytes:
    return asyncio.run(_window(shared, client))


def picture_address(seen: bytes) -> str:
    found = re.search(rb"/media/[0-9a-f]+\.\w+", seen)
    assert found, seen[-2000:]
    return found[0].decode()


def test_media_of_one_person_are_not_readable_by_another_also_by_direct_url(shared: Shared) -> None:
    anna, ben = shared.log_in("anna"), shared.log_in("ben")
    annas, bens = look(shared, anna), look(shared, ben)
    assert b"I am anna" in annas and b"I am ben" in bens and b"I am anna" not in bens
    address = picture_address(annas)
    own = anna.get(address)
    assert own.status_code == 200 and own.headers["cache-control"] == "private, no-store"
    assert Image.open(io.BytesIO(own.content)).convert("RGB").getpixel((5, 5))[0] > 200  # type: ignore[index]
    assert ben.get(address).status_code == 404
    assert httpx.get(shared.url + address, trust_env=False).status_code == 401
    admin = shared.log_in("root")
    assert admin.get(address).status_code == 303 and admin.get(address).headers["location"] == "/admin"


def test_a_page_cannot_name_what_is_somebody_elses(shared: Shared) -> None:
    seen = look(shared, shared.log_in("anna"))
    anna, ben = shared.owners["anna"].id.encode(), shared.owners["ben"].id.encode()
    assert anna + b" can be used" in seen and ben + b" is refused" in seen
    assert b"passphrase: None" in seen, "whoever started the server lent their passphrase"


def test_a_path_to_somebody_elses_folder_is_refused_in_the_data_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.config import find_path

    mine, other = Owner(tmp_path, "0" * 16, tmp_path / "keys"), Owner(tmp_path, "1" * 16, tmp_path / "keys")
    mine.prepare()
    (other.home / "photos").mkdir(parents=True)
    (mine.folder / "link").symlink_to(other.home)
    for key, value in mine.environment("anna").items():
        monkeypatch.setenv(key, value)
    assert find_path(mine.home / "photos") == mine.home / "photos"
    for path in (other.home / "photos", mine.folder / "link" / "photos", tmp_path / "accounts.sqlite"):
        with pytest.raises(StorageError, match="somebody else"):
            find_path(path)
    with pytest.raises(ValueError, match="16 hexadecimal"):
        Owner(tmp_path, "../" + "0" * 13, tmp_path)


def test_without_a_session_nothing_is_served(shared: Shared) -> None:
    nobody = httpx.Client(base_url=shared.url, trust_env=False)
    assert nobody.get("/", headers={"accept": "text/html"}).headers["location"] == "/login"
    for path in ("/", "/_stcore/health", "/media/x.png", "/app/static/nunito-latin.woff2", "/admin", "/account"):
        assert nobody.get(path).status_code == 401, path
    assert nobody.put("/_stcore/upload_file/a/b", headers={"origin": shared.url}).status_code == 401
    assert b"/login?over" in look(shared, nobody)


def test_only_our_own_pages_may_log_in_or_change(shared: Shared) -> None:
    for origin in ("http://evil.example", "null", ""):
        client = httpx.Client(base_url=shared.url, headers={"origin": origin}, trust_env=False)
        assert client.post("/login", data={"name": "anna", "password": PASSWORD}).status_code == 403
    admin = shared.log_in("root")
    admin.headers["origin"] = "http://evil.example"
    assert admin.post("/admin/add", data={"name": "eve"}).status_code == 403
    anna = shared.log_in("anna")
    anna.headers["origin"] = "http://evil.example"
    assert anna.post("/account").status_code == 403
    anna.headers["origin"] = shared.url

    async def from_elsewhere() -> bytes:
        from websockets.asyncio.client import connect

        headers = {"cookie": f"chibi_session={anna.cookies['chibi_session']}", "origin": "http://evil.example"}
        async with connect(
            shared.url.replace("http", "ws") + "/_stcore/stream", additional_headers=headers, proxy=None
        ) as window:
            return b"".join([each async for each in window if isinstance(each, bytes)])

    assert b"/login?over" in asyncio.run(from_elsewhere())


def test_the_cookie_and_the_answers_are_guarded(shared: Shared) -> None:
    anna = shared.log_in("anna")
    cookie = anna.answer.headers["set-cookie"].lower()  # type: ignore[attr-defined]
    assert "httponly" in cookie and "samesite=lax" in cookie
    answer = anna.get("/")
    assert answer.headers["x-frame-options"] == "DENY" and answer.headers["x-content-type-options"] == "nosniff"
    assert "script" not in re.sub(r"<style>.*</style>", "", httpx.get(shared.url + "/login", trust_env=False).text)
    wrong = httpx.post(
        shared.url + "/login", data={"name": '"><b>x', "password": "wrong"}, headers={"origin": shared.url},
        trust_env=False,
    )  # fmt: skip
    assert wrong.status_code == 401 and "<b>x" not in wrong.text


def test_logging_out_and_locking_end_open_windows(shared: Shared) -> None:
    shared.accounts.add("cara", password=PASSWORD)
    owner = Owner(shared.owners["anna"].root, shared.accounts.find("cara").id, shared.owners["anna"].keys)
    owner.home.mkdir(parents=True)
    Image.new("RGB", (40, 40), "green").save(owner.home / "face.png")
    cara = shared.log_in("cara")
    assert b"I am cara" in look(shared, cara)
    copied = dict(cara.cookies)
    assert cara.post("/logout").status_code == 303
    late = httpx.Client(base_url=shared.url, cookies=copied, trust_env=False)
    assert late.get("/").status_code == 401, "the cookie still worked after logging out"
    again = shared.log_in("cara")
    assert again.get("/").status_code == 200

    async def stay() -> bytes:
        from websockets.asyncio.client import connect

        headers = {"cookie": f"chibi_session={again.cookies['chibi_session']}", "origin": shared.url}
        async with asyncio.timeout(60), connect(
            shared.url.replace("http", "ws") + "/_stcore/stream", additional_headers=headers, proxy=None
        ) as window:  # fmt: skip
            shared.accounts.lock("cara")
            return b"".join([each async for each in window if isinstance(each, bytes)])

    assert b"/login?over" in asyncio.run(stay()), "the window stayed open after the account was locked"


def test_an_admin_manages_and_sees_no_names_of_people(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shared.owners["anna"].home / "runs" / "secret-person"
    run.mkdir(parents=True)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    import json

    started = time.time()
    (run / "job.json").write_text(json.dumps({"pid": sleeper.pid, "started": started}), encoding="utf-8")
    (run / "status.json").write_text(
        json.dumps({"state": "running", "step": 5, "steps": 10, "pid": sleeper.pid, "updated": started}), "utf-8"
    )
    try:
        admin = shared.log_in("root")
        page = admin.get("/admin").text
        assert "anna" in page and "running 50%" in page and "secret-person" not in page
        assert admin.get("/").headers["location"] == "/admin"
        asked = admin.post("/admin/stop", data={"name": "anna", "run": "0"})
        assert "asked to save and stop" in asked.text and (run / "stop").exists()
    finally:
        sleeper.kill()
        sleeper.wait()
    made = admin.post("/admin/add", data={"name": "dora", "role": "owner"}).text
    password = re.search(r"dora may log in with ([\w-]+)", made)
    assert password and shared.accounts.log_in("dora", password[1]).role == "owner"
    dora = next(each for each in shared.accounts.everyone() if each.name == "dora")
    monkeypatch.setenv("WORKBENCH_SHARED", str(shared.accounts.file.parent))  # as in the process of dora's page
    queue.submit("training", "secret-person", {}, owner=dora.id)
    page = admin.get("/admin").text
    assert "1 waiting" in page and "secret-person" not in page
    assert "not typed again" in admin.post("/admin/remove", data={"name": "dora", "again": ""}).text
    assert "is removed" in admin.post("/admin/remove", data={"name": "dora", "again": "dora"}).text
    assert not queue.jobs(owner=dora.id), "a job of an account that is gone would begin anew"
    assert "your own account" in admin.post("/admin/lock", data={"name": "root"}).text
    anna = shared.log_in("anna")
    assert anna.get("/admin").headers["location"] == "/"
    assert anna.post("/admin/add", data={"name": "eve"}).status_code == 303
    assert "eve" not in {each.name for each in shared.accounts.everyone()}


def test_too_many_attempts_are_refused(shared: Shared) -> None:
    answers = [shared.log_in("nobody-here", "wrong password").answer.status_code for _ in range(6)]  # type: ignore[attr-defined]
    assert answers == [401] * 5 + [429]
