"""The part of a corpus that is asked."""

from collections.abc import Iterable

from skillofmind.core.dialogue import Dialogue


def tested(rows: Iterable[object]) -> list[Dialogue]:
    """Return the dialogues of the test part where there is one, else all; rejected rows are left out."""
    found = [row for row in rows if isinstance(row, Dialogue)]
    return [one for one in found if one.split == "test"] or found
