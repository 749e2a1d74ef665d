"""Which language the gate speaks to a browser: the one its address asks for, or chose before, or the browser's own.

What was chosen is kept in a cookie of its own, which is no secret; the pages behind the gate read it too.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection

from workbench.language import ENGLISH, known_language, language, speaking

IN_ADDRESS, COOKIE = "lang", "chibi_language"
_YEAR = 365 * 24 * 3600  # s


def language_of(connection: HTTPConnection) -> str:
    """The language of a request; the server's own where the browser names none at all."""
    chosen = connection.query_params.get(IN_ADDRESS), connection.cookies.get(COOKIE)
    asked = next(filter(None, map(known_language, chosen)), None)
    return asked or _of_browser(connection.headers.get("accept-language", ""))


def _of_browser(header: str) -> str:
    """The first language of ours in the order of `Accept-Language` (RFC 9110, 12.5.4); English for those without."""
    wished = []
    for place, part in enumerate(header.split(",")):
        name, _, quality = part.strip().partition(";")
        code = known_language(name.strip())
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if code and weight > 0:
            wished.append((-weight, place, code))
    if wished:
        return min(wished)[2]
    return ENGLISH if header.strip() else language()


class Speaking:
    """Answers each request in its language, and has the browser keep one that it asks for.

    Args:
        app: what answers.
        https: whether browsers come over TLS.
    """

    def __init__(self, app: Any, https: bool) -> None:
        self.app, self.https = app, https

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        connection = HTTPConnection(scope)
        asked = known_language(connection.query_params.get(IN_ADDRESS))

        async def say(message: Any) -> None:
            if asked and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"set-cookie", _cookie(asked, self.https))]
            await send(message)

        with speaking(language_of(connection)):
            await self.app(scope, receive, say)


def _cookie(code: str, https: bool) -> bytes:
    secure = "; Secure" if https else ""
    return f"{COOKIE}={code}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax{secure}".encode()
