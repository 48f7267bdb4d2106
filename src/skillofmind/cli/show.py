"""Dialogues and plans for a person at a terminal.

Text from dialogues and models is shown as text: line breaks are folded and control characters spelled out,
so that a turn cannot move the cursor, colour the screen or pose as another line.
"""

from typing import TYPE_CHECKING, TextIO

from skillofmind.cli.printable import printable
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

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            # rich would exit with 1 here; a reader that has seen enough is no error.
            raise BrokenPipeError

    found = _Console(file=stream, highlight=False, markup=False, emoji=False)
    found.width = min(found.width, 100) if found.is_terminal else 100
    return found


def show_dialogue(out: "Console", dialogue: Dialogue, title: str) -> None:
    """Print the social context and the last turns."""
    from rich.rule import Rule
    from rich.text import Text

    out.print(Rule(Text(_line(title, 200), style="bold"), align="left", characters="─"))
    lines = context_lines(dialogue)
    for line in lines[:_SHOWN_CONTEXT]:
        show_lines(out, Text(printable(line.text), style="dim"), 2)
    _more(out, len(lines) - _SHOWN_CONTEXT, "facts")
    _more(out, len(dialogue.turns) - _SHOWN_TURNS, "earlier turns")
    names = display_names(dialogue)
    for turn in dialogue.turns[-_SHOWN_TURNS:]:
        speaker, _, said = printable(turn_line(turn, names)).partition(": ")
        show_lines(out, Text.assemble((f"{speaker}: ", "cyan"), said), 2)


def show_plan(out: "Console", dialogue: Dialogue, plan: Plan, taxonomy: Taxonomy) -> None:
    """Print explanation, skill, alternatives and evidence of one plan, or why there is none."""
    from rich.text import Text

    names = display_names(dialogue)
    who = _line(names.get(plan.responder, plan.responder), 80)
    if plan.error or not plan.valid or plan.skill is None:
        show_lines(out, Text(f"no plan for {who}: {why_not(plan)}", style="red"), 2)
        out.print()
        return
    show_lines(out, Text.assemble((f"{who} thinks: ", "bold"), _line(plan.explanation)), 4)
    show_lines(out, _skill_text(plan, taxonomy, dialogue.lang), 4)
    for evidence in plan.evidence[:_SHOWN_EVIDENCE]:
        show_lines(out, Text(evidence_text(evidence), style="dim"), 4)
    out.print()


def why_not(plan: Plan) -> str:
    """Return why `plan` cannot be used, on one line."""
    if plan.error:
        return printable(quoted(plan.error))
    if plan.skill is not None:
        return f"the answer names {plan.skill} and does not explain it."
    # A planner that ranks and then says no name abstains; its explanation tells why.
    if not plan.skill_raw and any(alternative.confidence for alternative in plan.alternatives):
        return _line(plan.explanation)
    said = _line(plan.skill_raw or plan.explanation, 200)
    return f"'{said}' names no skill of the taxonomy." if said else "the answer could not be read as a plan."


def evidence_text(evidence: Evidence) -> str:
    """Return one piece of evidence on one line: effect, place and words."""
    where = f"turn {int(evidence.where) + 1}" if evidence.kind == "turn" else _line(evidence.where, 80)
    return f"{evidence.effect:+.2f}  {where}: {_line(evidence.quote)}"


def show_lines(out: "Console", text: "Text", indent: int) -> None:
    """Print `text` folded at the width of `out`, every line set in, without blanks at its end."""
    from rich.text import Text

    for line in text.wrap(out, out.width - indent):
        line.rstrip()
        out.print(Text(" " * indent).append_text(line), no_wrap=True, crop=False, overflow="ignore")


def _line(text: str, limit: int = 4000) -> str:
    return printable(quoted(text, limit))


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


def _more(out: "Console", count: int, what: str) -> None:
    from rich.text import Text

    if count > 0:
        out.print(Text(f"  … {count} more {what}", style="dim"))
