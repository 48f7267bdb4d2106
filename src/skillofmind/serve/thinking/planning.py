"""Plan a reply and say what came of it; whatever goes wrong, there is a thought to go on with.

A dialogue is clipped before a planner sees it: long turns lose their middle, and of a long conversation
only the last turns count, so planning takes a bounded time whatever a client sends.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import Inject, plan_block
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.render import MAX_TURN_CHARS
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, load_template
from skillofmind.serve.errors import Refused
from skillofmind.serve.request import Options, Said
from skillofmind.serve.thinking.planners import counted, usage_of

Reason = Literal["", "late", "failed", "invalid", "abstained", "tools", "turn", "off"]
"""Why an answer goes out unplanned: the plan came too late, planning failed, the plan was no good, the
planner chose no skill, a tool has just answered, it is not the user who spoke last, or nobody wants one."""

RESPONDER = "Assistant"
MOST_CHARS = 24_000
"""Characters of a conversation that a planner is shown, the last ones."""


class Thought(NamedTuple):
    """What came of planning.

    Attributes:
        plan: `None` where none was asked for.
        block: text that shows the plan to the model; `None` where there is nothing to show.
        reason: why there is no plan to show, "" where there is one.
        seconds: that it took.
        usage: tokens of all calls that it took.
        first: number of the first turn that the planner was shown.
    """

    plan: Plan | None = None
    block: str | None = None
    reason: Reason = ""
    seconds: float = 0.0
    usage: Usage = Usage()
    first: int = 0


def not_planned(messages: Sequence[Said], inject: Inject) -> Reason:
    """Return why a request is not planned at all, or ""."""
    if inject == "off":
        return "off"
    last = next((said for said in reversed(messages) if said.role not in ("system", "developer")), None)
    if last is not None and last.role in ("tool", "function"):
        return "tools"
    return "" if last is not None and last.role == "user" and last.words().strip() else "turn"


def dialogue_of(messages: Sequence[Said], context: SocialContext | None = None) -> tuple[Dialogue, int]:
    """Read messages as a clipped dialogue between `User` and `Assistant`.

    System and developer text is the free-text context where `context` has none; tool messages and calls
    are not turns.

    Returns:
        The dialogue, and how many turns were left out before its first one.
    """
    systems = [said.words() for said in messages if said.role in ("system", "developer")]
    turns = [
        Turn("User" if said.role == "user" else RESPONDER, _clipped(said.words()))
        for said in messages
        if said.role in ("user", "assistant") and said.words()
    ]
    first, room = len(turns), MOST_CHARS
    while first and (room := room - len(turns[first - 1].text)) >= 0:
        first -= 1
    found = context or SocialContext()
    if found.text is None:
        found = msgspec.structs.replace(found, text=_clipped("\n".join(systems)) or None)
    return Dialogue(turns=tuple(turns[first:]), context=found, responder=RESPONDER), first


def _clipped(text: str) -> str:
    if len(text) <= MAX_TURN_CHARS:
        return text
    return f"{text[: MAX_TURN_CHARS * 2 // 3]} […] {text[-MAX_TURN_CHARS // 3 :]}"


class Planning:
    """A planner with its taxonomy and wording; never raises for what a planner does."""

    def __init__(
        self,
        planner: Planner,
        *,
        taxonomy: Taxonomy | None = None,
        template: Template | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Plan with `planner`; taxonomy and wording default to those of the package."""
        self.planner = planner
        self.taxonomy = taxonomy or load_taxonomy()
        self._template = template or load_template()
        self._normalise = Normaliser(self.taxonomy)
        self._names = frozenset(self.taxonomy.names())
        self._clock = clock

    def check(self, options: Options) -> Options:
        """Return the options with the skill by its name in the taxonomy.

        Raises:
            Refused: there is no such skill.
        """
        if options.skill is None:
            return options
        skill = self._normalise(options.skill).skill
        if skill is None:
            raise Refused(
                400, f"unknown skill {options.skill[:80]!r}; `som skills` lists them.", param="skill"
            )
        return msgspec.structs.replace(options, skill=skill)

    async def think(
        self, dialogue: Dialogue, options: Options, inject: Inject, seconds: float, first: int = 0
    ) -> Thought:
        """Plan the reply to `dialogue` within `seconds`."""
        start = self._clock()
        with counted() as calls:
            if options.skill is None:
                plan, reason = await self._planned(dialogue, seconds)
            else:
                plan, reason = self._judged(self._chosen(options))
        plan = _counted_from(plan, first)
        block = None if reason else plan_block(plan, inject, self.taxonomy, self._template)
        if not reason and block is None and inject != "off":
            reason = "invalid"
        return Thought(plan, block, reason, self._clock() - start, usage_of(calls), first)

    async def _planned(self, dialogue: Dialogue, seconds: float) -> tuple[Plan, Reason]:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                plan = await self.planner.plan(dialogue)
        except Exception as error:
            # Whatever a planner of any making does wrong, the answer goes out.
            if limit.expired():
                return self._failed(f"The plan was not ready within {seconds:.3g} s."), "late"
            return self._failed(f"The planner failed ({type(error).__name__})."), "failed"
        return self._judged(plan)

    def _judged(self, plan: Plan) -> tuple[Plan, Reason]:
        if plan.error is not None:
            return plan, "failed"
        if plan.skill is not None and plan.skill not in self._names:
            fault = f"{plan.skill[:80]!r} is no skill of this server's taxonomy."
            return msgspec.structs.replace(plan, valid=False, error=fault), "invalid"
        if plan.valid and plan.skill is not None:
            return plan, ""
        # A planner that abstains ranks the skills and names none; one that went astray said something else.
        return plan, "abstained" if plan.alternatives and not plan.skill_raw else "invalid"

    def _failed(self, fault: str) -> Plan:
        return Plan(error=fault, planner=self.planner.identity, responder=RESPONDER)

    def _chosen(self, options: Options) -> Plan:
        skill = self.taxonomy.get(options.skill or "")
        thought = f"I was asked to answer with this skill, so I want to {skill.aim}."
        return Plan(
            explanation=options.explanation if options.explanation is not None else thought,
            skill=skill.name,
            skill_raw=skill.name,
            valid=True,
            planner="request",
            responder=RESPONDER,
        )


def _counted_from(plan: Plan, first: int) -> Plan:
    """Return the plan with its evidence at the numbers that the turns have in the whole conversation."""
    if not first or not plan.evidence:
        return plan
    moved = [
        msgspec.structs.replace(item, where=str(int(item.where) + first)) if item.kind == "turn" else item
        for item in plan.evidence
    ]
    return msgspec.structs.replace(plan, evidence=tuple(moved))
