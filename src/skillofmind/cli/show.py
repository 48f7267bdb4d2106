"""Dialogues and plans for a person at a terminal.

Text from dialogues is shown as text: control characters are folded, so that a turn cannot move the
cursor or colour the screen.
"""

from typing import TYPE_CHECKING, TextIO

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Evidence, Plan
from skillofmind.mind.render import context_lines, display_names, quoted, turn_line
from skillofmind.mind.taxonomy import Taxonomy

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_SHOWN_CONTEXT = 6
_SHOWN_TURNS = 8
_SHOWN_ALTERNATIVES = 3
_SHOWN_EVIDENCE = 3


def console(stream: TextIO) -> "Console":
    """Return a console on `stream`; colours only on a terminal, at most 100 columns."""
    from rich.console import Console

    found = Console(file=stream, highlight=False, markup=False, emoji=False)
    found.width = min(found.width, 100) if found.is_terminal else 100
    return found


def show_dialogue(out: "Console", dialogue: Dialogue, title: str) -> None:
    """Print the social context and the last turns."""
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.text import Text

    out.print(Rule(Text(title, style="bold"), align="left", characters="─"))
    lines = context_lines(dialogue)
    for line in lines[:_SHOWN_CONTEXT]:
        out.print(Padding(Text(line.text, style="dim"), (0, 0, 0, 2)))
    _more(out, len(lines) - _SHOWN_CONTEXT, "facts")
    _more(out, len(dialogue.turns) - _SHOWN_TURNS, "earlier turns")
    names = display_names(dialogue)
    for turn in dialogue.turns[-_SHOWN_TURNS:]:
        speaker, _, said = turn_line(turn, names).partition(": ")
        out.print(Padding(Text.assemble((f"{speaker}: ", "cyan"), said), (0, 0, 0, 2)))


def show_plan(out: "Console", dialogue: Dialogue, plan: Plan, taxonomy: Taxonomy) -> None:
    """Print explanation, skill, alternatives and evidence of one plan."""
    from rich.padding import Padding
    from rich.text import Text

    names = display_names(dialogue)
    who = quoted(names.get(plan.responder, plan.responder), 80)
    if plan.error or plan.skill is None:
        why = (
            plan.error
            or f"{quoted(plan.skill_raw or plan.explanation, 200)!r} names no skill of the taxonomy."
        )
        out.print(Padding(Text(f"no plan for {who}: {why}", style="red"), (0, 0, 1, 2)))
        return
    out.print(Padding(Text.assemble((f"{who} thinks: ", "bold"), quoted(plan.explanation)), (0, 0, 0, 4)))
    out.print(Padding(_skill_text(plan, taxonomy, dialogue.lang), (0, 0, 0, 4)))
    for evidence in plan.evidence[:_SHOWN_EVIDENCE]:
        out.print(Padding(Text(_evidence_text(evidence), style="dim"), (0, 0, 0, 4)))
    out.print()


def _skill_text(plan: Plan, taxonomy: Taxonomy, lang: str) -> "Text":
    from rich.text import Text

    def label(name: str, confidence: float | None) -> str:
        shown = taxonomy.get(name).names.get(lang)
        full = f"{name} ({shown})" if shown else name
        return f"{full} {confidence:.0%}" if confidence is not None else full

    text = Text.assemble(("skill: ", "bold"), (label(plan.skill or "", plan.confidence), "bold green"))
    others = [a for a in plan.alternatives if a.skill != plan.skill][:_SHOWN_ALTERNATIVES]
    if others:
        text.append("   then " + ", ".join(label(a.skill, a.confidence) for a in others), style="dim")
    return text


def _evidence_text(evidence: Evidence) -> str:
    where = f"turn {int(evidence.where) + 1}" if evidence.kind == "turn" else evidence.where
    return f"{evidence.effect:+.2f}  {where}: {evidence.quote}"


def _more(out: "Console", count: int, what: str) -> None:
    from rich.text import Text

    if count > 0:
        out.print(Text(f"  … {count} more {what}", style="dim"))
