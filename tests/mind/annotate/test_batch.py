"""The Batch API way: whatever a provider answers, refuses, loses or lets expire, each row ends once."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.data.select import Instance
from skillofmind.mind.annotate.batch import batch
from skillofmind.mind.annotate.course import Asked
from skillofmind.mind.annotate.job import Ended, Job
from skillofmind.mind.annotate.parcels import Journal, Parcel
from skillofmind.mind.dataset.annotate import Annotated
from skillofmind.models.openai_batch import BatchClient
from skillofmind.run.budget import Limits
from skillofmind.run.log import read_log
from tests.mind.annotate.rows import numbered, reply
from tests.mind.annotate.scene import PRICES, ROLES, annotated, rejected, run, run_live
from tests.teacher import Teacher
from tests.upstream import cut, status
from tests.upstream_batches import (
    BatchFault,
    BatchUpstream,
    done,
    row_expired,
    row_half_text,
    row_missing,
    row_no_choices,
    row_status,
    row_torn,
)


def run_batch(
    out: Path,
    server: BatchUpstream,
    rows: Sequence[Instance] = (),
    *,
    names: Mapping[Asked, str] = {},
    **settings: Any,
) -> Annotated:
    """Annotate `rows` through the Batch API; settings as for `scene.run`, and `most`, `tries`."""
    own = {name: settings.pop(name) for name in ("most", "tries") if name in settings}

    async def way(job: Job) -> Ended:
        async with BatchClient(server.base_url, sleep=lambda _: asyncio.sleep(0.001)) as client:
            named = {role: names.get(role, "scripted") for role in ROLES}
            prices = dict.fromkeys(ROLES, PRICES)
            return await batch(dict.fromkeys(ROLES, client), named, prices, poll=0.005, **own)(job)

    return run(out, way, rows, **settings)


def parcels(out: Path) -> dict[str, Parcel]:
    return {name: msgspec.convert(value, Parcel) for name, value in read_log(out / "batches.jsonl")}


def good(body: dict[str, Any]) -> str:
    return Teacher({})(body)


@pytest.mark.parametrize("most", [10_000, 7, 1])
def test_the_output_is_that_of_a_live_run(tmp_path: Path, most: int) -> None:
    rows = numbered(40)
    with BatchUpstream(reply=Teacher({"broken": 0.2, "unknown": 0.2})) as server:
        live = run_live(tmp_path / "live", server.base_url, rows).report
        found = run_batch(tmp_path / "batch", server, rows, most=most).report
    for name in ("annotated.jsonl", "rejected.jsonl", "report.json"):
        assert (tmp_path / "batch" / name).read_bytes() == (tmp_path / "live" / name).read_bytes()
    assert live == found
    assert found is not None
    assert found.repairs > 5
    assert server.counts.files == server.counts.batches == len(parcels(tmp_path / "batch"))
    assert all(parcel.state == "done" for parcel in parcels(tmp_path / "batch").values())


def test_two_teachers_and_a_judge_take_rounds(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        if body["model"] == "third":
            return '{"choice": "A"}'
        return reply("Empathy" if body["model"] == "first" else "Clarification")

    names: dict[Asked, str] = {"teacher": "first", "second": "other", "judge": "third"}
    with BatchUpstream(reply=answer) as server:
        made = run_batch(tmp_path / "run", server, numbered(12), names=names, second=True)
    assert made.report is not None
    assert made.report.second is not None
    assert sum(made.report.second.judged.values()) == 12
    assert [parcel.asked for parcel in parcels(tmp_path / "run").values()] == ["teacher", "second", "judge"]
    assert {name: cost.calls for name, cost in made.report.costs.items()} == dict.fromkeys(ROLES, 12)


class TestRows:
    @pytest.mark.parametrize(
        "fault",
        [row_status(429), row_status(500), row_expired(), row_missing(), row_torn(), row_no_choices()],
    )
    def test_what_may_pass_is_sent_again(self, tmp_path: Path, fault: Any) -> None:
        with BatchUpstream(reply=good, row_faults=[None, fault, None, fault]) as server:
            made = run_batch(tmp_path / "run", server, numbered(6))
            assert server.counts.rows == 8
            assert server.counts.batches == 2
        assert made.report is not None
        assert (made.report.annotated, made.report.rejected) == (6, {})
        assert len(annotated(tmp_path / "run")) == 6

    def test_after_some_tries_the_row_has_failed_until_the_next_start(self, tmp_path: Path) -> None:
        out, rows = tmp_path / "run", numbered(2)
        with BatchUpstream(reply=good, row_faults=[None, row_status(500), row_status(500), None]) as server:
            made = run_batch(out, server, rows, tries=2)
            assert made.report is not None
            assert made.report.rejected == {"no_answer": 1}
            assert rejected(out)[rows[1].id][1].startswith("ModelBusy: ")
            assert made.report.costs["teacher"].calls == 3
            made = run_batch(out, server, rows, tries=2)
            assert server.counts.rows == 4
        assert made.report is not None
        assert made.report.annotated == 2

    def test_what_sending_again_cannot_help_is_sent_once(self, tmp_path: Path) -> None:
        with BatchUpstream(reply=good, row_faults=[row_status(400)]) as server:
            made = run_batch(tmp_path / "run", server, numbered(3))
            assert server.counts.rows == 3
        assert made.report is not None
        assert made.report.rejected == {"no_answer": 1}
        assert made.ended.why == "done"

    def test_a_reply_that_is_no_json_is_repaired_in_the_next_round(self, tmp_path: Path) -> None:
        with BatchUpstream(
            reply=good, row_faults=[row_half_text(), None, row_half_text(), None, row_half_text()]
        ) as server:
            made = run_batch(tmp_path / "run", server, numbered(4))
            assert (server.counts.rows, server.counts.batches) == (6, 2)
        assert made.report is not None
        assert (made.report.annotated, made.report.rejected) == (3, {"no_json": 1})
        assert made.report.repairs == 2

    def test_calls_and_tokens_are_what_the_server_counted(self, tmp_path: Path) -> None:
        faults = [row_status(500), None, row_expired(), row_half_text(), None, row_status(400)]
        with BatchUpstream(reply=Teacher(), row_faults=faults) as server:
            made = run_batch(tmp_path / "run", server, numbered(30))
            counts = server.counts
        assert made.report is not None
        cost = made.report.costs["teacher"]
        # A row that expired was never a call.
        assert cost.calls == counts.rows - 1
        assert (cost.usage.prompt_tokens, cost.usage.completion_tokens) == (
            counts.prompt_tokens,
            counts.completion_tokens,
        )


class TestBatches:
    def test_one_that_expires_keeps_what_is_done_and_sends_the_rest_again(self, tmp_path: Path) -> None:
        with BatchUpstream(reply=good, batch_faults=[BatchFault("expired", share=0.5)]) as server:
            made = run_batch(tmp_path / "run", server, numbered(10))
            assert server.counts.batches == 2
            assert server.counts.rows_answered == 10
        assert made.report is not None
        assert made.report.annotated == 10
        assert made.report.costs["teacher"].calls == 10

    def test_one_that_is_refused_ends_the_run_with_the_reason(self, tmp_path: Path) -> None:
        out = tmp_path / "run"
        with BatchUpstream(
            reply=good, batch_faults=[BatchFault("failed", "the model does not exist")]
        ) as server:
            made = run_batch(out, server, numbered(10))
            assert made.ended.why == "gave_up"
            assert "of 10 rows was refused: " in made.ended.detail
            assert "the model does not exist" in made.ended.detail
            assert [parcel.state for parcel in parcels(out).values()] == ["failed"]
            made = run_batch(out, server, numbered(10))
        assert made.report is not None
        assert made.report.annotated == 10

    @pytest.mark.parametrize("endpoint", ["upload", "create", "retrieve", "content", "delete"])
    @pytest.mark.parametrize("fault", [status(500), cut(), done(cut())])
    def test_a_passing_fault_of_any_endpoint_changes_nothing(
        self, tmp_path: Path, endpoint: Any, fault: Any
    ) -> None:
        with BatchUpstream(reply=good, endpoint_faults={endpoint: [fault]}) as server:
            made = run_batch(tmp_path / "run", server, numbered(5))
            assert (server.counts.batches, server.counts.rows) == (1, 5)
        assert made.report is not None
        assert made.report.annotated == 5

    def test_a_provider_that_is_down_ends_it_and_the_next_start_goes_on(self, tmp_path: Path) -> None:
        out = tmp_path / "run"
        with BatchUpstream(reply=good, endpoint_faults={"content": [status(500)] * 5}) as server:
            made = run_batch(out, server, numbered(5))
            assert made.ended.why == "gave_up"
            assert [parcel.state for parcel in parcels(out).values()] == ["created"]
            made = run_batch(out, server, numbered(5))
            assert (server.counts.batches, server.counts.rows) == (1, 5)
        assert made.report is not None
        assert made.report.annotated == 5

    def test_a_batch_that_was_created_but_not_written_down_is_found(self, tmp_path: Path) -> None:
        """A kill between the provider's answer and our journal."""
        out = tmp_path / "run"
        with BatchUpstream(reply=good, endpoint_faults={"content": [status(500)] * 5}) as server:
            run_batch(out, server, numbered(5))
            lines = (out / "batches.jsonl").read_bytes().splitlines(keepends=True)
            assert b'"created"' in lines[-1]
            (out / "batches.jsonl").write_bytes(b"".join(lines[:-1]))
            made = run_batch(out, server, numbered(5))
            assert (server.counts.batches, server.counts.rows) == (1, 5)
        assert made.report is not None
        assert made.report.annotated == 5

    def test_answers_that_were_applied_in_part_are_not_applied_twice(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A kill in the middle of applying a parcel, whose failures must count once, too."""
        out, rows = tmp_path / "run", numbered(6)
        monkeypatch.setattr(Journal, "clear", lambda journal, parcel: None)
        with BatchUpstream(reply=good, row_faults=[None, row_status(400), None, row_status(400)]) as server:
            run_batch(out, server, rows)
            for name, kept in (("batches.jsonl", -1), ("log.jsonl", 4)):
                lines = (out / name).read_bytes().splitlines(keepends=True)
                (out / name).write_bytes(b"".join(lines[:kept]))
            assert parcels(out)["000001"].state == "fetched"
            report = run_batch(out, server, rows).report
            assert server.counts.rows == 6 + 2
        log = list(read_log(out / "log.jsonl"))
        roles = [len(value["answers"]) for value in dict(log).values()]
        # Two rows failed for good in the first part, and were asked again by the second.
        assert sorted(roles) == [1, 1, 1, 1, 2, 2]
        assert report is not None
        assert (report.annotated, report.costs["teacher"].calls) == (6, 8)


class TestLimits:
    def test_calls_are_not_passed(self, tmp_path: Path) -> None:
        out = tmp_path / "run"
        with BatchUpstream(reply=good) as server:
            made = run_batch(out, server, numbered(40), limits=Limits(calls=25))
            assert made.ended.why == "budget"
            assert server.counts.rows == 25
            assert made.report is not None
            assert (made.report.annotated, made.report.unfinished) == (25, 15)
            made = run_batch(out, server, numbered(40))
            assert server.counts.rows == 40
        assert made.report is not None
        assert made.report.annotated == 40

    def test_money_is_reckoned_before_it_is_spent(self, tmp_path: Path) -> None:
        with BatchUpstream(reply=good) as server:
            made = run_batch(tmp_path / "run", server, numbered(100), limits=Limits(money=0.5))
        assert made.ended.why == "budget"
        assert made.report is not None
        money = made.report.money()
        assert money is not None
        assert 0.1 < money <= 0.5
