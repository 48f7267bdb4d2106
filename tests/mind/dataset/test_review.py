"""Draws, decisions, and what becomes of the rows."""

import math
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Annotation, Dialogue
from skillofmind.core.errors import ConfigurationError, DataError, RunBusy
from skillofmind.mind.dataset.review import (
    ANY,
    REJECTION,
    REVIEWS,
    Decision,
    Item,
    append,
    apply_reviews,
    census,
    combined,
    decide,
    decisions,
    sample,
)
from skillofmind.run.log import AppendLog
from tests.mind.dataset.annotated_run import mixed_run, noted, rejected, row, write_run


def places(items: tuple[Item, ...]) -> list[tuple[str, int]]:
    return [(item.row.id, item.number) for item in items]


def annotated(folder: Path) -> list[Dialogue]:
    lines = (folder / "annotated.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Dialogue) for line in lines]


class TestSample:
    def test_skills_take_turns_so_rare_ones_show_up(self, tmp_path: Path) -> None:
        drawn = sample(mixed_run(tmp_path), 6)
        assert Counter(item.label for item in drawn) == {
            "Empathy": 3,
            "Clarification": 1,
            "Recommendation": 1,
            "Advice <b>": 1,
        }
        assert len({item.label for item in drawn[:4]}) == 4

    def test_a_draw_is_the_beginning_of_a_larger_one(self, tmp_path: Path) -> None:
        folder = mixed_run(tmp_path)
        everything = places(sample(folder, 100))
        assert len(everything) == len(set(everything)) == 16
        assert [places(sample(folder, n)) for n in range(17)] == [everything[:n] for n in range(17)]

    def test_it_does_not_follow_the_order_of_the_file(self, tmp_path: Path) -> None:
        rows = [row(str(number), noted("Empathy")) for number in range(20)]
        forward = write_run(tmp_path / "forward", rows)
        backward = write_run(tmp_path / "backward", rows[::-1])
        assert places(sample(forward, 8, 3)) == places(sample(backward, 8, 3))
        assert places(sample(forward, 8, 3)) != [(one.id, 0) for one in rows[:8]]

    def test_the_seed_decides(self, tmp_path: Path) -> None:
        folder = mixed_run(tmp_path)
        assert places(sample(folder, 8, 1)) == places(sample(folder, 8, 1)) != places(sample(folder, 8, 2))

    def test_one_skill_gives_only_its_annotations(self, tmp_path: Path) -> None:
        drawn = sample(mixed_run(tmp_path), 50, skill="Recommendation")
        assert places(drawn) == [("0:own:two", 1)]
        assert drawn[0].annotation == noted("Recommendation")
        assert drawn[0].row == annotated(tmp_path)[12]

    def test_rejected_rows_come_with_reason_and_replies(self, tmp_path: Path) -> None:
        drawn = sample(mixed_run(tmp_path), 50, reason="leak")
        assert sorted(places(drawn)) == [
            ("0:bad:0", REJECTION),
            ("0:bad:3", REJECTION),
            ("0:bad:6", REJECTION),
        ]
        found = drawn[0].rejection
        assert (found.reason, found.detail) == ("leak", f"the detail of {drawn[0].row.id[2:]}")
        assert found.replies[0][0] == "teacher"
        assert [item.label for item in sample(tmp_path, 4, reason=ANY)].count("leak") == 2

    def test_what_does_not_fit_is_empty_or_refused(self, tmp_path: Path) -> None:
        folder = mixed_run(tmp_path)
        assert sample(folder, 5, skill="Ethics") == ()
        assert sample(folder, 5, reason="no_json") == ()
        with pytest.raises(ConfigurationError, match="exclude each other"):
            sample(folder, 5, skill="Ethics", reason=ANY)
        with pytest.raises(DataError, match=r"annotated\.jsonl.*som annotate"):
            sample(tmp_path / "nowhere", 5)

    def test_a_line_that_is_no_row_is_named(self, tmp_path: Path) -> None:
        folder = mixed_run(tmp_path)
        with (folder / "annotated.jsonl").open("ab") as file:
            file.write(b"[1]\n")
        with pytest.raises(DataError, match=r"annotated\.jsonl line 16"):
            sample(folder, 5)

    def test_the_census_counts_annotations_and_reasons(self, tmp_path: Path) -> None:
        skills, reasons = census(mixed_run(tmp_path))
        assert skills == {"Empathy": 13, "Clarification": 1, "Recommendation": 1, "Advice <b>": 1}
        assert reasons == {"oov": 6, "leak": 3}

    @given(counts=st.lists(st.integers(0, 9), min_size=1, max_size=4), n=st.integers(0, 20))
    def test_shares_are_as_equal_as_they_can_be(
        self, tmp_path_factory: pytest.TempPathFactory, counts: list[int], n: int
    ) -> None:
        rows = [
            row(f"{skill}-{number}", noted(f"S{skill}"))
            for skill, count in enumerate(counts)
            for number in range(count)
        ]
        drawn = Counter(item.label for item in sample(write_run(tmp_path_factory.mktemp("run"), rows), n))
        assert drawn.total() == min(n, sum(counts))
        most = max(drawn.values(), default=0)
        assert all(drawn[f"S{skill}"] >= min(count, most - 1) for skill, count in enumerate(counts))


ROW = row("one", noted("Empathy", "old"), noted("Clarification", "asks"))
FIRST, SECOND = Item(ROW, 0), Item(ROW, 1)


class TestDecide:
    def test_an_edit_that_changes_nothing_is_an_accept(self) -> None:
        made = decide(FIRST, "ana", "edit", skill="Empathy", explanation=" old ")
        assert (made.verdict, made.skill, made.explanation, made.is_right()) == (
            "accept",
            "Empathy",
            "old",
            True,
        )

    def test_a_reject_keeps_what_was_rejected(self) -> None:
        made = decide(FIRST, "ana", "reject", skill="Ethics", note="no", blind="Rhetoric", now="2026-01-01")
        assert made == Decision(
            "0:one",
            0,
            FIRST.about,
            "ana",
            "reject",
            "Empathy",
            "Empathy",
            "old",
            "no",
            "Rhetoric",
            "2026-01-01",
        )
        assert (made.label(), made.is_right()) == ("", False)

    def test_only_another_skill_makes_an_edit_wrong(self) -> None:
        assert decide(FIRST, "ana", "edit", explanation="new").is_right()
        assert not decide(FIRST, "ana", "edit", skill="Ethics").is_right()

    def test_a_rejection_cannot_be_edited(self) -> None:
        with pytest.raises(ConfigurationError, match="no annotation to edit"):
            decide(Item(rejected("bad", "leak"), REJECTION), "ana", "edit")

    @pytest.mark.parametrize("name", ["", "  ", "a\tb", "a\nb", "x" * 81])
    def test_names_that_break_the_log_are_refused(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match="needs a name"):
            decide(FIRST, name, "accept")

    def test_annotations_are_told_apart_by_their_text(self) -> None:
        assert len({FIRST.about, SECOND.about, Item(rejected("bad", "leak"), REJECTION).about}) == 3


class TestLog:
    def test_the_latest_counts_and_nothing_is_overwritten(self, tmp_path: Path) -> None:
        for verdict in ("accept", "reject"):
            append(tmp_path, decide(FIRST, "ana", verdict))
        append(tmp_path, decide(FIRST, "ben", "accept"))
        found = decisions(tmp_path)[(ROW.id, FIRST.about)]
        assert {who: one.verdict for who, one in found.items()} == {"ana": "reject", "ben": "accept"}
        lines = (tmp_path / REVIEWS).read_bytes().splitlines()
        assert [msgspec.json.decode(line)["key"] for line in lines] == [
            "ana\t0:one\t0",
            "ana\t0:one\t0",
            "ben\t0:one\t0",
        ]

    def test_nobody_reviewed_yet(self, tmp_path: Path) -> None:
        assert decisions(tmp_path) == {}

    def test_a_busy_log_is_waited_for(self, tmp_path: Path) -> None:
        other = AppendLog(tmp_path / REVIEWS)
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                other.close()

        append(tmp_path, decide(FIRST, "ana", "accept"), sleep=sleep)
        assert (len(waits), len(decisions(tmp_path))) == (3, 1)

    def test_a_log_that_stays_busy_is_given_up(self, tmp_path: Path) -> None:
        waits: list[float] = []
        with AppendLog(tmp_path / REVIEWS), pytest.raises(RunBusy):
            append(tmp_path, decide(FIRST, "ana", "accept"), sleep=waits.append)
        assert math.isclose(sum(waits), 1.95)

    def test_a_foreign_record_is_named(self, tmp_path: Path) -> None:
        with AppendLog(tmp_path / REVIEWS) as log:
            log.append("odd", {"row": 1})
        with pytest.raises(DataError, match="'odd' is not a decision"):
            decisions(tmp_path)


def applied(folder: Path, *made: Decision, rows: tuple[Dialogue, ...] = (ROW,)) -> list[Dialogue]:
    for one in made:
        append(folder, one)
    return list(apply_reviews(rows, folder))


def left(found: list[Dialogue]) -> list[tuple[str, str]]:
    return [(one.skill, one.explanation) for turn in found for one in turn.turns[-1].annotations]


class TestApply:
    def test_rows_without_decisions_pass_unchanged(self, tmp_path: Path) -> None:
        assert applied(tmp_path) == [ROW]

    def test_a_rejected_annotation_is_dropped_and_noted(self, tmp_path: Path) -> None:
        found = applied(tmp_path, decide(FIRST, "ana", "reject"), decide(SECOND, "ana", "accept"))
        assert left(found) == [("Clarification", "asks")]
        assert found[0].meta == {**ROW.meta, "review": {"dropped": [0], "kept": [1]}}

    def test_a_row_without_annotations_left_is_dropped(self, tmp_path: Path) -> None:
        assert applied(tmp_path, decide(FIRST, "ana", "reject"), decide(SECOND, "ana", "reject")) == []

    def test_an_edit_is_taken_over(self, tmp_path: Path) -> None:
        found = applied(tmp_path, decide(FIRST, "ana", "edit", skill="Ethics", explanation="new"))
        assert left(found) == [("Ethics", "new"), ("Clarification", "asks")]
        assert found[0].meta["review"] == {"edited": [0]}
        assert found[0].turns[-1].annotations[0].counterfactual == "You should have studied more."

    @pytest.mark.parametrize(
        ("labels", "result"),
        [
            (["Empathy", ""], "Empathy"),
            (["Ethics", "Empathy"], "Empathy"),
            (["Ethics", "", "Empathy", "Empathy"], "Empathy"),
            (["", "", "Ethics"], ""),
            (["Ethics", "Ethics", ""], "Ethics"),
            (["Ethics", "Ethics", "Empathy"], "Ethics"),
            (["Ethics", "Ethics", "Rhetoric", "Empathy"], "Ethics"),
            (["Ethics", ""], ""),
            (["Ethics", "Rhetoric"], ""),
            (["Ethics", "Ethics", "", ""], ""),
        ],
    )
    def test_the_majority_decides_and_ties_keep_the_teachers(self, labels: list[str], result: str) -> None:
        made = [
            decide(FIRST, f"r{number}", "edit", skill=label)
            if label
            else decide(FIRST, f"r{number}", "reject")
            for number, label in enumerate(labels)
        ]
        assert combined("Empathy", made) == combined("Empathy", made[::-1]) == result

    def test_explanations_go_with_the_winning_skill(self, tmp_path: Path) -> None:
        made = [
            decide(FIRST, "ana", "edit", skill="Ethics", explanation="late", now="2026-02"),
            decide(FIRST, "ben", "edit", skill="Ethics", explanation="early", now="2026-01"),
            decide(FIRST, "cho", "edit", skill="Rhetoric", explanation="other", now="2025-01"),
        ]
        assert left(applied(tmp_path, *made))[0] == ("Ethics", "early")

    def test_split_explanations_keep_the_teachers(self, tmp_path: Path) -> None:
        made = [decide(FIRST, "ana", "edit", explanation="new"), decide(FIRST, "ben", "accept")]
        assert left(applied(tmp_path, *made))[0] == ("Empathy", "old")

    def test_a_decision_about_another_text_counts_no_more(self, tmp_path: Path) -> None:
        other = row("one", noted("Empathy", "written by another run"))
        assert applied(tmp_path, decide(FIRST, "ana", "reject"), rows=(other,)) == [other]

    def test_a_decision_follows_its_annotation_to_another_place(self, tmp_path: Path) -> None:
        moved = row("one", noted("Clarification", "asks"))
        assert applied(tmp_path, decide(SECOND, "ana", "reject"), rows=(moved,)) == []

    def test_decisions_about_rejected_rows_change_nothing(self, tmp_path: Path) -> None:
        bad = rejected("one", "leak")
        assert applied(tmp_path, decide(Item(bad, REJECTION), "ana", "reject"), rows=(ROW, bad)) == [ROW, bad]

    def test_equal_annotations_share_their_decisions(self, tmp_path: Path) -> None:
        twice = row("one", Annotation("Empathy", "x"), Annotation("Empathy", "x"))
        assert applied(tmp_path, decide(Item(twice, 1), "ana", "reject"), rows=(twice,)) == []
