"""Dialogues that are near-duplicates of one another, or of dialogues of other corpora.

MinHash (`data/duplicates.py`) finds pairs; each is confirmed by its exact Jaccard similarity over runs of
five words. The most similar pairs are listed even where they are far from being duplicates, so that the
distance is seen. Rows that share `meta.pair` are meant to be alike up to the annotated turn (their
context and skill differ): they are counted apart, and must stand in one split.
"""

from collections.abc import Iterable, Sequence

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.record import Record
from skillofmind.data.duplicates import Pair, near_duplicates
from skillofmind.mind.audit.finding import Finding, Verdict, verdict

DUPLICATE = 0.7
"""Jaccard similarity from which on two dialogues are duplicates."""

LISTED_FROM = 0.05
"""Least similarity of a pair that is listed among the most similar ones."""

_MOST = 10


class Copies(Record, frozen=True):
    """Near-duplicates within a corpus, or between it and another one.

    Attributes:
        duplicates: pairs at `DUPLICATE` or above, without those that are meant.
        meant: pairs of rows that share `meta.pair`, at `LISTED_FROM` or above.
        across_splits: of both, pairs that stand in different splits.
        nearest: the most similar pairs at `LISTED_FROM` or above, without those that are meant.
    """

    duplicates: int
    meant: int
    across_splits: int
    nearest: tuple[Pair, ...]


def copies_within(dialogues: Sequence[Dialogue], seed: int = 0) -> tuple[Copies, list[Finding]]:
    """Return the near-duplicates of a corpus; dialogues whose id is taken or empty are left out.

    Args:
        dialogues: the corpus.
        seed: of the MinHash functions.
    """
    rows: dict[str, Dialogue] = {}
    for dialogue in dialogues:
        if dialogue.id:
            rows.setdefault(dialogue.id, dialogue)
    near, found = [], []
    meant = across = 0
    for pair in near_duplicates(list(rows.values()), LISTED_FROM, seed):
        one, other = rows[pair.first], rows[pair.second]
        if _are_meant(one, other):
            meant += 1
        else:
            near.append(pair)
        if one.split != other.split and (pair.jaccard >= DUPLICATE or _are_meant(one, other)):
            across += 1
            found.append(Finding("split_leak", pair.first, f"{_near(pair)} stands in split {other.split!r}."))
    found += [Finding("duplicate", p.first, f"{_near(p)}.") for p in near if p.jaccard >= DUPLICATE]
    count = sum(pair.jaccard >= DUPLICATE for pair in near)
    return Copies(count, meant, across, most_similar(near)), found


def _are_meant(one: Dialogue, other: Dialogue) -> bool:
    pair = one.meta.get("pair")
    return pair is not None and pair == other.meta.get("pair")


def _near(pair: Pair) -> str:
    return f"near-duplicate {pair.second!r} (Jaccard {pair.jaccard:.2f})"


def most_similar(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the ten pairs of highest similarity."""
    ordered = sorted(pairs, key=lambda pair: (-pair.jaccard, pair.first, pair.second))
    return tuple(ordered[:_MOST])


def copies_between(pairs: Iterable[Pair], corpus: str) -> tuple[Copies, list[Finding]]:
    """Gather pairs of one of ours and one of another corpus, as `duplicates_between` yields them."""
    near = list(pairs)
    copied = [pair for pair in near if pair.jaccard >= DUPLICATE]
    found = [Finding("copied", pair.first, f"{_near(pair)} of {corpus}.") for pair in copied]
    return Copies(len(copied), 0, 0, most_similar(near)), found


def verdicts(found: Sequence[Finding]) -> tuple[Verdict, ...]:
    """Return the verdicts on near-duplicates."""
    return (
        verdict("duplicate", found, f"pairs of dialogues with Jaccard {DUPLICATE} or above", hard=True),
        verdict("split_leak", found, "near-duplicates in different splits", hard=True),
        verdict("copied", found, "near-duplicates of rows of other corpora", hard=True),
    )
