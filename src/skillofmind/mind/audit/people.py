"""Who the people of a corpus are, as far as it can be counted: names, stated gender, ages, places.

- *names*: the shown name of every speaker, once a dialogue. A name says nothing about gender here.
- *gender*: words that state one (`mother`, `grandson`), in roles, relationships and attributes; and pronouns
  in contexts and turns, which also speak of people who are only mentioned.
- *ages*: the attribute `age` where it is a number, in bands.
- *places*: attributes such as `place`, and in English contexts capitalised words after a preposition
  (`in Accra`). The latter also finds names of shops and misses whatever is said otherwise.

Evenness is the entropy over that of equal shares: 1 where all values are equally frequent.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.core.record import Record
from skillofmind.data.stats import NONE
from skillofmind.mind.audit.composition import ranked
from skillofmind.scorers.diversity import entropy, evenness
from skillofmind.scorers.overlap import units

_PLACE_FIELDS = ("place", "location", "city", "country", "hometown", "residence")
_WHOLE = re.compile(r"\d{1,3}")
_TOP = 15


class _Ages(Record, frozen=True):
    up_to: tuple[int, ...]


class _Generic(Record, frozen=True):
    names: frozenset[str]


class _Places(Record, frozen=True):
    after: tuple[str, ...]
    not_places: tuple[str, ...]


class _Words(Record, frozen=True):
    """The asset file."""

    version: int
    gendered: dict[str, tuple[str, ...]]
    generic: _Generic
    pronouns: dict[str, tuple[str, ...]]
    ages: _Ages
    places: _Places


class Spread(Record, frozen=True):
    """How values are spread.

    Attributes:
        total: how many there are.
        distinct: different ones.
        top: the commonest -> number.
        top_share: share of the ten commonest in all, 0 to 1.
        entropy: in bits.
        evenness: entropy over that of equal shares; `None` below two values.
    """

    total: int
    distinct: int
    top: dict[str, int]
    top_share: float
    entropy: float
    evenness: float | None


class People(Record, frozen=True):
    """Counts about the people; see the module.

    Attributes:
        names: language -> names, each once a dialogue.
        generic: speakers, once a dialogue, who are called by a label such as `User` and not by a name.
        roles: stated roles.
        gendered: `female`, `male`: speakers whose role or attributes state it; `(none)`: others.
        relationships: the same words in the relationship of a dialogue.
        pronouns: `she`, `he`, `they` -> words in English contexts and turns.
        ages: band -> speakers; `(none)` where no age is stated.
        places: places found in attributes and contexts.
    """

    names: dict[str, Spread]
    generic: int
    roles: Spread
    gendered: dict[str, int]
    relationships: dict[str, int]
    pronouns: dict[str, int]
    ages: dict[str, int]
    places: Spread


def people(dialogues: Sequence[Dialogue]) -> People:
    """Count what the dialogues say of their people."""
    listed = [speaker for dialogue in dialogues for speaker in dialogue.speakers]
    names: dict[str, Counter[str]] = {}
    generic = 0
    for dialogue in dialogues:
        found = names_of(dialogue)
        real = {name for name in found if name.casefold() not in _words().generic.names}
        generic += len(found) - len(real)
        names.setdefault(dialogue.lang or NONE, Counter()).update(real)
    return People(
        names={lang: spread(counts) for lang, counts in sorted(names.items())},
        generic=generic,
        roles=spread(Counter(speaker.role for speaker in listed if speaker.role)),
        gendered=ranked(Counter(_stated(_described(speaker)) for speaker in listed)),
        relationships=_gendered_words(dialogue.context.relationship or "" for dialogue in dialogues),
        pronouns=_pronouns(dialogues),
        ages=_ages(listed),
        places=spread(Counter(place for dialogue in dialogues for place in places_of(dialogue))),
    )


def spread(counts: Mapping[str, int]) -> Spread:
    """Return how the counted values are spread."""
    total, top = sum(counts.values()), ranked(counts)
    ten = sum(list(top.values())[:10])
    return Spread(
        total=total,
        distinct=len(counts),
        top=dict(list(top.items())[:_TOP]),
        top_share=ten / total if total else 0.0,
        entropy=entropy(counts),
        evenness=evenness(counts),
    )


def names_of(dialogue: Dialogue) -> frozenset[str]:
    """Return the shown names of the people who speak."""
    shown = {speaker.key: speaker.name or speaker.key for speaker in dialogue.speakers}
    return frozenset(shown.get(turn.speaker, turn.speaker) for turn in dialogue.turns)


def _described(speaker: Speaker) -> str:
    return " ".join((speaker.role or "", *speaker.attributes.values()))


def _stated(text: str) -> str:
    """Return the gender that the words of a role or attribute state, `(none)`, or `both`."""
    words = frozenset(re.findall(r"[\w-]+", text.casefold()))
    found = [gender for gender, marks in _words().gendered.items() if words & frozenset(marks)]
    return found[0] if len(found) == 1 else "both" if found else NONE


def _gendered_words(texts: Iterable[str]) -> dict[str, int]:
    counts = Counter(word for text in texts for word in re.findall(r"[\w-]+", text.casefold()))
    return {gender: sum(counts[mark] for mark in marks) for gender, marks in _words().gendered.items()}


def _pronouns(dialogues: Iterable[Dialogue]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for dialogue in dialogues:
        if dialogue.lang.startswith("en"):
            counts.update(units("\n".join((*context_texts(dialogue), *(t.text for t in dialogue.turns)))))
    return {name: sum(counts[form] for form in forms) for name, forms in _words().pronouns.items()}


def _ages(speakers: Iterable[Speaker]) -> dict[str, int]:
    bounds = _words().ages.up_to
    low = (0, *(bound + 1 for bound in bounds))
    bands = [f"{a}-{b}" for a, b in zip(low, bounds, strict=False)] + [f"{low[-1]}+"]
    counts = dict.fromkeys([*bands, NONE], 0)
    for speaker in speakers:
        stated = _WHOLE.search(speaker.attributes.get("age", ""))
        band = bands[sum(int(stated[0]) > bound for bound in bounds)] if stated else NONE
        counts[band] += 1
    return counts


def places_of(dialogue: Dialogue) -> frozenset[str]:
    """Return the places named in attributes, and those an English context seems to name."""
    found = {
        s.attributes[field] for s in dialogue.speakers for field in _PLACE_FIELDS if s.attributes.get(field)
    }
    if dialogue.lang.startswith("en"):
        known = {name.casefold() for name in names_of(dialogue)} | frozenset(_words().places.not_places)
        text = "\n".join(context_texts(dialogue))
        found |= {match[1] for match in _place_pattern().finditer(text) if match[1].casefold() not in known}
    return frozenset(found)


def context_texts(dialogue: Dialogue) -> Iterator[str]:
    """Yield every text of the social context and the personas."""
    for field in SocialContext.__struct_fields__:
        value = getattr(dialogue.context, field)
        if isinstance(value, str):
            yield value
        elif value:
            yield from value.values() if isinstance(value, dict) else value
    for speaker in dialogue.speakers:
        yield from speaker.persona


@cache
def _place_pattern() -> re.Pattern[str]:
    after = "|".join(_words().places.after)
    return re.compile(rf"\b(?:{after})\s+((?-i:[A-Z])[\w-]+(?:[ ](?-i:[A-Z])[\w-]+){{0,2}})(?!['’\w])")


@cache
def _words() -> _Words:
    source = resources.files("skillofmind.mind") / "assets" / "people.toml"
    return msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8")), _Words)
