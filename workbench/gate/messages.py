"""What the gate reads of the messages between a window and its page, which are Streamlit's own."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from google.protobuf.message import DecodeError

from workbench.gate.language import IN_ADDRESS
from workbench.language import known_language

_SHORT = 1000  # bytes


@dataclass(frozen=True)
class FromWindow:
    """What a window's message says.

    Args:
        by_a_person: somebody clicked; a run that is followed asks for news by itself, all night.
        language: the one in the window's address; None when it names none.
    """

    by_a_person: bool = False
    language: str | None = None


def read_window(data: bytes | str) -> FromWindow:
    """Reads a message that a window sends to its page; one that cannot be read says nothing."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    try:
        message.ParseFromString(data if isinstance(data, bytes) else data.encode())
    except DecodeError:
        return FromWindow()
    rerun = message.rerun_script
    return FromWindow(message.HasField("rerun_script") and not rerun.is_auto_rerun, _language(rerun.query_string))


def language_of_page(data: bytes | str) -> str | None:
    """The language that a page puts into its window's address, by a message of the page; None when it does not."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    message = ForwardMsg()
    if isinstance(data, str) or len(data) > _SHORT:  # pictures and whole screens say nothing of it
        return None
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return _language(message.page_info_changed.query_string)


def _language(query: str) -> str | None:
    return known_language(parse_qs(query).get(IN_ADDRESS, [""])[0])
