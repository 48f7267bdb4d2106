"""Small runs for the tests of the report: made-up ones, and one whose texts mean harm or are odd."""

from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.made_cases import TASKS, Planner, cases, items, summary

from skillofmind.core.dialogue import Dialogue, Image, SocialContext, Speaker, Turn
from skillofmind.core.plan import Alternative, Plan
from skillofmind.evals.records import Answer, Case, Difference, Estimate, Gold, Item, Result, Summary, Table
from skillofmind.evals.report import Run, write_report
from skillofmind.evals.summary import compared

HOSTILE = '</script><img src=x onerror="document.title=1"><script>document.title=2</script>'
HIDDEN = "safe\u202eevil\x1b[31m"
ARABIC = "هذا صعب جدا، أليس كذلك؟"
EMOJI = "That hurts 🫠 👩‍👩‍👧 — 정말 힘들었겠다"
LONG = "word " * 20_000

COUNT = 600
"""Cases of each run, where a test does not say otherwise."""


class Made(NamedTuple):
    """Runs and the page of them.

    Attributes:
        path: of the page.
        runs: what was reported.
    """

    path: Path
    runs: list[Run]
    between: list[Difference]

    def cases(self, run: int = 0) -> list[Case]:
        return list(self.runs[run][2])


def made_runs(count: int = COUNT, planners: int = 2, arms: tuple[str, ...] = ("", "names")) -> list[Run]:
    asked = items(count, turns=4, words=8, arms=arms)
    people = (Planner("one", 0.5, failing=0.02), Planner("two", 0.6, seed=2), Planner("three", 0.3, seed=3))
    found = [(planner.name, cases(asked, planner)) for planner in people[:planners]]
    return [(name, summary(name, some), some) for name, some in found]


def made(folder: Path, **kwargs: Any) -> Made:
    runs = made_runs(**kwargs)
    path, between = folder / "report.html", differences(runs)
    write_report(path, runs, between=between)
    return Made(path, runs, between)


def differences(runs: list[Run]) -> list[Difference]:
    """Return every later run against the first, as the command does."""
    name, _, first = runs[0]
    others = [(other, list(second)) for other, _, second in runs[1:]]
    return [one for other, second in others for one in compared(list(first), second, TASKS, (name, other))]


def odd_case(text: str, number: int = 0) -> Case:
    """Return a case that says `text` in every place where data can stand."""
    dialogue = Dialogue(
        (Turn("a", "Hello."), Turn("b", text, images=(Image(text),))),
        SocialContext(situation=text, extra={text[:40]: text}),
        speakers=(Speaker("a", name=text[:40]),),
    )
    item = Item(
        text[:60],
        f"{number}:{text[:60]}",
        text[:60],
        dialogue,
        Gold((text[:60],), (text[:60],), text[:60], text, text, text),
        slices={text[:20]: text[:60]},
    )
    plan = Plan(
        text, text[:60], text, 0.5, (Alternative(text[:60], 0.5), Alternative("Empathy", 0.2)), valid=True
    )
    return Case(item, Answer(plan, text), {"accuracy": 0.0, text[:20]: 0.25})


def odd_run(*texts: str) -> Run:
    some = [odd_case(text, number) for number, text in enumerate(texts)]
    first = texts[0][:60]
    estimate = Estimate(first, 0.5, 0.25, 0.75, 2, about=first)
    table = Table(first, (first, "n"), ((first, 1),), first)
    result = Result(
        first, "", first, len(some), 1, 0, (estimate,), (table,), {first[:20]: {first: (estimate,)}}
    )
    return first, Summary("0", {first: first}, (result,), notes=(first,)), some
