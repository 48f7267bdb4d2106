"""The server is killed in the middle of answering: what it confirmed is kept, and nothing stands twice."""

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from aiohttp import ClientError, ClientSession

from skillofmind.cli.page.server import TOKEN_HEADER
from skillofmind.evals.study.folder import read
from tests.cli.som import started
from tests.evals.study.talks import made_study

pytestmark = pytest.mark.slow


class Link(NamedTuple):
    """The address of a rater."""

    base: str
    token: str


def links(process: "subprocess.Popen[bytes]", count: int) -> list[Link]:
    assert process.stdout is not None
    lines = [process.stdout.readline().decode().split() for _ in range(count)]
    parted = [line[1].split("/?token=") for line in lines]
    return [Link(base, token) for base, token in parted]


async def post(session: ClientSession, link: Link, path: str, body: Any) -> dict[str, Any]:
    headers = {TOKEN_HEADER: link.token, "Content-Type": "application/json"}
    async with session.post(link.base + path, data=msgspec.json.encode(body), headers=headers) as answer:
        found: dict[str, Any] = msgspec.json.decode(await answer.read())
        assert answer.status == 200, found
        return found


def side(rater: int, place: int) -> str:
    return ("left", "right", "same")[(place + rater) % 3]


async def answer_until_gone(
    process: "subprocess.Popen[bytes]", found: list[Link], kill_after: int
) -> set[tuple[int, int]]:
    """Both raters answer page after page, each page twice; return what the server confirmed."""
    confirmed: set[tuple[int, int]] = set()

    async def work(session: ClientSession, rater: int) -> None:
        await post(session, found[rater], "/api/consent", {"agreed": True})
        for place in range(34):
            said = {"place": place, "choices": {"overall": side(rater, place)}, "seconds": 1}
            # Twice at once, as an impatient finger or a browser that tries again does.
            await asyncio.gather(*(post(session, found[rater], "/api/answer", said) for _ in range(2)))
            confirmed.add((rater, place))
            if len(confirmed) == kill_after:
                process.send_signal(signal.SIGKILL)

    async with ClientSession() as session:
        ends = await asyncio.gather(*(work(session, rater) for rater in (0, 1)), return_exceptions=True)
    assert all(end is None or isinstance(end, ClientError) for end in ends), ends
    return confirmed


async def test_nothing_is_lost_and_nothing_stands_twice(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 30, criteria=("overall",))
    confirmed: set[tuple[int, int]] = set()
    tokens = set()
    for kill_after in (7, 30, 51, 0):
        with started("study", "serve", folder, "--rater", "ana", "ben") as process:
            found = links(process, 2)
            tokens.add(tuple(link.token for link in found))
            confirmed |= await answer_until_gone(process, found, kill_after)
        kept = read(folder)
        held = {(list(kept.raters).index(one.rater), one.place): one for one in kept.answers}
        assert confirmed <= set(held)
        assert {key: one.choices["overall"] for key, one in held.items()} == {key: side(*key) for key in held}
        assert kept.revised == {}
        lines = (folder / "answers.jsonl").read_bytes().splitlines()
        assert len({msgspec.json.decode(line)["key"] for line in lines if line.endswith(b"}")}) == len(held)
    assert len(confirmed) == 68
    assert len((folder / "answers.jsonl").read_bytes().splitlines()) == 68
    # The links that the raters were given open their pages after every restart.
    assert len(tokens) == 1
