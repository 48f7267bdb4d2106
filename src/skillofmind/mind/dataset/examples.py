"""Training examples from one annotated row, in the conversational forms of TRL.

*Prompt and completion* teach a planner: it is asked in the words of `mind.weights` about the dialogue as it
stood before the target, and completes with explanation and skill. *Preference* rows teach a response model:
it is asked to go on as the responder; the real reply is chosen, the counterfactual rejected.

Chat templates want users and assistants to take turns, and a user to begin and to speak last. So the
responder is the assistant, everyone else together the user (with names where there are several), neighbours
of one role become one message, and where nobody else speaks first or last the user says `SILENCE`.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Annotation, Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.core.picture import image_of, spoken
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.mind.inject import with_plan
from skillofmind.mind.render import display_names, quoted, quoted_name, render_context
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, fill, load_template
from skillofmind.mind.weights import planner_messages, planner_target

SILENCE = "…"
"""What a user says who says nothing, in any language."""

_RESPOND = """\
You are {responder} in a dialogue. Say what {responder} says next, and nothing else.

### Social Context:
{social_context}"""


class Shape(Record, frozen=True):
    """Wording and form of the prompts.

    Attributes:
        template: wording; the package's without it.
        taxonomy: of the skills, for the wording of plans; the package's without it.
        with_plan: show explanation and skill to the response model, as `mind.inject` does.
        system_role: use system messages. Without them, what they say goes before the words of a user, for
            chat templates that know no system role or allow it at the start only.
    """

    template: Template | None = None
    taxonomy: Taxonomy | None = None
    with_plan: bool = False
    system_role: bool = True

    def options(self, form: str) -> dict[str, Any]:
        """Return what decides the rows of a form, as plain values; wording as its hash."""
        if form == "datasets":
            return {}
        found: dict[str, Any] = {"system_role": self.system_role}
        if form == "preference":
            found["with_plan"] = self.with_plan
        if form == "sft" or self.with_plan:
            found["template"] = (self.template or load_template()).identity()
        return found


def sft_rows(row: Dialogue, shape: Shape) -> Iterator[dict[str, Any]]:
    """Yield a prompt with its completion for every annotation of the last turn that has an explanation."""
    messages = planner_messages(row.before(len(row.turns) - 1), shape.template or load_template())
    prompt = _plain(messages if shape.system_role else _without_system(messages))
    for one in row.turns[-1].annotations:
        if one.skill and one.explanation.strip():
            said = planner_target(one.explanation, one.skill)
            yield {"prompt": prompt, "completion": _assistant(said), "id": row.id, "skill": one.skill}


def preference_rows(row: Dialogue, shape: Shape) -> Iterator[dict[str, Any]]:
    """Yield a prompt with the real and the counterfactual reply for every annotation that has both.

    Raises:
        DataError: a plan is to be shown whose skill is not in the taxonomy.
    """
    messages = response_messages(row.before(len(row.turns) - 1))
    gold = said(row.turns[-1])
    for one in row.turns[-1].annotations:
        rejected = _safe(one.counterfactual or "")
        if gold and rejected and rejected != gold:
            yield {
                "prompt": _plain(_shown(messages, one, row, shape)),
                "chosen": _assistant(gold),
                "rejected": _assistant(rejected),
                "id": row.id,
                "skill": one.skill,
                "explanation": one.explanation,
            }


def response_messages(dialogue: Dialogue) -> tuple[Message, ...]:
    """Return a dialogue as a response model sees it that speaks for the next speaker."""
    names, responder = display_names(dialogue), dialogue.next_speaker()
    fields = {
        "responder": quoted_name(names.get(responder, responder)),
        "social_context": render_context(dialogue),
    }
    several = len({turn.speaker for turn in dialogue.turns} - {responder}) > 1
    messages = [Message("system", fill(_RESPOND, fields))]
    for mine, turns in groupby(dialogue.turns, key=lambda turn: turn.speaker == responder):
        texts = [_line(turn, names, several and not mine) for turn in turns]
        if mine and len(messages) == 1:
            messages.append(Message("user", SILENCE))
        messages.append(Message("assistant" if mine else "user", "\n".join(texts)))
    if messages[-1].role != "user":
        messages.append(Message("user", SILENCE))
    return tuple(messages)


def said(turn: Turn) -> str:
    """Return the words of a turn, and its picture, safe in a prompt; line breaks stay, nothing is cut."""
    image = image_of(turn)
    return f"{_safe(spoken(turn))}{'' if image is None else f' [Sharing Image] {quoted(image)}'}".strip()


def _safe(text: str) -> str:
    return "\n".join(quoted(line, len(line)) for line in text.strip().splitlines())


def _line(turn: Turn, names: dict[str, str], named: bool) -> str:
    text = said(turn) or SILENCE
    return f"{quoted_name(names.get(turn.speaker, turn.speaker))}: {text}" if named else text


def _shown(
    messages: tuple[Message, ...], annotation: Annotation, row: Dialogue, shape: Shape
) -> tuple[Message, ...]:
    if shape.with_plan:
        taxonomy = shape.taxonomy or load_taxonomy()
        if annotation.skill not in taxonomy.names():
            raise DataError(
                f"row {row.id!r}: {annotation.skill!r} is no skill of the taxonomy; name its --taxonomy FILE."
            )
        plan = Plan(explanation=quoted(annotation.explanation), skill=annotation.skill, valid=True)
        messages = with_plan(
            Conversation(messages), plan, "both", taxonomy, shape.template or load_template(),
            system_role=shape.system_role,
        ).messages  # fmt: skip
    return messages if shape.system_role else _without_system(messages)


def _without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with the opening system text before the words of the first user."""
    system, user, *rest = messages
    return (msgspec.structs.replace(user, content=f"{system.text()}\n\n{user.text()}"), *rest)


def _plain(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text()} for message in messages]


def _assistant(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
