"""Hand a plan to any response model: Model -> Model.

`planned(model, planner)` plans before each answer and puts the plan into a system message right before
the last user message. A late, failing or invalid plan never costs the answer: the model then answers
without it, and the plan that travels with the conversation says why. Only a `ConfigurationError` gets
through, because it would turn planning off for every answer without a word.
"""

import asyncio
from typing import Literal

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

_RESPONDER = "Assistant"


def dialogue_of(conversation: Conversation, context: SocialContext | None = None) -> Dialogue:
    """Read a chat as a dialogue between `User` and `Assistant`.

    System and developer text becomes the free-text social context unless `context` is given; tool
    messages and calls are not turns of the dialogue.
    """
    systems = [m.text() for m in conversation.messages if m.role in ("system", "developer")]
    said = [m for m in conversation.messages if m.role in ("user", "assistant") and m.text()]
    turns = tuple(Turn("User" if m.role == "user" else _RESPONDER, m.text()) for m in said)
    found = context if context is not None else SocialContext(text="\n".join(systems) or None)
    return Dialogue(turns=turns, context=found, responder=_RESPONDER)


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
    last_user = max((i for i, m in enumerate(messages) if m.role == "user"), default=len(messages))
    rest = messages[last_user:]
    if system_role or not rest:
        rest = (Message("system" if system_role else "user", block), *rest)
    else:
        rest = (_preceded(rest[0], block), *rest[1:])
    return msgspec.structs.replace(conversation, messages=(*messages[:last_user], *rest), plan=plan)


def _preceded(message: Message, text: str) -> Message:
    if isinstance(message.content, tuple):
        return msgspec.structs.replace(message, content=(Part("text", text), *message.content))
    return msgspec.structs.replace(message, content=f"{text}\n\n{message.text()}")


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
        plan = self._checked(await self._plan(conversation))
        system_role = self._model.capabilities.system_role
        shown = with_plan(
            conversation, plan, self._inject, self._taxonomy, self._template, system_role=system_role
        )
        return await self._model.generate(shown, sampling)

    def _checked(self, plan: Plan) -> Plan:
        if plan.skill is None or plan.skill in self._taxonomy.names():
            return plan
        fault = f"{plan.skill!r} is no skill of this taxonomy; give `planned` the planner's own."
        return msgspec.structs.replace(plan, valid=False, error=fault)

    async def _plan(self, conversation: Conversation) -> Plan:
        if conversation.plan is not None:
            return conversation.plan
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                return await self._planner.plan(dialogue_of(conversation))
        except ConfigurationError:
            raise
        except Exception as error:
            # Whatever a planner of any making does wrong, the answer goes out; the reason goes with it.
            late = f"The plan was not ready within {self._seconds} s."
            fault = late if limit.expired() else f"The planner failed ({type(error).__name__}: {error})."
            return Plan(error=fault, planner=self._planner.identity, responder=_RESPONDER)


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
