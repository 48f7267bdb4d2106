"""What planning costs with a given model: time to the first token and to the last one, and tokens.

    base        the model answers
    embedded    the embedded planner plans, then the model answers with the plan
    skill       the model names a skill, then answers with it: no explanation
    both        a planner of the model writes explanation and skill, then the model answers with both

Every case is asked in all arms, one after the other, in rounds that go forwards and backwards, so a slow
minute of the server meets all arms. One call of each arm before the first round is not counted. `ratio` is
the time of a case with planning by that of the same case in the same round without.

Times are of this client, network included, one request at a time. A server that keeps prompts in a cache
answers later rounds faster: ask one round for first times. The answers of the arms differ in length, which is
part of their cost; `tokens_out` says by how much.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ModelError
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.core.seams import Model, Planner, StreamingModel
from skillofmind.mind.inject import Inject, attempt_plan, dialogue_of, with_plan
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.render import render_context, render_turns
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.models.wrapped import closing
from skillofmind.run.budget import Meter

BASE = "base"
"""The arm without planning."""

PLAN_SECONDS = 120.0
"""After so long an answer goes out unplanned, and the case counts as such."""

_ASK = (
    "Which of these conversational skills should the next turn show?\n{skills}\n\n"
    "Social context:\n{context}\n\nDialogue:\n{dialogue}\n\n"
    "Answer with the name of one skill and nothing else."
)


class Took(NamedTuple):
    """What one case took: seconds to the first and the last token, tokens in and out, whether planned."""

    first: float
    whole: float
    tokens_in: int
    tokens_out: int
    planned: bool


class Arm(NamedTuple):
    """One way to plan: the planner, if any, and what of the plan the model is shown."""

    planner: Planner | None = None
    inject: Inject = "off"


class Spread(Record, frozen=True):
    """Median and 95th percentile."""

    p50: float
    p95: float


class Timing(Record, frozen=True):
    """What an arm took.

    Attributes:
        arm: its name.
        n: answers that were timed.
        planned: of them, those that had a plan.
        first_ms: milliseconds to the first token.
        total_ms: milliseconds to the last token.
        added_ms: more than without planning, case by case.
        ratio: times the time without planning, case by case.
        tokens_in: mean tokens read, those of planning included.
        tokens_out: mean tokens written, those of planning included.
    """

    arm: str
    n: int
    planned: int
    first_ms: Spread
    total_ms: Spread
    added_ms: Spread
    ratio: Spread
    tokens_in: float
    tokens_out: float


class Timed(NamedTuple):
    """All that was timed: arm -> answers, in one order of cases; and cases that failed, with one reason."""

    took: dict[str, list[Took]]
    failed: int
    why: str


class SkillOnly:
    """A planner that asks a model for the name of a skill, and for no explanation."""

    def __init__(self, model: Model, taxonomy: Taxonomy | None = None) -> None:
        """Plan with `model`; the taxonomy defaults to that of the package."""
        self._model = model
        self._normalise = Normaliser(taxonomy or load_taxonomy())
        self.identity = f"skill:{model.identity}"

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan with one short call; a failure comes back as a plan with `error`."""
        names = "\n".join(self._normalise.taxonomy.names())
        ask = _ASK.format(skills=names, context=render_context(dialogue), dialogue=render_turns(dialogue))
        try:
            said = await self._model.generate(
                Conversation((Message("user", ask),)), Sampling(temperature=0.0, max_tokens=16)
            )
        except ModelError as error:
            return Plan(error=str(error), planner=self.identity)
        raw = said.text.strip()
        skill = self._normalise(raw).skill
        return Plan(skill=skill, skill_raw=raw, valid=skill is not None, planner=self.identity)


async def timed(
    model: Model,
    arms: Mapping[str, Arm],
    cases: Sequence[Conversation],
    meter: Meter,
    *,
    rounds: int,
    sampling: Sampling,
    clock: Callable[[], float] = time.perf_counter,
    stop: asyncio.Event | None = None,
    on_done: Callable[[int], None] = lambda _: None,
) -> Timed:
    """Ask every case in every arm, round after round.

    Args:
        model: answers; its calls and those of the planners have to be counted by `meter`.
        arms: `BASE` among them.
        cases: conversations that end with the user.
        meter: counts tokens.
        rounds: how often each case is asked in each arm.
        sampling: of the answers.
        clock: monotonic seconds.
        stop: when set, the case in work is finished and no other is begun.
        on_done: told after each case how many arms failed in it.
    """
    took: dict[str, list[Took]] = {name: [] for name in arms}
    failed, why = 0, ""
    names = list(arms)
    for number in range(-1, rounds):
        for case in cases if number >= 0 else cases[:1]:
            if stop is not None and stop.is_set():
                return Timed(took, failed, why)
            order = names if number % 2 else names[::-1]
            try:
                found = {
                    name: await answer(model, case, arms[name], meter, sampling, clock) for name in order
                }
            except ModelError as error:
                failed, why = failed + (number >= 0), str(error)
                found = {}
            if number >= 0:
                for name, one in found.items():
                    took[name].append(one)
                on_done(not found)
    return Timed(took, failed, why)


async def answer(
    model: Model,
    case: Conversation,
    arm: Arm,
    meter: Meter,
    sampling: Sampling,
    clock: Callable[[], float] = time.perf_counter,
) -> Took:
    """Plan and answer one case.

    Raises:
        ModelError: the answer failed; a failed plan is an answer without one.
    """
    before, start, shown, planned = meter.spent.usage, clock(), case, False
    if arm.planner is not None:
        taxonomy = load_taxonomy()
        tried = await attempt_plan(arm.planner, dialogue_of(case), PLAN_SECONDS, taxonomy)
        planned = not tried.reason
        role = model.capabilities.system_role
        shown = with_plan(case, tried.plan, arm.inject, taxonomy, load_template(), system_role=role)
    first = await _first_token(model, shown, sampling, clock)
    whole = clock() - start
    after = meter.spent.usage
    return Took(
        whole if first is None else first - start,
        whole,
        after.prompt_tokens - before.prompt_tokens,
        after.completion_tokens - before.completion_tokens,
        planned,
    )


def timings(took: Mapping[str, Sequence[Took]]) -> tuple[Timing, ...]:
    """Return the figures of every arm; fewer than two answers give none."""
    base = took[BASE]
    return tuple(timing(name, found, base) for name, found in took.items()) if len(base) > 1 else ()


def timing(name: str, found: Sequence[Took], base: Sequence[Took]) -> Timing:
    """Return the figures of an arm; `base` are the same cases without planning, in the same order."""
    pairs = list(zip(found, base, strict=True))
    return Timing(
        name,
        len(found),
        sum(one.planned for one in found),
        spread([1000 * one.first for one in found]),
        spread([1000 * one.whole for one in found]),
        spread([1000 * (one.whole - other.whole) for one, other in pairs]),
        spread([one.whole / other.whole for one, other in pairs]),
        round(statistics.mean(one.tokens_in for one in found), 1),
        round(statistics.mean(one.tokens_out for one in found), 1),
    )


def spread(values: Sequence[float]) -> Spread:
    """Return median and 95th percentile of at least two values, to four digits."""
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return Spread(round(cuts[9], 4), round(cuts[18], 4))


async def _first_token(
    model: Model, shown: Conversation, sampling: Sampling, clock: Callable[[], float]
) -> float | None:
    """Let the model answer; return when the first token came, or `None` where it does not stream."""
    if not (model.capabilities.stream and isinstance(model, StreamingModel)):
        await model.generate(shown, sampling)
        return None
    first = None
    async with closing(model.stream(shown, sampling)) as deltas:
        async for delta in deltas:
            if first is None and delta.text:
                first = clock()
    return first
