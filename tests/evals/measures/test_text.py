import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.evals.measure import estimates
from skillofmind.evals.measures.text import SCORES, reply_measures, score_reply
from skillofmind.evals.records import Answer, Case, Gold
from skillofmind.scorers.embedding import Encoders
from tests.evals.measures.cases import item, same, scored, values
from tests.scorers.texts import SAID

GOLD = Gold(reply="I am so sorry, Ana.")


class TestScore:
    def test_by_hand(self) -> None:
        # Shared: i, am, sorry of 4 and 5 words; pairs: "i am" of 3 and 4; in order: i am sorry.
        found = score_reply(item(GOLD), Answer(reply="I am really sorry!"))
        expected = {"rouge1": 6 / 9, "rouge2": 2 / 7, "rougeL": 6 / 9, "rougeLsum": 6 / 9}
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
        assert (found["length"], found["length_ratio"], found["empty"]) == (4, 4 / 5, 0)
        assert (found["cosine"], found["token_f1"]) == (None, None)

    def test_an_empty_reply_is_wrong_and_a_failed_one_missing(self) -> None:
        found = score_reply(item(GOLD), Answer(reply=" "))
        assert (found["rouge1"], found["rougeLsum"], found["length"], found["empty"]) == (0, 0, 0, 1)
        assert score_reply(item(GOLD), Answer(error="x")) == dict.fromkeys(SCORES)

    def test_without_a_given_reply_only_the_reply_itself_counts(self) -> None:
        found = score_reply(item(Gold()), Answer(reply="Yes."))
        assert {name for name, score in found.items() if score is not None} == {"length", "empty"}

    def test_an_encoder_adds_the_cosine(self) -> None:
        encoders = Encoders(lambda texts: np.array([[len(text), 1] for text in texts], dtype=np.float32))
        found = score_reply(item(GOLD), Answer(reply=GOLD.reply), encoders)
        assert found["cosine"] == pytest.approx(1, abs=1e-6)


class TestMeasures:
    def test_a_reply_that_is_the_given_one_is_all_of_it(self) -> None:
        cases = scored(score_reply, [(item(GOLD, place), Answer(reply=GOLD.reply)) for place in range(4)])
        found = values(reply_measures(cases))
        for name in ("rouge1", "rouge2", "rougeL", "rougeLsum", "length_ratio"):
            assert found[name] == pytest.approx(1, abs=1e-12)
        for order in (1, 2, 3, 4):
            assert found[f"bleu{order}"] == pytest.approx(100, abs=1e-9)
        # i am so sorry , ana . four times: 7 different of 28, 6 of 24 pairs, 5 of 20 threes.
        assert [found[f"dist{order}"] for order in (1, 2, 3)] == pytest.approx([1 / 4] * 3, abs=1e-12)

    def test_failed_answers_are_missing_in_every_measure(self) -> None:
        good = scored(score_reply, [(item(GOLD, place), Answer(reply="I am sorry.")) for place in range(3)])
        failed = Case(item(GOLD, 9), Answer(error="x"), dict.fromkeys(SCORES))
        found = estimates(reply_measures([*good, failed]), list("abcd"))
        assert {(one.n, one.missing) for one in found} == {(3, 1)}
        same(values(reply_measures([*good, failed])), values(reply_measures(good)))
        assert all(one.about for one in found)

    @settings(deadline=None)
    @given(st.lists(st.tuples(SAID, SAID), min_size=1, max_size=6))
    def test_the_order_of_cases_changes_nothing(self, pairs: list[tuple[str, str]]) -> None:
        cases = scored(
            score_reply,
            [
                (item(Gold(reply=gold), place), Answer(reply=reply))
                for place, (reply, gold) in enumerate(pairs)
            ],
        )
        same(values(reply_measures(cases)), values(reply_measures(cases[::-1])))
