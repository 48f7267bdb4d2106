"""Hand a plan to any response model: Model -> Model.

`planned(model, planner)` plans before each answer and puts the plan into a system message right before
the last user message. A late, failing or invalid plan never costs the answer: the model then answers
without it, and the plan that travels with the conversation says why. Only a `ConfigurationError` gets
through, because it would turn planning off for every answer without a word.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Sampling
from skillofmind.core.conversation import Conversation, Message, Part
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Capabilities, Model, Planner
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, fill, load_template

Inject = Literal["both", "skill", "explanation", "off"]
"""What of a plan the response model is shown; the paper's three variants, and none."""

Reason = Literal["", "late", "failed", "invalid", "abstained", "tools", "turn", "refused", "off"]
"""Why an answer goes out unplanned, "" where it does not: the plan came too late, planning failed, the plan
was no good, the planner chose no skill, a tool has just answered, it is not the user who spoke last, the
upstream of a server refused the request with the plan, or nobody wants one."""

_RESPONDER = "Assistant"


def dialogue_of(conversation: Conversation, context: SocialContext | None = None) -> Dialogue:
    """Read a chat as a dialogue between `User` and `Assistant`.

    System and developer text becomes the free-text social context unless `context` is given; tool
    messages and calls are not turns of the dialogue.
    """
    return _dialogue(((m.role, m.text()) for m in conversation.messages), context)


def dialogue_of_messages(
    messages: Sequence[Mapping[str, Any]], context: SocialContext | None = None
) -> Dialogue:
    """Read messages of the OpenAI chat format, as JSON values, the way `dialogue_of` reads a chat.

    Messages of an unknown shape are passed over.
    """
    return _dialogue(((m.get("role"), _text_of(m.get("content"))) for m in messages), context)


def _dialogue(said: Iterable[tuple[Any, str]], context: SocialContext | None) -> Dialogue:
    """Return the dialogue of (role, text) pairs."""
    lines = [(role, text) for role, text in said if text]
    if context is None:
        systems = [text for role, text in lines if role in ("system", "developer")]
        context = SocialContext(text="\n".join(systems) or None)
    names = {"user": "User", "assistant": _RESPONDER}
    turns = tuple(Turn(names[role], text) for role, text in lines if role in names)
    return Dialogue(turns=turns, context=context, responder=_RESPONDER)


def _text_of(content: Any) -> str:
    """Return the text of a message's content, text parts joined by newlines."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def plan_block(plan: Plan, inject: Inject, taxonomy: Taxonomy, template: Template) -> str | None:
    """Return the text that shows `plan` to a response model; `None` where there is nothing to show.

    A plan without an explanation is shown by its skill alone. A skill outside `taxonomy` is not shown.
    """
    if inject == "off" or not plan.valid or plan.skill not in taxonomy.names():
        return None
    explained = bool(plan.explanation.strip())
    if inject == "explanation" and not explained:
        return None
    wording = {
        "both": template.agent.both if explained else template.agent.skill,
        "skill": template.agent.skill,
        "explanation": template.agent.explanation,
    }[inject]
    skill = taxonomy.get(plan.skill or "")
    fields = {"explanation": plan.explanation, "skill": skill.name, "definition": skill.definition}
    return f"{template.agent.note}\n\n{fill(wording, fields)}"


def with_plan(
    conversation: Conversation,
    plan: Plan,
    inject: Inject,
    taxonomy: Taxonomy,
    template: Template,
    *,
    system_role: bool = True,
) -> Conversation:
    """Return `conversation` carrying `plan`, and showing it as `inject` says.

    Args:
        conversation: what is about to be answered.
        plan: made for it.
        inject: what of the plan is shown.
        taxonomy: holds the skill of the plan.
        template: wording.
        system_role: a system message right before the last user message shows the plan; without this
            role, the plan goes before the words of the last user message.
    """
    block = plan_block(plan, inject, taxonomy, template)
    if block is None:
        return msgspec.structs.replace(conversation, plan=plan)
    messages = conversation.messages
    last_user = plan_place([m.role for m in messages])
    rest = messages[last_user:]
    if system_role or not rest:
        rest = (Message("system" if system_role else "user", block), *rest)
    else:
        rest = (_preceded(rest[0], block), *rest[1:])
    return msgspec.structs.replace(conversation, messages=(*messages[:last_user], *rest), plan=plan)


def insert_plan(
    messages: Sequence[dict[str, Any]], block: str, *, system_role: bool = True
) -> list[dict[str, Any]]:
    """Return messages of the OpenAI chat format, as JSON values, with the text of a plan among them.

    All other messages are the same objects, in the same order.

    Args:
        messages: of the request.
        block: what `plan_block` returned.
        system_role: see `with_plan`.
    """
    place = plan_place([m.get("role") for m in messages])
    rest = messages[place:]
    if system_role or not rest:
        return [*messages[:place], {"role": "system" if system_role else "user", "content": block}, *rest]
    content = rest[0].get("content")
    if isinstance(content, list | tuple):
        shown: Any = [{"type": "text", "text": block}, *content]
    else:
        shown = f"{block}\n\n{content}" if content else block
    return [*messages[:place], {**rest[0], "content": shown}, *rest[1:]]


def plan_place(roles: Sequence[Any]) -> int:
    """Return the index at which a plan is shown: that of the last `user`, or the end where there is none."""
    return max((i for i, role in enumerate(roles) if role == "user"), default=len(roles))


def _preceded(message: Message, text: str) -> Message:
    if isinstance(message.content, tuple):
        return msgspec.structs.replace(message, content=(Part("text", text), *message.content))
    return msgspec.structs.replace(message, content=f"{text}\n\n{message.text()}")


class Attempt(NamedTuple):
    """A plan, and why it is not shown ("" where it is)."""

    plan: Plan
    reason: Reason


async def attempt_plan(
    planner: Planner, dialogue: Dialogue, seconds: float | None, taxonomy: Taxonomy, *, private: bool = False
) -> Attempt:
    """Plan within `seconds`; whatever the planner does wrong comes back as a plan with `error`.

    Args:
        planner: whatever plans.
        dialogue: whose reply is planned.
        seconds: how long it may take; `None` is no limit.
        taxonomy: the planner's.
        private: leave out what an error says, which may be what the planner's own model was sent.

    Raises:
        ConfigurationError: the planner is set up wrongly.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            plan = await planner.plan(dialogue)
    except ConfigurationError:
        raise
    except Exception as error:
        # Whatever a planner of any making does wrong, the answer goes out; the reason goes with it.
        return late(planner, seconds) if limit.expired() else failed(planner, error, private=private)
    return judged(plan, taxonomy)


def late(planner: Planner, seconds: float | None) -> Attempt:
    """Return the attempt of a planner that took longer than `seconds`."""
    fault = f"The plan was not ready within {seconds} s."
    return Attempt(Plan(error=fault, planner=planner.identity, responder=_RESPONDER), "late")


def failed(planner: Planner, error: Exception, *, private: bool = False) -> Attempt:
    """Return the attempt of a planner that raised `error`; a private one keeps to itself what it says."""
    kind = type(error).__name__
    fault = f"The planner failed ({kind})." if private else f"The planner failed ({kind}: {error})."
    return Attempt(Plan(error=fault, planner=planner.identity, responder=_RESPONDER), "failed")


def judged(plan: Plan, taxonomy: Taxonomy) -> Attempt:
    """Say whether `plan` can be shown; a skill outside `taxonomy` makes it invalid, with `error` set."""
    if plan.skill is not None and plan.skill not in taxonomy.names():
        fault = f"{plan.skill!r} is no skill of this taxonomy; give `planned` the planner's own."
        return Attempt(msgspec.structs.replace(plan, valid=False, error=fault), "invalid")
    if plan.error is not None:
        return Attempt(plan, "failed")
    if plan.valid and plan.skill is not None:
        return Attempt(plan, "")
    # A planner that abstains ranks the skills and names none; one that went astray said something else.
    return Attempt(plan, "abstained" if plan.alternatives and not plan.skill_raw else "invalid")


class PlannedModel:
    """A Model that plans before it answers; made by `planned`."""

    def __init__(
        self,
        model: Model,
        planner: Planner,
        inject: Inject,
        seconds: float | None,
        taxonomy: Taxonomy,
        template: Template,
    ) -> None:
        self._taxonomy = taxonomy
        self._template = template
        self._model = model
        self._planner = planner
        self._inject: Inject = inject
        self._seconds = seconds

    @property
    def identity(self) -> str:
        """The model's identity, the planner's, and what is injected."""
        return f"{self._model.identity}+plan({self._planner.identity},{self._inject})"

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped model; its stream is not passed on."""
        return msgspec.structs.replace(self._model.capabilities, stream=False)

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        """Plan, then answer with the plan at hand.

        Raises:
            ConfigurationError: the planner is set up wrongly.
            ModelError: the answer failed; a failed plan raises nothing.
        """
        plan = (await self._plan(conversation)).plan
        system_role = self._model.capabilities.system_role
        shown = with_plan(
            conversation, plan, self._inject, self._taxonomy, self._template, system_role=system_role
        )
        return await self._model.generate(shown, sampling)

    async def _plan(self, conversation: Conversation) -> Attempt:
        if conversation.plan is not None:
            return judged(conversation.plan, self._taxonomy)
        return await attempt_plan(self._planner, dialogue_of(conversation), self._seconds, self._taxonomy)


def planned(
    model: Model,
    planner: Planner,
    *,
    inject: Inject = "both",
    seconds: float | None = 30.0,
    taxonomy: Taxonomy | None = None,
    template: Template | None = None,
) -> PlannedModel:
    """Wrap `model` so that it answers with the plan of `planner` at hand.

    Args:
        model: whatever answers.
        planner: whatever plans.
        inject: what of the plan the model is shown.
        seconds: how long planning may take before the answer goes out unplanned; `None` is no limit.
        taxonomy: the planner's; the package's where none is given.
        template: wording of the plan; the package's where none is given.
    """
    return PlannedModel(
        model, planner, inject, seconds, taxonomy or load_taxonomy(), template or load_template()
    )
