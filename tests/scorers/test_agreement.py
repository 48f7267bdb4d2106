import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.data.corpora.support.annomi import BEHAVIOUR, read
from skillofmind.scorers.agreement import Agreement, cohen_kappa, confusion, fleiss_kappa, kappa_by_label
from tests.corpora import corpora_folder

T = TypeVar("T")
LABELS = ("a", "b", "c")
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), max_size=40)
RATED = st.lists(st.lists(st.sampled_from(LABELS), min_size=4, max_size=4).map(Counter), max_size=25)


def two(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def cells(table: dict[tuple[str, str], int]) -> tuple[list[str], list[str]]:
    return two([pair for pair, count in table.items() for _ in range(count)])


# Fleiss (1971) as worked through in textbooks: 10 subjects, 14 raters, 5 categories.
TEXTBOOK = (
    (0, 0, 0, 0, 14),
    (0, 2, 6, 4, 2),
    (0, 0, 3, 5, 6),
    (0, 3, 9, 2, 0),
    (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0),
    (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2),
    (6, 5, 2, 1, 0),
    (0, 2, 2, 3, 7),
)


class TestCohen:
    def test_two_by_two_by_hand(self) -> None:
        # 50 items. observed = (20 + 15) / 50 = 0.7
        # first says yes 25 / 50, second 30 / 50: expected = 0.5 * 0.6 + 0.5 * 0.4 = 0.5
        # kappa = (0.7 - 0.5) / (1 - 0.5) = 0.4
        found = cohen_kappa(
            *cells({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})
        )
        assert found.measure == "cohen_kappa"
        assert found.value == pytest.approx(0.4, abs=1e-9)
        assert found.observed == pytest.approx(0.7, abs=1e-9)
        assert found.expected == pytest.approx(0.5, abs=1e-9)
        assert (found.items, found.raters) == (50, 2)

    def test_three_labels_by_hand(self) -> None:
        # 10 items, 6 agree (aaa b cc): observed 0.6. First: a 4, b 3, c 3; second: a 6, b 2, c 2.
        # expected = (4*6 + 3*2 + 3*2) / 100 = 0.36; kappa = (0.6 - 0.36) / (1 - 0.36) = 0.375
        found = cohen_kappa(list("aaaabbbccc"), list("aaabbaacca"))
        assert found.value == pytest.approx(0.375, abs=1e-9)
        assert found.observed == pytest.approx(0.6, abs=1e-9)
        assert found.expected == pytest.approx(0.36, abs=1e-9)

    def test_interval_by_hand(self) -> None:
        # aa, aa, bb, ba: kappa = (3*4 - 8) / (16 - 8) = 0.5 (rows a 2 b 2, columns a 3 b 1: 2*3 + 2*1 = 8).
        # Without an aa: 3 items, 2 agree, rows a 1 b 2, columns a 2 b 1 -> (6 - 4) / (9 - 4) = 0.4 (twice)
        # Without bb: rows a 2 b 1, columns a 3 -> (6 - 6) / (9 - 6) = 0
        # Without ba: all agree -> 1
        # mean 0.45; squares 0.0025 * 2 + 0.2025 + 0.3025 = 0.51; variance 3/4 * 0.51 = 0.3825
        found = cohen_kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"])
        assert found.value == 0.5
        margin = 1.959963984540054 * math.sqrt(0.3825)
        assert margin > 0.5
        assert found.low == pytest.approx(0.5 - margin, abs=1e-12)
        assert found.high == 1.0

    @given(PAIRS.filter(bool))
    def test_is_what_scikit_learn_computes(self, pairs: list[tuple[str, str]]) -> None:
        first, second = two(pairs)
        found = cohen_kappa(first, second).value
        if len({*first, *second}) == 1:
            assert found is None  # scikit-learn warns and gives nan
        else:
            assert found == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)

    def test_is_undefined_where_all_is_one_label(self) -> None:
        assert cohen_kappa(["a"] * 3, ["a"] * 3) == Agreement("cohen_kappa", None, 1.0, 1.0, 3, 2)

    def test_no_items_are_no_error(self) -> None:
        assert cohen_kappa([], []) == Agreement("cohen_kappa", None, None, None, 0, 2)

    def test_full_disagreement_of_two_labels_is_minus_one(self) -> None:
        found = cohen_kappa(["a", "a", "b", "b"], ["b", "b", "a", "a"])
        assert (found.value, found.low) == (-1.0, -1.0)

    def test_there_is_no_interval_where_one_item_carries_the_definition(self) -> None:
        found = cohen_kappa(["a", "a", "b"], ["a", "a", "b"])
        assert (found.value, found.low, found.high) == (1.0, None, None)
        found = cohen_kappa(["a", "a", "b", "b"], ["a", "a", "b", "b"])
        assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)

    def test_raters_of_different_items_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="labelled 2 and 1 items"):
            cohen_kappa(["a", "b"], ["a"])


class TestByLabel:
    def test_one_label_against_the_rest_by_hand(self) -> None:
        # a a, a b, b b, c c: label a: both 1, first alone 1, rest 2.
        # observed 3/4, expected (2*1 + 2*3) / 16 = 1/2, kappa = 1/2
        # label b: the mirror image, 1/2. label c: agree on all, 1.
        found = kappa_by_label(["a", "a", "b", "c"], ["a", "b", "b", "c"])
        assert list(found) == ["a", "b", "c"]
        assert [found[label].value for label in "abc"] == [0.5, 0.5, 1.0]

    @given(PAIRS)
    def test_is_cohen_of_the_label_and_the_rest(self, pairs: list[tuple[str, str]]) -> None:
        first, second = two(pairs)
        found = kappa_by_label(first, second)
        assert set(found) == {*first, *second}
        for label, agreement in found.items():
            assert agreement == cohen_kappa(
                *([str(said == label) for said in who] for who in (first, second))
            )


class TestConfusion:
    def test_counts_each_pair(self) -> None:
        assert confusion(["b", "a", "a"], ["a", "a", "a"]) == {("a", "a"): 2, ("b", "a"): 1}
        assert list(confusion(["b", "a", "a"], ["a", "a", "a"])) == [("a", "a"), ("b", "a")]


class TestFleiss:
    def test_textbook_example(self) -> None:
        # Sum of squared label totals 20, 28, 39, 21, 32 = 400 + 784 + 1521 + 441 + 1024 = 4170; 140 ratings:
        # expected = 4170 / 19600 = 0.212755. Mean agreement of an item = 0.378022. kappa = 0.209931
        found = fleiss_kappa(dict(zip("12345", row, strict=True)) for row in TEXTBOOK)
        assert (found.measure, found.items, found.raters) == ("fleiss_kappa", 10, 14)
        assert found.expected == pytest.approx(4170 / 19600, abs=1e-9)
        pairs = sum(n * (n - 1) for row in TEXTBOOK for n in row)
        assert found.observed == pytest.approx(pairs / (10 * 14 * 13), abs=1e-9)
        assert found.value == pytest.approx(0.2099306, abs=1e-6)

    def test_three_raters_by_hand(self) -> None:
        # Items aaa, aab, bbb: agreement 1, 1/3, 1: observed 7/9. Totals a 5, b 4 of 9: expected 41/81.
        # kappa = (63 - 41) / (81 - 41) = 22 / 40
        found = fleiss_kappa([{"a": 3}, {"a": 2, "b": 1}, {"b": 3}])
        assert found.value == pytest.approx(0.55, abs=1e-9)
        assert found.observed == pytest.approx(7 / 9, abs=1e-9)
        assert found.expected == pytest.approx(41 / 81, abs=1e-9)

    def test_a_count_of_zero_says_nothing(self) -> None:
        assert fleiss_kappa([{"a": 2, "b": 0}, {"b": 2}]) == fleiss_kappa([{"a": 2}, {"b": 2, "a": 0}])

    def test_is_undefined_where_all_is_one_label(self) -> None:
        assert fleiss_kappa([{"a": 3}] * 2) == Agreement("fleiss_kappa", None, 1.0, 1.0, 2, 3)

    def test_no_items_are_no_error(self) -> None:
        assert fleiss_kappa([]) == Agreement("fleiss_kappa", None, None, None, 0, 0)

    @pytest.mark.parametrize(
        ("items", "message"),
        [
            ([{"a": 2}, {"a": 1, "b": 2}], "item 2 has 3 raters and item 1 has 2"),
            ([{"a": 1}], "item 1 has 1 raters"),
            ([{"a": 2}, {}], "item 2 has 0 raters"),
            ([{"a": 3, "b": -1}], "item 1 has a count below 0"),
        ],
    )
    def test_items_with_other_raters_are_refused(self, items: list[dict[str, int]], message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            fleiss_kappa(items)

    def test_ten_experts_on_annomi(self) -> None:
        rated = [
            Counter(label.value for label in turn.labels if label.scheme == BEHAVIOUR)
            for dialogue in ten_rater_dialogues()
            for turn in dialogue.turns
        ]
        found = fleiss_kappa(ratings for ratings in rated if ratings.total() == 10)
        assert (found.items, found.raters) == (128, 10)
        assert found.value == pytest.approx(0.7335, abs=5e-5)
        assert (found.low, found.high) == pytest.approx((0.6789, 0.7881), abs=5e-5)


class TestEvery:
    """What holds for both measures."""

    @given(PAIRS)
    def test_cohen_is_symmetric(self, pairs: list[tuple[str, str]]) -> None:
        first, second = two(pairs)
        assert cohen_kappa(first, second) == cohen_kappa(second, first)

    @given(PAIRS, st.permutations(LABELS), st.randoms())
    def test_names_and_order_change_nothing_for_cohen(
        self, pairs: list[tuple[str, str]], names: list[str], draw: random.Random
    ) -> None:
        renamed = dict(zip(LABELS, names, strict=True))
        mixed = [(renamed[one], renamed[other]) for one, other in pairs]
        draw.shuffle(mixed)
        assert cohen_kappa(*two(pairs)) == cohen_kappa(*two(mixed))

    @given(RATED, st.permutations(LABELS), st.randoms())
    def test_names_and_order_change_nothing_for_fleiss(
        self, items: list[Counter[str]], names: list[str], draw: random.Random
    ) -> None:
        renamed = dict(zip(LABELS, names, strict=True))
        mixed = [{renamed[label]: count for label, count in item.items()} for item in items]
        draw.shuffle(mixed)
        assert fleiss_kappa(items) == fleiss_kappa(mixed)

    @given(PAIRS)
    def test_the_jackknife_is_leave_one_out_for_cohen(self, pairs: list[tuple[str, str]]) -> None:
        found = cohen_kappa(*two(pairs))
        assert_interval(found, naive(pairs, lambda rest: cohen_kappa(*two(rest)).value))

    @given(RATED)
    def test_the_jackknife_is_leave_one_out_for_fleiss(self, items: list[Counter[str]]) -> None:
        found = fleiss_kappa(items)
        assert_interval(found, naive(items, lambda rest: fleiss_kappa(rest).value))

    @given(PAIRS, RATED)
    def test_values_and_intervals_are_in_range(
        self, pairs: list[tuple[str, str]], items: list[Counter[str]]
    ) -> None:
        for found in (cohen_kappa(*two(pairs)), fleiss_kappa(items)):
            if found.value is not None:
                assert -1 <= found.value <= 1
            if found.value is not None and found.low is not None and found.high is not None:
                assert -1 <= found.low <= found.value <= found.high <= 1


def naive(items: Sequence[T], measure: Callable[[list[T]], float | None]) -> float | None:
    """Return 1.96 standard errors by leaving out one item after the other."""
    values = [measure([*items[:n], *items[n + 1 :]]) for n in range(len(items))]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not values:
        return None
    mean = math.fsum(known) / len(known)
    spread = math.fsum((value - mean) ** 2 for value in known)
    return 1.959963984540054 * math.sqrt((len(known) - 1) / len(known) * spread)


def assert_interval(found: Agreement, margin: float | None) -> None:
    if margin is None or found.value is None:
        assert (found.low, found.high) == (None, None)
        return
    assert found.low == pytest.approx(max(-1, found.value - margin), abs=1e-12)
    assert found.high == pytest.approx(min(1, found.value + margin), abs=1e-12)


def ten_rater_dialogues() -> list[Dialogue]:
    folder = corpora_folder()
    if folder is None or not (folder / "annomi").is_dir():
        pytest.skip("the shared corpora are not beside the repository")
    found = [row for row in read(folder / "annomi") if isinstance(row, Dialogue)]
    return [dialogue for dialogue in found if dialogue.meta["annotators"] == 10]
