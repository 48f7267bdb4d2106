"""Precision and agreement against numbers worked out by hand."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import DataError
from skillofmind.mind.dataset.review import NONE, REJECTION, Item, append, decide
from skillofmind.mind.dataset.reviewed import Rate, agreement, weighted, wilson
from tests.mind.dataset.annotated_run import noted, rejected, row, write_run

ITEMS = [Item(row(str(number), noted("Empathy" if number < 6 else "Ethics")), 0) for number in range(8)]


def says(folder: Path, reviewer: str, words: str, items: list[Item] = ITEMS, blind: str = "") -> None:
    """Take down one letter an item: a accept, r reject, x edited to Rhetoric, e other words, - nothing."""
    for item, letter in zip(items, words, strict=True):
        if letter == "x":
            made = decide(item, reviewer, "edit", skill="Rhetoric", blind=blind)
        elif letter == "e":
            made = decide(item, reviewer, "edit", explanation="other words", blind=blind)
        elif letter != "-":
            made = decide(item, reviewer, "accept" if letter == "a" else "reject", blind=blind)
        if letter != "-":
            append(folder, made)


class TestWilson:
    def test_known_values(self) -> None:
        rate = wilson(8, 10)
        assert rate.low is not None
        assert rate.high is not None
        assert (round(rate.low, 4), round(rate.high, 4)) == (0.4902, 0.9433)
        assert wilson(0, 0) == Rate(0, 0, None, None, None)

    @given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_the_interval_holds_the_share_and_is_symmetric(self, counts: tuple[int, int]) -> None:
        right, decided = counts
        rate, mirror = wilson(right, decided), wilson(decided - right, decided)
        assert rate.low is not None
        assert rate.high is not None
        assert mirror.low is not None
        assert 0 <= rate.low <= right / decided <= rate.high <= 1
        assert rate.high == pytest.approx(1 - mirror.low)


class TestOne:
    def test_edits_of_the_words_are_right_and_of_the_skill_wrong(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "aearxx-a")
        found = agreement(tmp_path)
        assert (found.decisions, found.annotations) == (7, 7)
        assert (found.precision.right, found.precision.decided) == (4, 7)
        assert {skill: (rate.right, rate.decided) for skill, rate in found.by_skill.items()} == {
            "Empathy": (3, 6),
            "Ethics": (1, 1),
        }
        assert (found.pairs, found.everyone_skill, found.blind, found.weighted) == ((), None, {}, None)

    def test_nobody(self, tmp_path: Path) -> None:
        found = agreement(tmp_path)
        assert (found.decisions, found.precision.value, found.by_skill) == (0, None, {})

    def test_the_latest_decision_counts(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "rrrrrrrr")
        says(tmp_path, "ana", "aaaaaaar")
        assert agreement(tmp_path).precision.right == 7

    def test_skills_are_weighted_by_how_common_they_are(self, tmp_path: Path) -> None:
        write_run(tmp_path, [row(str(n), noted("Empathy" if n < 90 else "Ethics")) for n in range(100)])
        says(tmp_path, "ana", "aaaaaarr")
        found = agreement(tmp_path).weighted
        assert found is not None
        assert found.value == pytest.approx(0.9)
        assert found.covered == 1.0
        empathy, ethics = wilson(6, 6), wilson(0, 2)
        assert empathy.low is not None
        assert ethics.high is not None
        assert found.low == pytest.approx(0.9 - 0.9 * (1 - empathy.low))
        assert found.high == pytest.approx(0.9 + 0.1 * ethics.high)

    def test_skills_that_nobody_reviewed_are_not_covered(self) -> None:
        found = weighted({"Empathy": wilson(1, 2), "Gone": wilson(1, 1)}, {"Empathy": 1, "Ethics": 3})
        assert found is not None
        assert (found.value, found.covered) == (0.5, 0.25)
        assert weighted({"Gone": wilson(1, 1)}, {"Empathy": 1}) is None

    def test_rejected_rows_are_counted_apart(self, tmp_path: Path) -> None:
        items = [Item(rejected(f"bad:{n}", "leak" if n < 3 else "oov"), REJECTION) for n in range(4)]
        says(tmp_path, "ana", "aara", items)
        says(tmp_path, "ben", "arr-", items)
        found = agreement(tmp_path)
        assert (found.annotations, found.by_skill, found.reviewers) == (0, {}, {})
        rates = {name: (one.right, one.decided) for name, one in found.rejections.items()}
        assert rates == {"leak": (2, 3), "oov": (1, 1)}

    def test_a_report_that_is_none_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "report.json").write_bytes(b"{")
        with pytest.raises(DataError, match=r"report\.json"):
            agreement(tmp_path)


class TestPairs:
    def test_kappa_of_two(self, tmp_path: Path) -> None:
        says(tmp_path, "ben", "aaaarrxx")
        says(tmp_path, "ana", "aaararx-")
        [pair] = agreement(tmp_path).pairs
        assert pair.reviewers == ("ana", "ben")
        # seven shared; stands: ana 4, ben 4; both 3, neither 2
        chance = (4 * 4 + 3 * 3) / 49
        assert pair.verdict.items == 7
        assert pair.verdict.observed == pytest.approx(5 / 7)
        assert pair.verdict.value == pytest.approx((5 / 7 - chance) / (1 - chance))
        # labels: ana Empathy 4, none 2, Rhetoric 1; ben the same
        chance = (4 * 4 + 2 * 2 + 1) / 49
        assert pair.skill.value == pytest.approx((5 / 7 - chance) / (1 - chance))
        assert set(pair.by_skill) == {"Empathy", "Rhetoric", NONE}
        assert pair.by_skill["Rhetoric"].value == 1.0

    def test_strangers_are_no_pair(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "aaaa----")
        says(tmp_path, "ben", "----aaaa")
        assert agreement(tmp_path).pairs == ()

    def test_three_have_fleiss_over_what_all_decided(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "aaaarr--")
        says(tmp_path, "ben", "aaaarr-a")
        says(tmp_path, "cho", "aaaarra-")
        found = agreement(tmp_path)
        assert len(found.pairs) == 3
        assert found.everyone_verdict is not None
        assert (found.everyone_verdict.items, found.everyone_verdict.raters) == (6, 3)
        assert found.everyone_verdict.value == 1.0
        assert {who: (one.right, one.decided) for who, one in found.reviewers.items()} == {
            "ana": (4, 6),
            "ben": (5, 7),
            "cho": (5, 7),
        }

    def test_one_annotation_counts_once_by_majority(self, tmp_path: Path) -> None:
        for name, words in (("ana", "arr"), ("ben", "rra"), ("cho", "ar-")):
            says(tmp_path, name, words, ITEMS[:3])
        assert agreement(tmp_path).precision == wilson(2, 3)

    def test_what_all_call_wrong_is_wrong_even_if_they_differ_on_how(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "x", ITEMS[:1])
        says(tmp_path, "ben", "r", ITEMS[:1])
        assert agreement(tmp_path).precision == wilson(0, 1)

    def test_blind_choices_are_compared_with_the_teacher(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "aaaa----", blind="Empathy")
        says(tmp_path, "ana", "------aa", blind="Ethics")
        says(tmp_path, "ben", "aa------", blind=NONE)
        found = agreement(tmp_path).blind
        assert (found["ana"].value, found["ana"].items) == (1.0, 6)
        assert (found["ben"].observed, found["ben"].items) == (0.0, 2)

    def test_it_is_json(self, tmp_path: Path) -> None:
        says(tmp_path, "ana", "aaaarr--")
        found = msgspec.json.decode(msgspec.json.encode(agreement(tmp_path)))
        assert found["precision"]["right"] == 4
