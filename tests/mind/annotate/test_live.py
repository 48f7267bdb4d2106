"""The live way: every answer is kept at once, failures are data, and limits and hopeless servers end it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.errors import RunMismatch
from skillofmind.mind.annotate.ledger import Work
from skillofmind.mind.dataset.report import Report
from skillofmind.run.budget import Limits
from skillofmind.run.log import read_log
from tests.mind.annotate.rows import numbered, reply
from tests.mind.annotate.scene import QUICK, annotated, rejected, run_live
from tests.teacher import Teacher
from tests.upstream import Upstream, hang, rate_limit, status


def works(out: Path) -> dict[str, Work]:
    return {key: msgspec.convert(value, Work) for key, value in read_log(out / "log.jsonl")}


def good(body: dict[str, Any]) -> str:
    return Teacher({})(body)


def test_every_row_is_annotated_in_the_order_of_the_input(tmp_path: Path) -> None:
    with Upstream(reply=good) as server:
        made = run_live(tmp_path / "run", server.base_url, numbered(50))
    assert made.ended.why == "done"
    assert made.report is not None
    assert (made.report.rows, made.report.annotated, made.report.rejected) == (50, 50, {})
    assert [row.id for row in annotated(tmp_path / "run")] == [row.id for row in numbered(50)]
    assert server.counts.received == 50


def test_the_same_call_again_asks_nothing_and_writes_the_same(tmp_path: Path) -> None:
    with Upstream(reply=Teacher()) as server:
        run_live(tmp_path / "run", server.base_url, numbered(60))
        before = {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*ed.jsonl")}
        asked = server.counts.received
        run_live(tmp_path / "run", server.base_url, numbered(60))
        assert server.counts.received == asked
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*ed.jsonl")}


def test_a_first_reply_is_kept_before_its_repair_is_asked(tmp_path: Path) -> None:
    """What is paid for is in the log when the next request goes out."""
    log = tmp_path / "run" / "log.jsonl"

    def check(body: dict[str, Any]) -> str:
        if len(body["messages"]) == 2:
            return "no idea"
        kept = [value for _, value in read_log(log)]
        assert [len(value["answers"]) for value in kept] == [1]
        assert kept[0]["answers"][0]["text"] == "no idea"
        return good({"messages": body["messages"][:2]})

    with Upstream(reply=check) as server:
        run_live(tmp_path / "run", server.base_url, numbered(1))
        assert server.failures == []
    assert len(annotated(tmp_path / "run")) == 1


def test_a_row_that_fails_is_kept_and_asked_again_next_time(tmp_path: Path) -> None:
    rows, out = numbered(3), tmp_path / "run"
    with Upstream(reply=good, faults=[None, *[status(500)] * 5, None]) as server:
        made = run_live(out, server.base_url, rows, concurrency=1)
        assert server.counts.received == 7
        assert made.report is not None
        assert made.report.rejected == {"no_answer": 1}
        assert made.report.costs["teacher"].calls == 7
        reason, detail = rejected(out)[rows[1].id]
        assert reason == "no_answer"
        assert "scripted fault" in detail
        made = run_live(out, server.base_url, rows, concurrency=1)
        assert server.counts.received == 8
    assert made.report is not None
    assert (made.report.annotated, made.report.rejected) == (3, {})
    assert made.report.costs["teacher"].calls == 8
    assert [len(work.answers) for work in works(out).values()] == [1, 2, 1]


def test_a_refused_key_ends_the_run_at_once(tmp_path: Path) -> None:
    with Upstream(reply=good, key="right") as server:
        made = run_live(tmp_path / "run", server.base_url, numbered(500), concurrency=4)
        assert server.counts.received <= 8
    assert made.ended.why == "gave_up"
    assert "401" in made.ended.detail
    assert made.report is not None
    assert made.report.unfinished == 500


def test_a_server_that_is_down_is_not_asked_for_every_row(tmp_path: Path) -> None:
    with Upstream(reply=good, faults=lambda number: status(500) if number >= 30 else None) as server:
        settings = {"concurrency": 4, "patience": 12, "retry": msgspec.structs.replace(QUICK, retries=1)}
        made = run_live(tmp_path / "run", server.base_url, numbered(500), **settings)
        assert 30 + 2 * 12 <= server.counts.received <= 30 + 2 * (12 + 4)
    assert made.ended.why == "gave_up"
    assert made.ended.detail.startswith("the last 12 rows got no answer: ")
    assert made.report is not None
    assert made.report.annotated == 30


def test_stray_failures_do_not_end_it(tmp_path: Path) -> None:
    with Upstream(reply=good, faults=lambda number: status(400) if number % 2 else None) as server:
        made = run_live(tmp_path / "run", server.base_url, numbered(60), concurrency=1, patience=2)
    assert made.ended.why == "done"
    assert made.report is not None
    assert made.report.rejected == {"no_answer": 30}


class TestLimits:
    def test_calls_are_never_passed_and_the_run_goes_on_with_more(self, tmp_path: Path) -> None:
        out, rows = tmp_path / "run", numbered(40)
        with Upstream(reply=good) as server:
            made = run_live(out, server.base_url, rows, limits=Limits(calls=25))
            assert made.ended.why == "budget"
            assert server.counts.received == 25
            assert made.report is not None
            assert (made.report.annotated, made.report.unfinished) == (25, 15)
            made = run_live(out, server.base_url, rows, limits=Limits(calls=30))
            assert server.counts.received == 30
            made = run_live(out, server.base_url, rows)
            assert server.counts.received == 40
        assert made.report is not None
        assert made.report.annotated == 40

    @pytest.mark.parametrize("at_once", [1, 4, 16])
    def test_money_is_passed_by_no_more_than_what_was_in_flight(self, tmp_path: Path, at_once: int) -> None:
        rows = numbered(200)
        with Upstream(reply=good, latency=0.002) as server:
            made = run_live(
                tmp_path / "run", server.base_url, rows, limits=Limits(money=0.1), concurrency=at_once
            )
            counts = server.counts
        assert made.ended.why == "budget"
        assert made.report is not None
        spent = made.report.money()
        assert spent == pytest.approx((counts.prompt_tokens * 10 + counts.completion_tokens * 30) / 1e6)
        dearest = max(
            sum((answer.usage.prompt_tokens * 10 + answer.usage.completion_tokens * 30) / 1e6
                for answer in work.answers)
            for work in works(tmp_path / "run").values()
        )  # fmt: skip
        assert spent is not None
        assert 0.1 <= spent <= 0.1 + at_once * dearest

    def test_what_an_earlier_part_spent_counts(self, tmp_path: Path) -> None:
        out, rows = tmp_path / "run", numbered(60)
        with Upstream(reply=good) as server:
            run_live(out, server.base_url, rows, limits=Limits(calls=20))
            made = run_live(out, server.base_url, rows, limits=Limits(calls=20))
            assert server.counts.received == 20
        assert made.ended.why == "budget"


class TestSameRun:
    def test_another_prompt_or_other_rows_are_refused_with_the_difference(self, tmp_path: Path) -> None:
        out = tmp_path / "run"
        with Upstream(reply=good) as server:
            run_live(out, server.base_url, numbered(5))
            for settings, said in (
                ({"lang": "ko"}, "--lang: '' -> 'ko'"),
                ({"second": True}, "--second"),
                ({"rows": numbered(6)}, "--rows: '5 rows, "),
            ):
                with pytest.raises(RunMismatch, match=said):
                    run_live(out, server.base_url, **{"rows": numbered(5), **settings})  # type: ignore[arg-type]
            assert server.counts.received == 5

    def test_other_filters_need_no_call(self, tmp_path: Path) -> None:
        from skillofmind.mind.annotate.filters import Filters

        out = tmp_path / "run"
        with Upstream(reply=Teacher({"third_person": 0.5})) as server:
            first = run_live(out, server.base_url, numbered(40)).report
            asked = server.counts.received
            second = run_live(out, server.base_url, numbered(40), filters=Filters(first_person=False)).report
            assert server.counts.received == asked
        assert first is not None
        assert second is not None
        assert 10 < first.rejected["not_first_person"] < 30
        assert second.rejected == {}
        assert msgspec.json.decode((out / "report.json").read_bytes(), type=Report) == second


def test_two_teachers_and_a_judge(tmp_path: Path) -> None:
    skills = ("Empathy", "Clarification")

    def answer(body: dict[str, Any]) -> str:
        if "[Annotation A]" in body["messages"][0]["content"]:
            return '{"choice": "A"}'
        return reply(skills[server.counts.received % 2])

    with Upstream(reply=answer) as server:
        made = run_live(tmp_path / "run", server.base_url, numbered(10), second=True, concurrency=1)
    assert made.report is not None
    assert made.report.second is not None
    assert made.report.second.agreement.items == 10
    assert sum(made.report.second.judged.values()) + made.report.second.shared == 10
    labels = [row.turns[-1].labels for row in annotated(tmp_path / "run")]
    assert {(label.scheme, label.annotator) for pair in labels for label in pair} == {
        ("skillofmind.skill", "teacher model"),
        ("skillofmind.skill", "second model"),
    }


def test_hangs_and_limits_cost_tries_and_nothing_else(tmp_path: Path) -> None:
    faults = [hang(), rate_limit(0.01), None, status(503), None]
    with Upstream(reply=good, faults=faults) as server:
        made = run_live(tmp_path / "run", server.base_url, numbered(4), timeout=0.2, concurrency=2)
        assert server.counts.received == 7
    assert made.report is not None
    assert made.report.annotated == 4
    assert made.report.costs["teacher"].calls == 7


def test_stopping_keeps_what_is_in_work_and_writes_nothing(tmp_path: Path) -> None:
    stop = asyncio.Event()

    def answer(body: dict[str, Any]) -> str:
        if server.counts.received >= 5:
            stop.set()
        return good(body)

    with Upstream(reply=answer, latency=0.01) as server:
        made = run_live(tmp_path / "run", server.base_url, numbered(50), stop=stop, concurrency=4)
    assert (made.ended.why, made.report) == ("interrupted", None)
    assert len(works(tmp_path / "run")) == server.counts.completed == server.counts.received < 15
    assert not (tmp_path / "run" / "annotated.jsonl").exists()


class TestSample:
    def test_a_sample_is_asked_once_and_the_run_does_not_pay_again(self, tmp_path: Path) -> None:
        out, rows = tmp_path / "run", numbered(100)
        with Upstream(reply=good) as server:
            made = run_live(out, server.base_url, rows, sample=20)
            assert server.counts.received == 20
            assert made.estimate is not None
            assert (made.estimate.rows, made.estimate.sampled) == (100, 20)
            run_live(out, server.base_url, rows, sample=20)
            assert server.counts.received == 20
            report = run_live(out, server.base_url, rows).report
            assert server.counts.received == 100
        assert report is not None
        money = report.money()
        assert money is not None
        assert made.estimate.money is not None
        assert made.estimate.money.low <= money <= made.estimate.money.high
        assert made.estimate.money.value == pytest.approx(money, rel=0.05)
        assert made.estimate.calls.value == 100
