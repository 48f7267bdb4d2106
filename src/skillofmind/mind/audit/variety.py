"""How varied the turns are, next to other corpora: distinct-k at an equal number of tokens, and self-BLEU.

Languages are kept apart: a Korean word carries what English spreads over several, so its k-grams repeat less.
A `Sample` keeps the `KEPT` turns of lowest hash rank of a corpus and language, so memory is bounded and the
draw depends on seed, ids and texts alone. All samples of one language are cut to the tokens of the smallest
(at most `TOKENS`); one of fewer than `LEAST` tokens is left out. Self-BLEU takes turns of at least four
tokens, `CANDIDATES` of them against as many others.
"""

import hashlib
import heapq
from collections.abc import Mapping, Sequence

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.picture import spoken
from skillofmind.core.record import Record
from skillofmind.scorers.bleu import ORDER, self_bleu
from skillofmind.scorers.diversity import distinct, first_tokens
from skillofmind.scorers.overlap import units

KEPT = 5000
"""Turns of a sample."""

TOKENS, LEAST = 20_000, 10_000
"""Tokens that are compared at most, and at least."""

CANDIDATES = 500
"""Turns whose self-BLEU is taken, and references for them."""

_Tokens = tuple[str, ...]


class Variety(Record, frozen=True):
    """The measures of one corpus in one language.

    Attributes:
        corpus: name.
        lang: language; "" where the corpus does not say.
        turns: turns of the corpus in this language.
        tokens: tokens that distinct-k was taken over.
        distinct: k ("1", "2", "3") -> distinct k-grams / all k-grams.
        candidates: turns whose self-BLEU was taken.
        self_bleu: mean BLEU-4 against other turns, 0 to 1; `None` where there are too few turns.
        words: mean tokens of a turn in the sample.
    """

    corpus: str
    lang: str
    turns: int
    tokens: int
    distinct: dict[str, float]
    candidates: int
    self_bleu: float | None
    words: float


class Sample:
    """Turns drawn from one corpus as it streams past, by language.

    Attributes:
        corpus: name.
        turns: language -> turns seen.
        tokens: language -> tokens seen.
    """

    def __init__(self, corpus: str, seed: int = 0) -> None:
        """Start empty; the seed is that of the draw."""
        self.corpus = corpus
        self.turns: dict[str, int] = {}
        self.tokens: dict[str, int] = {}
        self._seed = seed
        self._kept: dict[str, list[tuple[int, int, _Tokens]]] = {}

    def add(self, dialogue: Dialogue) -> None:
        """Offer the turns of a dialogue; pictures and turns without any word do not count."""
        for number, turn in enumerate(dialogue.turns):
            lang = turn.lang or dialogue.lang
            tokens = units(spoken(turn), lang)
            if tokens:
                lang = lang.partition("-")[0].lower()
                self.turns[lang] = self.turns.get(lang, 0) + 1
                self.tokens[lang] = self.tokens.get(lang, 0) + len(tokens)
                self._keep_(lang, f"{self._seed}\0{dialogue.id}\0{number}\0{turn.text}", tokens)

    def _keep_(self, lang: str, key: str, tokens: _Tokens) -> None:
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        entry = (-int.from_bytes(digest), self.turns[lang], tokens)
        heap = self._kept.setdefault(lang, [])
        if len(heap) < KEPT:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)

    def drawn(self, lang: str) -> list[_Tokens]:
        """Return the tokens of the turns that were drawn, in the order of the draw."""
        return [tokens for _, _, tokens in sorted(self._kept.get(lang, []), reverse=True)]


def full_distinct(dialogues: Sequence[Dialogue], lang: str) -> dict[str, float]:
    """Return k -> distinct-k over all turns of a language, at no matter which number of tokens."""
    texts = [
        units(spoken(turn), lang)
        for dialogue in dialogues
        for turn in dialogue.turns
        if (turn.lang or dialogue.lang).partition("-")[0].lower() == lang
    ]
    return _distinct(texts)


def compared(ours: Sample, others: Sequence[Sample]) -> tuple[Variety, ...]:
    """Return the measures of our corpus and of each other one in the same language, ours first.

    A corpus that does not name its language is not compared.
    """
    found: list[Variety] = []
    for lang in sorted(ours.turns):
        drawn = {sample.corpus: sample.drawn(lang) for sample in (ours, *others)}
        sizes = {name: sum(map(len, texts)) for name, texts in drawn.items()}
        taken = [name for name in drawn if name == ours.corpus or sizes[name] >= LEAST]
        tokens = min(TOKENS, *(sizes[name] for name in taken))
        turns = {sample.corpus: sample.turns.get(lang, 0) for sample in (ours, *others)}
        found += (_variety(name, lang, turns[name], drawn[name], tokens) for name in taken)
    return tuple(found)


def _variety(corpus: str, lang: str, turns: int, drawn: Sequence[_Tokens], tokens: int) -> Variety:
    cut = first_tokens(drawn, tokens)
    long = [text for text in drawn if len(text) >= ORDER]
    size = min(CANDIDATES, len(long) // 2)
    return Variety(
        corpus=corpus,
        lang=lang,
        turns=turns,
        tokens=sum(map(len, cut)),
        distinct=_distinct(cut),
        candidates=size,
        self_bleu=self_bleu(long[:size], long[size : 2 * size]) if size == CANDIDATES else None,
        words=sum(map(len, drawn)) / len(drawn) if drawn else 0.0,
    )


def _distinct(texts: Sequence[Sequence[str]]) -> dict[str, float]:
    found: Mapping[str, float | None] = {str(order): distinct(texts, order) for order in (1, 2, 3)}
    return {order: value for order, value in found.items() if value is not None}
