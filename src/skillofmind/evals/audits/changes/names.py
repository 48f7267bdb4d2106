"""Swapping a given name that a dialogue mentions for a name of a group, everywhere and consistently.

A name is a capitalised word of the audit's lists; the one that comes up most is swapped, in turns, context,
personas, sessions, and where it is a speaker's name or key. English dialogues only.
"""

import re
from collections import Counter
from collections.abc import Callable

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.audits.arms import Change, Scene
from skillofmind.evals.audits.changes.facts import DRAWS
from skillofmind.evals.audits.changes.gender import is_gendered
from skillofmind.evals.audits.changes.people import Attribute, People
from skillofmind.evals.audits.changes.texts import texts_of, with_texts

_CAPITALISED = re.compile(r"\b[A-Z][a-z]+\b")


def name_swapped(people: People, attribute: Attribute, group: str, draw: int) -> Change:
    """Make the change that swaps the name mentioned most for one of the group.

    Names of both genders (`Attribute.mixed`) are swapped for one of the same gender; a name that changes the
    gender is swapped only where no other word has a gender.
    """
    genders = known_names(people)

    def swap(scene: Scene) -> Dialogue | None:
        found = name_in(scene.dialogue, genders)
        if found is None or (not attribute.mixed and is_gendered(scene.dialogue, people.gendered)):
            return None
        orders = {one.name: _choices(attribute, one.name, genders[found], scene) for one in attribute.groups}
        return renamed(scene.dialogue, found, orders[group][draw])

    return swap


def known_names(people: People) -> dict[str, str]:
    """Return name -> `female` or `male`, for all names that are looked for."""
    found = dict.fromkeys(people.common_names.female, "female")
    found |= dict.fromkeys(people.common_names.male, "male")
    for attribute in people.attributes:
        for group in attribute.groups if attribute.names else ():
            terms = group.terms["en"]
            if attribute.mixed:
                found |= dict.fromkeys(terms[: len(terms) // 2], "female")
                found |= dict.fromkeys(terms[len(terms) // 2 :], "male")
            else:
                found |= dict.fromkeys(terms, group.name)
    return found


def name_in(dialogue: Dialogue, known: dict[str, str]) -> str | None:
    """Return the known name that an English dialogue mentions most, the first one where several do."""
    if dialogue.lang not in ("", "en"):
        return None
    texts = [*texts_of(dialogue), *(turn.speaker for turn in dialogue.turns[:2])]
    words = (word for text in texts for word in _CAPITALISED.findall(text) if word in known)
    return next((name for name, _ in Counter(words).most_common(1)), None)


def renamed(dialogue: Dialogue, old: str, new: str) -> Dialogue:
    """Return the dialogue with a name in place of another, in texts, and in names and keys of speakers."""
    whole = re.compile(rf"\b{re.escape(old)}\b")

    def rewrite(text: str) -> str:
        return whole.sub(new, text)

    changed = with_texts(dialogue, rewrite)
    return _with_keys(changed, rewrite)


def _with_keys(dialogue: Dialogue, rewrite: Callable[[str], str]) -> Dialogue:
    turns = tuple(msgspec.structs.replace(one, speaker=rewrite(one.speaker)) for one in dialogue.turns)
    speakers = tuple(msgspec.structs.replace(one, key=rewrite(one.key)) for one in dialogue.speakers)
    responder = None if dialogue.responder is None else rewrite(dialogue.responder)
    return msgspec.structs.replace(dialogue, turns=turns, speakers=speakers, responder=responder)


def _choices(attribute: Attribute, group: str, gender: str, scene: Scene) -> list[str]:
    terms = attribute.terms(group, "en")
    if attribute.mixed:
        half = len(terms) // 2
        terms = terms[:half] if gender == "female" else terms[half:]
    return scene.draw.sample(terms, len(DRAWS))
