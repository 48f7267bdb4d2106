"""Hand a plan to any response model: Model -> Model.

`planned(model, planner)` plans before each answer and puts the plan into a system message right before
the last turn. A late, failing or invalid plan never costs the answer: the model then answers without it.
"""

import asyncio
from typing import Literal

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Capabilities, Model, Planner
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, fill, load_template

Inject = Literal["both", "skill", "explanation", "off"]
"""What of a plan the response model is shown; the paper's three variants, and none."""


def dialogue_of(conversation: Conversation, context: SocialContext | None = None) -> Dialogue:
    """Read a chat as a dialogue between `User` and `Assistant`.

    System and developer text becomes the free-text social context unless `context` is given; tool
    messages and calls are not turns of the dialogue.
    """
    systems = [m.text() for m in conversation.messages if m.role in ("system", "developer")]
    said = [m for m in conversation.messages if m.role in ("user", "assistant") and m.text()]
    turns = tuple(Turn("User" if m.role == "user" else "Assistant", m.text()) for m in said)
    found = context if context is not None else SocialContext(text="\n".join(systems) or None)
    return Dialogue(turns=turns, context=found, responder="Assistant")


def plan_block(plan: Plan, inject: Inject, taxonomy: Taxonomy, template: Template) -> str | None:
    """Return the text that shows `plan` to a response model; `None` where there is nothing to show."""
    if inject == "off" or not plan.valid or plan.skill is None:
        return None
    wording = {
        "both": template.agent.both,
        "skill": template.agent.skill,
        "explanation": template.agent.explanation,
    }[inject]
    skill = taxonomy.get(plan.skill)
    fields = {"explanation": plan.explanation, "skill": skill.name, "definition": skill.definition}
    return f"{template.agent.note}\n\n{fill(wording, fields)}"


def with_plan(
    conversation: Conversation, plan: Plan, inject: Inject, taxonomy: Taxonomy, template: Template
) -> Conversation:
    """Return `conversation` carrying `plan`, and showing it as `inject` says."""
    block = plan_block(plan, inject, taxonomy, template)
    if block is None:
        return msgspec.structs.replace(conversation, plan=plan)
    messages = conversation.messages
    last_user = max((i for i, m in enumerate(messages) if m.role == "user"), default=len(messages))
    note = Message("system", block)
    return msgspec.structs.replace(
        conversation, messages=(*messages[:last_user], note, *messages[last_user:]), plan=plan
    )


class PlannedModel:
    """A Model that plans before it answers; made by `planned`."""

    def __init__(self, model: Model, planner: Planner, inject: Inject, seconds: float | None) -> None:
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
        """Plan, then answer with the plan at hand."""
        plan = await self._plan(conversation)
        shown = with_plan(conversation, plan, self._inject, load_taxonomy(), load_template())
        return await self._model.generate(shown, sampling)

    async def _plan(self, conversation: Conversation) -> Plan:
        if conversation.plan is not None:
            return conversation.plan
        try:
            async with asyncio.timeout(self._seconds):
                return await self._planner.plan(dialogue_of(conversation))
        except TimeoutError:
            late = f"The plan was not ready within {self._seconds} s."
            return Plan(error=late, planner=self._planner.identity)


def planned(
    model: Model, planner: Planner, *, inject: Inject = "both", seconds: float | None = 30.0
) -> PlannedModel:
    """Wrap `model` so that it answers with the plan of `planner` at hand.

    Args:
        model: whatever answers.
        planner: whatever plans.
        inject: what of the plan the model is shown.
        seconds: how long planning may take before the answer goes out unplanned; `None` is no limit.
    """
    return PlannedModel(model, planner, inject, seconds)
