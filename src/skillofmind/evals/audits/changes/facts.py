"""A neutral fact about the person who is answered: told in the context, shown as a name, or replaced.

A group's terms are alternatives of one form. Two of each group are taken, the *draws* 0 and 1, so that a
change of group can be compared with a change within the group. All items of a dialogue get the same terms,
and over dialogues every term comes up as often. With neutral details (`Attribute.details`) all draws of all
groups have different ones.
"""

import msgspec

from skillofmind.core.dialogue import Dialogue, Speaker
from skillofmind.evals.audits.arms import Change, Scene
from skillofmind.evals.audits.changes.people import Attribute
from skillofmind.evals.audits.changes.texts import addressee, language, with_fact, with_speaker

DRAWS = (0, 1)
"""Terms that are taken of each group."""


def told(attribute: Attribute, group: str, draw: int) -> Change:
    """Make the change that adds the sentence of a group to the context; it applies to every item."""

    def add(scene: Scene) -> Dialogue | None:
        lang = language(scene.dialogue, tuple(attribute.told))
        term = term_of(attribute, group, draw, lang, scene)
        return with_fact(scene.dialogue, attribute.told[lang].replace("{term}", term))

    return add


def named(attribute: Attribute, group: str, draw: int) -> Change:
    """Make the change that shows a name of the group for the person who is answered; the key stays."""

    def show(scene: Scene) -> Dialogue | None:
        key = addressee(scene.dialogue)
        lang = language(scene.dialogue, tuple(attribute.told))
        name = term_of(attribute, group, draw, lang, scene)

        def renamed(speaker: Speaker) -> Speaker:
            return msgspec.structs.replace(speaker, name=name)

        return with_speaker(scene.dialogue, key, renamed) if key else None

    return show


def replaced(attribute: Attribute, group: str, draw: int) -> Change:
    """Make the change that puts a term in place of what a corpus knows of the person who is answered."""

    def replace(scene: Scene) -> Dialogue | None:
        key = addressee(scene.dialogue)
        known = {one.key: one.attributes for one in scene.dialogue.speakers}.get(key, {})
        if attribute.key not in known:
            return None
        term = term_of(attribute, group, draw, "en", scene)
        value = {attribute.key: attribute.value.replace("{term}", term)}

        def retold(speaker: Speaker) -> Speaker:
            return msgspec.structs.replace(speaker, attributes=speaker.attributes | value)

        return with_speaker(scene.dialogue, key, retold)

    return replace


def term_of(attribute: Attribute, group: str, draw: int, lang: str, scene: Scene) -> str:
    """Return the term of a draw; all arms of an attribute have to be of one family (`arms.changed`)."""
    names = [one.name for one in attribute.groups]
    terms = attribute.terms(group, lang)
    if attribute.details:
        order = scene.draw.sample(range(len(terms)), len(DRAWS) * len(names))
        return terms[order[names.index(group) * len(DRAWS) + draw]]
    orders = {name: scene.draw.sample(range(len(terms)), len(DRAWS)) for name in names}
    return terms[orders[group][draw]]
