"""Whole cases in blocks of about equal size, so that reading one unpacks one block, not all of them.

A *piece* is a labelled text: a turn with its speaker, or a line of context. Pieces have numbers through all
blocks, and each stands in the block of the first row that needs it: the dialogues of an evaluation are mostly
beginnings of one another, so their turns are stored once. Short pieces ("Yes.") are stored once a block: they
cost little, and a case would otherwise need many blocks.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.records import Answer
from skillofmind.evals.report.rows import Row
from skillofmind.mind.render import context_lines, display_names

BLOCK_BYTES = 256 << 10
"""Uncompressed size at which a block is closed."""

_SHORT = 60

Piece = tuple[str, ...]
"""Label, text, and descriptions of pictures."""


class Block(NamedTuple):
    """A part of the rows with the pieces that they are the first to need.

    Attributes:
        first_row: number of its first row.
        first_piece: number of its first piece.
        pieces: in the order of their numbers.
        rows: JSON of each row.
    """

    first_row: int
    first_piece: int
    pieces: list[Piece]
    rows: list[dict[str, Any]]


def blocks(rows: Iterable[Row], size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield all rows in blocks of about `size` bytes."""
    block, filled = Block(0, 0, [], []), 0
    known: dict[Piece, int] = {}
    short: dict[Piece, int] = {}
    for number, row in enumerate(rows):
        if filled >= size:
            yield block
            block, filled, short = Block(number, block.first_piece + len(block.pieces), [], []), 0, {}
        before = len(block.pieces)
        numbered = [_numbers(block, pieces, known, short) for pieces in (_context(row), _turns(row))]
        found = {"context": numbered[0], "turns": numbered[1], **_told(row)}
        block.rows.append(found)
        filled += len(msgspec.json.encode((found, block.pieces[before:])))
    if block.rows:
        yield block


def _numbers(
    block: Block, pieces: Sequence[Piece], known: dict[Piece, int], short: dict[Piece, int]
) -> list[int]:
    """Return the numbers of the pieces; those that are new go into the block."""
    found = []
    for piece in pieces:
        table = short if sum(map(len, piece)) < _SHORT else known
        if piece not in table:
            table[piece] = block.first_piece + len(block.pieces)
            block.pieces.append(piece)
        found.append(table[piece])
    return found


def _context(row: Row) -> list[Piece]:
    return [("", line.text) for line in context_lines(row.item.dialogue)]


def _turns(row: Row) -> list[Piece]:
    dialogue = row.item.dialogue
    names = display_names(dialogue)
    return [
        (names.get(turn.speaker, turn.speaker), turn.text, *(image.description for image in turn.images))
        for turn in dialogue.turns
    ]


def _told(row: Row) -> dict[str, Any]:
    item = row.item
    return {
        "group": item.group,
        "lang": item.dialogue.lang,
        "next": _next(item.dialogue),
        "gold": item.gold,
        "answers": [None if case is None else _answer(case.answer) for case in row.cases],
    }


def _next(dialogue: Dialogue) -> str:
    key = dialogue.next_speaker()
    return display_names(dialogue).get(key, key)


def _answer(answer: Answer) -> dict[str, Any]:
    """Return what the page shows of an answer, in few characters; its time and tokens differ from run to run.

    Ranked skills and evidence are lists of their fields, without the names: there are many of them, and the
    search has to read them all.
    """
    plan = answer.plan
    told: dict[str, Any] = {"error": answer.error, "reply": answer.reply}
    if plan is not None:
        told |= {"error": answer.error or plan.error, "plan": True}
        told |= {"skill": plan.skill, "raw": "" if plan.skill_raw == plan.skill else plan.skill_raw}
        told |= {"why": plan.explanation, "sure": plan.confidence}
        told |= {"ranked": [(one.skill, one.confidence) for one in plan.alternatives]}
        told |= {"moved": [(one.kind, one.where, one.quote, one.effect) for one in plan.evidence]}
    return {name: value for name, value in told.items() if value is not None and value not in ("", [])}
