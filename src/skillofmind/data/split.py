"""Splits that keep together what belongs together.

A dialogue's *group* is all that would give the answer away: the sessions of an episode, the two halves of a
pair, one dialogue in several languages, with several endings or in two files, and, where near-duplicate
clusters are given, every group that a cluster touches. The hash of seed and group name alone decides a
group's split, so adding or reordering dialogues moves nothing (but for groups that a new cluster ties
together).

    >>> one = Dialogue((), id="conversation_chronicles:17:session2")
    >>> group_of(one)
    'conversation_chronicles:17'
    >>> split_of(group_of(one), {"train": 0.9, "test": 0.1}, seed=1)
    'train'
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.identity import fingerprint

GROUP_KEYS = ("group", "pair", "episode", "parallel", "exercise")
"""Fields of `Dialogue.meta` that name a group; the first one present counts."""

_SESSION = re.compile(r"session[_-]?\d+", re.IGNORECASE)
_PERSUASION = "persuasionforgood"


def group_of(dialogue: Dialogue) -> str:
    """Return the name of the group that a dialogue must stay with.

    The first of these that applies: a field of `meta` (see `GROUP_KEYS`); for PersuasionForGood the dialogue
    id, so that the 300 annotated dialogues stay with their copies among the 1,017; the id without its
    session and language parts; for a dialogue without id, a hash of its turns.
    """
    for key in GROUP_KEYS:
        if dialogue.meta.get(key) is not None:
            return f"{dialogue.corpus}:{key}:{dialogue.meta[key]}"
    if not dialogue.id:
        return f"turns:{fingerprint([(turn.speaker, turn.text) for turn in dialogue.turns])}"
    parts = dialogue.id.split(":")
    if parts[0].startswith(_PERSUASION):
        return f"{_PERSUASION}:{parts[-1]}"
    kept = [part for part in parts[1:] if not (_SESSION.fullmatch(part) or _is_language(part, dialogue.lang))]
    return ":".join([parts[0], *(kept or parts[1:])])


def _is_language(part: str, lang: str) -> bool:
    known = {lang.casefold(), lang.partition("-")[0].casefold()} - {""}
    return part.casefold() in known


def split_of(group: str, shares: Mapping[str, float], seed: int) -> str:
    """Return the split of a group.

    Args:
        group: as `group_of` names it.
        shares: split name -> share of the groups; they sum to 1, and their order matters.
        seed: another seed gives another split.

    Raises:
        ConfigurationError: a share is negative, or they do not sum to 1.
    """
    _check(shares)
    point = int.from_bytes(hashlib.sha256(f"{seed}\0{group}".encode()).digest()[:8]) / 2**64
    for name, share in shares.items():
        point -= share
        if point < 0:
            return name
    # Rounding may leave a last crumb above the sum of the shares.
    return [name for name, share in shares.items() if share > 0][-1]


def _check(shares: Mapping[str, float]) -> None:
    total = math.fsum(shares.values())
    if any(not share >= 0 for share in shares.values()) or not math.isclose(total, 1.0, abs_tol=1e-9):
        raise ConfigurationError(
            f"shares {dict(shares)!r} sum to {total:g}; give shares of 0 or more, sum 1."
        )


def split(
    dialogues: Iterable[Dialogue],
    shares: Mapping[str, float],
    seed: int,
    clusters: Mapping[str, str] | None = None,
) -> Iterator[Dialogue]:
    """Yield the dialogues with `split` set, in their order; a split they came with is overwritten.

    Args:
        dialogues: streamed without clusters, kept in memory with them.
        shares: split name -> share of the groups, sum 1.
        seed: of the split.
        clusters: dialogue id -> cluster of near-duplicates (see `duplicates.clusters`); a cluster and every
            group that it touches go to one split.

    Raises:
        ConfigurationError: a share is negative, or they do not sum to 1.
    """
    _check(shares)
    if clusters:
        dialogues = list(dialogues)
    joined = joined_groups(dialogues, clusters) if clusters else {}
    for dialogue in dialogues:
        group = group_of(dialogue)
        yield msgspec.structs.replace(dialogue, split=split_of(joined.get(group, group), shares, seed))


def joined_groups(dialogues: Iterable[Dialogue], clusters: Mapping[str, str]) -> dict[str, str]:
    """Return group -> the first, by name, of the groups that clusters tie it to; others are left out."""
    first: dict[str, str] = {}
    edges = []
    for dialogue in dialogues:
        if dialogue.id in clusters:
            group = group_of(dialogue)
            edges.append((group, first.setdefault(clusters[dialogue.id], group)))
    return components(edges)


def shared_groups(
    dialogues: Iterable[Dialogue], clusters: Mapping[str, str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return group -> its splits, for every group (or cluster) that stands in more than one split."""
    rows = list(dialogues)
    joined = joined_groups(rows, clusters) if clusters else {}
    found: dict[str, set[str]] = {}
    for dialogue in rows:
        group = group_of(dialogue)
        found.setdefault(joined.get(group, group), set()).add(dialogue.split or "")
    return {group: tuple(sorted(splits)) for group, splits in found.items() if len(splits) > 1}


def components(edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return node -> the first, by name, of all nodes that edges connect it to (union-find)."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]
        return node

    for one, other in edges:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {node: root(node) for node in list(parent)}
