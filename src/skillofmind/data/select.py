r"""Which turns of a dialogue become targets, and how many instances each source gives.

An *instance* is a dialogue as it stood just before one of its turns, with that turn as the target. The
selections are pure functions from a dialogue to target indices; `THANOS_QUOTAS` and `thanos_selection` are
the choice of the Thanos data (arXiv 2411.04496): prefixes of even length from 4 turns up, in Stark only those
that end with a shared picture or with the session, 100,000 in all. Quotas are drawn by the hash of seed and
id, so neither the order of the input nor other sources change the draw; memory is bounded by the quotas.

    >>> from skillofmind.core.dialogue import Turn
    >>> talk = Dialogue(tuple(Turn("AB"[n % 2], f"turn {n}") for n in range(7)), id="own:1")
    >>> even_prefixes(talk)
    (3, 5)
    >>> [(one.id, one.target.text, len(one.context.turns)) for one in instances(talk, even_prefixes)]
    [('0:own:1', 'turn 3', 3), ('1:own:1', 'turn 5', 5)]
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.picture import image_of
from skillofmind.core.record import Record
from skillofmind.data.files import open_binary, source_name
from skillofmind.data.jsonl import Rejected, first_fields

Selection = Callable[[Dialogue], tuple[int, ...]]
"""Dialogue -> indices of its target turns, ascending."""

SHORTEST_PREFIX = 4
"""Turns of the shortest prefix that the Thanos data keep, the target included."""


class Instance(Record, frozen=True):
    """One target turn with everything before it.

    Attributes:
        id: `<prefix number>:<dialogue id>`; prefixes are numbered from 0 in the order of the selection.
        context: the dialogue cut before the target, whose speaker is the `responder`.
        target: the turn to plan for or to learn from.
        index: place of the target in the whole dialogue, from 0.
    """

    id: str
    context: Dialogue
    target: Turn
    index: int


class Drawn(NamedTuple):
    """What `quota` drew.

    Attributes:
        instances: mixed by the seed; no id twice.
        offered: source -> instances seen; sources without a quota are counted too.
        short: source -> instances missing from its quota; sources with enough are left out.
    """

    instances: tuple[Instance, ...]
    offered: dict[str, int]
    short: dict[str, int]


def even_prefixes(dialogue: Dialogue) -> tuple[int, ...]:
    """Return the last turn of every prefix of 4, 6, 8, ... turns; an odd last turn is never a target."""
    return _ends_of(range(SHORTEST_PREFIX, len(dialogue.turns) + 1))


def image_prefixes(dialogue: Dialogue) -> tuple[int, ...]:
    """Return every turn that shares a picture, and the last turn, where their prefix is even and long enough.

    A dialogue without a shared picture has no target: the rule is for sessions that have one.
    """
    pictures = [length for length, turn in enumerate(dialogue.turns, 1) if shares_image(turn)]
    return _ends_of([*pictures, len(dialogue.turns)] if pictures else [])


def _ends_of(lengths: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({n - 1 for n in lengths if n >= SHORTEST_PREFIX and n % 2 == 0}))


def every_turn(dialogue: Dialogue) -> tuple[int, ...]:
    """Return every turn but the first, which answers nothing."""
    return tuple(range(1, len(dialogue.turns)))


def annotated_turns(dialogue: Dialogue) -> tuple[int, ...]:
    """Return the turns with a skill annotation, the first turn left out."""
    return tuple(index for index in every_turn(dialogue) if dialogue.turns[index].annotations)


def labelled_turns(dialogue: Dialogue) -> tuple[int, ...]:
    """Return the turns with a human label, the first turn left out."""
    return tuple(index for index in every_turn(dialogue) if dialogue.turns[index].labels)


def by_speaker(key: str) -> Selection:
    """Make the selection of the turns of one speaker, the first turn of the dialogue left out."""

    def turns_of_speaker(dialogue: Dialogue) -> tuple[int, ...]:
        return tuple(index for index in every_turn(dialogue) if dialogue.turns[index].speaker == key)

    return turns_of_speaker


def thanos_selection(dialogue: Dialogue) -> tuple[int, ...]:
    """Return the targets that the Thanos data take: `image_prefixes` of Stark, `even_prefixes` of others."""
    return image_prefixes(dialogue) if dialogue.corpus == "stark" else even_prefixes(dialogue)


SELECTIONS: dict[str, Selection] = {
    "thanos": thanos_selection,
    "even_prefixes": even_prefixes,
    "image_prefixes": image_prefixes,
    "every_turn": every_turn,
    "annotated_turns": annotated_turns,
    "labelled_turns": labelled_turns,
}
"""Name -> selection, for options; `by_speaker` needs a key."""

THANOS_QUOTAS: dict[str, int] = {
    "soda": 20_000,
    "conversation_chronicles": 20_000,
    "prosocial": 20_000,
    "multiwoz": 10_000,
    "stark": 5_000,
    "wizard_of_wikipedia": 5_000,
    "pearl": 5_000,
    "synthetic_persona_chat": 5_000,
    "empathetic_dialogues": 2_500,
    "cactus": 2_500,
    "casino": 2_500,
    "persuasionforgood": 2_500,
}
"""Corpus -> instances that the Thanos data ask of it; 100,000 in all."""


def shares_image(turn: Turn) -> bool:
    """Say whether a picture is shared, as data or as `[Sharing Image: ...]` or `[Sharing Image] ...`."""
    return image_of(turn) is not None


def instances(dialogue: Dialogue, selection: Selection) -> Iterator[Instance]:
    """Yield one instance for each target of the selection."""
    for number, index in enumerate(selection(dialogue)):
        yield Instance(f"{number}:{dialogue.id}", dialogue.before(index), dialogue.turns[index], index)


def write_instances(rows: Iterable[Instance]) -> Iterator[bytes]:
    """Yield each instance as one line of JSON, line end included."""
    for row in rows:
        yield msgspec.json.encode(row) + b"\n"


def holds_instances(head: bytes) -> bool:
    """Say whether a file with these first bytes is one that `write_instances` wrote."""
    return {"id", "context", "target"} <= set(first_fields(head))


def read_instances(path: Path) -> Iterator[Instance | Rejected]:
    """Yield the instances of a file that `write_instances` wrote, compressed or not.

    Raises:
        DataError: the file cannot be read.
    """
    decode = msgspec.json.Decoder(Instance).decode
    with open_binary(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                line.decode()  # msgspec does not look into strings
                yield decode(line)
            except ValueError as error:
                yield Rejected(source_name(path), number, f"not an instance: {error}; see `som data select`.")


def quota(rows: Iterable[Instance], quotas: Mapping[str, int], seed: int) -> Drawn:
    """Draw from every source as many instances as its quota says, or all there are.

    The draw depends on seed and ids alone, not on the order of `rows` or on other sources. Instances with
    equal ids count once. Memory is bounded by the quotas.

    Args:
        rows: instances of any sources, told apart by the corpus of their context.
        quotas: source -> instances to draw; other sources give none.
        seed: of the draw.

    Raises:
        ConfigurationError: a quota is negative.
    """
    _check(quotas)
    heaps: dict[str, list[tuple[int, str]]] = {source: [] for source in quotas}
    kept: dict[str, Instance] = {}
    offered: Counter[str] = Counter()
    for row in rows:
        source = row.context.corpus
        offered[source] += 1
        key = f"{source}\0{row.id}\0{row.index}"
        if source in quotas and key not in kept:
            _keep_smallest_(heaps[source], kept, (-_rank(key, seed), key), row, quotas[source])
    chosen = sorted((entry for heap in heaps.values() for entry in heap), reverse=True)
    short = {source: quotas[source] - len(heap) for source, heap in heaps.items()}
    return Drawn(
        tuple(kept[key] for _, key in chosen),
        dict(offered),
        {source: missing for source, missing in short.items() if missing},
    )


def _check(quotas: Mapping[str, int]) -> None:
    for source, count in quotas.items():
        if count < 0:
            raise ConfigurationError(f"quota of {source!r} is {count!r}; give 0 or more instances.")


def _rank(key: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{key}".encode()).digest()[:16])


def _keep_smallest_(
    heap: list[tuple[int, str]], kept: dict[str, Instance], entry: tuple[int, str], row: Instance, size: int
) -> None:
    """Keep an instance while it is among the `size` of lowest rank; the heap holds ranks negated."""
    if len(heap) < size:
        heapq.heappush(heap, entry)
        kept[entry[1]] = row
    elif size and entry > heap[0]:
        dropped = heapq.heapreplace(heap, entry)
        del kept[dropped[1]]
        kept[entry[1]] = row
