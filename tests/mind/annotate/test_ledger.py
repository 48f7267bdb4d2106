"""The ledger holds the answers of every row; the latest record counts, and the account is their sum."""

from pathlib import Path

import pytest

from skillofmind.core.completion import Usage
from skillofmind.mind.annotate.course import Answer
from skillofmind.mind.annotate.ledger import Account, Ledger, Work
from skillofmind.run.budget import Prices
from skillofmind.run.log import AppendLog


def test_a_row_is_there_once_it_is_settled_and_did_not_fail(tmp_path: Path) -> None:
    good, bad = Answer("teacher", text="x"), Answer("teacher", error="down")
    with AppendLog(tmp_path / "log.jsonl") as log:
        ledger = Ledger(log)
        assert not ledger.has("row")
        assert ledger.work("row") == Work()
        for work, there in (
            (Work((bad,), settled=True), False),
            (Work((bad, good)), False),
            (Work((bad, good), settled=True), True),
        ):
            ledger.append("row", work)
            assert ledger.has("row") == there
            assert ledger.work("row") == work
        assert len(ledger) == 3
    with AppendLog(tmp_path / "log.jsonl") as log:
        assert Ledger(log).work("row").answers == (bad, good)


def test_the_account_adds_up_by_hand() -> None:
    answers = (
        Answer("teacher", usage=Usage(100, 10), attempts=3),
        Answer("repair", usage=Usage(150, 20)),
        Answer("second", usage=Usage(100, 5), attempts=2),
        Answer("judge", attempts=0, cached=True),
        Answer("judge", attempts=0, error="expired"),
    )
    account = Account().plus(answers[:2]).plus(answers[2:])
    assert account == Account(
        {"teacher": 4, "second": 2, "judge": 0},
        {"teacher": Usage(250, 30), "second": Usage(100, 5), "judge": Usage()},
        cached=1,
        repairs=1,
    )
    spent = account.spent({"teacher": Prices(10.0, 30.0), "second": Prices(1.0, 2.0)})
    assert (spent.calls, spent.usage, spent.cached) == (6, Usage(350, 35), 1)
    assert spent.money == pytest.approx((250 * 10 + 30 * 30 + 100 * 1 + 5 * 2) / 1e6, rel=1e-12)
