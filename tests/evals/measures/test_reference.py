import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.evals.measure import differences, estimates, resampled
from skillofmind.evals.measures.reference import (
    Compared,
    bleu_measures,
    distinct_measures,
    distinct_tokens,
    likeness,
)
from skillofmind.scorers.diversity import distinct
from skillofmind.scorers.embedding import Encoders
from tests.evals.measures.cases import same, value, values
from tests.scorers.texts import ENGLISH, SAID, WORDY

PAIRS = st.lists(st.tuples(SAID | WORDY, SAID | WORDY), min_size=1, max_size=6)


def letters(texts: Any) -> Any:
    """Encode texts by how often they have a and b."""
    return np.array([[text.count("a"), text.count("b")] for text in texts], dtype=np.float32)


class TestLikeness:
    def test_english_is_cut_as_rouge_score_and_other_languages_by_units(self) -> None:
        scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="rouge_score is not installed")
        text, reference = "Don't worry, über allem", "I don't worry. Über"
        theirs = scorer.RougeScorer(["rouge1"]).score(reference, text)["rouge1"].fmeasure
        assert likeness(Compared(text, reference, "en-GB"))["rouge1"] == pytest.approx(theirs, abs=1e-9)
        # don't, worry, über of 4 and 4 units.
        for lang in ("de", ""):
            assert likeness(Compared(text, reference, lang))["rouge1"] == pytest.approx(6 / 8, abs=1e-12)

    def test_encoders_add_their_scores_and_a_blank_text_is_like_nothing(self) -> None:
        tokens = Encoders(letters, lambda text: letters(text.split()))
        found = likeness(Compared("aab", "abb", "en"), tokens)
        assert found["cosine"] == found["token_f1"] == pytest.approx(4 / 5, abs=1e-6)
        blank = likeness(Compared(" ", "abb", "en"), tokens)
        assert (blank["cosine"], blank["token_f1"]) == (0, 0)
        assert "cosine" not in likeness(Compared("aab", "abb", "en"))


class TestBleu:
    @settings(deadline=None)
    @given(PAIRS, st.sampled_from(["en", "de", "zh"]))
    def test_it_is_that_of_sacrebleu(self, pairs: list[tuple[str, str]], lang: str) -> None:
        sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
        found = values(bleu_measures([*(Compared(*pair, lang) for pair in pairs), None]))
        texts, references = zip(*pairs, strict=True)
        for order in (1, 2, 3, 4):
            metric = sacrebleu.BLEU(max_ngram_order=order, tokenize="char" if lang == "zh" else "13a")
            expected = metric.corpus_score(list(texts), [list(references)]).score
            ours = found[f"bleu{order}"]
            assert (0.0 if math.isnan(ours) else ours) == pytest.approx(expected, abs=1e-9)

    @settings(deadline=None)
    @given(PAIRS)
    def test_the_order_of_cases_changes_nothing(self, pairs: list[tuple[str, str]]) -> None:
        every = [Compared(*pair, "en") for pair in pairs]
        same(values(bleu_measures(every)), values(bleu_measures(every[::-1])))


class TestDistinct:
    def test_by_hand(self) -> None:
        # a b a / a b a a: 2 of 7 tokens, ab ba aa 3 of 5 pairs, aba baa 2 of 3.
        found = values(distinct_measures([("a b a", "en"), ("A b A a", "en"), None], ["x", "y", "z"]))
        same(found, {"dist1": 2 / 7, "dist2": 3 / 5, "dist3": 2 / 3})

    @settings(deadline=None)
    @given(st.lists(st.tuples(SAID, st.sampled_from("xyz")), min_size=1, max_size=8))
    def test_the_value_is_distinct_of_the_whole_set(self, rows: list[tuple[str, str]]) -> None:
        for lang in ("en", "zh"):
            texts = [(text, lang) for text, _ in rows]
            found = values(distinct_measures(texts, [group for _, group in rows]))
            tokens = [distinct_tokens(text, lang) for text, _ in rows]
            for order in (1, 2, 3):
                expected = distinct(tokens, order)
                groups = {group for (_, group), text in zip(rows, tokens, strict=True) if len(text) >= order}
                if expected is None or len(groups) == 1 < len({group for _, group in rows}):
                    expected = math.nan
                np.testing.assert_allclose(found[f"dist{order}"], expected, rtol=0, atol=1e-9)

    def test_the_interval_is_the_jackknife(self) -> None:
        texts = [(text, "en") for text in ENGLISH[:9]]
        groups = ["a", "a", "b", "c", "c", "c", "d", "e", "f"]
        names = sorted(set(groups))
        without = [
            distinct(
                (distinct_tokens(*text) for text, of in zip(texts, groups, strict=True) if of != name), 1
            )
            for name in names
        ]
        left_out = np.array([one for one in without if one is not None])
        error = math.sqrt(5 / 6 * float(((left_out - left_out.mean()) ** 2).sum()))
        found = resampled(distinct_measures(texts, groups), groups, resamples=20_000)[0]
        assert found[1:].std() == pytest.approx(error, rel=0.03)
        assert found[1:].mean() == pytest.approx(found[0], abs=4 * error / 20_000**0.5)

    def test_the_interval_covers_the_expected_value(self) -> None:
        rng = np.random.default_rng(1)
        shares = 1 / np.arange(1, 2001)
        groups = [str(place // 2) for place in range(80)]
        found = []
        for _ in range(120):
            drawn = rng.choice(2000, (80, 12), p=shares / shares.sum())
            texts = [(" ".join(f"w{word}" for word in row), "en") for row in drawn]
            found.append(estimates(distinct_measures(texts, groups)[:1], groups, resamples=200)[0])
        mean = np.mean([one.value for one in found if one.value is not None])
        covered = sum(
            one.low <= mean <= one.high for one in found if one.low is not None and one.high is not None
        )
        # 95 % of 120 are 114; fewer than 104 would be three standard errors below 93 %.
        assert covered >= 104

    def test_one_dialogue_has_a_value_and_no_interval(self) -> None:
        texts = [("a b a", "en"), None]
        found = estimates(distinct_measures(texts, ["x", "x"]), ["x", "x"])[0]
        assert (found.value, found.low, found.high) == (2 / 3, None, None)

    def test_one_of_several_dialogues_says_nothing_of_the_others(self) -> None:
        for other in (None, ("", "en")):
            found = estimates(distinct_measures([("a b a", "en"), other], ["x", "y"]), ["x", "y"])[0]
            assert (found.value, found.low, found.high) == (None, None, None)

    def test_without_texts_there_is_no_value(self) -> None:
        found = estimates(distinct_measures([None, None], ["x", "y"]), ["x", "y"])[0]
        assert (found.value, found.n, found.missing) == (None, 0, 2)

    def test_an_arm_that_repeats_itself_differs(self) -> None:
        rng = np.random.default_rng(0)
        groups = [str(place) for place in range(40)]
        varied = [(" ".join(f"w{word}" for word in rng.integers(0, 500, 10)), "en") for _ in groups]
        dull = [(" ".join(f"w{word}" for word in rng.integers(0, 20, 10)), "en") for _ in groups]
        first, second = (distinct_measures(texts, groups)[0] for texts in (dull, varied))
        found = differences("t", ("dull", "varied"), [(first, second)], groups)[0]
        gap = value([second], "dist1") - value([first], "dist1")
        assert found.value == pytest.approx(gap, abs=1e-12)
        assert found.low is not None
        assert found.low > 0
        assert found.p is not None
        assert found.p < 0.01
