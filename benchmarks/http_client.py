"""HTTP clients: HttpModel against plain aiohttp and httpx, on the same requests to the same server.

A server in a process of its own answers at once; 64 requests are in flight. CPU is that of the client's
process. The work is equal in what goes out and comes back, which is checked first (each request has its own
text, each answer must carry it); HttpModel does more in between: it builds the request from a conversation,
checks the answer field by field and returns a typed completion.

httpx is no dependency of the package. It is given sniffio, without which it looks for it in vain at each
request. Where it is missing:

    pip install --target FOLDER httpx sniffio
    python -m benchmarks.http_client --with FOLDER --out results/benchmarks/http_client.json
"""

import argparse
import asyncio
import functools
import importlib.metadata
import json
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.measure import Json, Spent, add_target, both, interleaved, machine, parser, report, summary
from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.models.http import HttpModel

SYSTEM = "You are a warm and attentive friend. Answer in one or two sentences. " * 4
MODEL = "tiny"
MAX_TOKENS = 100

Ask = Callable[[str], Awaitable[str]]
"""Sends one user text and returns the text of the answer."""


def question(number: int) -> str:
    """Return the user's text of request `number`."""
    return f"I failed the exam again and do not know how to tell my parents. ({number})"


def answer(body: dict[str, Any]) -> str:
    """Return what the server answers: words that only this request can have brought about."""
    return "That sounds hard; what did you hope they would say? " + str(body["messages"][-1]["content"])[-12:]


def request_body(text: str) -> dict[str, Any]:
    """Return the request as the plain clients send it."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages, "max_tokens": MAX_TOKENS, "temperature": 0.7}


@asynccontextmanager
async def http_model(base_url: str, in_flight: int) -> AsyncIterator[Ask]:
    """The client of the package."""
    sampling = Sampling(max_tokens=MAX_TOKENS, temperature=0.7)
    async with HttpModel(MODEL, base_url) as model:

        async def ask(text: str) -> str:
            asked = Conversation((Message("system", SYSTEM), Message("user", text)))
            return (await model.generate(asked, sampling)).text

        yield ask


@asynccontextmanager
async def plain_aiohttp(base_url: str, in_flight: int) -> AsyncIterator[Ask]:
    """The library under HttpModel, as its manual uses it."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(text: str) -> str:
            url = f"{base_url}/chat/completions"
            async with session.post(url, json=request_body(text)) as response:
                response.raise_for_status()
                found = await response.json()
                return str(found["choices"][0]["message"]["content"])

        yield ask


@asynccontextmanager
async def plain_httpx(base_url: str, in_flight: int) -> AsyncIterator[Ask]:
    """The client library that most SDKs of providers stand on."""
    import httpx  # type: ignore[import-not-found, unused-ignore]

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def ask(text: str) -> str:
            response = await client.post(f"{base_url}/chat/completions", json=request_body(text))
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"])

        yield ask


ARMS = {"HttpModel": http_model, "aiohttp": plain_aiohttp, "httpx": plain_httpx}


async def ask_all(arm: Any, base_url: str, requests: int, in_flight: int) -> Spent:
    """Send all requests with `in_flight` workers, check every answer, and return what it took.

    Raises:
        ValueError: an answer is not that of its request.
    """
    numbers = iter(range(requests))
    async with arm(base_url, in_flight) as ask:

        async def worker() -> None:
            for number in numbers:
                text = question(number)
                if await ask(text) != answer(request_body(text)):
                    raise ValueError(f"request {number} got the answer of another.")

        # Connections are opened before the clock starts.
        await asyncio.gather(*(ask(question(number)) for number in range(in_flight)))
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return Spent(time.process_time() - cpu, time.perf_counter() - wall)


def serve(pipe: Connection) -> None:
    """Answer until the other side of the pipe closes it."""
    from tests.upstream import Upstream

    with Upstream(reply=answer, model=MODEL) as server:
        pipe.send(server.base_url)
        pipe.recv()


@contextmanager
def server() -> Any:
    """Start the server in a process of its own and give its address."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(far,))
    process.start()
    try:
        yield near.recv()
    finally:
        near.send("stop")
        process.join(10)


def measure(requests: int, in_flight: int, rounds: int, names: list[str]) -> Json:
    """Return the result for these clients."""

    def work(name: str, base_url: str) -> Spent:
        return asyncio.run(ask_all(ARMS[name], base_url, requests, in_flight))

    def few(name: str, base_url: str, workers: int) -> Spent:
        return asyncio.run(ask_all(ARMS[name], base_url, requests // 4, workers))

    with server() as base_url:
        found = interleaved({name: functools.partial(work, name, base_url) for name in names}, rounds)
        fewer = {
            workers: interleaved({name: functools.partial(few, name, base_url, workers) for name in names}, 3)
            for workers in (1, 8)
        }
    arms = {
        name: {
            "cpu_ms_per_request": summary([one.cpu / requests * 1000 for one in values]),
            "requests_per_s": summary([requests / one.wall for one in values], 1),
            **both(values),
        }
        for name, values in found.items()
    }
    base = arms["HttpModel"]["cpu_ms_per_request"]["median"]
    return {
        "what": "plain chat completions, bodies of about "
        f"{round(len(json.dumps(request_body(question(0)))), -2)} bytes; the server takes the other core",
        "requests": requests,
        "in_flight": in_flight,
        "rounds": rounds,
        "arms": arms,
        "cpu_ms_per_request_with_fewer_in_flight": {
            str(workers): {
                name: round(statistics.median(one.cpu for one in values) / (requests // 4) * 1000, 4)
                for name, values in by_name.items()
            }
            for workers, by_name in fewer.items()
        },
        "times_http_model_cpu": {
            name: round(arm["cpu_ms_per_request"]["median"] / base, 2) for name, arm in arms.items()
        },
    }


def versions(made: argparse.ArgumentParser) -> dict[str, str]:
    """Return the versions of the clients; ends with advice where one is missing."""
    try:
        return {name: importlib.metadata.version(name) for name in ("aiohttp", "httpx", "msgspec")}
    except importlib.metadata.PackageNotFoundError:
        made.error("httpx is missing: pip install --target FOLDER httpx sniffio, then add --with FOLDER.")


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--requests", type=int, default=2000, help="requests a round (default: 2000)")
    made.add_argument("--in-flight", type=int, default=64, help="requests at once (default: 64)")
    made.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    made.add_argument("--with", dest="target", type=Path, metavar="FOLDER", help="where httpx is installed")
    options = made.parse_args()
    add_target(options.target)
    found = versions(made)
    result = measure(options.requests, options.in_flight, options.rounds, list(ARMS))
    report({"benchmark": "http_client", "machine": machine(), "versions": found, **result}, options.out)


if __name__ == "__main__":
    main()
