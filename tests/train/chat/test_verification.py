from typing import Any

import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.chat.verification import (
    Tally,
    Verification,
    Wording,
    verification_prompt,
    verification_rows,
)
from tests.train.chat.looking import made, rows_of, trained_texts
from tests.train.chat.styles import OPENED, shared


def judged(correct: int, wrong: int, problem: str = "1 + 1?") -> list[dict[str, Any]]:
    flags = [True] * correct + [False] * wrong
    return [{"problem": problem, "solution": f"s{n}", "correct": flag} for n, flag in enumerate(flags)]


def test_decoding_what_is_trained_gives_sentence_close_marker_and_end() -> None:
    tokenizer = shared(OPENED)
    built = verification_rows(judged(1, 1))
    texts = [trained_texts(row, tokenizer) for row in rows_of(made(tokenizer, *built.rows))]
    assert texts == [
        ["Yes, every step of the solution is correct.\n</think><eos>"],
        ["No, the solution has a mistake.\n</think><eos>"],
    ]
    assert made(tokenizer, *built.rows).examples[0].id == "row 1"


def test_braces_and_field_names_in_texts_stay_as_they_are() -> None:
    text = verification_prompt(
        r"\boxed{} {solution}", "{problem}", Wording(prompt="{problem}|{solution}|{x}")
    )
    assert text == r"\boxed{} {solution}|{problem}|{x}"


def test_classes_are_balanced_and_counted() -> None:
    rows = [row for n in range(10) for row in judged(9, 1, f"p{n}")]
    built = verification_rows(rows, per_problem=None)
    assert (built.before, built.after) == (Tally(90, 10), Tally(10, 10))
    assert [row["correct"] for row in built.rows].count(True) == 10
    assert built.problems == 10
    kept = verification_rows(rows, per_problem=None, balance=False)
    assert kept.after == Tally(90, 10)


def test_rows_per_problem_are_limited_with_both_classes_in_turn() -> None:
    built = verification_rows([*judged(8, 2), *judged(1, 0, "other")], per_problem=4, balance=False)
    assert built.after == Tally(3, 2)
    assert [row["prompt"][0]["content"].count("other") for row in built.rows].count(1) == 1


def chosen(built: Verification) -> list[str]:
    return [row["id"] for row in built.rows]


def test_which_rows_stay_follows_from_the_seed() -> None:
    rows = judged(30, 10)
    one = verification_rows(rows, per_problem=None, seed=1)
    assert one == verification_rows(rows, per_problem=None, seed=1)
    assert chosen(one) != chosen(verification_rows(rows, per_problem=None, seed=2))


def test_rows_without_a_field_are_refused() -> None:
    built = verification_rows([{"problem": "a", "solution": "b"}, *judged(1, 1)])
    assert [one.id for one in built.refused] == ["row 1"]
    assert len(built.rows) == 2


@pytest.mark.parametrize(
    ("wording", "limit", "reason"),
    [
        (Wording(prompt="{problem}"), 4, "once each"),
        (Wording(yes="It is right.", no="It is wrong."), 4, "begin alike"),
        (Wording(), 0, "per_problem is 0"),
    ],
)
def test_wrong_settings_are_named(wording: Wording, limit: int, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        verification_rows(judged(1, 1), wording=wording, per_problem=limit)
