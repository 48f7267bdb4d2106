import math
import time
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, label_ranking_average_precision_score

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.evals.measure import estimates
from skillofmind.evals.measures.skill import SCORES, score_skill, skill_measures, skill_tables
from skillofmind.evals.records import Answer, Case, Gold
from skillofmind.mind.taxonomy import load_taxonomy
from tests.evals.measures.cases import GUESSES, SKILLS, item, same, scored, told, value, values

EMPATHY = item(Gold(("Empathy",), ("Self-disclosure",)))
NAMES = load_taxonomy().names()
Guess = tuple[str, set[str], str | None, float]


class TestScore:
    def test_a_right_plan(self) -> None:
        found = score_skill(EMPATHY, told("Empathy", "Empathy", "Rhetoric", confidence=0.7))
        assert found == {
            "strict": 1,
            "accuracy": 1,
            "lenient": 1,
            "category": 1,
            "class": None,
            "valid": 1,
            "oov": 0,
            "top3": 1,
            "lrap": 1,
            "confidence": 0.7,
        }

    def test_strict_takes_the_letters_as_written_but_for_case(self) -> None:
        for raw, strict in (("empathy", 1), ("EMPATHY ", 1), ("Empathy.", 0), ("**Empathy**", 0)):
            found = score_skill(EMPATHY, told("Empathy", raw=raw))
            assert (found["strict"], found["accuracy"]) == (strict, 1)

    def test_an_accepted_skill_is_lenient_and_may_share_the_category(self) -> None:
        found = score_skill(EMPATHY, told("Self-disclosure"))
        assert (found["accuracy"], found["lenient"], found["category"]) == (0, 1, 1)
        found = score_skill(EMPATHY, told("Knowledge Sharing"))
        assert (found["accuracy"], found["lenient"], found["category"]) == (0, 0, 0)

    def test_an_answer_without_a_skill_is_wrong_and_not_missing(self) -> None:
        for answer, oov in ((told(None), 0), (told(None, raw="Small talk"), 1), (told(None, "Empathy"), 0)):
            found = score_skill(EMPATHY, answer)
            wrong = ("strict", "accuracy", "lenient", "category", "valid", "top3", "lrap")
            assert [found[name] for name in wrong] == [0] * 7
            assert (found["oov"], found["confidence"], found["class"]) == (oov, None, None)

    @pytest.mark.parametrize(
        "answer",
        [Answer(error="x"), Answer(), Answer(Plan(error="x")), Answer(told("Empathy").plan, error="x")],
    )
    def test_a_failed_answer_is_missing_everywhere(self, answer: Answer) -> None:
        assert set(score_skill(EMPATHY, answer).values()) == {None}

    def test_the_ranking_counts_in_top3_and_lrap(self) -> None:
        both = item(Gold(("Empathy", "Rhetoric")))
        found = score_skill(both, told("Ethics", "Ethics", "Rhetoric", "Clarification", "Empathy"))
        # Empathy has rank 4 and Rhetoric 2: (2/4 + 1/2) / 2.
        assert found["top3"] == 0
        assert found["lrap"] == pytest.approx(0.5, abs=1e-12)
        found = score_skill(both, told("Ethics", "Rhetoric", "Empathy"))
        assert found["top3"] == 1  # the chosen skill goes before what it is not in
        assert score_skill(EMPATHY, told("Rhetoric"))["lrap"] == pytest.approx(1 / len(NAMES), abs=1e-12)

    def test_a_class_is_compared_by_the_scheme_of_the_item(self) -> None:
        gold = Gold(label="needs_caution")
        for skill, right in (("Ethics", 1), ("Harmlessness", 1), ("Rhetoric", 0), (None, 0)):
            found = score_skill(item(gold, scheme="prosocial.safety"), told(skill))
            assert (found["class"], found["accuracy"], found["lenient"]) == (right, None, None)
        casual = item(Gold(label="casual"), scheme="prosocial.safety")
        assert score_skill(casual, told("Rhetoric"))["class"] == 1
        assert score_skill(casual, told(None))["class"] == 0

    def test_a_class_without_a_scheme_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="scheme"):
            score_skill(item(Gold(label="casual")), told("Rhetoric"))


def cases_of(guesses: list[Guess]) -> list[Case]:
    return scored(
        score_skill,
        [
            (item(Gold((right,), tuple(sorted(accept))), place), told(guess, confidence=sure))
            for place, (right, accept, guess, sure) in enumerate(guesses)
        ],
    )


class TestMeasures:
    def test_by_hand(self) -> None:
        cases = cases_of(
            [
                ("Empathy", {"Rhetoric"}, "Empathy", 0.9),
                ("Empathy", set(), "Rhetoric", 0.5),
                ("Rhetoric", {"Empathy"}, "Empathy", 0.5),
                ("Ethics", set(), None, 0.9),
            ]
        )
        failed = Case(item(Gold(("Ethics",)), 9), Answer(error="x"), dict.fromkeys(SCORES))
        found = {one.measure: one for one in estimates(skill_measures([*cases, failed]), list("abcde"))}
        assert found["accuracy"].value == 1 / 4
        assert (found["accuracy"].n, found["accuracy"].missing) == (4, 1)
        assert found["lenient"].value == 2 / 4
        # F1 of Empathy 2 * 1 / (2 + 2), of Rhetoric and Ethics 0.
        assert found["macro_f1"].value == pytest.approx(0.5 / 3, abs=1e-12)
        # 1 of 4 agree; Empathy 2 * 2 and Rhetoric 1 * 1 of 16 by chance.
        assert found["kappa"].value == pytest.approx((1 / 4 - 5 / 16) / (1 - 5 / 16), abs=1e-12)
        # Always Empathy: 2 of 4 strictly, 3 of 4 leniently. Drawn with 2/4, 1/4, 1/4: 6/16; leniently
        # (3/4 + 2/4 + 3/4 + 1/4) / 4.
        assert found["majority"].value == 2 / 4
        assert found["majority_lenient"].value == 3 / 4
        assert found["draw"].value == pytest.approx(6 / 16, abs=1e-12)
        assert found["draw_lenient"].value == pytest.approx(9 / 16, abs=1e-12)
        # Empathy and Ethics are of one category, Rhetoric of another: always Empathy 3 of 4, drawn (3/4) of
        # these three and (1/4) of the one.
        assert found["majority_category"].value == 3 / 4
        assert found["draw_category"].value == pytest.approx((3 * 3 / 4 + 1 / 4) / 4, abs=1e-12)
        assert found["brier"].value == pytest.approx((0.01 + 0.25 + 0.25) / 3, abs=1e-12)
        assert found["brier"].n == 3
        assert all(one.about for one in found.values())
        assert not {"class", "macro_f1_class"} & found.keys()

    def test_classes_have_their_own(self) -> None:
        golds = ["casual", "casual", "needs_caution", "needs_caution"]
        skills = ["Rhetoric", "Ethics", "Ethics", None]
        cases = scored(
            score_skill,
            [
                (item(Gold(label=gold), place, scheme="prosocial.safety"), told(skill, confidence=0.5))
                for place, (gold, skill) in enumerate(zip(golds, skills, strict=True))
            ],
        )
        found = values(skill_measures(cases))
        assert found["class"] == found["majority_class"] == found["draw_class"] == 1 / 2
        # casual 2 * 1 / (2 + 1), needs_caution 2 * 1 / (2 + 2).
        assert found["macro_f1_class"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-12)
        assert found["kappa_class"] == pytest.approx((2 / 4 - 6 / 16) / (1 - 6 / 16), abs=1e-12)
        assert found["brier"] == pytest.approx(0.25, abs=1e-12)
        assert not {"accuracy", "macro_f1", "lrap", "top3", "category"} & found.keys()

    def test_without_cases_or_with_failed_ones_alone_nothing_is_invented(self) -> None:
        assert [one.n for one in skill_measures([])] == [0, 0]  # valid and oov
        failed = Case(EMPATHY, Answer(error="x"), dict.fromkeys(SCORES))
        assert all(one.value is None for one in estimates(skill_measures([failed]), ["a"]))

    @settings(deadline=None)
    @given(GUESSES)
    def test_they_are_those_of_scikit_learn(self, guesses: list[Guess]) -> None:
        found = values(skill_measures(cases_of(guesses)))
        right = [one for one, _, _, _ in guesses]
        told_ = [guess or "" for _, _, guess, _ in guesses]
        names = sorted({*right, *told_} - {""})
        assert found["accuracy"] == pytest.approx(accuracy_score(right, told_), abs=1e-9)
        f1 = f1_score(right, told_, labels=names, average="macro", zero_division=0)
        assert found["macro_f1"] == pytest.approx(f1, abs=1e-9)
        if len({*right, *told_}) > 1:
            assert found["kappa"] == pytest.approx(cohen_kappa_score(right, told_), abs=1e-9)
        else:
            assert math.isnan(found["kappa"])

    @settings(deadline=None)
    @given(
        st.lists(
            st.tuples(st.lists(st.sampled_from(SKILLS), min_size=1, unique=True), st.permutations(SKILLS)),
            min_size=1,
            max_size=8,
        )
    )
    def test_lrap_is_that_of_scikit_learn(self, rows: list[tuple[list[str], list[str]]]) -> None:
        cases = scored(
            score_skill,
            [(item(Gold(tuple(right))), told(ranked[0], *ranked[:3])) for right, ranked in rows],
        )
        truth = np.array([[name in right for name in NAMES] for right, _ in rows])
        scores = np.array(
            [[9 - ranked.index(name) if name in ranked[:3] else 0 for name in NAMES] for _, ranked in rows]
        )
        expected = label_ranking_average_precision_score(truth, scores)
        assert value(skill_measures(cases), "lrap") == pytest.approx(expected, abs=1e-9)

    @settings(deadline=None)
    @given(GUESSES, st.randoms(use_true_random=False))
    def test_the_order_of_cases_changes_nothing(self, guesses: list[Guess], random: Random) -> None:
        cases = cases_of(guesses)
        mixed = random.sample(cases, len(cases))
        same(values(skill_measures(cases)), values(skill_measures(mixed)))
        assert repr(skill_tables(cases)[1:]) == repr(skill_tables(mixed)[1:])

    @pytest.mark.slow
    def test_twenty_thousand_cases_take_seconds(self) -> None:
        random = Random(0)
        guesses: list[Any] = [
            (random.choice(NAMES), {random.choice(NAMES)}, random.choice(NAMES), random.random())
            for _ in range(20_000)
        ]
        start = time.process_time()
        cases = cases_of(guesses)
        found = estimates(skill_measures(cases), [str(place // 40) for place in range(20_000)], resamples=100)
        skill_tables(cases)
        assert time.process_time() - start < 10
        assert found[0].n == 20_000


class TestTables:
    def test_skills_confusions_and_unknown_labels(self) -> None:
        empathy, humor = Gold(("Empathy",)), Gold(("Rhetoric",))
        answers = [
            (empathy, told("Empathy")),
            (empathy, told("Rhetoric")),
            (empathy, told("Rhetoric")),
            (humor, told(None, raw="Small\ntalk " + "x" * 80)),
            (humor, Answer(error="x")),
        ]
        pairs = [(item(gold, place), answer) for place, (gold, answer) in enumerate(answers)]
        skills, confusions, unknown = skill_tables(scored(score_skill, pairs))
        assert [row[:6] for row in skills.rows] == [
            ("Empathy", 3, 1, 1.0, 1 / 3, pytest.approx(1 / 2, abs=1e-12)),
            ("Rhetoric", 1, 2, 0.0, 0.0, 0.0),
        ]
        assert skills.rows[1][6:] == (None, None)  # never hit in any resample
        assert confusions.rows == (("Empathy", "Rhetoric", 2, 2 / 3), ("Rhetoric", "(none)", 1, 1.0))
        assert unknown.rows == ((f"Small talk {'x' * 49}", 1),)
        assert all(len(row) == len(table.columns) for table in (skills, confusions) for row in table.rows)

    def test_classes_and_confidence_have_tables_too(self) -> None:
        scheme = "prosocial.safety"
        pairs = [
            (item(Gold(label="casual"), place, scheme=scheme), told(skill, confidence=sure))
            for place, (skill, sure) in enumerate([("Rhetoric", 0.9), ("Ethics", 0.6), ("Rhetoric", 0.3)])
        ]
        classes, confusions, reliability, kept = skill_tables(scored(score_skill, pairs))
        assert [row[:3] for row in classes.rows] == [("casual", 3, 2), ("needs_caution", 0, 1)]
        assert classes.rows[1][4] is None  # nothing is right there, so there is no recall
        assert confusions.rows == (("casual", "needs_caution", 1, 1 / 3),)
        assert reliability.rows == ((0.3, 1.0, 1), (0.6, 0.0, 1), (0.9, 1.0, 1))
        assert kept.rows[0] == (1.0, 2 / 3, 0.3)
        assert kept.rows[-1] == (1 / 3, 1.0, 0.9)

    def test_there_are_none_without_answers(self) -> None:
        assert skill_tables([]) == ()
        assert skill_tables(scored(score_skill, [(EMPATHY, Answer(error="x"))])) == ()
