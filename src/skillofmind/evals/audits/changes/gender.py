"""Swapping the gender of English words: nouns, pronouns and forms of address.

"he" and "she" swap places, and so do the words of the table. "her" is "him" or "his", decided by the word
behind it and a preposition before it; where that decides nothing, the whole item is left out. The control
edit takes another word of the *same* gender ("mother", "mom"), so it touches nouns only.
"""

from collections.abc import Callable, Iterator
from functools import cache

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.audits.arms import Change, Scene
from skillofmind.evals.audits.changes.paraphrase import cased
from skillofmind.evals.audits.changes.people import Gendered
from skillofmind.evals.audits.changes.texts import WORD, texts_of, with_texts

_PRONOUNS = {"him", "his", "her", "hers"}
_STARTS = frozenset(".!?:;\n")


class _Undecided(ValueError):
    """A word whose other gender cannot be told."""


def opposite(gendered: Gendered) -> Change:
    """Make the change that swaps every word with a gender for that of the other one."""

    def swap(scene: Scene) -> Dialogue | None:
        return _rewritten(scene.dialogue, lambda text: swapped(text, gendered))

    return swap


def same(gendered: Gendered) -> Change:
    """Make the control edit: nouns for others of the same gender, where the swap would apply, too."""
    table = {word: other for pair in gendered.same for word, other in (pair, pair[::-1])}

    def stand_in(text: str) -> str:
        return WORD.sub(lambda found: cased(found[0], table), text)

    def swap(scene: Scene) -> Dialogue | None:
        if _rewritten(scene.dialogue, lambda text: swapped(text, gendered)) is None:
            return None
        return _rewritten(scene.dialogue, stand_in)

    return swap


def swapped(text: str, gendered: Gendered) -> str:
    """Return a text with every gender swapped.

    Raises:
        ValueError: a "her" that could be "him" or "his".
    """
    table = _table(gendered)
    found = list(WORD.finditer(text))
    pieces, end = [], 0
    for place, match in enumerate(found):
        word = _plain(match[0])
        other = _pronoun(text, place, gendered) if word in _PRONOUNS else table.get(word, "")
        pieces += [text[end : match.start()], cased(match[0], {word: other} if other else {})]
        end = match.end()
    return "".join([*pieces, text[end:]])


def is_gendered(dialogue: Dialogue, gendered: Gendered) -> bool:
    """Say whether any text of a dialogue has a word with a gender."""
    return bool(genders_in(dialogue, gendered))


def genders_in(dialogue: Dialogue, gendered: Gendered) -> frozenset[str]:
    """Return which of `female` and `male` the words of a dialogue have."""
    female = {first for first, _ in gendered.pairs} | {"her", "hers"}
    male = {second for _, second in gendered.pairs} | {"him", "his"}
    words = set(_words(dialogue))
    return frozenset(
        name for name, known in (("female", female), ("male", male)) if not words.isdisjoint(known)
    )


def _words(dialogue: Dialogue) -> Iterator[str]:
    for text in texts_of(dialogue):
        yield from map(_plain, WORD.findall(text))


def _plain(word: str) -> str:
    return word.casefold().replace("’", "'")


def _rewritten(dialogue: Dialogue, rewrite: Callable[[str], str]) -> Dialogue | None:
    if dialogue.lang not in ("", "en"):
        return None
    try:
        return with_texts(dialogue, rewrite)
    except _Undecided:
        return None


def _pronoun(text: str, place: int, gendered: Gendered) -> str:
    """Return the other form of "him", "his", "her" or "hers" at the `place`-th word."""
    found = list(WORD.finditer(text))
    match = found[place]
    behind = found[place + 1] if place + 1 < len(found) else None
    # A mark between two words ends the phrase that a possessive would stand in.
    ended = behind is None or bool(text[match.end() : behind.start()].strip())
    following = "" if behind is None or ended else _plain(behind[0])
    word = _plain(match[0])
    if word in ("him", "hers"):
        return {"him": "her", "hers": "his"}[word]
    if word == "his":
        return "her" if following and following not in gendered.after_object else "hers"
    if not following or following in gendered.after_object:
        return "him"
    before = text[: match.start()].rstrip()
    previous = _plain(found[place - 1][0]) if place else ""
    if not before or before[-1] in _STARTS or previous in gendered.prepositions:
        return "his"
    raise _Undecided(f"{text[match.start() : match.end() + 20]!r} could be 'him' or 'his'.")


@cache
def _table(gendered: Gendered) -> dict[str, str]:
    male = {second: first for first, second in reversed(gendered.pairs)}
    return male | dict(gendered.pairs)
