"""The page of a study: every rater at an address of their own, all at the same time.

Who may ask, and how, is the work of `cli.page.server`, whose docstring says what is covered. Beyond that:
a token opens the page of its rater and no other, and nothing that is sent names a system or tells a check
from a task (`cli.study.desk`).
"""

import asyncio

from aiohttp import web

from skillofmind.cli.page import server
from skillofmind.cli.page.server import Door, body, document, reply
from skillofmind.cli.study.desk import Desk, Posted
from skillofmind.core.record import Record


class Agreed(Record, frozen=True):
    """What the page posts when a rater agrees to take part."""

    agreed: bool


def application(desk: Desk, door: Door) -> web.Application:
    """Return the server of a study."""
    return server.application(door, _Pages(desk, door).routes())


class _Pages:
    """The answers of the server."""

    def __init__(self, desk: Desk, door: Door) -> None:
        self._desk = desk
        self._door = door
        self._lock = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/api/setup", self.setup),
            web.get("/api/page", self.shown),
            web.post("/api/consent", self.consent),
            web.post("/api/answer", self.answer),
        ]

    async def page(self, request: web.Request) -> web.Response:
        return document("skillofmind.cli.study")

    async def setup(self, request: web.Request) -> web.Response:
        return reply(self._desk.setup(self._door.asker(request)))

    async def shown(self, request: web.Request) -> web.Response:
        place = request.query.get("place", "")
        # More digits than any study has pages; a longer number would only cost time.
        found = None
        if place.isascii() and place.isdecimal() and len(place) < 9:
            found = self._desk.shown(self._door.asker(request), int(place))
        if found is None:
            raise web.HTTPNotFound(reason="There is no such page.")
        return reply(found)

    async def consent(self, request: web.Request) -> web.Response:
        rater = self._door.asker(request)
        if (await body(request, Agreed)).agreed:
            async with self._lock:
                await asyncio.to_thread(self._desk.consent, rater)
        return reply(self._desk.setup(rater))

    async def answer(self, request: web.Request) -> web.Response:
        rater = self._door.asker(request)
        posted = await body(request, Posted)
        async with self._lock:
            new = await asyncio.to_thread(self._desk.answer, rater, posted)
        done, pages = self._desk.progress(rater)
        return reply({"new": new, "done": done, "pages": pages})
