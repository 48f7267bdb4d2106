"""What a worker does with its brief and its rows."""

from pathlib import Path

import msgspec
import pytest

from skillofmind.mind.annotate.ledger import Work
from skillofmind.mind.annotate.spread.asker import Access, Asker, Came, Dealt, Served, brief_of
from skillofmind.models.paced import RateLimit
from tests.mind.annotate.rows import answer, course, numbered, reply
from tests.teacher import Teacher
from tests.upstream import Upstream, latency, status

VARIABLE = "TEACHER_KEY_OF_A_TEST"


async def told(asker: Asker, *dealt: Dealt) -> list[Came]:
    found = []
    async for message in asker.answer(msgspec.json.encode(dealt)):
        found.append(msgspec.json.decode(message, type=Came))
        if found[-1].work.settled or found[-1].fault:
            await asker.taken(found[-1].key)
    await asker.close()
    return found


def brief(server: Upstream, key_needed: bool = True, rates: RateLimit = RateLimit()) -> bytes:  # noqa: B008
    access = Access({"teacher": Served("scripted", server.base_url)}, 4, VARIABLE, key_needed, 5.0, rates)
    return msgspec.json.encode(brief_of(access, course()))


async def test_the_key_comes_from_the_environment_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " open-sesame ")
    with Upstream(reply=Teacher({}), key="open-sesame") as server:
        known = brief(server)
        assert b"open-sesame" not in known
        (came,) = await told(Asker(known), Dealt(numbered(1)[0]))
    assert (came.key, came.fault, came.work.settled) == ("0:own:0", "", True)


async def test_a_key_that_is_needed_and_not_set_is_told_once_and_nothing_is_asked() -> None:
    with Upstream(reply=Teacher({})) as server:
        (came,) = await told(Asker(brief(server)), *map(Dealt, numbered(9)))
        assert server.counts.received == 0
    assert f"the environment variable '{VARIABLE}' is not set" in came.fault


async def test_a_key_that_is_not_needed_may_be_missing() -> None:
    with Upstream(reply=Teacher({})) as server:
        assert len(await told(Asker(brief(server, key_needed=False)), *map(Dealt, numbered(3)))) == 3


async def test_every_answer_is_told_as_it_comes_and_a_row_goes_on_where_it_was() -> None:
    first, second = numbered(2)
    before = Work((answer("no JSON at all"),))
    texts = ["still none", reply("Empathy")]
    with Upstream(reply=lambda body: texts[len(body["messages"]) > 2]) as server:
        found = await told(Asker(brief(server, key_needed=False)), Dealt(first), Dealt(second, before))
        assert server.counts.received == 3
    ends = {came.key: came.work for came in found if came.work.settled}
    assert [came.key for came in found if not came.work.settled] == [first.id]
    assert [one.role for one in ends[first.id].answers] == ["teacher", "repair"]
    assert ends[second.id].answers[0] == before.answers[0]
    assert [one.role for one in ends[second.id].answers] == ["teacher", "repair"]


async def test_no_more_rows_than_its_share_are_in_work() -> None:
    with Upstream(reply=Teacher({}), faults=lambda number: latency(0.01)) as server:
        assert len(await told(Asker(brief(server, key_needed=False)), *map(Dealt, numbered(24)))) == 24
        assert 1 < server.counts.most_active <= 4


async def test_rows_wait_until_their_answers_are_taken() -> None:
    with Upstream(reply=Teacher({})) as server:
        asker = Asker(brief(server, key_needed=False))
        messages = asker.answer(msgspec.json.encode([*map(Dealt, numbered(9))]))
        came = [msgspec.json.decode(await anext(messages), type=Came) for _ in range(4)]
        assert not await server.reached(lambda counts: counts.received > 4, seconds=0.1)
        await asker.taken(came[0].key)
        assert await server.reached(lambda counts: counts.received == 5)
        assert not await server.reached(lambda counts: counts.received > 5, seconds=0.1)
        await messages.aclose()  # type: ignore[attr-defined]
        await asker.close()


async def test_retries_count_as_attempts() -> None:
    with Upstream(reply=Teacher({}), faults=[status(503, retry_after=0)]) as server:
        (came,) = await told(Asker(brief(server, key_needed=False)), Dealt(numbered(1)[0]))
        assert came.work.answers[0].attempts == server.counts.received == 2


async def test_it_keeps_its_share_of_the_rate() -> None:
    rates = RateLimit(requests=600)
    with Upstream(reply=Teacher({})) as server:
        asker = Asker(brief(server, key_needed=False, rates=rates))
        found = await told(asker, *map(Dealt, numbered(4)))
    assert len(found) == 4
    seconds = [came.work.answers[0].seconds for came in found]
    # One every 60 / (0.97 * 600) seconds, of which the first two may go at once.
    assert max(seconds) - min(seconds) > 0.15


def test_a_brief_makes_the_course_of_the_driver(tmp_path: Path) -> None:
    here = course(second=True, lang="ko")
    data = msgspec.json.encode(brief_of(Access({}, 1), here))
    there = Asker(data)._course
    row = numbered(1)[0]
    assert there.next_ask(row, ()) == here.next_ask(row, ())
    assert (there.second, there.words, there.sampling) == (True, here.words, here.sampling)
