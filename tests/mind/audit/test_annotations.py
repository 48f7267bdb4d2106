import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.audit.annotations import Judged, findings, judged, leakage, shortened, verdicts
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.audit.corpus import answer, talk

TAXONOMY = load_taxonomy()


def rows(*dialogues: Dialogue) -> list[Judged]:
    return list(judged(dialogues))


def checks(*dialogues: Dialogue) -> list[tuple[str, str, int | None]]:
    return [(found.check, found.id, found.turn) for found in findings(rows(*dialogues), TAXONOMY)]


def test_a_good_row_has_no_finding() -> None:
    assert checks(talk()) == []


def test_what_is_missing_or_unknown_is_named() -> None:
    assert checks(talk("a", answer(skill="Kindness"))) == [("taxonomy", "a", 2)]
    assert checks(talk("b", answer(explanation=" "))) == [("explanation", "b", 2)]
    assert checks(talk("c", answer(counterfactual=None))) == [("counterfactual", "c", 2)]
    assert checks(talk("d", answer(explanation="She needs comfort."))) == [("first_person", "d", 2)]


def test_an_explanation_with_the_words_of_the_reply_is_a_leak() -> None:
    told = answer(explanation="I say it must sting after all those weeks.")
    assert checks(talk("a", told)) == [("leak", "a", 2)]


def test_the_context_that_announces_the_reply_is_a_leak_and_the_counterfactual_is_its_control() -> None:
    situation = "It must sting after all those weeks of work, thinks Ben."
    assert checks(talk("a", situation=situation)) == [("context_leak", "a", 2)]
    [row] = rows(talk("a", situation=situation))
    # Of the nine words of the reply, none of them Ana's, six stand in the context.
    assert row.context_units == 6
    # Of "well you should have studied harder for that test" none does.
    assert row.context_leak == pytest.approx(6 / 9)
    both = f"{situation} Well, you should have studied harder for that test."
    assert checks(talk("a", situation=both)) == []


def test_close_long_and_repeated_ones_are_flagged() -> None:
    reply = "Oh no, that must sting after all those weeks."
    assert checks(talk("a", answer(counterfactual=reply))) == [("close", "a", 2)]
    assert checks(talk("b", answer(counterfactual="Pizza. " * 30))) == [("length", "b", 2)]
    assert checks(talk("a"), talk("b")) == [("repeated", "b", 2)]


def test_means_are_over_rows_with_a_counterfactual() -> None:
    found = leakage(rows(talk("a"), talk("b", answer("Short.", counterfactual=None))))
    assert (found.turns, found.controlled) == (2, 1)
    assert found.length_ratio == 1
    # "that" is common to the two replies of nine words.
    assert found.close == pytest.approx(2 / 18)
    assert leakage([]).close is None


def test_the_hard_checks_are_those_of_the_schema() -> None:
    hard = [row.check for row in verdicts([]) if row.hard]
    assert hard == ["taxonomy", "explanation", "counterfactual", "first_person"]


def test_long_texts_are_cut_for_the_report() -> None:
    assert shortened("a\nb  c", 5) == "a b c"
    assert shortened("abcdef", 5) == "abcd…"


def test_an_annotated_first_turn_is_checked_too() -> None:
    first = Dialogue((answer(skill="Kindness"), Turn("Ana", "Thanks.")), id="a")
    assert checks(first) == [("taxonomy", "a", 1)]
