"""Dialogues that are written as text lines with the speaker in front, such as `Client: Hello`.

Only the first prefix of a line counts, and only at its beginning: a turn may quote `Client: ` itself. A line
without a prefix continues the turn above it, line end kept; blank lines at the end of a turn are not text.
A line that is all in brackets or stars, such as `[The next day]`, tells what happens: it goes to `meta.stage`
of the turn above.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from skillofmind.core.dialogue import Turn

_STAGE = re.compile(r"\s*(?:\[[^\[\]]*\]|\([^()]*\)|\* .* \*|\* \* \*)\s*")


class Spoken(NamedTuple):
    """What text lines tell.

    Attributes:
        turns: the turns with words in them.
        meta: `preamble`, the lines before the first turn, and `empty_turns`, how many prefixes stood
            without words; left out where there is nothing to say.
    """

    turns: tuple[Turn, ...]
    meta: dict[str, Any]


def spoken_lines(lines: Iterable[str], prefix: re.Pattern[str]) -> Spoken:
    """Return the turns that the lines tell.

    Args:
        lines: without their line ends.
        prefix: matches the start of a line up to the words; its group `speaker` names who speaks, and
            `stage`, where it has one, what they do meanwhile.
    """
    turns: list[tuple[str, list[str], list[str]]] = []
    preamble: list[str] = []
    for line in lines:
        found = prefix.match(line)
        if found:
            stage = found.groupdict().get("stage")
            turns.append((found["speaker"], [line[found.end() :]], [stage] if stage else []))
        elif _STAGE.fullmatch(line) and turns:
            turns[-1][2].append(line)
        elif turns:
            turns[-1][1].append(line)
        elif line.strip():
            preamble.append(line)
    said = [_turn(*turn) for turn in turns]
    kept = tuple(turn for turn in said if turn.text.strip())
    meta = {"preamble": "\n".join(preamble), "empty_turns": len(said) - len(kept)}
    return Spoken(kept, {name: value for name, value in meta.items() if value})


def _turn(speaker: str, texts: list[str], stage: list[str]) -> Turn:
    while len(texts) > 1 and not texts[-1].strip():
        texts = texts[:-1]
    return Turn(speaker, "\n".join(texts), meta={"stage": stage} if stage else {})
