"""`som`: picks the command and turns errors into one sentence and an exit code.

0  everything done            2  wrong use, or the disk or the endpoint said no: nothing half-written
1  done, but some items failed and say why        130  interrupted; what was finished is kept
"""

import importlib
import sys
from collections.abc import Sequence

from skillofmind import __version__
from skillofmind.core.errors import SkillOfMindError

COMMANDS = {
    "plan": "plan the next reply of every dialogue in a file",
    "chat": "talk in the terminal and see the plan behind every reply",
    "skills": "list the skills, or explain one",
    "demo": "see plans for a handful of dialogues; needs nothing",
    "fit": "train the embedded planner on annotated dialogues",
}

_USAGE = """\
usage: som COMMAND [options]

Conversational agents that think about how to answer before they answer: a planner reads the social
context and the dialogue, explains in the first person what matters, and names one conversational skill.

commands:
{commands}

Start with `som demo`. Then try: printf 'Ana: I failed the exam again.\\n' | som plan -
`som COMMAND --help` explains a command; `som --version` prints the version.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `som` and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0
    if words[0] == "--version":
        sys.stdout.write(f"som {__version__}\n")
        return 0
    if words[0] not in COMMANDS:
        return _complain(f"unknown command {words[0]!r}; known are {', '.join(COMMANDS)}.")
    command = importlib.import_module(f"skillofmind.cli.{words[0]}")
    try:
        return int(command.run(words[1:]))
    except SkillOfMindError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("\nsom: interrupted; what was finished is kept.\n")
        return 130
    except BrokenPipeError:
        # The reader (such as `head`) has seen enough; closing quietly is what it expects.
        sys.stderr.close()
        return 0


def usage() -> str:
    """Return the text of `som --help`."""
    return _USAGE.format(commands="\n".join(f"  {name:<8} {what}" for name, what in COMMANDS.items()))


def _complain(message: str) -> int:
    sys.stderr.write(f"som: {message}\n")
    return 2
