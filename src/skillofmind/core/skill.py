"""Conversational skills as the taxonomy file describes them."""

from skillofmind.core.record import Record


class Skill(Record, frozen=True):
    """One way to shape the next turn.

    Attributes:
        name: the canonical English name; it is also the id everywhere.
        category: one of the taxonomy's categories.
        definition: what a turn with this skill does, in one sentence.
        when: the situation that calls for it, in one sentence.
        contrast: the skill that it is most easily taken for.
        difference: what tells the two apart.
        aim: completes the sentence "I want to ..." of a speaker who uses the skill.
        aliases: other spellings that mean this skill.
        names: the name in other languages, by language code.
        aims: the whole sentence for `aim` in other languages, by language code.
    """

    name: str
    category: str
    definition: str
    when: str
    contrast: str = ""
    difference: str = ""
    aim: str = ""
    aliases: tuple[str, ...] = ()
    names: dict[str, str] = {}
    aims: dict[str, str] = {}

    def label(self, lang: str = "en") -> str:
        """Return the name in `lang`, or the English one where there is none."""
        return self.names.get(lang, self.name)
