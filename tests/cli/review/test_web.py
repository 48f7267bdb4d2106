"""The server of the review page: what it answers, and whom it refuses."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from skillofmind.cli.page.server import MOST_BODY, TOKEN_HEADER
from skillofmind.cli.review.desk import Desk, Drawing
from skillofmind.cli.review.web import application
from skillofmind.mind.dataset.review import Decision, decisions
from skillofmind.mind.taxonomy import load_taxonomy
from tests.cli.som import started
from tests.mind.dataset.annotated_run import HOSTILE, mixed_run, noted, row, write_run

TOKEN = "the-token"


class Page:
    """A client that speaks like the page."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self.session, self.base = session, base

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        headers = {TOKEN_HEADER: TOKEN}
        async with self.session.get(self.base + path, params=params, headers=headers) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given = {TOKEN_HEADER: TOKEN, "Content-Type": "application/json", **headers}
        async with self.session.post(self.base + path, data=data, headers=given) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def status(self, path: str, **headers: str) -> int:
        async with self.session.get(self.base + path, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def opened(folder: Path, *, blind: bool = False, n: int = 50) -> AsyncIterator[Page]:
    desk = Desk(Drawing(folder, n, 0), "ana", load_taxonomy(), lambda: "2026-01-01", blind=blind)
    server = TestServer(application(desk, TOKEN), host="127.0.0.1")
    await server.start_server()
    try:
        async with ClientSession() as session:
            yield Page(session, f"http://127.0.0.1:{server.port}")
    finally:
        await server.close()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with opened(mixed_run(tmp_path)) as found:
        yield found


def made(folder: Path) -> list[Decision]:
    return [of_one["ana"] for of_one in decisions(folder).values()]


class TestAnswers:
    async def test_the_setup_says_who_and_what(self, page: Page) -> None:
        _, found = await page.get("/api/setup")
        assert (found["reviewer"], found["blind"], len(found["taxonomy"])) == ("ana", False, 39)
        assert found["reasons"] == {"oov": 6, "leak": 3}

    async def test_items_are_those_of_the_draw(self, page: Page) -> None:
        assert len((await page.get("/api/items"))[1]) == 16
        assert {one["label"] for one in (await page.get("/api/items", skill="Empathy"))[1]} == {"Empathy"}
        assert len((await page.get("/api/items", reason="leak"))[1]) == 3
        status, problem = await page.get("/api/items", skill="Rhetoric")
        assert (status, "no annotation" in problem["error"]) == (422, True)

    async def test_a_card_has_the_text_unchanged(self, page: Page) -> None:
        _, card = await page.get("/api/card", row="0:own:hostile", number=0)
        assert (card["explanation"], card["skill"]) == (HOSTILE, "Advice <b>")
        assert card["turns"][1]["image"] == "two friends in a café"
        assert card["reply"]["text"].startswith("I'd be crushed")

    async def test_cards_that_were_not_drawn_are_not_there(self, page: Page) -> None:
        assert (await page.get("/api/card", row="0:bad:1", number=-1))[0] == 404
        assert (await page.get("/api/card", row="0:own:1", number="x"))[0] == 404
        assert (await page.get("/api/nothing"))[0] == 404

    async def test_a_decision_is_in_the_log_at_once(self, page: Page, tmp_path: Path) -> None:
        said = {"row": "0:own:two", "number": 1, "verdict": "edit", "skill": "Ethics", "explanation": "new"}
        status, card = await page.post("/api/decision", said)
        assert (status, card["decision"]["skill"]) == (200, "Ethics")
        [one] = made(tmp_path)
        assert (one.verdict, one.skill, one.explanation, one.time) == ("edit", "Ethics", "new", "2026-01-01")
        entries = {(e["row"], e["number"]): e["verdict"] for e in (await page.get("/api/items"))[1]}
        assert [key for key, verdict in entries.items() if verdict] == [("0:own:two", 1)]
        assert (await page.get("/api/agreement"))[1]["precision"]["decided"] == 1

    async def test_an_unknown_skill_of_the_teacher_may_stay(self, page: Page, tmp_path: Path) -> None:
        said = {"row": "0:own:hostile", "number": 0, "verdict": "edit", "explanation": "x"}
        assert (await page.post("/api/decision", {**said, "skill": "Advice <b>"}))[0] == 200
        assert (await page.post("/api/decision", {**said, "skill": "Small talk"}))[0] == 422
        assert len(made(tmp_path)) == 1

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b'"\xff"', {"row": "0:own:1"}, {"row": "0:own:1", "number": 0, "verdict": "like"}],
    )
    async def test_what_is_no_decision_is_refused(self, page: Page, tmp_path: Path, body: Any) -> None:
        status, problem = await page.post("/api/decision", body)
        assert (status, problem["error"][:30]) == (422, "The request is not understood:")
        assert made(tmp_path) == []

    async def test_a_rejection_cannot_be_edited(self, page: Page) -> None:
        await page.get("/api/items", reason="leak")
        said = {"row": "0:bad:0", "number": -1, "verdict": "edit"}
        assert (await page.post("/api/decision", said))[0] == 422


class TestBlind:
    async def test_nothing_of_the_teacher_leaves_before_the_choice(self, tmp_path: Path) -> None:
        folder = write_run(
            tmp_path / "run", [row("one", noted("Empathy", "secret"), noted("Ethics", "secret"))]
        )
        key = {"row": "0:one", "number": 0}
        async with opened(folder, blind=True) as page:
            before = [await page.get(path) for path in ("/api/items", "/api/setup")]
            before += [await page.get("/api/card", **key)]
            del before[1][1]["taxonomy"]
            assert re.search("secret|Empathy|Ethics|studied more", str(before)) is None
            assert (await page.post("/api/decision", {**key, "verdict": "accept"}))[0] == 422
            assert (await page.get("/api/items", skill="Empathy"))[0] == 422
            assert (await page.post("/api/choice", {**key, "skill": "Small talk"}))[0] == 422
            _, card = await page.post("/api/choice", {**key, "skill": "Rhetoric"})
            assert (card["skill"], card["blind"], card["others"]) == ("Empathy", "Rhetoric", [])
            await page.post("/api/choice", {**key, "skill": "Empathy"})
            assert (await page.post("/api/decision", {**key, "verdict": "accept"}))[0] == 200
        assert [one.blind for one in made(folder)] == ["Rhetoric"]


class TestGuard:
    async def test_the_page_needs_the_token(self, page: Page) -> None:
        assert await page.status("/") == 403
        assert await page.status("/?token=wrong") == 403
        assert await page.status(f"/?token={TOKEN}") == 200

    @pytest.mark.parametrize("path", ["/api/setup", "/api/items", "/api/agreement", "/api/nothing"])
    async def test_so_does_everything_else_in_a_header(self, page: Page, path: str) -> None:
        assert await page.status(f"{path}?token={TOKEN}") == 403
        assert await page.status(path, **{TOKEN_HEADER: "wrong"}) == 403

    async def test_another_name_of_this_machine_is_refused(self, page: Page) -> None:
        port = page.base.rpartition(":")[2]
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example"):
            assert await page.status(f"/?token={TOKEN}", Host=host) == 403
        assert await page.status(f"/?token={TOKEN}", Host=f"localhost:{port}") == 200

    async def test_writes_need_token_type_and_origin(self, page: Page, tmp_path: Path) -> None:
        said = {"row": "0:own:1", "number": 0, "verdict": "accept"}
        for headers, status in (
            ({TOKEN_HEADER: "wrong"}, 403),
            ({"Content-Type": "text/plain"}, 415),
            ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
        ):
            assert (await page.post("/api/decision", said, **headers))[0] == status
        assert made(tmp_path) == []
        assert (await page.post("/api/decision", said, Origin=page.base))[0] == 200

    async def test_large_bodies_are_refused(self, page: Page, tmp_path: Path) -> None:
        said = {"row": "0:own:1", "number": 0, "verdict": "reject", "note": "x" * MOST_BODY}
        assert (await page.post("/api/decision", said))[0] == 413
        assert made(tmp_path) == []

    async def test_the_page_carries_its_own_policy(self, page: Page) -> None:
        texts, nonces = [], []
        for _ in range(2):
            async with page.session.get(f"{page.base}/?token={TOKEN}") as answer:
                policy, text = answer.headers["Content-Security-Policy"], await answer.text()
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Cache-Control"] == "no-store"
            nonces.append(re.findall("script-src 'nonce-([^']+)'", policy)[0])
            texts.append(text)
        assert nonces[0] != nonces[1]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert texts[0].count(nonces[0]) == 2
        assert "{{" not in texts[0]
        assert re.findall(r"https?://", texts[0]) == []
        assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", texts[0]) == []

    async def test_a_disk_that_says_no_is_no_decision(self, page: Page, tmp_path: Path) -> None:
        (tmp_path / "reviews.jsonl").mkdir()
        status, problem = await page.post(
            "/api/decision", {"row": "0:own:1", "number": 0, "verdict": "accept"}
        )
        assert (status, "reviews.jsonl" in problem["error"]) == (507, True)


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with started("review", mixed_run(tmp_path), "--reviewer", "ana", "--web") as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert re.fullmatch(r"Open http://127.0.0.1:\d+/\?token=[\w-]{32}\n", line)
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().endswith("Ended; every decision is kept.\n")


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        with started("review", mixed_run(tmp_path), "--reviewer", "ana", "--web", "--port", port) as process:
            _, err = process.communicate(timeout=20)
    finally:
        await runner.cleanup()
    assert process.returncode == 2
    assert f"--port {port} cannot be used".encode() in err
