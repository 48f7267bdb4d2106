"""Who is let in, beyond what the pages' own tests say: other addresses and proxies."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from skillofmind.cli.page.server import TOKEN_HEADER, Door, Place, application, reply, serve
from skillofmind.core.errors import ConfigurationError

PUBLIC = "https://study.example.org"


@asynccontextmanager
async def asked(door: Door, host: str = "127.0.0.1") -> AsyncIterator[tuple[ClientSession, str]]:
    async def who(request: web.Request) -> web.Response:
        return reply(door.asker(request))

    server = TestServer(application(door, [web.get("/who", who), web.post("/who", who)]), host=host)
    await server.start_server()
    try:
        async with ClientSession() as session:
            yield session, f"{host if ':' not in host else f'[{host}]'}:{server.port}"
    finally:
        await server.close()


async def status(session: ClientSession, method: str, base: str, **headers: str) -> int:
    given = {TOKEN_HEADER: "t", "Content-Type": "application/json", **headers}
    async with session.request(method, f"http://{base}/who", headers=given) as answer:
        return answer.status


async def test_a_token_stands_for_one_person() -> None:
    door = Door({"t": "ana", "u": "ben"}, "study", "som study serve")
    assert [door.person(token) for token in ("t", "u")] == ["ana", "ben"]
    assert [door.person(token) for token in ("", "tu", "t\ud800")] == [None, None, None]
    async with (
        asked(door) as (session, base),
        session.get(f"http://{base}/who", headers={TOKEN_HEADER: "u"}) as answer,
    ):
        assert await answer.json() == "ben"


async def test_the_name_of_the_proxy_is_a_name_of_the_server() -> None:
    for public, expected in ((PUBLIC, 200), ("", 403)):
        async with asked(Door({"t": "ana"}, "study", "x", public)) as (session, base):
            assert await status(session, "GET", base, Host="study.example.org") == expected
            assert await status(session, "POST", base, Host="study.example.org", Origin=PUBLIC) == expected
            assert await status(session, "POST", base, Origin="http://study.example.org") == 403
            assert await status(session, "GET", base, Host="evil.example") == 403
            assert await status(session, "POST", base, Origin=f"http://{base}") == 200


async def test_an_address_of_six_groups_is_written_in_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    async with asked(Door({"t": "ana"}, "study", "x"), "::1") as (session, base):
        assert await status(session, "GET", base) == 200
        assert await status(session, "GET", base, Host="evil.example") == 403


async def test_an_address_that_is_not_here_is_named() -> None:
    app = application(Door({"t": "ana"}, "study", "x"), [])
    with pytest.raises(ConfigurationError, match=r"--host 192\.0\.2\.1 --port 0 cannot be used"):
        await serve(app, Place(0, "192.0.2.1"), str)
