"""A server with the routes that the playground uses: real plans, stored replies, faults on request.

It runs in a thread of the test's process; `stand_in.faults` is taken from the left, one a request for a reply.

    with StandIn() as server:
        server.faults.append(Fault(429, {"Retry-After": "7"}))
        ... server.url ...

Run as a program it serves until Ctrl-C, for work on the page: `python -m tests.serve.playground.stand_in --slow`.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
from aiohttp import web

from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import SocialContext
from skillofmind.core.plan import Plan
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.inject import dialogue_of
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.models.retrieval import RetrievalModel, replies_in
from skillofmind.serve.playground.handlers import add_playground, page_info


class Fault(NamedTuple):
    """What one request for a reply meets instead of an answer; `cut` words are sent before the end comes."""

    status: int = 200
    headers: dict[str, str] = {}
    cut: int | None = None
    text: str | None = None


class StandIn:
    """The server; `asked` holds the bodies of all requests for replies."""

    def __init__(self, *, offline: bool = True, key: str = "", pause: float = 0.0, port: int = 0) -> None:
        self.faults: deque[Fault] = deque()
        self.asked: list[dict[str, Any]] = []
        self.key, self.pause = key, pause
        self._offline, self._port = offline, port
        self._planner = EmbeddedPlanner()
        self._model = RetrievalModel(replies_in(starter_dialogues()))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stop(self) -> None:
        """Close the port; the page then finds nobody."""
        self._do(self._runner.cleanup())

    def again(self) -> None:
        """Open the same port again."""
        self._do(self._start())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _start(self) -> None:
        app = web.Application()
        model = "" if self._offline else "stand-in"
        identity = self._planner.identity
        info = page_info(
            load_taxonomy(), model=model, planner=identity, offline=self._offline, inject="both"
        )
        add_playground(app, info)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/v1/skillofmind/plan", self._plan)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}/playground/"

    def _planned(self, body: dict[str, Any]) -> Plan:
        own = body.get("skillofmind", {})
        said = Conversation(tuple(Message(one["role"], one["content"]) for one in body["messages"]))
        context = msgspec.convert(own.get("context", {}), SocialContext)
        plan = self._planner.plan_now(dialogue_of(said, context))
        if skill := own.get("skill"):
            aim = load_taxonomy().get(skill).aim
            kept = {"alternatives": plan.alternatives, "evidence": plan.evidence}
            plan = Plan(f"I want to {aim}.", skill, skill, valid=True, planner="request", **kept)
        return plan

    async def _plan(self, request: web.Request) -> web.Response:
        return web.json_response({"plan": msgspec.to_builtins(self._planned(await request.json()))})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _refusal(401, {}, "wrong key")
        fault = self.faults.popleft() if self.faults else Fault()
        if fault.status != 200:
            return _refusal(fault.status, fault.headers, "scripted fault")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await self._stream(response, body, fault)
        except ConnectionResetError:
            return response
        return response

    async def _stream(self, response: web.StreamResponse, body: dict[str, Any], fault: Fault) -> None:
        off = body["skillofmind"].get("inject") == "off"
        plan = Plan() if off else self._planned(body)
        told = {"plan": msgspec.to_builtins(plan), "inject": "both", "planned": True, "reason": ""}
        if not off:
            await _send(response, {"choices": [], "skillofmind": {**told, "seconds": {"plan": 0.004}}})
        messages = tuple(Message(one["role"], one["content"]) for one in body["messages"])
        conversation = Conversation(messages, plan=None if off else plan)
        text = fault.text if fault.text is not None else (await self._model.generate(conversation)).text
        words = text.split(" ")
        for place, word in enumerate(words[: fault.cut]):
            await asyncio.sleep(self.pause)
            await _send(response, _delta(word if place == 0 else f" {word}"))
        if fault.cut is not None:
            return
        usage = {"prompt_tokens": 40 + 20 * len(messages), "completion_tokens": len(words)}
        last: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
        if not off:
            parts = {"plan": {"prompt_tokens": 0, "completion_tokens": 0}, "answer": usage}
            last["skillofmind"] = {**told, "seconds": {"plan": 0.004, "answer": 0.512}, "usage": parts}
        await _send(response, last)
        await response.write(b"data: [DONE]\n\n")


def _delta(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")


def _refusal(status: int, headers: dict[str, str], message: str) -> web.Response:
    error = {"error": {"message": message, "type": "x", "param": None, "code": None}}
    return web.json_response(error, status=status, headers=headers)


if __name__ == "__main__":
    slow = 0.05 if "--slow" in sys.argv else 0.0
    with StandIn(offline="--online" not in sys.argv, pause=slow, port=8600) as server:
        sys.stdout.write(f"{server.url}\n")
        threading.Event().wait()
