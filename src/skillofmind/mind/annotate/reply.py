r"""What a teacher wrote: a list of drafts, or the fault that a repair request names.

A reply is usable when at least one of its objects is whole and names a skill of the taxonomy; the others
stay in the drafts, so that nothing a teacher wrote disappears unseen.

    >>> from skillofmind.mind.taxonomy import load_taxonomy
    >>> reply = read_reply('Sure! ```json\n[{"skill": "empathy", "explanation": "I feel for her.", '
    ...                    '"counterfactual response": "Buy a car.",}]\n```', Normaliser(load_taxonomy()))
    >>> reply.drafts[0].skill, reply.reason
    ('Empathy', None)
"""

import re
from typing import Any, Literal

from skillofmind.core.record import Record
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.parser import parse_object, parse_objects
from skillofmind.mind.render import quoted

Fault = Literal["no_json", "incomplete", "oov"]
"""Why a reply cannot be used: no JSON object in it, no object with all three keys, no known skill."""

MOST_DRAFTS = 8
"""Objects of one reply that are read: a turn draws on one or two skills, a runaway list is no annotation."""

_EXPLANATION = ("explanation", "rationale", "thought")
_COUNTERFACTUAL = ("counterfactual response", "counterfactual", "counterfactual reply")
_GAPS = re.compile(r"[\s_-]+")


class Draft(Record, frozen=True):
    """One annotation as a teacher wrote it.

    Attributes:
        skill: the taxonomy name; `None` where the label is out of vocabulary.
        skill_raw: the label verbatim.
        explanation: stripped; "" where it is missing.
        counterfactual: stripped; "" where it is missing.
    """

    skill: str | None
    skill_raw: str
    explanation: str = ""
    counterfactual: str = ""

    def is_whole(self) -> bool:
        """Say whether all three parts are there, known skill or not."""
        return bool(self.skill_raw and self.explanation and self.counterfactual)


class Reply(Record, frozen=True):
    """One reply, read.

    Attributes:
        drafts: in the order written, at most `MOST_DRAFTS`.
        reason: why none of them can be used, or `None`.
        fault: the same as a sentence for the teacher; "" where there is no reason.
    """

    drafts: tuple[Draft, ...] = ()
    reason: Fault | None = None
    fault: str = ""

    def usable(self) -> tuple[Draft, ...]:
        """Return the drafts that are whole and name a skill of the taxonomy."""
        return tuple(draft for draft in self.drafts if draft.skill is not None and draft.is_whole())


def read_reply(text: str, normaliser: Normaliser) -> Reply:
    """Read a reply; never raises, whatever the text."""
    objects = parse_objects(text, "skill")[:MOST_DRAFTS]
    drafts = tuple(_draft(item, normaliser) for item in objects)
    if not drafts:
        return Reply(reason="no_json", fault="it held no JSON list of objects.")
    reply = Reply(drafts)
    if reply.usable():
        return reply
    whole = [draft for draft in drafts if draft.is_whole()]
    if not whole:
        missing = _missing(drafts[0])
        return Reply(drafts, "incomplete", f"an object had no {missing}.")
    return Reply(drafts, "oov", f"the skill {quoted(whole[0].skill_raw, 80)!r} is not in the list.")


def read_choice(text: str) -> Literal["A", "B", "neither"] | None:
    """Read a judge's choice; `None` where the reply holds none."""
    found = (parse_object(text, "choice") or {}).get("choice")
    choice = found.strip().strip(".").casefold() if isinstance(found, str) else ""
    if choice in ("a", "b"):
        return "A" if choice == "a" else "B"
    return "neither" if choice == "neither" else None


def _draft(item: dict[str, Any], normaliser: Normaliser) -> Draft:
    fields = {_GAPS.sub(" ", key).strip().casefold(): value for key, value in item.items()}
    raw = _text(fields, ("skill",))
    return Draft(
        normaliser(raw).skill if raw else None,
        raw,
        _text(fields, _EXPLANATION),
        _text(fields, _COUNTERFACTUAL),
    )


def _text(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        if isinstance(fields.get(key), str):
            return str(fields[key]).strip()
    return ""


def _missing(draft: Draft) -> str:
    parts = {
        '"skill"': draft.skill_raw,
        '"explanation"': draft.explanation,
        '"counterfactual response"': draft.counterfactual,
    }
    return " and no ".join(name for name, value in parts.items() if not value)
