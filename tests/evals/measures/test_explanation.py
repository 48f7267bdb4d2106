from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import Turn
from skillofmind.core.plan import Plan
from skillofmind.data.select import Instance
from skillofmind.evals.measures.explanation import SCORES, explanation_measures, score_explanation
from skillofmind.evals.records import Answer, Case, Gold
from skillofmind.mind.annotate.filters import Filters, check
from skillofmind.mind.annotate.reply import Draft
from skillofmind.scorers.embedding import Encoders, Vectors
from tests.evals.measures.cases import TALK, item, same, scored, told, values
from tests.scorers.texts import SAID

GOLD = Gold(
    explanation="I want to comfort Ana.",
    counterfactual="You had it coming, Ana.",
    reply="Pizza tonight, my treat!",
)


def explained(text: str) -> Answer:
    return told("Empathy", explanation=text)


def topics(texts: Sequence[str]) -> Vectors:
    """Encode texts by whether they speak of food or of blame."""
    return np.array(
        [["pizza" in text.lower() or "eat" in text, "coming" in text or "fault" in text] for text in texts],
        dtype=np.float32,
    )


class TestScore:
    def test_likeness_by_hand(self) -> None:
        # i, want, to, ana of 6 and 5 words; "i want", "want to" of 5 and 4 pairs.
        found = score_explanation(item(GOLD), explained("I want to calm down Ana."))
        assert found["rouge1"] == pytest.approx(8 / 11, abs=1e-12)
        assert found["rouge2"] == pytest.approx(4 / 9, abs=1e-12)
        assert (found["explained"], found["cosine"], found["token_f1"]) == (1, None, None)

    def test_a_leak_is_what_nobody_had_said(self) -> None:
        # Novel in the reply: pizza, tonight, treat ("my" was said); in the other one: you, had, it, coming.
        found = score_explanation(item(GOLD), explained("I will treat her to pizza tonight, as it happens."))
        assert found["leak_reply"] == 1.0
        assert found["leak_counterfactual"] == pytest.approx(1 / 4, abs=1e-12)
        assert found["leak"] == pytest.approx(3 / 4, abs=1e-12)

    def test_the_leak_is_that_of_the_filter(self) -> None:
        text = "I will treat her to pizza, you know."
        found = score_explanation(item(GOLD), explained(text))
        row = Instance("x", TALK, Turn("Ben", GOLD.reply), 1)
        theirs = check(row, Draft("", "Empathy", text, GOLD.counterfactual), Filters(), "en").measures
        assert found["leak_reply"] == theirs["leak_gold"]
        assert found["leak_counterfactual"] == theirs["leak_counterfactual"]
        assert found["leak"] == theirs["leak"]

    def test_runs_of_five_units_are_copies(self) -> None:
        gold = Gold(reply="one two three four five six", counterfactual="nothing of the sort")
        found = score_explanation(item(gold), explained("so one two three four five"))
        assert (found["copied_reply"], found["copied_counterfactual"]) == (1 / 2, 0)
        assert score_explanation(item(gold), explained("one two three four"))["copied_reply"] == 0

    @pytest.mark.parametrize(
        ("text", "nearer"),
        [("Pizza helps tonight.", 1), ("She had it coming.", 0), ("Nothing fits.", 0.5), ("", 0.5)],
    )
    def test_contrast_by_units(self, text: str, nearer: float) -> None:
        assert score_explanation(item(GOLD), explained(text))["nearer"] == nearer

    @pytest.mark.parametrize(
        ("text", "nearer"), [("Let us eat.", 1), ("It is her fault.", 0), ("Hm.", 0.5), ("", 0.5)]
    )
    def test_contrast_by_an_encoder(self, text: str, nearer: float) -> None:
        found = score_explanation(item(GOLD), explained(text), Encoders(texts=topics))
        assert found["nearer_cosine"] == nearer

    def test_only_what_is_known_is_scored(self) -> None:
        there = {
            Gold(): {"explained"},
            Gold(explanation="x"): {"explained", "rouge1", "rouge2", "rougeL", "rougeLsum"},
            Gold(reply="x"): {"explained", "leak_reply", "copied_reply"},
        }
        for gold, names in there.items():
            found = score_explanation(item(gold), explained("I think so."))
            assert {name for name, score in found.items() if score is not None} == names

    def test_no_explanation_is_like_nothing_and_a_failure_is_missing(self) -> None:
        found = score_explanation(item(GOLD), explained(" "), Encoders(texts=topics))
        assert [found[name] for name in ("explained", "rouge1", "cosine", "leak", "copied_reply")] == [0] * 5
        for answer in (Answer(error="x"), Answer(), Answer(Plan(error="x"))):
            assert score_explanation(item(GOLD), answer) == dict.fromkeys(SCORES)

    def test_chinese_is_compared_by_units(self) -> None:
        gold = Gold(explanation="我想安慰她", reply="今晚吃披萨", counterfactual="你活该")
        found = score_explanation(item(gold, lang="zh"), explained("我想请她吃披萨"))
        # 我想 of 6 and 4 pairs of characters.
        assert found["rouge1"] == pytest.approx(2 / 10, abs=1e-12)
        assert found["nearer"] == 1


class TestMeasures:
    def test_by_hand(self) -> None:
        texts = ["I want to comfort Ana.", "Pizza tonight!", ""]
        pairs = [(item(GOLD, place), explained(text)) for place, text in enumerate(texts)]
        failed = Case(item(GOLD, 9), Answer(error="x"), dict.fromkeys(SCORES))
        measures = explanation_measures([*scored(score_explanation, pairs), failed])
        found = values(measures)
        assert found["explained"] == pytest.approx(2 / 3, abs=1e-12)
        assert found["rouge1"] == pytest.approx(1 / 3, abs=1e-12)
        # "Ana" is in the counterfactual, so the first is nearer to that.
        assert found["nearer"] == pytest.approx((0 + 1 + 0.5) / 3, abs=1e-12)
        # 6 of 9 tokens match ("." and "!" are tokens); candidates have 9, references 18.
        assert found["bleu1"] == pytest.approx(100 * np.exp(1 - 18 / 9) * 6 / 9, abs=1e-9)
        assert all(one.n == 3 and one.about for one in measures)

    @settings(deadline=None)
    @given(st.lists(st.tuples(SAID, SAID, SAID, SAID), min_size=1, max_size=5))
    def test_the_order_of_cases_changes_nothing(self, rows: list[tuple[str, str, str, str]]) -> None:
        cases = scored(
            score_explanation,
            [
                (item(Gold(explanation=gold, reply=reply, counterfactual=other), place), explained(text))
                for place, (text, gold, reply, other) in enumerate(rows)
            ],
        )
        same(values(explanation_measures(cases)), values(explanation_measures(cases[::-1])))
