import json
import re
from typing import Any

import pytest

from skillofmind.cli.eval.power import run
from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics import power


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert run(list(argv)) == 0
    return capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(said(capsys, *argv, "--json"))
    return answer


def test_without_options_the_tables_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys)
    rows = re.findall(r"true win rate (\S+) +(\S+) items", text)
    assert rows == [("0.55", "783"), ("0.60", "194"), ("0.65", "85"), ("0.70", "47"), ("0.75", "29")]
    seen = re.findall(r"^ +(\d+) items +(\S+)$", text, re.MULTILINE)[:4]
    assert seen == [("25", "0.77"), ("30", "0.75"), ("100", "0.64"), ("500", "0.56")]
    assert re.search(r"0\.05 +312 +626 +1,254", text)
    assert "items are worth one" not in text


def test_the_tables_are_json_too_and_know_dialogues(capsys: pytest.CaptureFixture[str]) -> None:
    plain, alike = found(capsys), found(capsys, "--per-dialogue", "5", "--rho", "0.3")
    assert [row["items"] for row in plain["win_rate"]] == [783, 194, 85, 47, 29]
    assert alike["design_effect"] == pytest.approx(2.2, abs=1e-12)
    assert [row["items"] for row in alike["win_rate"]] == [1723, 427, 187, 104, 64]
    assert len(plain["accuracy"]) == 9
    assert [row["items"] for row in plain["rating"]] == [
        power.items_for_rating(d, 1) for d in (0.1, 0.2, 0.3, 0.5, 0.8)
    ]


@pytest.mark.parametrize(
    ("argv", "items"),
    [
        (("win-rate", "--effect", "0.6"), 194),
        (("accuracy", "--effect", "0.05", "--differ", "0.2"), 626),
        (("rating", "--effect", "0.3", "--deviation", "1.2"), power.items_for_rating(0.3, 1.2)),
        (("win-rate", "--effect", "0.6", "--per-dialogue", "5", "--rho", "0.3"), 427),
        (("win-rate", "--effect", "0.6", "--power", "0.9", "--alpha", "0.01"), 368),
    ],
)
def test_an_effect_is_answered_with_items(
    argv: tuple[str, ...], items: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found(capsys, *argv)["items"] == items
    assert said(capsys, *argv).startswith(f"{items:,} items show ")


def test_items_are_answered_with_an_effect(capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys, "win-rate", "--items", "100")["effect"] == power.detectable_win_rate(100)
    assert found(capsys, "accuracy", "--items", "626")["effect"] == power.detectable_accuracy(626, 0.2)
    rating = found(capsys, "rating", "--items", "80", "--per-dialogue", "4", "--rho", "0.2")
    assert (rating["worth"], rating["effect"]) == (50, power.detectable_rating(50, 1.0))
    assert said(capsys, "win-rate", "--items", "100") == (
        "100 items show a win rate of 63.8% against 50 % or more in 80% of such studies "
        "(alpha 0.05, two-sided).\n"
    )
    assert said(capsys, "win-rate", "--items", "3").startswith("3 items are too few")


def test_both_are_answered_with_the_power(capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys, "win-rate", "--items", "194", "--effect", "0.6")["power"] == power.win_rate_power(
        194, 0.6
    )
    accuracy = found(capsys, "accuracy", "--items", "400", "--effect", "0.05")
    assert accuracy["power"] == power.accuracy_power(400, 0.05, 0.2)
    assert "just one of both is right" in said(capsys, "accuracy", "--items", "400", "--effect", "0.05")
    rating = found(capsys, "rating", "--items", "50", "--effect", "0.4")
    assert rating["power"] == power.rating_power(50, 0.4, 1.0)


def test_how_dialogues_count_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "rating", "--effect", "0.3", "--per-dialogue", "4", "--rho", "0.2")
    assert "With 4 items a dialogue and rho 0.2, 1.60 items are worth one" in text


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("--effect", "0.6"), "need WHAT"),
        (("win-rate",), "needs --effect, --items or both"),
        (("win-rate", "--effect", "0.5"), "by nothing"),
        (("win-rate", "--effect", "1.5"), "win rate 1.5"),
        (("win-rate", "--items", "0"), "--items 0"),
        (("accuracy", "--effect", "0.3", "--differ", "0.2"), "discordant"),
        (("rating", "--effect", "0.3", "--deviation", "-1"), "deviation -1"),
        (("--rho", "2", "--per-dialogue", "3"), "cannot be"),
        (("--power", "0.01"), "power 0.01"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(argv: tuple[str, ...], what: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(what)):
        run(list(argv))


def test_a_wrong_word_is_answered_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["winrate"])
    assert "Did you mean win-rate?" in capsys.readouterr().err
