from skillofmind.evals.judging.agreement import judges_table, people_table
from skillofmind.evals.judging.votes import Side, Vote
from skillofmind.scorers.agreement import cohen_kappa, fleiss_kappa

SIDES: dict[str, list[Side]] = {
    "a": ["first", "first", "second", "same", "second", "second"],
    "b": ["first", "second", "second", "same", "second", "first"],
    "c": ["first", "first", "second", "second", "second", "same"],
}


def votes(judge: str, sides: list[Side], criterion: str = "empathy") -> list[Vote]:
    return [Vote(f"i{n}", criterion, "none", "both", side, judge) for n, side in enumerate(sides)]


class TestJudges:
    def test_pairs_by_cohen_and_all_by_fleiss(self) -> None:
        table = judges_table([vote for name, sides in SIDES.items() for vote in votes(name, sides)])
        assert table is not None
        rows = {row[:2]: row for row in table.rows}
        assert rows["a, b", "empathy"][4] == cohen_kappa(SIDES["a"], SIDES["b"]).value
        patterns = [
            {side: list(told).count(side) for side in told} for told in zip(*SIDES.values(), strict=True)
        ]
        assert rows["all (Fleiss)", "empathy"][2] == 6
        assert rows["all (Fleiss)", "empathy"][4] == fleiss_kappa(patterns).value

    def test_only_items_that_both_voted_on_count(self) -> None:
        table = judges_table([*votes("a", SIDES["a"]), *votes("b", SIDES["b"][:4])])
        assert table is not None
        assert table.rows[0][2] == 4

    def test_one_judge_agrees_with_nobody(self) -> None:
        assert judges_table([*votes("a", SIDES["a"]), *votes("all judges", SIDES["a"])]) is None


class TestPeople:
    def test_judges_are_compared_with_most_people_and_people_with_the_others(self) -> None:
        people = [vote for name in ("b", "c") for vote in votes(name, SIDES[name])]
        table = people_table(votes("a", SIDES["a"]), people)
        assert table is not None
        rows = {row[:2]: row for row in table.rows}
        assert rows["a", "empathy"][2] == 6
        assert rows["person b", "empathy"][4] == cohen_kappa(SIDES["b"], SIDES["c"]).value

    def test_the_order_of_the_systems_may_differ(self) -> None:
        turned: dict[Side, Side] = {"first": "second", "second": "first", "same": "same"}
        people = [
            Vote(one.item, one.criterion, one.second, one.first, turned[one.vote], "x")
            for one in votes("x", SIDES["a"])
        ]
        table = people_table(votes("a", SIDES["a"]), people)
        assert table is not None
        assert table.rows[0][3:5] == (1.0, 1.0)

    def test_votes_about_other_things_make_no_table(self) -> None:
        assert people_table(votes("a", SIDES["a"]), votes("x", SIDES["a"], "warmth")) is None
