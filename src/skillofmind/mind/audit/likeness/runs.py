"""The longest runs of equal words between a corpus and others: what was copied, even into a long dialogue.

1. A dialogue is read as one sequence of units (words; character pairs in scripts without spaces).
2. All runs of `RUN` units of the audited corpus are hashed to 44 bits and kept with their row in one sorted
   array: eight bytes a word once it is built, whatever the other corpora hold.
3. The other corpora stream past; a row that shares a hash is compared exactly with the row it met, and the
   longest common run is reported.

    >>> from skillofmind.core.dialogue import Turn
    >>> song = "row row row your boat gently down the stream merrily merrily merrily merrily"
    >>> runs = Runs([Dialogue((Turn("A", song),), id="own:1")])
    >>> found = list(runs.with_others([Dialogue((Turn("B", song.upper()),), id="b:7")]))
    >>> [(run.first, run.second, run.words) for run in found]
    [('own:1', 'b:7', 13)]
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.scorers.diversity import grams
from skillofmind.scorers.overlap import units

RUN = 12
"""Units from which on a common run is reported."""

_PLACES = 20
_MASK = (1 << 44) - 1


class Run(Record, frozen=True):
    """The longest run of units that two dialogues have in common.

    Attributes:
        first: id of the one in the audited corpus.
        second: id of the other.
        words: units of the run.
        text: the run, without case and punctuation.
    """

    first: str
    second: str
    words: int
    text: str


class Runs:
    """The runs of a corpus of up to a million dialogues, to be looked for in others."""

    def __init__(self, dialogues: Sequence[Dialogue]) -> None:
        """Hash all runs of the dialogues.

        Args:
            dialogues: the audited corpus.

        Raises:
            ConfigurationError: there are more than 2^20 of them, which the array could not tell apart.
        """
        if len(dialogues) > 1 << _PLACES:
            raise ConfigurationError(f"{len(dialogues)!r} dialogues are too many; audit a million at a time.")
        self._rows = dialogues
        found = {key << _PLACES | place for place, row in enumerate(dialogues) for key in _keys(_words(row))}
        self._index = array("Q", sorted(found))

    def with_others(self, others: Iterable[Dialogue]) -> Iterator[Run]:
        """Yield, for every pair of one of ours and one of the others with a common run, the longest one."""
        for other in others:
            words = _words(other)
            for place in self._met(words):
                yield from _longest(self._rows[place], other, words)

    def within(self) -> Iterator[Run]:
        """Yield the longest run that two dialogues of the corpus share, unless they share `meta.pair`."""
        for place, row in enumerate(self._rows):
            words = _words(row)
            pair = row.meta.get("pair")
            for met in self._met(words):
                if met < place and (pair is None or pair != self._rows[met].meta.get("pair")):
                    yield from _longest(self._rows[met], row, words)

    def _met(self, words: Sequence[str]) -> list[int]:
        """Return the places of our rows that share a hash, ascending."""
        found: set[int] = set()
        index, last = self._index, len(self._index)
        for key in _keys(words):
            at = bisect_left(index, key << _PLACES)
            while at < last and index[at] >> _PLACES == key:
                found.add(index[at] & ((1 << _PLACES) - 1))
                at += 1
        return sorted(found)


def _words(dialogue: Dialogue) -> tuple[str, ...]:
    return units(" \n".join(turn.text for turn in dialogue.turns), dialogue.lang)


def _keys(words: Sequence[str]) -> Iterator[int]:
    # The built-in hash differs from process to process; what it finds is compared word by word.
    return (hash(gram) & _MASK for gram in grams(words, RUN))


def _longest(ours: Dialogue, other: Dialogue, words: Sequence[str]) -> Iterator[Run]:
    own = _words(ours)
    match = SequenceMatcher(None, own, words, autojunk=False).find_longest_match()
    if match.size >= RUN:
        yield Run(ours.id, other.id, match.size, " ".join(own[match.a : match.a + match.size]))
