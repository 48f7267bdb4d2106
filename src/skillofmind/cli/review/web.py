"""The review in a browser: one page from this machine, for this machine.

Who may ask, and how, is the work of `cli.page.server`, whose docstring says what is covered. Beyond that:
with `--blind` the teacher's skill is not sent until a choice was taken down.
"""

import asyncio
import secrets
import sys
from typing import Literal

from aiohttp import web

from skillofmind.cli.page import server
from skillofmind.cli.page.server import Door, Place, body, document, reply
from skillofmind.cli.review.cards import card, entry_of, setup
from skillofmind.cli.review.desk import Desk
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.mind.dataset.review import NONE, Item, census
from skillofmind.mind.dataset.reviewed import agreement

_MOST_DRAWS = 64


class Said(Record, frozen=True):
    """A decision as the page posts it.

    Attributes:
        row: id of the row.
        number: of the annotation; -1 for a rejected row.
        verdict: what the reviewer says.
        skill: after an edit; `None` keeps the teacher's.
        explanation: after an edit; `None` keeps the teacher's.
        note: of the reviewer.
    """

    row: str
    number: int
    verdict: Literal["accept", "edit", "reject"]
    skill: str | None = None
    explanation: str | None = None
    note: str = ""


class Chosen(Record, frozen=True):
    """A blind choice as the page posts it: row, number, and a skill or `(none)`."""

    row: str
    number: int
    skill: str


def serve(desk: Desk, skill: str | None, reason: str | None, port: int) -> int:
    """Serve the page until Ctrl-C, and return 0.

    Raises:
        ConfigurationError: nothing fits the draw, or the port is taken.
        DataError: the folder holds no annotation run.
    """
    return asyncio.run(_serve(desk, skill, reason, port))


async def _serve(desk: Desk, skill: str | None, reason: str | None, port: int) -> int:
    token = secrets.token_urlsafe(24)

    def announce(address: str) -> str:
        return f"Open {address}/?token={token}\nThe address is for you alone; Ctrl-C ends the review.\n"

    await server.serve(application(desk, token, skill, reason), Place(port), announce)
    sys.stdout.write("Ended; every decision is kept.\n")
    return 0


def application(
    desk: Desk, token: str, skill: str | None = None, reason: str | None = None
) -> web.Application:
    """Return the server of one review.

    Raises:
        ConfigurationError: nothing fits the draw.
        DataError: the folder holds no annotation run.
    """
    door = Door({token: desk.reviewer}, "review", "som review")
    return server.application(door, _Pages(desk, skill, reason).routes())


class _Pages:
    """The answers of the server."""

    def __init__(self, desk: Desk, skill: str | None, reason: str | None) -> None:
        self._desk = desk
        self._first = (skill, reason)
        self._items: dict[tuple[str, int], Item] = {}
        self._draws: dict[tuple[str | None, str | None], tuple[Item, ...]] = {}
        self._census = census(desk.drawing.folder)
        self._lock = asyncio.Lock()
        self._remember(self._first, desk.drawing.items(skill, reason))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/api/setup", self.setup),
            web.get("/api/items", self.items),
            web.get("/api/card", self.card),
            web.get("/api/agreement", self.agreement),
            web.post("/api/choice", self.choice),
            web.post("/api/decision", self.decision),
        ]

    async def page(self, request: web.Request) -> web.Response:
        return document("skillofmind.cli.review")

    async def setup(self, request: web.Request) -> web.Response:
        skill, reason = self._first
        return reply(setup(self._desk, self._census, skill, reason))

    async def items(self, request: web.Request) -> web.Response:
        drawn = await self._drawn(request.query.get("skill") or None, request.query.get("reason") or None)
        return reply([entry_of(self._desk, item) for item in drawn])

    async def card(self, request: web.Request) -> web.Response:
        item = self._item(request.query.get("row", ""), request.query.get("number", ""))
        return reply(card(self._desk, item))

    async def agreement(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(agreement, self._desk.drawing.folder)
        return reply(found)

    async def choice(self, request: web.Request) -> web.Response:
        said = await body(request, Chosen)
        item = self._item(said.row, said.number)
        if said.skill != NONE and self._desk.definition(said.skill) is None:
            raise ConfigurationError(f"{said.skill!r} is no skill of the taxonomy.")
        self._desk.choose(item, said.skill)
        return reply(card(self._desk, item))

    async def decision(self, request: web.Request) -> web.Response:
        said = await body(request, Said)
        item = self._item(said.row, said.number)
        if self._desk.is_hidden(item):
            raise ConfigurationError("Choose a skill first.")
        if said.skill not in (None, item.label) and self._desk.definition(said.skill or "") is None:
            raise ConfigurationError(f"{said.skill!r} is no skill of the taxonomy.")
        async with self._lock:
            await asyncio.to_thread(
                self._desk.decide, item, said.verdict,
                skill=said.skill, explanation=said.explanation, note=said.note,
            )  # fmt: skip
        return reply(card(self._desk, item))

    async def _drawn(self, skill: str | None, reason: str | None) -> tuple[Item, ...]:
        if self._desk.blind and skill != self._first[0]:
            raise ConfigurationError("A draw by skill would tell the skill; blind reviews see all skills.")
        if (skill, reason) not in self._draws:
            if len(self._draws) >= _MOST_DRAWS:
                raise ConfigurationError("Too many draws at once; start the review again.")
            found = await asyncio.to_thread(self._desk.drawing.items, skill, reason)
            self._remember((skill, reason), found)
        return self._draws[(skill, reason)]

    def _remember(self, draw: tuple[str | None, str | None], items: tuple[Item, ...]) -> None:
        self._draws[draw] = items
        self._items.update({(item.row.id, item.number): item for item in items})

    def _item(self, row: str, number: int | str) -> Item:
        try:
            return self._items[(row, int(number))]
        except (KeyError, ValueError):
            raise web.HTTPNotFound(reason="There is no such card.") from None
