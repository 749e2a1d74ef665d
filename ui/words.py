"""How things are said on the page: errors, sizes, times, and text of strangers that must not become markup."""

from __future__ import annotations

import html
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import streamlit as st

from workbench.errors import WorkbenchError


@contextmanager
def telling() -> Iterator[None]:
    """Shows an error of the block in words a person understands; a traceback goes to the terminal only."""
    try:
        yield
    except WorkbenchError as error:
        tell(error)
    except Exception as error:  # reruns and stops of Streamlit are no Exceptions
        traceback.print_exc(file=sys.stderr)
        st.error(
            f"**Something unexpected happened** ({plain(type(error).__name__)}). Nothing that was saved is lost. "
            "Reload the page; if it happens again, the terminal in which the page was started says more.",
            icon=":material/sentiment_dissatisfied:",
        )


def tell(error: WorkbenchError) -> None:
    """What it is about, what is wrong, and the way out."""
    reason = error.reason[:1].upper() + error.reason[1:]
    st.error(f"**{plain(error.thing)}**  \n{_with_code(reason)}. {_with_code(error.way_out)}.", icon=":material/error:")


def _with_code(text: str) -> str:
    """Commands stand between backticks in messages; the rest is shown as it is."""
    parts = text.split("`")
    return "".join(
        f"`{part}`" if index % 2 and index < len(parts) - 1 else plain(part) for index, part in enumerate(parts)
    )


def later(message: str, icon: str = ":material/check_circle:") -> None:
    """Shows a short message on the next run of the page, for work done in a callback."""
    st.session_state.setdefault("later", []).append((message, icon))


def say_later() -> None:
    """Shows what `later` and `tell_later` kept."""
    for message, icon in st.session_state.pop("later", []):
        st.toast(message, icon=icon)
    for error in st.session_state.pop("told", []):
        tell(error)


@contextmanager
def telling_later() -> Iterator[None]:
    """For callbacks: what goes wrong is shown at the top of the page when it is drawn."""
    try:
        yield
    except WorkbenchError as error:
        st.session_state.setdefault("told", []).append(error)


def plain(text: object) -> str:
    """Text as Markdown shows it unchanged: names of files and prompts may hold anything."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$:&])", r"\\\1", str(text))


def escaped(text: object) -> str:
    """Text inside HTML."""
    return html.escape(str(text), quote=True)


def megabytes(count: float) -> str:
    if count < 1e5:
        return f"{count / 1e3:.0f} KB" if count >= 1e3 else f"{count:.0f} bytes"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def duration(seconds: float) -> str:
    """Whole seconds below a minute, minutes and seconds below an hour.

    >>> duration(42.3), duration(80), duration(7300)
    ('42 s', '1 min 20 s', '2 h 02 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def ago(when: float | str | datetime) -> str:
    """A time as people say it; an ISO time, a datetime or seconds since 1970. Empty when it cannot be read."""
    try:
        moment = datetime.fromisoformat(when) if isinstance(when, str) else when
        stamp = moment.timestamp() if isinstance(moment, datetime) else float(moment)
    except (ValueError, TypeError, OverflowError):
        return ""
    past = time.time() - stamp
    if past < -300:  # a clock may be a little behind, not more
        return ""
    if past < 60:
        return "just now"
    if past < 3600:
        return f"{past // 60:.0f} min ago"
    if past < 86_400:
        return f"{past // 3600:.0f} h ago"
    return datetime.fromtimestamp(stamp, UTC).astimezone().strftime("%-d %b %Y")


def count(number: int, noun: str) -> str:
    """`1 photo`, `3 photos`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
