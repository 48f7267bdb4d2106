"""`som demo`: plans for a handful of dialogues, with nothing but the package."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from skillofmind.cli.options import option, parse
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.starter import demo_path
from skillofmind.mind.taxonomy import load_taxonomy

_INTRO = """\
Before it answers, an agent should think about how to answer. For each dialogue below, the embedded planner
reads the social context and the turns, and says in the place of who speaks next what weighs and which
conversational skill the next turn needs. The numbers show how much each turn or fact speaks for the choice
(change of log-odds when it is taken away). The planner is small: it ranks, it does not know.
"""

_NEXT = """\
How to go on
  som chat                          talk, and see the plan behind every reply (offline; --model, --base-url
                                    for a real response model)
  som plan FILE                     plan for your own dialogues: a `Name: text` transcript or JSONL
  som plan FILE --planner prompted --model NAME --base-url http://127.0.0.1:8000/v1
                                    let a large model plan
  som skills                        the skills and what each one does
  som --help                        everything else
"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Options of `som demo`."""

    json: bool = option(False, "print the plans as JSON lines, and nothing else")


def run(argv: Sequence[str]) -> int:
    """Run `som demo`."""
    options = parse(DemoOptions, "som demo", "Plans for a handful of dialogues; needs nothing.", argv)
    from skillofmind.cli.show import console, show_dialogue, show_plan
    from skillofmind.mind.embedded import EmbeddedPlanner

    planner, taxonomy, out = EmbeddedPlanner(), load_taxonomy(), console(sys.stdout)
    if not options.json:
        sys.stdout.write(f"{_INTRO}\n")
    for dialogue in accepted(read_dialogues(demo_path())):
        plan = planner.plan_now(dialogue)
        if options.json:
            sys.stdout.write(msgspec.json.encode({"id": dialogue.id, "plan": plan}).decode() + "\n")
        else:
            show_dialogue(out, dialogue, str(dialogue.meta["title"]))
            show_plan(out, dialogue, plan, taxonomy)
    if not options.json:
        sys.stdout.write(_NEXT)
    return 0
