"""One browser window, by Streamlit's own protocol: a socket, messages in protobuf, and no drawing.

What a browser does and this does not: keep messages that it has seen (each is asked for anew, so answers are longer
than a browser's), fetch scripts and letters, and draw.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 180.0  # s for one look
_LARGEST = 512 * 2**20  # bytes of a message, as the server allows


class WindowError(Exception):
    """The page showed an error, sent the window away, or did not answer."""


@dataclass
class Shown:
    """What a window shows.

    Args:
        widgets: the ids of all that can be pressed or filled, by the key it has in the page's code.
        files: that can be downloaded: their ids, by the button's key. They have an address when it is asked for.
        dialog: the id of an open dialog that says when it is closed; empty for none.
        follow: parts of the page that ask for news by themselves: their ids and every how many seconds.
        bytes: that came.
        seconds: from asking until the page was whole.
    """

    widgets: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    dialog: str = ""
    follow: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0


class Window:
    """A window that is open.

    Args:
        socket: the connection.
        url: of the server.
        on_bytes: is given every message as it came.
    """

    def __init__(self, socket: Any, url: str, on_bytes: Callable[[bytes], object]) -> None:
        self.shown = Shown()
        self._socket, self._url, self._on_bytes = socket, url, on_bytes
        self._pages: dict[str, str] = {}
        self._values: dict[str, dict[str, Any]] = {}
        self._page = self._session = ""

    @staticmethod
    async def open(url: str, cookies: Mapping[str, str], on_bytes: Callable[[bytes], object]) -> Window:
        """Connects; nothing is shown before `go`.

        Raises:
            WindowError: the server does not take it.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException
        from websockets.typing import Subprotocol

        headers = {"cookie": "; ".join(f"{key}={value}" for key, value in cookies.items()), "origin": url}
        try:
            socket = await connect(
                url.replace("http", "ws", 1) + "/_stcore/stream", subprotocols=[Subprotocol("streamlit")],
                additional_headers=headers, proxy=None, max_size=_LARGEST, open_timeout=PATIENCE, ping_interval=None,
            )  # fmt: skip
        except (WebSocketException, OSError, TimeoutError) as error:
            raise WindowError(f"no connection: {error!r}") from error
        return Window(socket, url, on_bytes)

    async def close(self) -> None:
        await self._socket.close()

    async def go(self, screen: str) -> Shown:
        """Opens a screen by the last part of its address; empty for the first one.

        Raises:
            WindowError: see `WindowError`.
        """
        self._page = self._pages.get(screen, "")
        return await self._ask(name="" if self._page else screen)

    async def press(self, key: str) -> Shown:
        """Presses a button.

        Raises:
            WindowError: there is none, or see `WindowError`.
        """
        return await self._ask({self._id(key): {"trigger_value": True}})

    async def dismiss(self) -> Shown:
        """Closes the dialog, if one is open.

        Raises:
            WindowError: see `WindowError`.
        """
        return await self._ask({self.shown.dialog: {"trigger_value": True}}) if self.shown.dialog else self.shown

    async def address_of(self, key: str) -> str:
        """The address of a file, as a browser asks for it when its button is pressed.

        Raises:
            WindowError: there is no such button, or see `WindowError`.
        """
        from streamlit.proto.BackMsg_pb2 import BackMsg

        if key not in self.shown.files:
            raise WindowError(f"there is no {key} on {self._page_name()}")
        message = BackMsg()
        asked = message.backend_operation_request
        asked.session_id = self._session
        asked.request_id, asked.deferred_file.file_id = f"{time.monotonic_ns()}", self.shown.files[key]
        answer = (await self._say(message, "backend_operation_response")).backend_operation_response
        if answer.error_msg or answer.request_id != asked.request_id:
            raise WindowError(f"a file has no address: {answer.error_msg}")
        return str(answer.deferred_file.url)

    async def put(self, key: str, **value: Any) -> Shown:
        """Fills a field, with the value's name in the protocol: `string_value="park"`.

        Raises:
            WindowError: there is none, or see `WindowError`.
        """
        self._values[self._id(key)] = value
        return await self._ask()

    async def stay(self, seconds: float) -> None:
        """Looks at the screen for a while; what asks for news by itself does.

        Raises:
            WindowError: see `WindowError`.
        """
        end = time.monotonic() + seconds
        due = {part: time.monotonic() + every for part, every in self.shown.follow.items()}
        while due and min(due.values()) < end:
            part = min(due, key=lambda each: due[each])
            await asyncio.sleep(max(0.0, due[part] - time.monotonic()))
            every = self.shown.follow[part]
            await self._ask(fragment=part)
            if part not in self.shown.follow:  # the page was drawn anew, or it has nothing more to tell
                return await self.stay(end - time.monotonic())
            due[part] = time.monotonic() + every
        await asyncio.sleep(max(0.0, end - time.monotonic()))

    def _id(self, key: str) -> str:
        if key not in self.shown.widgets:
            raise WindowError(f"there is no {key} on {self._page_name()}")
        return self.shown.widgets[key]

    def _page_name(self) -> str:
        return next((name for name, page in self._pages.items() if page == self._page), "the first screen") or "photos"

    async def _ask(self, triggers: Mapping[str, Any] | None = None, name: str = "", fragment: str = "") -> Shown:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_script_hash, rerun.page_name, rerun.fragment_id = self._page, name, fragment
        rerun.is_auto_rerun = bool(fragment)
        rerun.context_info.timezone, rerun.context_info.locale, rerun.context_info.url = "UTC", "en-US", self._url
        for widget, value in (self._values | dict(triggers or {})).items():
            rerun.widget_states.widgets.add(id=widget, **value)
        began = time.monotonic()
        await self._say(message, "script_finished")
        self.shown.seconds = time.monotonic() - began
        return self.shown

    async def _say(self, message: Any, until: str) -> Any:
        """Says something and listens until the answer, the last message of what comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._socket.send(message.SerializeToString())
                return await self._hear(until)
        except TimeoutError as error:
            raise WindowError(f"{self._page_name()}: no answer in {PATIENCE:g} s") from error

    async def _hear(self, until: str) -> Any:
        """Takes messages until the page is whole, or the part of it that was asked for; or until another answer."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
        from websockets.exceptions import ConnectionClosed

        begun = False
        while True:
            try:
                data = await self._socket.recv()
            except ConnectionClosed as error:
                raise WindowError(f"the connection ended: {error}") from error
            self._on_bytes(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                # Each beginning draws anew: a page, and a part of it too, may ask for a whole run in the midst of one.
                if not message.metadata.run.fragment_ids:
                    self.shown = Shown()
                begun, self._session = True, message.new_session.initialize.session_id
            self.shown.bytes += len(data)
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._take(message.delta.new_element)
            elif kind == "delta" and message.delta.add_block.WhichOneof("type") == "dialog":
                self.shown.dialog = message.delta.add_block.dialog.id
            elif kind == "auto_rerun":
                self.shown.follow[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "stop_auto_rerun":
                for part in message.stop_auto_rerun.fragment_ids:
                    self.shown.follow.pop(part, None)
            elif kind == "navigation":
                self._pages = {each.url_pathname: each.page_script_hash for each in message.navigation.app_pages}
                self._page = message.navigation.page_script_hash or self._page
            elif kind == "auth_redirect":
                raise WindowError(f"sent away to {message.auth_redirect.url}")
            elif kind == "script_finished" and begun:
                if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise WindowError("the page's code has an error")
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return message
            elif kind == until != "script_finished":
                return message

    def _take(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        content = getattr(element, kind) if kind else None
        if kind == "exception":
            raise WindowError(f"{self._page_name()}: {content.type}: {content.message}")
        if kind == "alert" and content.format == content.ERROR:
            raise WindowError(f"{self._page_name()}: {content.body}")
        widget = str(getattr(content, "id", ""))
        if widget.startswith("$$ID-"):
            self.shown.widgets[widget.split("-", 2)[2]] = widget
        if kind == "download_button" and content.deferred_file_id:
            self.shown.files[content.id.split("-", 2)[2]] = content.deferred_file_id
