"""How things are said on the page: errors, sizes, times, and text of strangers that must not become markup."""

from __future__ import annotations

import html
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.language import mark, told, tr, trn

MONTHS = (
    mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun"),
    mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec"),
)  # fmt: skip


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
            tr(
                "**Something unexpected happened** ({name}). Nothing that was saved is lost. Reload "
                "the page; if it happens again, the terminal in which the page was started says more.",
                name=plain(type(error).__name__),
            ),
            icon=":material/sentiment_dissatisfied:",
        )


def tell(error: WorkbenchError) -> None:
    """What it is about, what is wrong, and the way out."""
    reason = told(error.reason[:1].upper() + error.reason[1:] + ".")
    way_out = told(error.way_out + ".")
    st.error(f"**{plain(told(error.thing))}**  \n{_with_code(reason)} {_with_code(way_out)}", icon=":material/error:")


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
        return f"{count / 1e3:.0f} KB" if count >= 1e3 else tr("{bytes} bytes", bytes=f"{count:.0f}")
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def duration(seconds: float) -> str:
    """Whole seconds below a minute, minutes and seconds below an hour.

    >>> duration(42.3), duration(80), duration(7300)
    ('42 s', '1 min 20 s', '2 h 02 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    if whole < 3600:
        return tr("{minutes} min {seconds} s", minutes=whole // 60, seconds=f"{whole % 60:02d}")
    return tr("{hours} h {minutes} min", hours=whole // 3600, minutes=f"{whole % 3600 // 60:02d}")


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
        return tr("just now")
    if past < 3600:
        return tr("{minutes} min ago", minutes=f"{past // 60:.0f}")
    if past < 86_400:
        return tr("{hours} h ago", hours=f"{past // 3600:.0f}")
    return day(datetime.fromtimestamp(stamp, UTC).astimezone())


def day(moment: date) -> str:
    """`7 Nov 2026`, as the language writes days."""
    month = tr(MONTHS[moment.month - 1])
    return tr("{day} {month} {year}", day=moment.day, month=month, year=moment.year)


def count(number: int, noun: str) -> str:
    """`1 photo`, `3 photos`."""
    one = f"{{number}} {noun}"
    return trn(one, f"{one}s", number)


def dialog(title: str, **options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`st.dialog` whose title is looked up when it opens; modules are imported once for everybody.

    Args:
        title: in English, as `mark` gave it.
        options: of `st.dialog`.
    """

    def of(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def opened(*args: Any) -> None:
            st.dialog(tr(title), **options)(function)(*args)

        return opened

    return of
