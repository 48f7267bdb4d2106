"""Nearest neighbours by meaning: dialogues that tell the same in other words, and share no run of words.

1. A dialogue is cut into pieces: whole turns, as many as have at most `PIECE` words together.
2. An encoder makes a vector of length 1 of each piece.
3. How much of dialogue A another one, B, tells is

    likeness(A, B) = mean over pieces a of A of  max over pieces b of B of  cosine(a, b)

Of the other dialogues only the nearest to each of ours is kept, so they may stream past. Cost is the product
of the pieces of both sides, in numpy; making the vectors takes nearly all the time.

covered: English dialogues, whole; `ALIKE` separates rewritten ones from those that share a topic
(`benchmarks/likeness.py`).
not covered: other languages, whose texts the packaged encoder puts close together whatever they say; what
stands in one turn beyond the encoder's reading length; a copied sentence in a dialogue of another story.

    >>> import numpy as np
    >>> from skillofmind.core.dialogue import Turn
    >>> letters = lambda texts: np.array([[t.count("a"), t.count("c")] for t in texts], np.float32) / 2
    >>> ours = Meanings([Dialogue((Turn("A", "a a"),), id="own:1")], letters)
    >>> search = ours.search()
    >>> search.add(Dialogue((Turn("B", "c c"),), id="b:1"))
    >>> search.add(Dialogue((Turn("B", "aa"),), id="b:2"))
    >>> search.found().nearest
    (Near(first='own:1', second='b:2', cosine=1.0),)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.mind.audit.finding import Finding, Verdict, verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Encode = Callable[[Sequence[str]], Floats]

ALIKE = 0.8
"""Likeness from which on a dialogue is looked at as another one in other words."""

PIECE = 80
"""Most words of a piece, unless one turn has more: about 110 tokens, of the 128 that the encoder reads."""

LANGUAGES = ("en", "")
"""Languages that are compared; "" is an unknown one."""

_CHUNK = 512
_MOST = 10
_SHARES = (0.5, 0.95, 0.99, 1.0)


class Near(Record, frozen=True):
    """A dialogue of ours, the one nearest to it, and how much of ours that one tells (-1 to 1)."""

    first: str
    second: str
    cosine: float


class Likeness(Record, frozen=True):
    """What is near by meaning.

    Attributes:
        ours: dialogues of ours that were compared.
        others: dialogues that they were compared with.
        unread: others that were left out, because the encoder does not read their language.
        alike: dialogues of ours whose nearest is at `ALIKE` or above.
        quantiles: of the likeness of the nearest to each of ours; the key is the share below.
        nearest: the ten nearest pairs, and all that are alike.
    """

    ours: int
    others: int
    unread: int
    alike: int
    quantiles: dict[str, float]
    nearest: tuple[Near, ...]

    def findings(self, check: str, where: str = "") -> Iterator[Finding]:
        """Yield a finding for every dialogue that is alike; `where` is added to the id of the other."""
        for near in self.nearest:
            if near.cosine >= ALIKE:
                yield Finding(
                    check, near.first, f"tells the same as {near.second!r}{where} ({near.cosine:.2f})."
                )


class Meanings:
    """The vectors of a corpus, to be compared with itself and others."""

    def __init__(self, dialogues: Iterable[Dialogue], encode: "Encode") -> None:
        """Encode the dialogues whose language is read.

        Args:
            dialogues: the audited corpus.
            encode: texts -> vectors [texts, size] of length 1.

        Raises:
            ConfigurationError: the encoder gave more or fewer vectors than texts.
        """
        self._encode = encode
        self._all = list(dialogues)
        self.read = [row for row in self._all if is_read(row)]
        self.cut = [pieces(row) for row in self.read]
        self.vectors = vectors_of([text for texts in self.cut for text in texts], encode)

    def within(self) -> Likeness:
        """Return what is near inside the corpus; rows that share `meta.pair` are not compared."""
        search = self.search()
        for row in self._all:
            search.add(row, _group(row))
        return search.found()

    def search(self) -> "Search":
        """Return an empty search for neighbours of this corpus."""
        return Search(self, self._encode)


class Search:
    """Takes dialogues as they come, and keeps of them the nearest to each of ours."""

    def __init__(self, ours: Meanings, encode: "Encode") -> None:
        """Start with nothing found."""
        self._ours, self._encode = ours, encode
        self._groups = [_group(row) for row in ours.read]
        self._waiting: list[tuple[str, str, list[str]]] = []
        self._best = [-1.0] * len(ours.read)
        self._who = [""] * len(ours.read)
        self._others = self._unread = 0

    def add(self, dialogue: Dialogue, group: str = "") -> None:
        """Compare a dialogue with ours, apart from those of the same `group`."""
        if not is_read(dialogue):
            self._unread += 1
            return
        self._others += 1
        self._waiting.append((dialogue.id, group, pieces(dialogue)))
        if sum(len(texts) for _, _, texts in self._waiting) >= _CHUNK:
            self._compare()

    def found(self) -> Likeness:
        """Return what was found so far."""
        import numpy as np

        self._compare()
        ids = [row.id for row in self._ours.read]
        pairs = zip(ids, self._who, self._best, strict=True)
        near = [Near(first, second, cosine) for first, second, cosine in pairs]
        ordered = sorted((one for one in near if one.second), key=lambda one: (-one.cosine, one.first))
        alike = sum(one.cosine >= ALIKE for one in ordered)
        values = [one.cosine for one in ordered]
        return Likeness(
            ours=len(near),
            others=self._others,
            unread=self._unread,
            alike=alike,
            quantiles={f"{q:g}": round(float(np.quantile(values, q)), 4) for q in _SHARES if values},
            nearest=tuple(ordered[: max(_MOST, alike)]),
        )

    def _compare(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting or not self._ours.read:
            return
        vectors = vectors_of([text for _, _, texts in waiting for text in texts], self._encode)
        found = likeness(self._ours.vectors, self._ours.cut, vectors, [texts for _, _, texts in waiting])
        for place, group in enumerate(self._groups):
            for column, (_, other, _) in enumerate(waiting):
                if other and other == group:
                    found[place, column] = -1
        for place, column in enumerate(found.argmax(axis=1).tolist()):
            cosine = round(min(1.0, float(found[place, column])), 4)
            if cosine > self._best[place]:
                self._best[place], self._who[place] = cosine, waiting[column][0]


def is_read(dialogue: Dialogue) -> bool:
    """Say whether a dialogue is in one of `LANGUAGES` and has words."""
    return dialogue.lang.partition("-")[0] in LANGUAGES and any(turn.text.strip() for turn in dialogue.turns)


def pieces(dialogue: Dialogue) -> list[str]:
    """Return the texts of the turns, as many together as have at most `PIECE` words."""
    found: list[list[str]] = [[]]
    words = 0
    for turn in dialogue.turns:
        more = len(turn.text.split())
        if found[-1] and words + more > PIECE:
            found.append([])
            words = 0
        if more:
            found[-1].append(turn.text)
            words += more
    return ["\n".join(texts) for texts in found if texts]


def likeness(
    ours: "Floats",
    our_pieces: Sequence[Sequence[str]],
    others: "Floats",
    other_pieces: Sequence[Sequence[str]],
) -> "Floats":
    """Return likeness [dialogues of ours, other dialogues]; vectors [pieces, size] follow the dialogues."""
    import numpy as np

    starts, sizes = _places(our_pieces)
    other_starts, _ = _places(other_pieces)
    highest = np.maximum.reduceat(ours @ others.T, other_starts, axis=1)
    sums = np.add.reduceat(highest, starts, axis=0)
    return np.asarray(sums / sizes[:, None], dtype=np.float32)


def vectors_of(texts: Sequence[str], encode: "Encode") -> "Floats":
    """Return the vectors of texts.

    Raises:
        ConfigurationError: the encoder gave more or fewer vectors than texts.
    """
    import numpy as np

    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    vectors = encode(texts)
    if len(vectors) != len(texts):
        raise ConfigurationError(
            f"the encoder gave {len(vectors)!r} vectors for {len(texts)!r} texts; one each."
        )
    return vectors


def verdicts(found: Sequence[Finding], others: bool) -> Iterator[Verdict]:
    """Yield the verdicts on what is alike: within, and where there are others, against them."""
    yield verdict("alike", found, f"dialogues that tell what another one tells (likeness {ALIKE} or above)")
    if others:
        yield verdict("alike_other", found, "dialogues that tell what a row of another corpus tells")


def _group(dialogue: Dialogue) -> str:
    return f"pair {dialogue.meta['pair']}" if dialogue.meta.get("pair") else f"row {dialogue.id}"


def _places(cut: Sequence[Sequence[str]]) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    import numpy as np

    sizes = np.array([len(texts) for texts in cut], dtype=np.int64)
    return np.cumsum(sizes) - sizes, sizes
