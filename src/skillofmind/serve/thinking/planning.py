"""Plan a reply and say what came of it; whatever goes wrong, there is a thought to go on with."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import Attempt, Inject, Reason, attempt_plan, failed, plan_block
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.recent import Recent, numbered, recent_turns
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, load_template
from skillofmind.serve.errors import Refused
from skillofmind.serve.request import Options, Said
from skillofmind.serve.thinking.planners import counted, usage_of

RESPONDER = "Assistant"


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


def dialogue_of(messages: Sequence[Said], context: SocialContext | None = None) -> Recent:
    """Read messages as a clipped dialogue between `User` and `Assistant`.

    System and developer text is the free-text context where `context` has none; tool messages and calls
    are not turns.
    """
    systems = [said.words() for said in messages if said.role in ("system", "developer")]
    turns = tuple(
        Turn("User" if said.role == "user" else RESPONDER, said.words())
        for said in messages
        if said.role in ("user", "assistant") and said.words()
    )
    found = context or SocialContext()
    if found.text is None:
        found = msgspec.structs.replace(found, text="\n".join(systems) or None)
    return recent_turns(Dialogue(turns=turns, context=found, responder=RESPONDER))


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
                plan, reason = self._chosen(options), ""
        plan = numbered(plan, first)
        block = None if reason else plan_block(plan, inject, self.taxonomy, self._template)
        if not reason and block is None and inject != "off":
            reason = "invalid"
        return Thought(plan, block, reason, self._clock() - start, usage_of(calls), first)

    async def _planned(self, dialogue: Dialogue, seconds: float) -> Attempt:
        try:
            return await attempt_plan(self.planner, dialogue, seconds, self.taxonomy, private=True)
        except ConfigurationError as error:
            # Here, too, the answer goes out.
            return failed(self.planner, error, private=True)

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
