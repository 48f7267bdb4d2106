"""Cards, skills and agreement for a person at a terminal; text from the data is shown as text."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from skillofmind.cli.printable import printable
from skillofmind.cli.review.desk import Desk
from skillofmind.cli.show import console, show_lines
from skillofmind.core.dialogue import Annotation
from skillofmind.mind.dataset.review import Decision, Item
from skillofmind.mind.dataset.reviewed import Rate, ReviewAgreement
from skillofmind.mind.render import context_lines, display_names, quoted, turn_line
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.scorers.agreement import Agreement

if TYPE_CHECKING:
    from rich.console import Console

_MOST_REPLY = 2000


def shown(text: str, limit: int = 4000) -> str:
    """Return text from the data on one line, safe at a terminal."""
    return printable(quoted(text, limit))


def show_card(out: "Console", desk: Desk, item: Item, title: str, *, hidden: bool = False) -> None:
    """Print context, dialogue and reply, and what there is to decide unless it is `hidden`."""
    from rich.rule import Rule
    from rich.text import Text

    out.print()
    head = Text.assemble((title, "bold"), (f"  {shown(item.row.id, 120)}", "dim"))
    out.print(Rule(head, align="left", characters="─"))
    for line in context_lines(item.row):
        show_lines(out, Text(shown(line.text), style="dim"), 2)
    names = display_names(item.row)
    *before, reply = item.row.turns
    for turn in before:
        speaker, _, said = printable(turn_line(turn, names)).partition(": ")
        show_lines(out, Text.assemble((f"{speaker}: ", "cyan"), said), 2)
    show_lines(out, Text.assemble(("→ ", "bold"), (printable(turn_line(reply, names)), "bold")), 0)
    out.print()
    if hidden:
        return
    if item.annotation is None:
        _show_rejection(out, item)
    else:
        _show_annotation(out, desk, item, item.annotation)
    _show_before(out, desk.chosen(item), desk.decided(item))


def _show_annotation(out: "Console", desk: Desk, item: Item, annotation: Annotation) -> None:
    from rich.text import Text

    skill = desk.definition(annotation.skill)
    label = skill.names.get(item.row.lang) if skill else None
    name = shown(annotation.skill) + (f" ({label})" if label else "")
    show_lines(out, Text.assemble(("explanation     ", "bold"), shown(annotation.explanation)), 2)
    show_lines(out, Text.assemble(("skill           ", "bold"), (name, "bold green")), 2)
    if skill:
        show_lines(out, Text(skill.definition, style="dim"), 18)
    other = annotation.counterfactual or ""
    show_lines(out, Text.assemble(("counterfactual  ", "bold"), (shown(other), "dim")), 2)
    out.print()


def _show_rejection(out: "Console", item: Item) -> None:
    from rich.text import Text

    found = item.rejection
    show_lines(out, Text.assemble(("rejected  ", "bold"), (shown(found.reason), "bold yellow")), 2)
    if found.detail:
        show_lines(out, Text(shown(found.detail), style="dim"), 12)
    for role, text in found.replies:
        show_lines(out, Text.assemble((f"{shown(role)}: ", "cyan"), shown(text, _MOST_REPLY)), 2)
    out.print()


def _show_before(out: "Console", chosen: str, decided: Decision | None) -> None:
    from rich.text import Text

    if chosen:
        show_lines(out, Text(f"you chose {shown(chosen)} without seeing it", style="dim"), 2)
    if decided is not None:
        skill = f", {shown(decided.skill)}" if decided.verdict == "edit" else ""
        note = f", {shown(decided.note)}" if decided.note else ""
        show_lines(out, Text(f"you decided: {decided.verdict}{skill}{note}", style="dim"), 2)


def show_help(out: "Console", desk: Desk, item: Item) -> None:
    """Print the keys, and what tells the skill of the card from its neighbour."""
    from rich.text import Text

    out.print("  a accept   skill and explanation hold (of a rejected row: it was rejected rightly)")
    out.print("  e edit     another skill, another explanation, or both")
    out.print("  r reject   neither can be mended; a note may say why")
    out.print("  s skip     later   b back   q quit; every decision is kept at once")
    skill = desk.definition(item.label) if item.annotation else None
    for line in (skill.when, skill.difference) if skill else ():
        show_lines(out, Text(line, style="dim"), 2)


def show_skills(out: "Console", taxonomy: Taxonomy) -> None:
    """Print the skills with their numbers, in columns."""
    from rich.columns import Columns
    from rich.text import Text

    cells = [Text(f"{number:>2} {skill.name}") for number, skill in enumerate(taxonomy.skills, 1)]
    out.print(Columns(cells, padding=(0, 2), column_first=True))


def show_agreement(found: ReviewAgreement) -> None:
    """Print what the reviews say."""
    out = console(sys.stdout)
    if not found.decisions:
        out.print("Nobody has reviewed yet; start with `som review OUT --reviewer NAME`.")
        return
    out.print(f"{found.decisions} decisions on {found.annotations} annotations")
    if found.annotations:
        out.print(f"  the teacher's skill stands   {_rate(found.precision)}")
    if found.weighted is not None:
        one = found.weighted
        out.print(
            f"  with skills as in the data   {_ends(one.value, one.low, one.high, '.1%')}, "
            f"for {one.covered:.0%} of the annotations"
        )
    _rates(out, "by skill of the teacher", found.by_skill)
    _rates(out, "by reviewer", found.reviewers)
    _rates(out, "rejected rightly, by reason", found.rejections)
    _kappas(out, found)


def _rates(out: "Console", title: str, rates: Mapping[str, Rate]) -> None:
    if rates:
        width = max(len(shown(name, 80)) for name in rates)
        out.print(f"\n{title}")
        for name, rate in rates.items():
            out.print(f"  {shown(name, 80):<{width}}  {_rate(rate)}", soft_wrap=True)


def _kappas(out: "Console", found: ReviewAgreement) -> None:
    lines: list[tuple[str, Agreement]] = []
    for pair in found.pairs:
        who = " and ".join(shown(name) for name in pair.reviewers)
        lines += [(f"{who}: does the skill stand", pair.verdict), (f"{who}: which skill", pair.skill)]
    if found.everyone_verdict is not None and found.everyone_skill is not None:
        lines += [("all: does the skill stand", found.everyone_verdict)]
        lines += [("all: which skill", found.everyone_skill)]
    lines += [(f"teacher and {shown(who)}, blind: which skill", one) for who, one in found.blind.items()]
    if lines:
        out.print("\nagreement (kappa)")
        _aligned(out, ((name, _kappa(one)) for name, one in lines))
    for pair in found.pairs:
        out.print(f"\nby skill, {' and '.join(shown(name) for name in pair.reviewers)}", soft_wrap=True)
        _aligned(out, ((shown(name, 80), _kappa(one)) for name, one in pair.by_skill.items()))


def _aligned(out: "Console", rows: Iterable[tuple[str, str]]) -> None:
    listed = list(rows)
    width = max(len(name) for name, _ in listed)
    for name, text in listed:
        out.print(f"  {name:<{width}}  {text}", soft_wrap=True)


def _rate(rate: Rate) -> str:
    return f"{_ends(rate.value, rate.low, rate.high, '.1%')}, {rate.right} of {rate.decided}"


def _kappa(one: Agreement) -> str:
    same = "" if one.observed is None else f", {one.observed:.0%} the same"
    return f"{_ends(one.value, one.low, one.high, '.3f')}{same}, {one.items} items"


def _ends(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None:
        return "undefined"
    ends = "" if low is None or high is None else f" ({low:{form}} to {high:{form}})"
    return f"{value:{form}}{ends}"
