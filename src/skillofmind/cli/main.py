"""`som`: picks the command and turns errors into one sentence and an exit code.

0  everything done            2  wrong use, or the disk or the endpoint said no: nothing half-written
1  done, but some items failed and say why        130  interrupted; what was finished is kept
"""

import difflib
import importlib
import io
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from skillofmind import __version__
from skillofmind.cli.printable import printable
from skillofmind.core.errors import SkillOfMindError

COMMANDS = {
    "plan": "plan the next reply of every dialogue in a file",
    "chat": "talk in the terminal and see the plan behind every reply",
    "skills": "list the skills, or explain one",
    "data": "look at, check, count, convert, select, split and sample dialogues",
    "annotate": "let a teacher model annotate dialogues, at scale, and lose nothing",
    "review": "check what the teacher wrote, in the terminal or a browser; measure agreement",
    "study": "ask people which reply is better, blinded; plan, serve, evaluate, export",
    "export": "turn annotations into training data: Hugging Face datasets, SFT or preference rows",
    "train": "fine-tune planners and response models: SFT, DPO; show what is trained; export",
    "eval": "measure planners and agents: tasks, intervals, audits, reports",
    "serve": "plan before a model answers, behind the OpenAI protocol: change base_url, nothing else",
    "playground": "talk with the agent in a browser and see, change and compare its plans",
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
    """Run `som` and return its exit code; never raises for what a user can do wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    _speak_utf8()
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        # argparse leaves this way after `--help` and after a wrong option.
        return stop.code if isinstance(stop.code, int) else 0
    except SkillOfMindError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        # The reader (such as `head`) has seen enough; closing quietly is what it expects.
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        place = repr(str(error.filename)) if error.filename else "standard output"
        return _complain(f"cannot use {place}: {error.strerror or error}; check the path and the disk.")


def usage() -> str:
    """Return the text of `som --help`."""
    return _USAGE.format(commands="\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items()))


def interrupted() -> int:
    """Say that the user stopped the command, and return the exit code for that."""
    sys.stderr.write("som: interrupted; what was finished is kept.\n")
    return 130


def unknown(what: str, name: str, known: Iterable[str]) -> int:
    """Say that there is no command or subcommand of this name, with what may have been meant; return 2."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}."
    return _complain(f"unknown {what} {name!r}; {hint}")


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0
    if words[0] == "--version":
        sys.stdout.write(f"som {__version__}\n")
        return 0
    if words[0] not in COMMANDS:
        return unknown("command", words[0], COMMANDS)
    command = importlib.import_module(f"skillofmind.cli.{words[0]}")
    return int(command.run(words[1:]))


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale says: JSON has to be, and dialogues come in every script."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def _drop_output() -> None:
    """Send what is still in the buffer of standard output nowhere, so that leaving raises nothing."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _complain(message: str) -> int:
    sys.stderr.write(f"som: {printable(message)}\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
