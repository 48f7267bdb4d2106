"""Answer a chat request: plan, put the plan in, ask the upstream, pass its answer on.

    call -> (thought) -> bytes for the upstream -> head -> whole body | stream

Nothing of planning can end a request. Once the head of a reply is out, an error can no longer be a status;
it is then an event of the stream, and the connection is closed without a proper end, so that no client takes
a cut answer for a whole one.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from aiohttp import web
from multidict import CIMultiDict

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import SocialContext
from skillofmind.core.errors import SkillOfMindError, StorageError
from skillofmind.core.seams import Planner
from skillofmind.serve.errors import Refused, refusal_of
from skillofmind.serve.memory import Memory, Profile, merged
from skillofmind.serve.reply import PlanStream, Report, attach, event, usage_in
from skillofmind.serve.request import Call, Options, Said, read_messages, upstream_body
from skillofmind.serve.settings import Settings
from skillofmind.serve.thinking.planning import Planning, Thought, dialogue_of, not_planned
from skillofmind.serve.upstream.answered import Answered, Asking, Headers, Upstream
from skillofmind.serve.upstream.relay import sent_on
from skillofmind.serve.watch.traces import Trace

PLAN_HEADER = "X-Skillofmind"
REQUEST_HEADER = "X-Request-Id"
_TAIL = 2048
_LAST_USAGE = re.compile(rb'"usage"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')


class Room(NamedTuple):
    """What answering needs: settings, who plans, who answers, what is remembered, and the time."""

    settings: Settings
    planning: Planning
    upstream: Upstream
    memory: Memory | None = None
    clock: Callable[[], float] = time.perf_counter
    wall: Callable[[], float] = time.time

    @property
    def planner(self) -> Planner:
        """Who plans."""
        return self.planning.planner


class Turn(NamedTuple):
    """One request on its way: the connection, the call, its trace, and its messages."""

    request: web.BaseRequest
    call: Call
    trace: Trace
    messages: list[Said]


async def answer(room: Room, request: web.BaseRequest, call: Call, trace: Trace) -> web.StreamResponse:
    """Answer one chat request within its time.

    Raises:
        Refused: there is no answer, and nothing was sent yet.
    """
    trace.model, trace.stream = call.model or room.settings.model, call.stream
    turn = Turn(request, call, trace, read_messages(call.fields) or [])
    out = _Out(turn, room)
    limit = asyncio.timeout(call.seconds)
    try:
        async with limit:
            return await _answer(room, turn, out)
    except SkillOfMindError as error:
        return await out.broken(refusal_of(error))
    except TimeoutError:
        return await out.broken(_late(call.seconds))


def _late(seconds: float) -> Refused:
    return Refused(
        504,
        f"no answer within the {seconds:g} s of this request.",
        code="deadline_exceeded",
        headers={"X-Stopped-By": "deadline"},
    )


async def _answer(room: Room, turn: Turn, out: "_Out") -> web.StreamResponse:
    thought = await _thought(room, turn, out)
    trace, call = turn.trace, turn.call
    trace.reason, trace.plan = thought.reason, thought.usage
    if thought.plan is not None:
        trace.plan_seconds, trace.skill = thought.seconds, (thought.plan.skill or "")
    report = None if thought.plan is None else Report(thought, call.inject)
    role = room.upstream.system_role
    body = upstream_body(call, turn.messages, thought.block, system_role=role)
    headers = sent_on(turn.request.headers, plain=report is not None)
    plan = None if thought.reason else thought.plan
    start = room.clock()
    async with room.upstream.ask(Asking(body, headers, plan)) as answered:
        out.headers = _headers(answered, thought, trace)
        if report is None or not answered.plain or answered.status != 200:
            return await _passed_on(room, out, answered)
        if answered.streams:
            return await _streamed(room, out, answered, report, start)
        whole = await answered.read()
        return await out.whole(200, attach(whole, report, room.clock() - start), usage_in(whole))


async def _passed_on(room: Room, out: "_Out", answered: Answered) -> web.StreamResponse:
    """Give back what the upstream gives, byte by byte."""
    if not answered.streams:
        whole = await answered.read()
        return await out.whole(answered.status, whole, usage_in(whole))
    tail = b""
    async for piece in answered.pieces():
        await out.write(piece, answered.status)
        tail = (tail + piece)[-_TAIL:]
    return await out.end(_usage_at_end(tail))


async def _streamed(
    room: Room, out: "_Out", answered: Answered, report: Report, start: float
) -> web.StreamResponse:
    """Give back a stream with the plan on its first or last chunk."""
    identity = f"chatcmpl-{out.trace.id}"
    stream = PlanStream(report, identity, int(room.wall()), out.trace.model)
    if out.call.options.stream_plan:
        await out.write(stream.first())
    async for piece in answered.pieces():
        await out.write(stream.feed(piece, room.clock() - start))
    await out.write(stream.finish(room.clock() - start))
    return await out.end(stream.usage)


async def _thought(room: Room, turn: Turn, out: "_Out") -> Thought:
    """Plan, where this request is to be planned, and keep a waiting stream open meanwhile."""
    reason = not_planned(turn.messages, turn.call.inject)
    if reason:
        return Thought(reason=reason)
    # What is left after planning must be enough for an answer.
    seconds = min(room.settings.plan_timeout, turn.call.seconds / 2)
    thinking = _remembering(room, turn, room.planning.check(turn.call.options), seconds)
    if not turn.call.stream or seconds <= room.settings.heartbeat:
        return await thinking
    task = asyncio.ensure_future(thinking)
    try:
        while not (await asyncio.wait({task}, timeout=room.settings.heartbeat))[0]:
            await out.comment("planning")
        return task.result()
    finally:
        task.cancel()


async def _remembering(room: Room, turn: Turn, options: Options, seconds: float) -> Thought:
    told = options.social()
    context = context_of(await recalled(room, options), told, room.wall())
    dialogue, first = dialogue_of(turn.messages, context)
    thought = await room.planning.think(dialogue, options, turn.call.inject, seconds, first)
    if room.memory is not None and options.user is not None:
        skill = None if thought.plan is None else thought.plan.skill
        # A full disk costs the memory, not the answer.
        with suppress(StorageError):
            await room.memory.note(options.user, told, _last_words(turn.messages), skill)
    return thought


async def recalled(room: Room, options: Options) -> Profile | None:
    """Return the profile that goes with a request, where there is one and it can be read."""
    if room.memory is None or options.user is None:
        return None
    with suppress(StorageError):
        return await room.memory.get(options.user)
    return None


def _last_words(messages: list[Said]) -> str:
    return next((said.words() for said in reversed(messages) if said.role == "user"), "")


def context_of(profile: Profile | None, told: SocialContext | None, moment: float) -> SocialContext | None:
    """Return the social context of a request: what the profile knows, and what the request tells."""
    return told if profile is None else merged(profile.social(moment), told)


def plan_header(thought: Thought) -> str:
    """Return the header that says what came of planning."""
    if thought.reason:
        return f"unplanned; reason={thought.reason}"
    skill = "" if thought.plan is None else thought.plan.skill or ""
    return f'planned; skill="{quote(skill, safe=" -/&(),.")}"'


def _headers(answered: Answered, thought: Thought, trace: Trace) -> Headers:
    kept = [
        ("X-Upstream-Request-Id" if name.lower() == "x-request-id" else name, value)
        for name, value in answered.headers
        if name.lower() != "x-skillofmind"
    ]
    return [*kept, (REQUEST_HEADER, trace.id), (PLAN_HEADER, plan_header(thought))]


def _usage_at_end(tail: bytes) -> Usage:
    found = _LAST_USAGE.findall(tail)
    return usage_in(b'{"usage":' + found[-1] + b"}") if found else Usage()


class _Out:
    """The reply to one request: nothing yet, a whole body, or a stream that has begun."""

    def __init__(self, turn: Turn, room: Room) -> None:
        self._request = turn.request
        self._room = room
        self._stream: web.StreamResponse | None = None
        self._boundary = True
        self.call = turn.call
        self.trace = turn.trace
        self.headers: Headers = [
            ("Content-Type", "text/event-stream; charset=utf-8"),
            ("Cache-Control", "no-cache"),
            (REQUEST_HEADER, turn.trace.id),
        ]

    async def whole(self, status: int, body: bytes, usage: Usage) -> web.StreamResponse:
        """Return a whole reply; where a stream has begun already, it is the last event of that."""
        self.trace.answer = usage
        if self._stream is None:
            self.trace.status = status
            return web.Response(status=status, body=body, headers=CIMultiDict(self.headers))
        if status != 200:
            return await self._cut(body, f"upstream_{status}")
        await self._stream.write(event(body))
        return await self.end(usage)

    async def comment(self, words: str) -> None:
        """Send a comment, which keeps a stream open that has nothing to say yet."""
        await (await self._begun(200)).write(b": %s\n\n" % words.encode())

    async def write(self, data: bytes, status: int = 200) -> None:
        """Send a piece of a stream, after its head where that is not out yet."""
        if not data:
            return
        stream = await self._begun(status)
        if self.trace.first_byte is None:
            self.trace.first_byte = self._room.clock() - self.trace.start
        self._boundary = data.endswith((b"\n\n", b"\r\n\r\n"))
        await stream.write(data)

    async def end(self, usage: Usage) -> web.StreamResponse:
        """End a stream."""
        self.trace.answer = usage
        stream = await self._begun(200)
        await stream.write_eof()
        return stream

    async def broken(self, error: Refused) -> web.StreamResponse:
        """End a stream that cannot go on so that every client notices; raise where none has begun."""
        if self._stream is None:
            raise error
        return await self._cut(error.body(), error.code or str(error.status))

    async def _begun(self, status: int) -> web.StreamResponse:
        if self._stream is None:
            self.trace.status = status
            self._stream = web.StreamResponse(status=status, headers=CIMultiDict(self.headers))
            await self._stream.prepare(self._request)
        return self._stream

    async def _cut(self, body: bytes, code: str) -> web.StreamResponse:
        stream = await self._begun(200)
        self.trace.cut = code
        if self._boundary:
            with suppress(ConnectionError):
                await stream.write(event(body))
        # Without the end mark of a chunked body, no client takes what came for the whole answer.
        stream.force_close()
        if self._request.transport is not None:
            self._request.transport.close()
        return stream
