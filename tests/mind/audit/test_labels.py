from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Label
from skillofmind.mind.audit.labels import SCHEME, LabelAgreement, agreement, findings, ratings
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.audit.corpus import answer, labels, talk

TAXONOMY = load_taxonomy()
# Empathy and Ethics are Interpersonal, the third is not.
EMPATHY, ETHICS, CLARIFY = "Empathy", "Ethics", "Clarification"


def corpus(*given: tuple[str, ...], lang: str = "en") -> list[Dialogue]:
    return [
        talk(f"own:{n}", answer(skill=marks[-1], marks=labels(*marks)), lang=lang)
        for n, marks in enumerate(given)
    ]


def measured(dialogues: Sequence[Dialogue]) -> LabelAgreement:
    found = agreement(list(ratings(dialogues)), TAXONOMY)
    assert found is not None
    return found


def checks(*dialogues: Dialogue) -> list[str]:
    return [found.check for found in findings(list(ratings(dialogues)), TAXONOMY)]


def test_kappa_by_hand() -> None:
    found = measured(
        corpus(
            (EMPATHY, EMPATHY),
            (EMPATHY, ETHICS, ETHICS),
            (CLARIFY, CLARIFY),
            (CLARIFY, CLARIFY),
        )
    )
    # Observed 3/4; chance (2*1 + 0*1 + 2*2) / 16 = 3/8.
    assert found.skills.value == pytest.approx((3 / 4 - 3 / 8) / (1 - 3 / 8))
    assert found.categories.value == 1
    assert found.by_category["Interpersonal"].value == 1
    assert found.within_category["Interpersonal"].items == 2
    assert found.within_category["Interpersonal"].value == 0
    assert found.by_skill[CLARIFY].value == 1
    assert found.by_language["en"] == found.skills
    assert [(pair.one, pair.other, pair.turns) for pair in found.confusions] == [(EMPATHY, ETHICS, 1)]


def test_where_differences_were_settled() -> None:
    found = measured(
        corpus(
            (EMPATHY, ETHICS, EMPATHY),
            (EMPATHY, ETHICS, ETHICS),
            (EMPATHY, CLARIFY, ETHICS),
            (EMPATHY, CLARIFY),
            (EMPATHY, EMPATHY),
        )
    )
    counts = (found.settled_first, found.settled_second, found.settled_other, found.unsettled)
    assert (found.turns, found.differ, counts) == (5, 4, (1, 1, 1, 1))


def test_second_choices_count_as_choices_only() -> None:
    marks = (*labels(EMPATHY, ETHICS), Label(SCHEME, EMPATHY, "second", rank=2))
    found = measured([talk("a", answer(marks=marks[::-1])), *corpus((EMPATHY, CLARIFY))])
    assert found.skills.observed == 0
    assert found.in_choices == 0.5


def test_without_labels_there_is_no_agreement_and_no_fault() -> None:
    assert agreement(list(ratings([talk()])), TAXONOMY) is None
    assert checks(talk()) == []


def test_faults_are_named() -> None:
    good = corpus((EMPATHY, EMPATHY))
    assert checks(*good) == []
    assert checks(*good, talk("b")) == ["unlabelled"]
    assert checks(*corpus((EMPATHY, ETHICS))) == ["unsettled"]
    assert checks(*corpus((EMPATHY, "Kindness", EMPATHY))) == ["label"]
    assert checks(talk("c", answer(skill=ETHICS, marks=labels(EMPATHY, EMPATHY)))) == ["label_mismatch"]
    assert checks(talk("d", answer(skill=ETHICS, marks=labels(EMPATHY, ETHICS, EMPATHY)))) == [
        "label_mismatch"
    ]


@given(st.lists(st.tuples(*[st.sampled_from([EMPATHY, ETHICS, CLARIFY])] * 2), min_size=1, max_size=8))
def test_exchanging_the_annotators_changes_no_kappa(given: list[tuple[str, str]]) -> None:
    one, other = measured(corpus(*given)), measured(corpus(*(pair[::-1] for pair in given)))
    assert one.skills.value == other.skills.value
    assert one.categories.value == other.categories.value
    assert one.confusions == other.confusions
    assert one.differ == other.differ
