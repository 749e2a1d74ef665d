"""One session of the load: logs in, plants a marker, walks through the screens, and looks for markers of others."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from benchmarks.load.server import PASSWORD, PREFIX, Person, new_marker
from benchmarks.load.window import PATIENCE, Window, WindowError

MARKER = re.compile(rb"%s[0-9a-f]{12}" % PREFIX.encode())
COMMON = ("kimono", "park", "hoodie", "chibi of", "7919")  # searched for; the last one is a seed
_LATE = 3  # errors after the end, until a session gives up
SCREENS = ("", "train", "create", "packs", "adapters")


@dataclass
class Book:
    """What all sessions together have noted.

    Args:
        seconds: by what was done, of each time.
        errors: in words.
        wrong: what somebody saw that is somebody else's.
        counts: of looks, probes and bytes.
        clients: of all who have logged in, with the person's name.
        begins: from when on times count, by the monotonic clock: when all are there.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    clients: list[tuple[str, httpx.AsyncClient]] = field(default_factory=list)
    begins: float = 0.0

    def took(self, what: str, seconds: float, always: bool = False) -> None:
        """Notes a time; before all are there only what happens once is."""
        if always or time.monotonic() >= self.begins:
            self.seconds.setdefault(what, []).append(seconds)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number


class Visitor:
    """A session.

    Args:
        number: tells sessions apart.
        person: whose account it uses.
        others: everybody else, with their sessions' markers.
        url: of the server.
        think: seconds between two looks, on average.
    """

    def __init__(self, number: int, person: Person, others: list[Person], url: str, think: float, book: Book) -> None:
        self.number, self.person, self.others, self.url, self.think, self.book = (
            number, person, others, url, think, book,
        )  # fmt: skip
        self.marker = new_marker()
        self._dice = random.Random(number)
        self._client = _client(url)
        self._window: Window | None = None
        self._drew = False
        # Everybody tries these once before walking at random.
        self._first = [self._own_marker, self._others_marker, self._own_media]

    async def visit(self, end: float, paints: bool = False) -> None:
        """Walks until a moment of the monotonic clock; what goes wrong is noted, and a new window is opened.

        However slow the machine is, everything that everybody tries once is tried before the end.

        Args:
            paints: draw pictures, one request after the other, in place of walking.
        """
        done, least, late = 0, 1 if paints else len(self._first), 0
        try:
            while time.monotonic() < end or (done < least and late < _LATE):
                try:
                    if self._window is None:
                        await self._come()
                    await (self._paint(end) if paints else self._walk(end))
                    done += 1
                except (WindowError, httpx.HTTPError) as error:
                    self.book.errors.append(f"session {self.number}: {error or repr(error)}")
                    late += time.monotonic() >= end
                    await self._leave()
                    await asyncio.sleep(1)
        finally:
            await self._leave()
            self.book.clients = [each for each in self.book.clients if each[1] is not self._client]
            await self._client.aclose()

    async def _come(self) -> None:
        """Logs in the first time; then as a browser does that opens the page."""
        if "chibi_session" not in self._client.cookies:
            await asyncio.to_thread(self.person.plant, self.marker)
            began = time.monotonic()
            answer = await self._client.post("/login", data={"name": self.person.name, "password": PASSWORD})
            if answer.status_code != 303:
                raise WindowError(f"logging in was answered with {answer.status_code}")
            self.book.took("Log in", time.monotonic() - began, always=True)
            self.book.clients.append((self.person.name, self._client))
        began = time.monotonic()
        answer = await self._client.get("/gallery", headers={"accept": "text/html"})
        if answer.status_code != 200:
            raise WindowError(f"the page was answered with {answer.status_code}")
        self._window = await Window.open(self.url, dict(self._client.cookies), self._read)
        await self._window.go("gallery")
        first, self.person.came = not self.person.came, True
        what = "Gallery: a person's first window, their process starts" if first else "Gallery: open in a new window"
        self.book.took(what, time.monotonic() - began, always=first)

    async def _leave(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            await window.close()

    async def _walk(self, end: float) -> None:
        """One look, and a while of looking at it."""
        assert self._window is not None
        ways: list[tuple[int, Callable[[Window], Awaitable[None]]]] = [
            (20, self._older), (12, self._search), (10, self._look_at), (6, self._star), (6, self._own_marker),
            (6, self._others_marker), (12, self._own_media), (20, self._another_screen),
            (4, self._reload),
        ]  # fmt: skip
        (way,) = self._dice.choices([each for _, each in ways], [weight for weight, _ in ways])
        if self._first:
            way = self._first.pop(0)
        await way(self._window)
        self.book.count("looks")
        if self._window is not None:
            await self._window.stay(min(self._dice.expovariate(1 / self.think), max(0.0, end - time.monotonic())))

    async def _go(self, screen: str, what: str) -> None:
        assert self._window is not None
        self.book.took(what, (await self._window.go(screen)).seconds)

    async def _in_gallery(self, window: Window) -> None:
        if "search" not in window.shown.widgets:
            await self._go("gallery", "Gallery: open from another screen")

    async def _older(self, window: Window) -> None:
        await self._in_gallery(window)
        if "page-older" not in window.shown.widgets:  # the last search found little
            await window.put("search", string_value="")
        if "page-older" in window.shown.widgets:
            self.book.took("Gallery: next page", (await window.press("page-older")).seconds)

    async def _search(self, window: Window) -> None:
        await self._in_gallery(window)
        shown = await window.put("search", string_value=self._dice.choice(COMMON))
        self.book.took("Gallery: search", shown.seconds)

    async def _look_at(self, window: Window) -> None:
        await self._in_gallery(window)
        if keys := _pictures(window):
            shown = await window.press(f"look-gallery-{self._dice.choice(keys)}")
            self.book.took("Gallery: look at a picture", shown.seconds)
            await window.stay(self.think / 3)
            self.book.took("Gallery: close the picture", (await window.dismiss()).seconds)

    async def _star(self, window: Window) -> None:
        await self._in_gallery(window)
        if keys := _pictures(window):
            shown = await window.press(f"star-gallery-{self._dice.choice(keys)}")
            self.book.took("Gallery: give or take a star", shown.seconds)

    async def _own_marker(self, window: Window) -> None:
        await self._in_gallery(window)
        await window.put("search", string_value=self.marker.removeprefix(PREFIX))
        self.book.count("own markers looked for")
        if _pictures(window) != [self.marker]:
            self.book.wrong.append(f"session {self.number} did not find its own picture, but {_pictures(window)}")

    async def _others_marker(self, window: Window) -> None:
        theirs = sorted(marker for other in self.others for marker in (other.marker, *other.markers))
        if not theirs:
            return
        await self._in_gallery(window)
        # Without its beginning: what the page repeats of the search is no finding.
        await window.put("search", string_value=self._dice.choice(theirs).removeprefix(PREFIX))
        self.book.count("others' markers looked for")
        if found := _pictures(window):
            self.book.wrong.append(f"session {self.number} found a picture of somebody else: {found[0]}")

    async def _own_media(self, window: Window) -> None:
        await self._in_gallery(window)
        keys = _pictures(window)
        if not keys:
            return
        key = f"save-gallery-{self._dice.choice(keys)}"
        for attempt in range(3):
            began = time.monotonic()
            address = await window.address_of(key)
            answer = await self._client.get(address)
            self.book.took("Gallery: download a picture", time.monotonic() - began)
            self.book.count("own addresses asked for")
            if answer.status_code != 404 or attempt == 2:
                break
            # Streamlit keeps a file that was asked for until two more runs of the page have ended, of any window. A
            # person presses again.
            self.book.count("downloads that were asked for again")
        self._read(answer.content)
        # No marker is in what was drawn meanwhile; other people's are looked for in every byte.
        if answer.status_code != 200 or not answer.content.startswith(b"\x89PNG"):
            raise WindowError(f"a picture of one's own was answered with {answer.status_code}")
        await self._lend(address)

    async def _lend(self, address: str) -> None:
        """Lets somebody else, and nobody, ask for what this session was given; it must still be there afterwards."""
        strangers = [each for name, each in self.book.clients if name != self.person.name]
        if not strangers:
            return
        answer = await self._dice.choice(strangers).get(address)
        async with _client(self.url) as nobody:
            without = await nobody.get(address)
        if (await self._client.get(address)).status_code != 200:
            return  # it is gone for its owner too: that nobody else got it says nothing
        self.book.count("others' addresses asked for", 2)
        if (answer.status_code, without.status_code) != (404, 401):
            said = f"{answer.status_code}, without a login {without.status_code}"
            self.book.wrong.append(f"the address of a picture of session {self.number} was answered {said}")

    async def _another_screen(self, window: Window) -> None:
        screen = self._dice.choice(SCREENS)
        await self._go(screen, f"{(screen or 'photos').capitalize()}: open")

    async def _reload(self, window: Window) -> None:
        await self._leave()
        await self._come()

    async def _paint(self, end: float) -> None:
        assert self._window is not None
        if "draw-button" not in self._window.shown.widgets:
            await self._go("create", "Create: open")
        first, self._drew = not self._drew, True
        what = "Create: draw four, the base is opened first" if first else "Create: draw four"
        self.book.took(what, (await self._window.press("draw-button")).seconds, always=first)
        self.book.count("requests drawn")
        await self._window.stay(min(self.think, max(0.0, end - time.monotonic())))

    def _read(self, data: bytes) -> None:
        """Looks for markers in what came."""
        found = set(MARKER.findall(data))
        self.book.count("markers read", len(found))
        self.book.count("bytes", len(data))
        own = {each.encode() for each in (self.person.marker, *self.person.markers)}
        for marker in found - own:
            self.book.wrong.append(f"session {self.number} was shown what is somebody else's: {marker.decode()}")


def _client(url: str) -> httpx.AsyncClient:
    # verify=False: there is no TLS here, and reading the certificates for each client takes 20 ms.
    return httpx.AsyncClient(base_url=url, headers={"origin": url}, timeout=PATIENCE, trust_env=False, verify=False)


def _pictures(window: Window) -> list[str]:
    """The ids of the pictures on the gallery's page."""
    begin = "star-gallery-"
    return [key.removeprefix(begin) for key in window.shown.widgets if key.startswith(begin)]
