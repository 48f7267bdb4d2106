"""The server of a study: what it answers and keeps, what it never sends, and whom it refuses."""

import asyncio
import errno
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from skillofmind.cli.page.server import MOST_BODY, TOKEN_HEADER, Door
from skillofmind.cli.study.desk import Desk
from skillofmind.cli.study.web import application
from skillofmind.core.dialogue import Annotation, Dialogue, Speaker, Turn
from skillofmind.evals.study.design.building import Design, build
from skillofmind.evals.study.design.material import Gathered
from skillofmind.evals.study.design.wording import Wording
from skillofmind.evals.study.folder import OpenStudy, create, read
from skillofmind.evals.study.records import Answer, Material, Text
from tests.evals.study.talks import GOOD, PLAIN, made_study

TOKENS = {"token-of-ana": "ana", "token-of-ben": "ben"}
HOSTILE = "</script><img src=x onerror=alert(1)> \u202eevil \u2028 {{nonce}}"


class Page:
    """A client that speaks like the page of one rater."""

    def __init__(self, session: ClientSession, base: str, token: str) -> None:
        self.session, self.base, self.token = session, base, token

    def of(self, token: str) -> "Page":
        return Page(self.session, self.base, token)

    async def raw(self, path: str) -> bytes:
        async with self.session.get(self.base + path, headers={TOKEN_HEADER: self.token}) as answer:
            heads = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
            return heads.encode() + await answer.read()

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        headers = {TOKEN_HEADER: self.token}
        async with self.session.get(self.base + path, params=params, headers=headers) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given = {TOKEN_HEADER: self.token, "Content-Type": "application/json", **headers}
        async with self.session.post(self.base + path, data=data, headers=given) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def answer(self, place: int, value: Any = "left", **more: Any) -> tuple[int, Any]:
        said = {"place": place, "choices": {"overall": value}, "seconds": 2.5, **more}
        return await self.post("/api/answer", said)


@asynccontextmanager
async def opened(folder: Path, *, consent: bool = True) -> AsyncIterator[Page]:
    with OpenStudy(folder, lambda: "2026-01-01") as study:
        for name in TOKENS.values():
            study.join(name)
            if consent:
                study.consent(name)
        app = application(Desk(study), Door(TOKENS, "study", "som study serve"))
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        try:
            async with ClientSession() as session:
                yield Page(session, f"http://127.0.0.1:{server.port}", "token-of-ana")
        finally:
            await server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_study(tmp_path, 6, criteria=("overall",))


@pytest.fixture
async def page(folder: Path) -> AsyncIterator[Page]:
    async with opened(folder) as found:
        yield found


def kept(folder: Path) -> list[Answer]:
    return list(read(folder).answers)


class TestAnswers:
    async def test_the_setup_says_what_is_asked(self, page: Page) -> None:
        _, found = await page.get("/api/setup")
        assert (found["rater"], found["kind"], found["ties"], found["consented"]) == (
            "ana",
            "pairs",
            True,
            True,
        )
        assert [one["name"] for one in found["questions"]] == ["overall"]
        assert found["done"] == [False] * 10

    async def test_an_answer_is_in_the_log_at_once(self, page: Page, folder: Path) -> None:
        _, before = await page.get("/api/page", place=3)
        assert await page.answer(3, "right", remark=" hm ") == (200, {"new": True, "done": 1, "pages": 10})
        [one] = kept(folder)
        assert (one.rater, one.place, one.choices, one.seconds, one.remark) == (
            "ana", 3, {"overall": "right"}, 2.5, "hm",
        )  # fmt: skip
        task = read(folder).tasks[one.task]
        shown = dict(zip((task.first, task.second), (text.text for text in task.texts), strict=True))
        assert [shown[one.left], shown[one.right]] == [text["text"] for text in before["texts"]]
        assert (await page.get("/api/page", place=3))[1]["choices"] == {"overall": "right"}
        assert (await page.get("/api/setup"))[1]["done"][3] is True

    async def test_posting_twice_keeps_one(self, page: Page, folder: Path) -> None:
        found = await asyncio.gather(*(page.answer(1) for _ in range(8)))
        assert sorted(body["new"] for _, body in found) == [False] * 7 + [True]
        assert len((folder / "answers.jsonl").read_bytes().splitlines()) == 1

    async def test_changing_ones_mind_adds_time_and_a_line(self, page: Page, folder: Path) -> None:
        await page.answer(0, "left")
        await page.answer(0, "same", seconds=4)
        [one] = kept(folder)
        assert (one.choices, one.seconds) == ({"overall": "same"}, 6.5)
        assert read(folder).revised == {("ana", one.task): 1}

    async def test_two_raters_at_once_do_not_mix(self, page: Page, folder: Path) -> None:
        ben = page.of("token-of-ben")
        posts = [
            who.answer(place, side) for place in range(10) for who, side in ((page, "left"), (ben, "right"))
        ]
        assert {status for status, _ in await asyncio.gather(*posts)} == {200}
        found = kept(folder)
        assert len({(one.rater, one.task) for one in found}) == len(found) == 20
        assert {one.choices["overall"] for one in found if one.rater == "ben"} == {"right"}
        assert [body["done"] for _, body in (await page.answer(0), await ben.answer(0, "right"))] == [10, 10]

    async def test_raters_have_orders_of_their_own(self, page: Page) -> None:
        texts = [
            [(await who.get("/api/page", place=place))[1]["texts"] for place in range(10)]
            for who in (page, page.of("token-of-ben"))
        ]
        assert texts[0] != texts[1]
        assert sorted(sorted(text["text"] for text in of) for of in texts[0]) == sorted(
            sorted(text["text"] for text in of) for of in texts[1]
        )

    @pytest.mark.parametrize("seconds", [-3, 1e300])
    async def test_times_that_cannot_be_are_cut(self, page: Page, folder: Path, seconds: float) -> None:
        assert (await page.answer(0, seconds=seconds))[0] == 200
        assert kept(folder)[0].seconds == (0.0 if seconds < 0 else 86_400.0)

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{", b"[]", b'"\xff"',
            {"place": 0},
            {"place": 0, "choices": {}},
            {"place": 0, "choices": {"overall": "middle"}},
            {"place": 0, "choices": {"overall": 1}},
            {"place": 0, "choices": {"overall": True}},
            {"place": 0, "choices": {"overall": "left", "safety": "left"}},
            {"place": 10, "choices": {"overall": "left"}},
            {"place": -1, "choices": {"overall": "left"}},
            {"place": 0, "choices": {"overall": "left"}, "remark": "x" * 2001},
            {"place": 0, "choices": {"overall": "left"}, "rater": "ben"},
        ],
    )  # fmt: skip
    async def test_what_is_no_answer_is_refused(self, page: Page, folder: Path, body: Any) -> None:
        status, problem = await page.post("/api/answer", body)
        assert (status, bool(problem["error"])) == (422, True)
        assert kept(folder) == []

    @pytest.mark.parametrize("place", ["", "10", "-1", "x", "1e1", "٣", "9" * 5000])
    async def test_pages_that_are_not_there(self, page: Page, place: str) -> None:
        assert (await page.get("/api/page", place=place))[0] == 404

    async def test_without_ties_nothing_is_the_same(self, tmp_path: Path) -> None:
        made = made_study(tmp_path, 3, criteria=("overall",), ties=False)
        async with opened(made) as page:
            assert (await page.answer(0, "same"))[0] == 422
            assert (await page.answer(0, "left"))[0] == 200

    async def test_ratings_are_points_of_the_scale(self, tmp_path: Path) -> None:
        made = made_study(tmp_path, 3, criteria=("overall",), kind="ratings", points=5)
        async with opened(made) as page:
            assert len((await page.get("/api/page", place=0))[1]["texts"]) == 1
            statuses = [(await page.answer(0, value))[0] for value in (0, 6, "3", 2.5, True, 5, 1)]
            assert statuses == [422, 422, 422, 422, 422, 200, 200]


class TestConsent:
    async def test_nothing_is_shown_or_taken_before(self, folder: Path) -> None:
        async with opened(folder, consent=False) as page:
            assert (await page.get("/api/setup"))[1]["consented"] is False
            assert (await page.get("/api/page", place=0))[0] == 404
            assert (await page.answer(0))[0] == 422
            assert (await page.post("/api/consent", {"agreed": False}))[1]["consented"] is False
            assert (await page.get("/api/page", place=0))[0] == 404
            assert (await page.post("/api/consent", {"agreed": True}))[1]["consented"] is True
            assert (await page.get("/api/page", place=0))[0] == 200
            assert (await page.of("token-of-ben").get("/api/page", place=0))[0] == 404
        assert [bool(one.consented) for one in read(folder).raters.values()] == [True, False]


class TestBlinding:
    async def test_no_system_item_or_check_is_named_on_the_wire(self, page: Page, folder: Path) -> None:
        """Every byte that a rater can get, with headers: before, while and after answering."""
        sent = [await page.raw(f"/?token={page.token}"), await page.raw("/api/setup")]
        for place in range(10):
            sent.append(await page.raw(f"/api/page?place={place}"))
            sent.append(msgspec.json.encode((await page.answer(place))[1]))
            sent.append(await page.raw(f"/api/page?place={place}"))
        sent += [await page.raw(path) for path in ("/api/setup", "/api/none", "/study.json", "/tasks.jsonl")]
        everything = b"\n".join(sent).decode()
        tasks = read(folder).tasks
        names = {GOOD, PLAIN, *tasks, "(real)", "(broken)", "instructed", "expected", "swapped"}
        names |= {name for task in tasks.values() for name in (task.item, task.group)}
        words = set(re.findall(r"[\w:()-]+", everything))
        assert names & words == set()
        assert [name for name in names if len(name) > 4 and name in everything] == []

    async def test_what_the_dialogue_knows_beyond_its_words_stays(self, tmp_path: Path) -> None:
        note = Annotation("Empathy", "secret gold", "secret counterfactual", "secret teacher")
        talk = Dialogue(
            (Turn("A", "Hi.", annotations=(note,), meta={"m": "secret"}),),
            id="secret:1", corpus="secret corpus", meta={"model": "secret"}, speakers=(Speaker("A", "Ana"),),
        )  # fmt: skip
        async with opened(study_of(tmp_path, talk, "One.", "Two.")) as page:
            sent = await page.raw("/api/setup") + await page.raw("/api/page?place=0")
            assert b"secret" not in sent
            assert b"Hi." in sent

    async def test_checks_look_like_tasks(self, page: Page) -> None:
        found = [(await page.get("/api/page", place=place))[1] for place in range(10)]
        assert len({tuple(one) for one in found}) == 1
        assert {len(one["texts"]) for one in found} == {2}


class TestHostileText:
    async def test_text_travels_unchanged_as_json(self, tmp_path: Path) -> None:
        talk = Dialogue((Turn(HOSTILE, HOSTILE),), id="x")
        async with opened(study_of(tmp_path, talk, HOSTILE, "Two.")) as page:
            pages = [(await page.get("/api/page", place=place))[1] for place in range(5)]
            assert {one["turns"][0]["text"] for one in pages} == {HOSTILE}
            assert any(text["text"] == HOSTILE for one in pages for text in one["texts"])
            raw = (await page.raw(f"/?token={page.token}")).decode()
            assert "onerror" not in raw


def study_of(folder: Path, talk: Dialogue, one: str, other: str) -> Path:
    found = Gathered("reply", (GOOD, PLAIN), (Material("1", talk, {GOOD: Text(one), PLAIN: Text(other)}),), 0)
    create(folder / "one", *build(found, Design(criteria=("overall",)), Wording(), "One"))
    return folder / "one"


class TestGuard:
    async def test_a_token_opens_the_page_of_its_rater(self, page: Page) -> None:
        assert (await page.get("/api/setup"))[1]["rater"] == "ana"
        assert (await page.of("token-of-ben").get("/api/setup"))[1]["rater"] == "ben"
        for token in ("", "token-of-", "token-of-anaa", "ana"):
            assert (await page.of(token).get("/api/setup"))[0] == 403
            assert (await page.of(token).answer(0))[0] == 403
            async with page.session.get(f"{page.base}/?token={token}") as answer:
                assert answer.status == 403

    async def test_writes_need_type_and_origin(self, page: Page, folder: Path) -> None:
        said = {"place": 0, "choices": {"overall": "left"}}
        for headers, status in (
            ({"Content-Type": "text/plain"}, 415),
            ({"Origin": "http://evil.example"}, 403),
            ({"Host": "evil.example"}, 403),
        ):
            assert (await page.post("/api/answer", said, **headers))[0] == status
        assert kept(folder) == []
        assert (await page.post("/api/answer", said, Origin=page.base))[0] == 200

    async def test_large_bodies_are_refused(self, page: Page, folder: Path) -> None:
        assert (await page.answer(0, remark="x" * MOST_BODY))[0] == 413
        assert kept(folder) == []

    async def test_the_page_needs_nothing_else(self, page: Page) -> None:
        text = (await page.raw(f"/?token={page.token}")).decode()
        assert "default-src 'none'" in text
        assert "unsafe" not in text
        assert "{{" not in text
        assert re.findall(r"https?://", text) == []
        assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", text) == []


async def test_a_full_disk_is_no_answer_and_loses_none(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await page.answer(0))[0] == 200
    write = os.write

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, data: _some(write, descriptor, data))
        status, problem = await page.answer(1)
    assert (status, "the disk is full" in problem["error"]) == (507, True)
    assert (await page.get("/api/setup"))[1]["done"][:2] == [True, False]
    assert (await page.answer(1))[0] == 200
    assert [one.place for one in kept(folder)] == [0, 1]


def _some(write: Any, descriptor: int, data: bytes) -> int:
    """Write the beginning of a record, and say then that the disk is full."""
    if data.startswith(b'{"key":'):
        return int(write(descriptor, data[:20]))
    raise OSError(errno.ENOSPC, "No space left on device")
