"""Quality filters over one annotation: pure functions with measures that can be computed by hand.

The teacher that writes an explanation has seen the reply that was really given (the *gold* reply). An
explanation is worth learning from only if it could have been thought before that reply was known.

- *oov*: the skill is none of the taxonomy.
- *leak*: the explanation gives the gold reply away. *Novel* units are those of a reply that stand neither in
  the dialogue before it, nor in the social context, nor in a speaker's name: nobody could have copied them.

      leak = share(novel gold units, explanation) - share(novel counterfactual units, explanation)

  The counterfactual reply is the control. It answers the same turns in the same language, so function words
  and the words of the subject are as likely in it as in the gold reply, and they cancel; but the explanation
  was not written to fit it. What is left is the words that only knowledge of the gold reply explains. A blank
  counterfactual controls nothing; a few function words of a short reply can then look like a leak.
- *not_first_person*: the explanation speaks about the thinker from outside (`first_person.py`).
- *counterfactual_close*: the counterfactual says nearly the words of the gold reply.
- *counterfactual_length*: it is so short or long that length alone would tell the two apart.
- *duplicate_explanation*: the same explanation stood in an earlier row; `Duplicates` remembers them.

Units and lengths are those of `scorers.overlap`, so they hold in scripts without spaces too. Shared pictures
count for the leak, through their descriptions; how close and how long a reply is goes by its words alone.

    >>> from skillofmind.core.dialogue import Dialogue
    >>> talk = Dialogue((Turn("Ana", "I failed my exam."),), responder="Ben")
    >>> row = Instance("0:own:1", talk, Turn("Ben", "Pizza tonight, my treat!"), 1)
    >>> draft = Draft("Comfort", "comfort", "I will treat her to pizza tonight.", "You had it coming, Ana.")
    >>> check(row, draft, Filters()).flags
    ('leak',)
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.picture import image_of, spoken
from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.first_person import is_first_person
from skillofmind.mind.annotate.reply import Draft
from skillofmind.run.keys import KeyIndex
from skillofmind.scorers.overlap import f1, length, share, units

Flag = Literal[
    "oov",
    "leak",
    "not_first_person",
    "counterfactual_close",
    "counterfactual_length",
    "duplicate_explanation",
]
"""Why an annotation is not good enough, in the order in which `Checked` lists them."""

_ROUNDING = 1e-9
"""Shares such as 0.6 - 0.3 miss the threshold that they mean by less than this."""


class Filters(Record, frozen=True):
    """Thresholds; measures are taken whether their filter is on or off.

    Attributes:
        leak: flag from this difference of shares on, above 0 up to 1; 0 switches the filter off.
        leak_units: and only where at least so many novel gold units are in the explanation, so that one or
            two words of a short reply are no leak.
        close: flag from this unigram F1 on, above 0 up to 1, and replies with the same text; 0 switches off.
        shortest: with L the length of the gold reply, flag counterfactuals shorter than
            `shortest * L - slack`; also those that are blank.
        longest: flag those longer than `longest * L + slack`; 0 switches the length filter off.
        slack: words (characters in scripts without spaces) that do not matter.
        first_person: flag explanations that are not in the first person.
        duplicates: flag explanations that stood in an earlier row.
    """

    leak: float = 0.3
    leak_units: int = 3
    close: float = 0.7
    shortest: float = 0.5
    longest: float = 2.0
    slack: int = 4
    first_person: bool = True
    duplicates: bool = True

    def __post_init__(self) -> None:
        """Refuse thresholds that no text could meet.

        Raises:
            ConfigurationError: a threshold is below 0, a share above 1, or `shortest` above `longest`.
        """
        for name in ("leak", "leak_units", "close", "shortest", "longest", "slack"):
            value: float = getattr(self, name)
            if value < 0 or (name in ("leak", "close") and value > 1):
                raise ConfigurationError(f"filter {name} is {value!r}; shares are 0 to 1, others 0 or more.")
        if self.longest and self.shortest > self.longest:
            raise ConfigurationError(
                f"filter shortest is {self.shortest!r}, above longest {self.longest!r}; exchange them."
            )


class Checked(Record, frozen=True):
    """What the filters say of a draft.

    Attributes:
        draft: the draft, unchanged.
        flags: each once; empty where nothing is wrong.
        measures: `leak_gold` and `leak_counterfactual` (shares of novel units in the explanation), `leak`
            (their difference, -1 to 1), `leak_units` (novel gold units in the explanation), `close` (F1 of
            gold reply and counterfactual), `length_gold`, `length_counterfactual`, and
            `first_person_checked` (1, or 0 for a language without rules).
    """

    draft: Draft
    flags: tuple[Flag, ...]
    measures: dict[str, float]


class Known(Record, frozen=True):
    """What the filters need of an instance; the same for all drafts of it.

    Attributes:
        before: units of the dialogue before the reply, the social context and the names.
        novel: units of the gold reply and its picture that are not in `before`.
        words: units of the words of the gold reply, in order.
        text: these words.
        length: how long they are.
        names: of the thinker, without case; none that another speaker has too.
        lang: language of the annotation.
    """

    before: frozenset[str]
    novel: frozenset[str]
    words: tuple[str, ...]
    text: str
    length: int
    names: tuple[str, ...]
    lang: str


def check(instance: Instance, draft: Draft, filters: Filters, lang: str = "") -> Checked:
    """Return the flags and measures of one draft.

    `duplicate_explanation` is never among them: it depends on other rows, see `Duplicates`.

    Args:
        instance: the row that was annotated.
        draft: one annotation of it.
        filters: thresholds.
        lang: BCP-47 code of the language of the annotation; "" is English.
    """
    return judge(known(instance, lang), draft, filters)


def known(instance: Instance, lang: str = "") -> Known:
    """Gather what `judge` needs, once for an instance with several drafts."""
    talk, target = instance.context, instance.target
    text = spoken(target)
    words = units(text, lang)
    before = frozenset(units("\n".join(_told(talk, target.speaker)), lang))
    gold = {*words, *units(image_of(target) or "", lang)}
    names = _names(talk, target.speaker)
    return Known(before, frozenset(gold - before), words, text, length(text, lang), names, lang)


def judge(known: Known, draft: Draft, filters: Filters) -> Checked:
    """Return the flags and measures of one draft of an instance."""
    explanation = frozenset(units(draft.explanation, known.lang))
    counterfactual = units(draft.counterfactual, known.lang)
    leak_gold = share(known.novel, explanation)
    leak_counterfactual = share(frozenset(counterfactual) - known.before, explanation)
    first_person = is_first_person(draft.explanation, known.lang, known.names)
    measures: dict[str, float] = {
        "leak_gold": leak_gold,
        "leak_counterfactual": leak_counterfactual,
        "leak": leak_gold - leak_counterfactual,
        "leak_units": len(known.novel & explanation),
        "close": f1(known.words, counterfactual),
        "length_gold": known.length,
        "length_counterfactual": length(draft.counterfactual, known.lang),
        "first_person_checked": 0 if first_person is None else 1,
    }
    found: dict[Flag, bool] = {
        "oov": draft.skill is None,
        "leak": _leaks(measures, filters),
        "not_first_person": filters.first_person and first_person is False,
        "counterfactual_close": _is_close(known, draft, measures, filters),
        "counterfactual_length": _has_other_length(draft, measures, filters),
    }
    return Checked(draft, tuple(flag for flag, raised in found.items() if raised), measures)


def _leaks(measures: dict[str, float], filters: Filters) -> bool:
    enough = measures["leak_units"] >= filters.leak_units
    return enough and 0 < filters.leak <= measures["leak"] + _ROUNDING


def _is_close(known: Known, draft: Draft, measures: dict[str, float], filters: Filters) -> bool:
    if not filters.close:
        return False
    # Replies without a unit, such as emoji, are compared as they are written.
    same = known.text != "" and draft.counterfactual.strip() == known.text
    return same or measures["close"] + _ROUNDING >= filters.close


def _has_other_length(draft: Draft, measures: dict[str, float], filters: Filters) -> bool:
    """Say whether the length is out of bounds; a gold reply without words gives no bounds."""
    gold, found = measures["length_gold"], measures["length_counterfactual"]
    if not filters.longest:
        return False
    if not draft.counterfactual.strip():
        return True
    low, high = filters.shortest * gold - filters.slack, filters.longest * gold + filters.slack
    return gold > 0 and not low - _ROUNDING <= found <= high + _ROUNDING


def _told(talk: Dialogue, responder: str) -> Iterator[str]:
    """Yield all that could be read before the reply: names, turns with pictures, the social context.

    The context's own words, not the labels that they are rendered under: rendering costs more than the rest
    of the filters together.
    """
    yield responder
    yield from _of_turns(talk.turns)
    for field in SocialContext.__struct_fields__:
        value = getattr(talk.context, field)
        if value:
            yield from _strings(value)
    for speaker in talk.speakers:
        yield from (speaker.key, speaker.name, speaker.role or "")
        yield from speaker.persona
        yield from _strings(speaker.attributes)
    for session in talk.history:
        yield session.elapsed or ""
        yield from (session.summary,) if session.summary else _of_turns(session.turns)


def _of_turns(turns: Sequence[Turn]) -> Iterator[str]:
    for turn in turns:
        yield turn.speaker
        yield turn.text
        for image in turn.images:
            yield image.description


def _strings(value: str | Sequence[str] | Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        yield from value.values()
    else:
        yield from value


def _names(talk: Dialogue, responder: str) -> tuple[str, ...]:
    listed = {speaker.key: (speaker.key, speaker.name) for speaker in talk.speakers}
    own = {name.casefold() for name in listed.get(responder, (responder,))}
    others = {turn.speaker for turn in talk.turns} | listed.keys()
    theirs = {name.casefold() for key in others - {responder} for name in listed.get(key, (key,))}
    return tuple(sorted(own - theirs - {""}))


class Duplicates:
    """Remembers explanations; the first of equal ones, in the order in which they are asked for, is none.

    Equal are explanations with the same units in the same order: width, case, punctuation and white space do
    not count. One without any unit is compared as it is written. Memory is some 60 bytes an explanation.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._seen = KeyIndex()

    def seen(self, explanation: str) -> bool:
        """Say whether an equal explanation was asked for before, and remember this one."""
        number = len(self._seen)
        return self._seen.setdefault(" ".join(units(explanation)) or explanation.strip(), number) != number
