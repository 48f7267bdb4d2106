"""SLUNG's toy world: what its rows say, and the contrast between its loss plans."""

import pytest

pytest.importorskip("torch", reason="torch is not installed; pip install 'skillofmind[train]'")

from benchmarks.slung import BEGIN, END, RISKY, TRIGGER, Arm, Toy, contrast, reply_to, row_of, run, sequences

from skillofmind.train.rows.token_row import CE, IGNORE, UNLIKELIHOOD

TOY = Toy((5, 6), RISKY[0], reply_to(RISKY[0]))


@pytest.mark.parametrize(("arm", "code"), [("toxic", CE), ("masked", IGNORE), ("unlikelihood", UNLIKELIHOOD)])
def test_the_plan_of_the_risky_token_is_the_arm(arm: Arm, code: int) -> None:
    row = row_of(TOY, arm)
    assert row.ids.tolist() == [BEGIN, 5, 6, TRIGGER, RISKY[0], TOY.reply, END]
    assert row.loss_plan.tolist() == [IGNORE, CE, CE, CE, code, CE, CE]


def test_low_risk_rows_lose_the_risky_token() -> None:
    assert row_of(TOY, "low_risk").ids.tolist() == [BEGIN, 5, 6, TRIGGER, TOY.reply, END]


def test_half_of_the_sequences_are_risky_and_the_token_decides_their_reply() -> None:
    drawn = list(sequences(2000, 0.5, seed=3))
    risky = [one for one in drawn if one.risky is not None]
    assert 900 < len(risky) < 1100
    assert {one.risky for one in risky} == {*RISKY}
    assert all(one.reply == reply_to(one.risky or 0) for one in risky)
    assert len({one.reply for one in drawn if one.risky is None}) == 4
    assert list(sequences(2000, 0.5, seed=3)) == drawn


@pytest.mark.slow
def test_masking_does_not_unlearn_and_unlikelihood_does() -> None:
    assert contrast([run(0)]) == dict.fromkeys(contrast([run(0, updates=1, more=1)]), True)
