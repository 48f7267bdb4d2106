"""Commands and code as they stand in Markdown."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

SHELLS = ("bash", "sh", "console", "shell")
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
_BREAKS = {"|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "|&"}


class Block(NamedTuple):
    """One fenced block: its language, text, and the line its text starts on."""

    kind: str
    text: str
    line: int


def blocks(markdown: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for match in _FENCE.finditer(markdown):
        indent = len(match["indent"])
        text = "".join(line[indent:] for line in match["text"].splitlines(keepends=True))
        yield Block(match["kind"], text, markdown.count("\n", 0, match.start("text")) + 1)


def commands(block: Block) -> Iterator[list[str]]:
    """Yield the command lines of a shell block as words, one for each side of a pipe.

    In `console` blocks only lines after `$ ` are commands; the others are what they print.
    """
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        if block.kind == "console" and not line.startswith("$ "):
            continue
        yield from _simple(line.removeprefix("$ "))


def _simple(line: str) -> Iterator[list[str]]:
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    words: list[str] = []
    for word in reader:
        if word in _BREAKS:
            yield words
            # What follows a redirection is a file, and no further command.
            words = ["(file)"] if set(word) & set("<>") else []
        else:
            words.append(word)
    yield words
