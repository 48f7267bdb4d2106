"""The whole audit of a corpus, as one record.

>>> from skillofmind.mind.taxonomy import load_taxonomy
>>> found = audit([], load_taxonomy())
>>> found.composition.dialogues, found.passed()
(0, True)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.record import Record
from skillofmind.data.duplicates import Pair, duplicates_between
from skillofmind.data.jsonl import Rejected
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.audit import annotations, composition, labels, unsafe, variety
from skillofmind.mind.audit.composition import Composition
from skillofmind.mind.audit.finding import Finding, Verdict
from skillofmind.mind.audit.labels import LabelAgreement
from skillofmind.mind.audit.likeness import copies, nearest
from skillofmind.mind.audit.likeness.copies import Copies
from skillofmind.mind.audit.likeness.nearest import Likeness, Meanings, Search
from skillofmind.mind.audit.likeness.runs import Run, Runs
from skillofmind.mind.audit.people import People, people
from skillofmind.mind.audit.variety import Sample, Variety
from skillofmind.mind.taxonomy import Taxonomy

if TYPE_CHECKING:
    from skillofmind.mind.audit.likeness.nearest import Encode

_LONGEST = 50


class Against(Record, frozen=True):
    """What the audited corpus has in common with another one.

    Attributes:
        corpus: name.
        dialogues: dialogues of it.
        rejected: rows of it that are no dialogues.
        copies: near-duplicates between the two.
        runs: pairs of dialogues with a common run of `RUN` words or more.
        longest: the longest of these runs.
        meaning: what is near by meaning; `None` where no encoder was there.
    """

    corpus: str
    dialogues: int
    rejected: int
    copies: Copies
    runs: int
    longest: tuple[Run, ...]
    meaning: Likeness | None = None


class Audit(Record, frozen=True):
    """Everything that was found.

    Attributes:
        composition: what there is.
        agreement: of the two annotators; `None` without labels of both.
        leakage: means over annotated turns.
        copies: near-duplicates within.
        runs: pairs of dialogues with a common run within.
        longest: the longest of these.
        against: other corpora, in the order given.
        variety: diversity at an equal number of tokens, ours first, by language.
        distinct: language -> k -> distinct-k over all our turns.
        people: names, ages, places, stated gender.
        verdicts: each check with its number and limit.
        findings: the rows behind them, by check.
        seed: of the draws.
        taxonomy: identity of the taxonomy.
        meaning: what is near by meaning within; `None` where no encoder was there.
    """

    composition: Composition
    agreement: LabelAgreement | None
    leakage: annotations.Leakage
    copies: Copies
    runs: int
    longest: tuple[Run, ...]
    against: tuple[Against, ...]
    variety: tuple[Variety, ...]
    distinct: dict[str, dict[str, float]]
    people: People
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    seed: int = 0
    taxonomy: str = ""
    meaning: Likeness | None = None

    def passed(self) -> bool:
        """Say whether all hard checks are within their limits."""
        return all(verdict.passed() for verdict in self.verdicts if verdict.hard)


def audit(
    rows: Iterable[Dialogue | Rejected],
    taxonomy: Taxonomy,
    against: Mapping[str, Iterable[Dialogue | Rejected]] | None = None,
    *,
    filters: Filters | None = None,
    seed: int = 0,
    encode: "Encode | None" = None,
) -> Audit:
    """Run all checks.

    Args:
        rows: the corpus, held in memory; rows that are no dialogues are findings.
        taxonomy: the skills that there are.
        against: name -> rows of another corpus, each read once as they come; its rejected rows are counted.
        filters: thresholds of the annotation filters.
        seed: of MinHash and of the samples.
        encode: texts -> vectors [texts, size] of length 1; with it dialogues are compared by meaning, too.
    """
    read = list(rows)
    dialogues = [row for row in read if isinstance(row, Dialogue)]
    rejected = [Finding("row", f"{r.source}:{r.line}", r.reason) for r in read if isinstance(r, Rejected)]
    judged = list(annotations.judged(dialogues, filters))
    rated = list(labels.ratings(dialogues))
    within, copied = copies.copies_within(dialogues, seed)
    runs = Runs(dialogues)
    repeated = longest_first(runs.within())
    sample = Sample("", seed)
    for dialogue in dialogues:
        sample.add(dialogue)
    meanings = Meanings(dialogues, encode) if encode else None
    meaning = meanings.within() if meanings else None
    ours = _Ours(dialogues, runs, meanings, seed)
    others = [_against(name, part, ours) for name, part in (against or {}).items()]
    found = [
        *rejected,
        *composition.malformed(dialogues),
        *annotations.findings(judged, taxonomy),
        *labels.findings(rated, taxonomy),
        *copied,
        *(meaning.findings("alike") if meaning else ()),
        *chain.from_iterable(other.findings for other in others),
        *unsafe.findings(dialogues),
    ]
    return Audit(
        composition=composition.composition(dialogues, taxonomy),
        agreement=labels.agreement(rated, taxonomy),
        leakage=annotations.leakage(judged),
        copies=within,
        runs=len(repeated),
        longest=tuple(repeated[:_LONGEST]),
        against=tuple(other.against for other in others),
        variety=variety.compared(sample, [other.sample for other in others]),
        distinct={lang: variety.full_distinct(dialogues, lang) for lang in sorted(sample.turns)},
        people=people(dialogues),
        verdicts=_verdicts(
            found,
            any(row.first or row.second for row in rated),
            [other.against for other in others],
            meaning is not None,
        ),
        findings=tuple(found),
        seed=seed,
        taxonomy=taxonomy.identity(),
        meaning=meaning,
    )


class _Ours(Record, frozen=True):
    """The audited corpus, ready to be compared with others."""

    dialogues: list[Dialogue]
    runs: Runs
    meanings: Meanings | None
    seed: int


class _Other(Record, frozen=True):
    """Another corpus, read."""

    against: Against
    findings: tuple[Finding, ...]
    sample: Sample


class _Passing:
    """Another corpus as it streams past: what is counted of it on the way."""

    def __init__(self, rows: Iterable[Dialogue | Rejected], ours: _Ours, sample: Sample) -> None:
        self.dialogues = self.rejected = 0
        self.found: list[Run] = []
        self.search: Search | None = ours.meanings.search() if ours.meanings else None
        self._rows, self._runs, self._sample = rows, ours.runs, sample

    def __iter__(self) -> Iterator[Dialogue]:
        for row in self._rows:
            if isinstance(row, Rejected):
                self.rejected += 1
                continue
            self.dialogues += 1
            self._sample.add(row)
            self.found += self._runs.with_others((row,))
            if self.search:
                self.search.add(row)
            yield row


def _against(name: str, rows: Iterable[Dialogue | Rejected], ours: _Ours) -> _Other:
    sample = Sample(name, ours.seed)
    passing = _Passing(rows, ours, sample)
    pairs: Iterator[Pair] = duplicates_between(ours.dialogues, passing, copies.LISTED_FROM, ours.seed)
    near, copied = copies.copies_between(pairs, name)
    longest = longest_first(passing.found)
    copied += [
        Finding("shared_run", run.first, f"{run.words} words as in {run.second!r} of {name}: {run.text!r}")
        for run in longest[:_LONGEST]
    ]
    meaning = passing.search.found() if passing.search else None
    copied += meaning.findings("alike_other", f" of {name}") if meaning else ()
    counts = (passing.dialogues, passing.rejected)
    against = Against(name, *counts, near, len(longest), tuple(longest[:_LONGEST]), meaning)
    return _Other(against, tuple(copied), sample)


def longest_first(runs: Iterable[Run]) -> list[Run]:
    """Return runs by falling length."""
    return sorted(runs, key=lambda run: (-run.words, run.first, run.second))


def _verdicts(
    found: Sequence[Finding], labelled: bool, others: Sequence[Against], by_meaning: bool
) -> tuple[Verdict, ...]:
    """Return the verdicts of the checks that were made, those of one topic together."""
    shared = Verdict(
        "shared_run",
        sum(other.runs for other in others),
        0,
        False,
        "long runs of words that another corpus has, too",
    )
    return (
        *composition.verdicts(found),
        *annotations.verdicts(found),
        *(labels.verdicts(found) if labelled else ()),
        *(verdict for verdict in copies.verdicts(found) if others or verdict.check != "copied"),
        *((shared,) if others else ()),
        *(nearest.verdicts(found, bool(others)) if by_meaning else ()),
        *unsafe.verdicts(found),
    )
