"""The gate's own pages: plain HTML without script. Everything that comes from people is escaped."""

from __future__ import annotations

import base64
from functools import cache
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse

from workbench.accounts import SHORTEST, Account
from workbench.gate.language import IN_ADDRESS
from workbench.language import LANGUAGES, language, tr

# No script at all, nothing from elsewhere, and nobody may put these pages into a frame.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_STYLE = Path(__file__).with_name("gate.css").read_text(encoding="utf-8")


def page(title: str, body: str, here: str, wide: bool = False, status: int = 200) -> HTMLResponse:
    """A page of the gate.

    Args:
        title: plain text.
        body: HTML; what is of people in it is escaped already.
        here: its address, where it can be read in another language.
    """
    others = "".join(
        f'<a href="{here}?{IN_ADDRESS}={code}" lang="{code}" hreflang="{code}">{escape(name)}</a>'
        for code, name in LANGUAGES.items()
        if code != language()
    )
    html = (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><main class="{"wide" if wide else ""}"><nav class="languages">{others}</nav>{body}</main></body></html>'
    )
    return HTMLResponse(html, status, {"content-security-policy": POLICY, "cache-control": "no-store"})


def message(text: str, kind: str = "bad") -> str:
    """A line that stands out: bad, warn or good; nothing when there is nothing to say."""
    return f'<div class="{kind}" role="status">{escape(text)}</div>' if text else ""


def log_in_page(
    error: str = "", name: str = "", oidc: bool = False, over: bool = False, status: int = 200
) -> HTMLResponse:
    """Where people log in.

    Args:
        oidc: whether there is a provider that can show people in.
        over: whether a session has just ended.
    """
    said = message(error) or message(
        tr("Your session is over. Log in again; what you made is there.") if over else "", "warn"
    )
    door = f'<a class="button whole" href="/door">{escape(tr("Log in with your organisation"))}</a>' if oidc else ""
    return page(
        tr("Log in · Chibi workbench"),
        f'<header><img src="{_chibi()}" alt=""><h1>{escape(tr("Chibi workbench"))}</h1>'
        f"<p>{escape(tr('Your photos are seen by you alone.'))}</p></header>{said}"
        '<form class="whole" method="post" action="/login">'
        f'<label for="name">{escape(tr("Name"))}</label>'
        f'<input id="name" name="name" value="{escape(name, quote=True)}" '
        'autocomplete="username" autocapitalize="none" maxlength="60" required autofocus>'
        f'<label for="password">{escape(tr("Password"))}</label><input id="password" name="password" type="password" '
        f'autocomplete="current-password" maxlength="200" required><button>{escape(tr("Log in"))}</button></form>'
        f"{door}",
        "/login",
        status=status,
    )


def account_page(account: Account, error: str = "", when_reset: str = "") -> HTMLResponse:
    """An owner's account: password, logging out."""
    reset = tr("An admin gave this account a new password on {when}. Change it now.", when=when_reset)
    own = (
        ""
        if account.email
        else f'<h2>{escape(tr("Change the password"))}</h2><form class="whole" method="post" action="/account">'
        f'<label for="old">{escape(tr("Password now"))}</label><input id="old" name="old" type="password" '
        f'autocomplete="current-password" required><label for="new">{escape(tr("New password"))}</label>'
        f'<input id="new" name="new" type="password" minlength="{SHORTEST}" maxlength="200" '
        'autocomplete="new-password" required>'
        f"<button>{escape(tr('Change it'))}</button></form>"
        f"<p>{escape(tr('Every window you have open is logged out then.'))}</p>"
    )
    back = "/admin" if account.role == "admin" else "/"
    return page(
        tr("Account · Chibi workbench"),
        f'<div class="top"><h1>{escape(account.name)}</h1><a href="{back}">{escape(tr("Back"))}</a></div>'
        f"{message(error)}{message(reset, 'warn') if when_reset else ''}"
        f'<form method="post" action="/logout"><button>{escape(tr("Log out"))}</button></form>{own}',
        "/account",
    )


@cache
def _chibi() -> str:
    from workbench.world.character import Character, Scene
    from workbench.world.chibi import chibi_svg

    who = Character(hair_style="ponytail", hair_colour="ginger", eye_colour="blue", freckles=True, variation=4)
    scene = Scene(expression="smiling", clothing="hoodie", clothing_colour="red", pose="waving")
    svg = chibi_svg(who, scene, transparent=True)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
