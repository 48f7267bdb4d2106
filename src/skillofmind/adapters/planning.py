"""What all adapters share: read the messages, plan, and say what came of it.

    forethought = Forethought(EmbeddedPlanner(), inject="skill")
    thought = forethought.think([{"role": "user", "content": "I failed again."}])
    thought.block       # what the model is shown, or None
    thought.planning    # what travels with the answer

A request is planned where a user spoke last. It is not where the result of a tool stands last, because the
model is in the middle of its work, nor with `inject="off"`. Text of users chooses nothing. Of a long
conversation the planner is shown the last turns only, so planning takes a bounded time.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import msgspec

from skillofmind.adapters.loop_thread import wait_for
from skillofmind.core.dialogue import SocialContext
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import (
    Attempt,
    Inject,
    Reason,
    attempt_plan,
    dialogue_of_messages,
    late,
    plan_block,
)
from skillofmind.mind.recent import numbered, recent_turns
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, load_template

FIELD = "skillofmind"
"""Name under which a planning travels with an answer."""

Messages = Sequence[Mapping[str, Any]]
"""Messages of the OpenAI chat format as JSON values; of each, `role` and `content` are read."""


class Settings(TypedDict, total=False):
    """How to plan; the same for all adapters.

    Attributes:
        inject: what of the plan the model is shown: `both` (default), `skill`, `explanation`, or `off`, which
            does not plan at all.
        seconds: how long planning may take before the answer goes out unplanned, 30 by default; `None` is no
            limit.
        context: the social context; without it, the text of system messages.
        system_role: whether the plan goes into a system message right before the last user message (default),
            or before that message's words, for models that take no system message there.
        taxonomy: the planner's; the package's by default.
        template: wording of the plan; the package's by default.
    """

    inject: Inject
    seconds: float | None
    context: SocialContext | str | None
    system_role: bool
    taxonomy: Taxonomy | None
    template: Template | None


class Planning(Record, frozen=True, omit_defaults=False):
    """What came of planning one answer.

    Attributes:
        plan: the plan, with `error` where it failed; `None` where none was asked for.
        inject: what of it the model was to be shown.
        planned: whether the model was shown it.
        reason: why it was not.
        seconds: `plan`, the time that planning took.
    """

    plan: Plan | None
    inject: Inject
    planned: bool
    reason: Reason
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value that travels with an answer under the name `skillofmind`.

        A plan has all its fields, but no `error` where there is none.
        """
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.structs.asdict(self)))
        if self.plan is not None:
            found["plan"] = {**_blank(), **found["plan"]}
            found["plan"]["alternatives"] = [{"confidence": None} | a for a in found["plan"]["alternatives"]]
        return found


def _blank() -> dict[str, Any]:
    """Return the fields of a plan that says nothing."""
    fields = {**msgspec.structs.asdict(Plan()), "alternatives": [], "evidence": []}
    del fields["error"]
    return fields


class Thought(NamedTuple):
    """The text that shows the plan to the model, if any, and what came of planning."""

    block: str | None
    planning: Planning


class Forethought:
    """Plans for messages; a planner that fails or is late costs nothing but the time it was given."""

    def __init__(
        self,
        planner: Planner,
        *,
        inject: Inject = "both",
        seconds: float | None = 30.0,
        context: SocialContext | str | None = None,
        system_role: bool = True,
        taxonomy: Taxonomy | None = None,
        template: Template | None = None,
    ) -> None:
        """Plan with `planner`; see `Settings`."""
        self.system_role = system_role
        self._planner = planner
        self._inject: Inject = inject
        self._seconds = seconds
        self._context = SocialContext(text=context) if isinstance(context, str) else context
        self._taxonomy = taxonomy or load_taxonomy()
        self._template = template or load_template()

    def think(self, messages: Messages) -> Thought:
        """Plan the answer to `messages`; works inside and outside of a running event loop.

        Raises:
            ConfigurationError: the planner is set up wrongly.
        """
        if reason := self._passed(messages):
            return self._unasked(reason)
        begun = time.perf_counter()
        recent = recent_turns(dialogue_of_messages(messages, self._context))
        attempt = attempt_plan(self._planner, recent.dialogue, None, self._taxonomy)
        try:
            found = wait_for(attempt, self._seconds)
        except TimeoutError:
            found = late(self._planner, self._seconds)
        return self._thought(found, recent.first, time.perf_counter() - begun)

    async def think_async(self, messages: Messages) -> Thought:
        """Plan the answer to `messages` in the running event loop.

        Raises:
            ConfigurationError: the planner is set up wrongly.
        """
        if reason := self._passed(messages):
            return self._unasked(reason)
        begun = time.perf_counter()
        recent = recent_turns(dialogue_of_messages(messages, self._context))
        found = await attempt_plan(self._planner, recent.dialogue, self._seconds, self._taxonomy)
        return self._thought(found, recent.first, time.perf_counter() - begun)

    def _passed(self, messages: Messages) -> Reason:
        return "off" if self._inject == "off" else unasked(messages)

    def _unasked(self, reason: Reason) -> Thought:
        return Thought(None, Planning(None, self._inject, False, reason, {"plan": 0.0}))

    def _thought(self, attempt: Attempt, first: int, seconds: float) -> Thought:
        block = plan_block(attempt.plan, self._inject, self._taxonomy, self._template)
        # A plan without the part that is to be shown is no use, good as it may be otherwise.
        reason: Reason = attempt.reason or ("" if block else "invalid")
        plan = numbered(attempt.plan, first)
        return Thought(block, Planning(plan, self._inject, not reason, reason, {"plan": seconds}))


def unasked(messages: Messages) -> Reason:
    """Return why the answer to `messages` is not planned (a tool spoke last, or no user did), or ""."""
    said = [m for m in messages if m.get("role") not in ("system", "developer")]
    last = said[-1] if said else {}
    if last.get("role") in ("tool", "function"):
        return "tools"
    return "" if last.get("role") == "user" and dialogue_of_messages([last]).turns else "turn"
