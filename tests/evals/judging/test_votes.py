import json
from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.evals.judging.votes import (
    Vote,
    ballots,
    directed,
    majority,
    people_together,
    read_votes,
    votes_of,
)
from tests.evals.judging.scenes import prefers, voted, wording

WORDS = wording("empathy")


def vote_of(one: str, other: str) -> list[str]:
    """Return the vote of a judge that says this in the two orders."""
    answers = {"12": prefers(one, "12", "empathy"), "21": prefers(other, "21", "empathy")}
    return [
        vote.vote
        for vote in votes_of(voted(1, ["j"], lambda _, __, order: answers[order], WORDS), ["empathy"])
    ]


class TestOrders:
    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            ("both", "both", ["second"]),
            ("none", "none", ["first"]),
            ("tie", "tie", ["same"]),
            # A preference that only one order shows is none.
            ("both", "tie", ["same"]),
            ("A", "A", ["same"]),
            ("B", "B", ["same"]),
            ("both", "perhaps", []),
        ],
    )
    def test_a_preference_counts_only_where_both_orders_agree(
        self, one: str, other: str, expected: list[str]
    ) -> None:
        assert vote_of(one, other) == expected

    def test_places_tell_the_first_from_the_second(self) -> None:
        cases = voted(1, ["j"], lambda _, __, order: prefers("A", order, "empathy"), WORDS)
        (ballot,) = ballots(cases, ["empathy"])
        assert (ballot.places, ballot.value, ballot.cases) == ([1.0, 1.0], 0.5, [0, 1])
        cases = voted(1, ["j"], lambda _, __, order: prefers("both", order, "empathy"), WORDS)
        assert ballots(cases, ["empathy"])[0].places == [0.0, 1.0]


class TestMajority:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([1, 1, 0], 1),
            ([0, 0, 1], 0),
            ([1, 0], 0.5),
            ([0.5, 1], 1),
            ([None, 0], 0),
            ([None], None),
            ([], None),
        ],
    )
    def test_the_side_with_more_votes(self, values: list[float | None], expected: float | None) -> None:
        assert majority(values) == expected

    def test_several_judges_have_a_vote_together(self) -> None:
        tastes = {"a": "both", "b": "both", "c": "none"}
        cases = voted(1, list(tastes), lambda name, _, order: prefers(tastes[name], order, "empathy"), WORDS)
        found = {vote.judge: vote.vote for vote in votes_of(cases, ["empathy"])}
        assert found == {"a": "second", "b": "second", "c": "first", "all judges": "second"}


class TestPeople:
    def test_the_direction_of_a_pair_does_not_matter(self) -> None:
        vote = Vote("i", "empathy", "none", "both", "second", "Ana")
        other = Vote("i", "empathy", "both", "none", "first", "Ben")
        assert directed(vote).vote == directed(other).vote == "first"
        assert people_together([vote, other]) == {("i", "empathy", "both", "none"): "first"}

    def test_even_sides_are_the_same(self) -> None:
        votes = [Vote("i", "c", "a", "b", side, side) for side in ("first", "second")]
        assert people_together(votes) == {("i", "c", "a", "b"): "same"}

    def test_a_file_is_read_with_further_fields(self, tmp_path: Path) -> None:
        file = tmp_path / "votes.jsonl"
        line = (
            b'{"item":"i","criterion":"c","first":"a","second":"b","vote":"same","judge":"x","seconds":3}\n\n'
        )
        file.write_bytes(line)
        assert read_votes(file) == [Vote("i", "c", "a", "b", "same", "x")]

    def test_the_export_of_a_study_is_read_without_checks_and_inattentive_raters(
        self, tmp_path: Path
    ) -> None:
        row = {
            "study": "s", "rater": "Ana", "excluded": False, "place": 1, "task": "t", "sort": "real",
            "item": "i", "dialogue": "d", "criterion": "c", "left": "run/both", "right": "run/none",
            "choice": "right", "winner": "run/none", "rating": None, "seconds": 2.0,
        }  # fmt: skip
        others = ({"winner": "", "choice": "same"}, {"excluded": True}, {"sort": "broken"}, {"rating": 3})
        file = tmp_path / "export.jsonl"
        file.write_text("\n".join(json.dumps(row | other) for other in ({}, *others)) + "\n", "utf-8")
        assert read_votes(file) == [
            Vote("i", "c", "both", "none", "second", "Ana"),
            Vote("i", "c", "both", "none", "same", "Ana"),
        ]

    @pytest.mark.parametrize("text", ['{"item":"i"}', "no", '{"item":"i","criterion":"c","first":"a",'
                                      '"second":"b","vote":"left"}'])  # fmt: skip
    def test_what_is_no_vote_is_refused_by_its_line(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "votes.jsonl"
        file.write_text(text + "\n", "utf-8")
        with pytest.raises(DataError, match=r"votes\.jsonl:1: no vote"):
            read_votes(file)
        with pytest.raises(DataError, match="cannot be read"):
            read_votes(tmp_path / "nothing")
