import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.audits.failures import (
    clusters,
    confusions,
    disagreements,
    failure_tables,
    failures,
    read_failures,
    worst_cases,
    worst_slices,
)
from skillofmind.evals.records import Answer, Case, Gold, Item


def case(
    number: int,
    gold: str,
    skill: str | None,
    *,
    text: str = "Well then.",
    sure: float = 0.4,
    accept: str = "",
) -> Case:
    dialogue = Dialogue((Turn("A", "Hello."), Turn("B", text)), SocialContext(situation=f"Case {number}."))
    item = Item(
        "own", f"{number:03}", f"g{number // 2}", dialogue, Gold((gold,), (accept,) if accept else ())
    )
    plan = Plan(skill=skill, valid=skill is not None, confidence=sure, explanation="I think so.")
    return Case(item, Answer(plan=plan))


MIXED = [
    *(case(n, "Empathy", "Ethics", text="Did you lock the cellar door?", sure=0.3) for n in range(6)),
    *(case(10 + n, "Empathy", "Negotiation", sure=0.9) for n in range(3)),
    *(case(20 + n, "Ethics", "Ethics") for n in range(40)),
    case(90, "Ethics", None, sure=0.0),
    case(91, "Ethics", "Rhetoric", sure=0.8, accept="Rhetoric"),
]


def test_failures_are_plain_answered_and_wrong() -> None:
    other = msgspec.structs.replace(MIXED[0], item=msgspec.structs.replace(MIXED[0].item, arm="x"))
    failed = msgspec.structs.replace(MIXED[0], answer=Answer(error="busy"))
    assert failures([*MIXED, other, failed]) == [
        one for one in MIXED if one.item.id < "020" or one.item.id >= "090"
    ]


def test_the_worst_are_those_the_planner_was_surest_of() -> None:
    assert [one.item.id for one in worst_cases(MIXED, 5)] == ["010", "011", "012", "091", "000"]
    assert worst_cases(list(reversed(MIXED)), 5) == worst_cases(MIXED, 5)


def test_a_failure_can_be_read() -> None:
    first = read_failures(MIXED, 1)[0]
    assert first.context == "Situation: Case 10."
    assert first.turns == ("A: Hello.", "B: Well then.")
    assert (first.gold, first.skill, first.confidence, first.earlier) == (("Empathy",), "Negotiation", 0.9, 0)
    assert read_failures(MIXED, 99)[-1].skill == "(no skill)"


def test_confusions_are_counted() -> None:
    assert confusions(MIXED)[:2] == [("Empathy", "Ethics", 6, 3), ("Empathy", "Negotiation", 3, 2)]
    assert ("Ethics", "(no skill)", 1, 1) in confusions(MIXED)


def test_clusters_say_what_errors_share() -> None:
    first, second = clusters(MIXED)
    assert (first.gold, first.skill, first.cases, first.groups) == ("Empathy", "Ethics", 6, 3)
    assert (first.length, first.asks, first.word) == ("1-2 turns", 1.0, "cellar")
    assert second.keys == ("own//010", "own//011", "own//012")
    assert clusters(list(reversed(MIXED))) == clusters(MIXED)


def test_disagreements_are_sure_and_not_acceptable() -> None:
    assert [one.item.id for one in disagreements(MIXED)] == ["010", "011", "012"]


def test_the_worst_slice_is_the_one_that_fails() -> None:
    cases = [
        case(n, "Empathy", "Empathy" if n % 2 else "Ethics", text="Why?" if n % 2 else "So.")
        for n in range(100)
    ]
    worst = worst_slices(cases)[0]
    assert (worst.change, worst.value, worst.n) == ("last turn = tells", -1, 50)


def test_tables_fit_their_heads() -> None:
    tables = failure_tables(MIXED, rows=3)
    assert [len(table.rows) for table in tables[:2]] == [3, 2]
    assert len(tables) == 4
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    assert tables[0].about == "11 of 51 answered cases are wrong."
