"""The planner before a plain function from messages to text.

answer = planned_callable(my_model, EmbeddedPlanner())
text = answer([{"role": "user", "content": "I failed again."}])
text.planning.plan.skill
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Unpack, cast, overload

from skillofmind.adapters.planning import Forethought, Planning, Settings, Thought
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import insert_plan

Chat = list[dict[str, Any]]
"""Messages of the OpenAI chat format as JSON values."""


class PlannedText(str):
    """The text that a function answered, with what came of planning it.

    Attributes:
        planning: the plan, whether the function was shown it, and why not.
    """

    planning: Planning

    def __new__(cls, text: str, planning: Planning) -> "PlannedText":
        """Return `text` with `planning` attached."""
        made = super().__new__(cls, text)
        made.planning = planning
        return made


@overload
def planned_callable(
    function: Callable[[Chat], Awaitable[str]], planner: Planner, **settings: Unpack[Settings]
) -> Callable[[Chat], Awaitable[PlannedText]]: ...


@overload
def planned_callable(
    function: Callable[[Chat], str], planner: Planner, **settings: Unpack[Settings]
) -> Callable[[Chat], PlannedText]: ...


def planned_callable(
    function: Callable[[Chat], Any], planner: Planner, **settings: Unpack[Settings]
) -> Callable[[Chat], Any]:
    """Return a function like `function` that plans first; asynchronous where `function` is.

    Args:
        function: from messages to the text of the answer.
        planner: whatever plans.
        settings: see `Settings`.
    """
    forethought = Forethought(planner, **settings)

    def answer(messages: Chat) -> PlannedText:
        thought = forethought.think(messages)
        return PlannedText(function(_shown(messages, thought, forethought)), thought.planning)

    async def answer_async(messages: Chat) -> PlannedText:
        thought = await forethought.think_async(messages)
        text = await cast(Awaitable[str], function(_shown(messages, thought, forethought)))
        return PlannedText(text, thought.planning)

    return answer_async if _is_async(function) else answer


def _is_async(function: Callable[[Chat], Any]) -> bool:
    """Say whether calling `function` gives a coroutine, be it a function or an object that is called."""
    called = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _shown(messages: Chat, thought: Thought, forethought: Forethought) -> Chat:
    if thought.block is None:
        return messages
    return insert_plan(messages, thought.block, system_role=forethought.system_role)
