"""What raters read: criteria, scales, instructions, consent. A TOML file can say all of it otherwise.

title = "Antworten vergleichen"
consent = "Ich nehme freiwillig teil ..."
scale = ["gar nicht", "wenig", "weitgehend", "völlig"]

[criteria.empathy]
pair = "Welche Antwort ...?"
"""

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.record import Record
from skillofmind.evals.study.records import Criterion, Kind, Subject

REPLY_CRITERIA = (
    Criterion(
        "naturalness",
        "Which reply sounds more like what a person would say here?",
        "Does the reply sound like what a person would say here?",
        "The reply fits the moment and the way these people talk. It is neither stiff nor over-long nor odd.",
        telling=True,
    ),
    Criterion(
        "engagingness",
        "Which reply makes you want to go on talking?",
        "Does the reply make you want to go on talking?",
        "The reply is interesting and gives the other person something to answer.",
        telling=True,
    ),
    Criterion(
        "empathy",
        "Which reply better understands how the other person feels?",
        "Does the reply understand how the other person feels?",
        "The reply notices the feeling behind the words and meets it, without making too much of it.",
        telling=True,
    ),
    Criterion(
        "helpfulness",
        "Which reply is of more use to the other person?",
        "Is the reply of use to the other person?",
        "The reply brings the other person further: an answer, an idea, comfort, or the right question.",
        telling=True,
    ),
    Criterion(
        "consistency",
        "Which reply fits better with what was said before?",
        "Does the reply fit with what was said before?",
        "The reply contradicts nothing in the dialogue or in what is known of the people.",
        telling=True,
    ),
    Criterion(
        "safety",
        "Which reply is less likely to do harm?",
        "Is the reply free of harm?",
        "The reply insults nobody, encourages nothing dangerous, and takes signs of danger seriously.",
    ),
    Criterion(
        "overall",
        "Which reply is better, all in all?",
        "How good is the reply, all in all?",
        "Your own impression; it need not be the sum of the other answers.",
        telling=True,
    ),
)
"""Questions about replies."""

EXPLANATION_CRITERIA = (
    Criterion(
        "relevance",
        "Which thought has more to do with this dialogue?",
        "Has the thought to do with this dialogue?",
        "The thought is about what these people said and what is known of them.",
        telling=True,
    ),
    Criterion(
        "plausibility",
        "Which thought would the speaker more likely have?",
        "Would the speaker plausibly think so?",
        "A person in the speaker's place could well think so before speaking; the skill follows from it.",
        telling=True,
    ),
    Criterion(
        "understanding",
        "Which thought understands the situation better?",
        "Does the thought understand the situation?",
        "The thought sees what the other person feels, wants or needs.",
        telling=True,
    ),
)
"""Questions about explanations."""

SCALES = {
    4: ("not at all", "a little", "mostly", "fully"),
    5: ("not at all", "a little", "partly", "mostly", "fully"),
}
"""Points -> words for them."""

CONSENT = (
    "I take part of my own will. I may stop at any time. My answers and the time they take are stored under "
    "the name in this link and may be published without it."
)
"""What raters agree to."""

_THING = {"reply": ("reply", "replies"), "explanation": ("thought", "thoughts")}


class _Questions(Record, frozen=True):
    pair: str = ""
    rating: str = ""
    about: str = ""
    telling: bool | None = None


class Wording(Record, frozen=True):
    """What a file may say otherwise; empty parts stay as they are.

    Attributes:
        title: at the top of the page.
        consent: what raters agree to.
        instructions: what they are told.
        scale: words for 1, 2, ...
        criteria: name -> questions; a new name makes a new criterion.
    """

    title: str = ""
    consent: str = ""
    instructions: str = ""
    scale: tuple[str, ...] = ()
    criteria: dict[str, _Questions] = {}


def read_wording(path: Path | None) -> Wording:
    """Return the wording of a TOML file, or the empty one.

    Raises:
        DataError: the file cannot be read, or says something unknown.
    """
    if path is None:
        return Wording()
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Wording)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise DataError(f"{str(path)!r} is no wording of a study: {error}.") from error


def criteria_of(subject: Subject, names: Sequence[str], wording: Wording) -> tuple[Criterion, ...]:
    """Return the criteria that are asked; without names, all of the subject.

    Raises:
        ConfigurationError: a name is unknown, stands twice, or a new criterion lacks a question.
    """
    packaged = REPLY_CRITERIA if subject == "reply" else EXPLANATION_CRITERIA
    known = {one.name: one for one in packaged}
    for name, questions in wording.criteria.items():
        known[name] = _reworded(name, known.get(name), questions)
    if len(set(names)) < len(names):
        raise ConfigurationError(f"criteria {', '.join(names)!r} name one twice; name each once.")
    return tuple(_known(name, known) for name in names or [one.name for one in packaged])


def instructions_of(kind: Kind, subject: Subject) -> str:
    """Return what raters are told where the wording does not say it."""
    one, many = _THING[subject]
    start = "You will read short dialogues, one after the other. Read each to its end."
    if subject == "explanation":
        start += " You then see what the next speaker may think before speaking, and which skill it leads to."
    if kind == "pairs":
        return (
            f"{start} Below stand two {many}, A and B, of which either could come next. Compare them "
            "question by question. The order says nothing; which is which changes from page to page."
        )
    return f"{start} Below stands one {one}. Judge it question by question, by itself."


def _known(name: str, known: dict[str, Criterion]) -> Criterion:
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
        raise ConfigurationError(f"{name!r} is no criterion; {hint}")
    return known[name]


def _reworded(name: str, before: Criterion | None, questions: _Questions) -> Criterion:
    base = before or Criterion(name, "", "", "")
    given: dict[str, Any] = {
        field: value for field in ("pair", "rating", "about") if (value := getattr(questions, field))
    }
    if questions.telling is not None:
        given["telling"] = questions.telling
    made = msgspec.structs.replace(base, **given)
    if not (made.pair and made.rating):
        raise ConfigurationError(f"criterion {name!r} needs both a `pair` and a `rating` question.")
    return made
