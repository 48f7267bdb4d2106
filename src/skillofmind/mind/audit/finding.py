"""What a check says: a verdict with its number, and the rows that a person should look at."""

from collections.abc import Iterable

from skillofmind.core.record import Record


class Finding(Record, frozen=True):
    """One row that a check points at.

    Attributes:
        check: name of the check.
        id: of the dialogue; of a row that is no dialogue, where it stands.
        why: one short sentence, with the numbers or words that raised it.
        turn: number of the turn, from 1; `None` where the whole dialogue is meant.
    """

    check: str
    id: str
    why: str
    turn: int | None = None


class Verdict(Record, frozen=True):
    """The number of a check against its limit.

    Attributes:
        check: name of the check; findings carry the same.
        count: rows, turns or pairs that were found.
        limit: most that is in order.
        hard: whether the corpus is not fit for use above the limit; others are for a person to look at.
        what: what is counted, in a few words.
    """

    check: str
    count: int
    limit: int
    hard: bool
    what: str

    def passed(self) -> bool:
        """Say whether the count is within the limit."""
        return self.count <= self.limit


def verdict(
    check: str, findings: Iterable[Finding], what: str, *, hard: bool = False, limit: int = 0
) -> Verdict:
    """Return the verdict of a check that counts its own findings."""
    return Verdict(check, sum(finding.check == check for finding in findings), limit, hard, what)
