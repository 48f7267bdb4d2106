"""Items with replies, and judges whose answers are made up, for tests of judging."""

import json
from collections.abc import Callable, Sequence

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.judging.questions import Pair, Said, pair_questions, place_of
from skillofmind.evals.judging.tasks import judge_tasks
from skillofmind.evals.judging.wording import Wording, load_wording
from skillofmind.evals.records import Answer, Case, Gold, Item

PAIR = Pair("none", "both")
Judge = Callable[[str, int, str], str]
"""Judge, number of the item and order -> the whole answer."""


def said(count: int, *, none: str = "plain", both: str = "planned") -> list[Said]:
    """Two items a group."""
    return [
        Said(
            Item("reply.own", f"item-{number}", f"group-{number // 2}",
                 Dialogue((Turn("Ana", f"case {number}"),), responder="Ben"), Gold(reply="gold")),
            {"none": f"{none} {number}", "both": f"{both} {number}", "gold": "gold"},
        )
        for number in range(count)
    ]  # fmt: skip


def wording(*criteria: str) -> Wording:
    base = load_wording()
    return Wording(base.system, base.pair, base.single, dict.fromkeys(criteria, "It is good."))


def voted(count: int, judges: Sequence[str], judge: Judge, words: Wording) -> list[Case]:
    """Return the cases of all questions about the pair none, both."""
    task = judge_tasks("reply.own", words)[0]
    cases = []
    for item in pair_questions(said(count), [PAIR], judges, words):
        place = place_of(item)
        answer = Answer(reply=judge(place.judge, int(place.item.removeprefix("item-")), place.order))
        cases.append(Case(item, answer, task.score(item, answer)))
    return cases


def prefers(system: str, order: str, *criteria: str) -> str:
    """Return a verdict for a system, wherever it stands: `none`, `both` or `tie`; or for a place, A or B."""
    places = {"none": "A", "both": "B"} if order == "12" else {"none": "B", "both": "A"}
    return json.dumps(dict.fromkeys(criteria, places.get(system, system)))
