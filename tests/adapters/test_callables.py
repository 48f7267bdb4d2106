import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from skillofmind.adapters.callables import Chat, PlannedText, planned_callable
from skillofmind.core.dialogue import SocialContext
from skillofmind.core.errors import ConfigurationError
from tests.adapters.scene import BLOCK, CHAT, FAULTS, RESULTS, unshown
from tests.mind.planners import GOOD, FixedPlanner


class Answering:
    """A function that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Chat] = []

    def __call__(self, messages: Chat) -> str:
        self.asked.append(messages)
        return "fine"


class AnsweringLater(Answering):
    """The same, asynchronous."""

    async def __call__(self, messages: Chat) -> str:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().__call__(messages)


def run(function: Any, messages: Chat, planner: FixedPlanner, **settings: Any) -> PlannedText:
    answering: Callable[[Chat], Any] = planned_callable(function, planner, **settings)
    answer = answering(messages)
    text: PlannedText = asyncio.run(answer) if asyncio.iscoroutine(answer) else answer
    return text


@pytest.mark.parametrize("kind", [Answering, AnsweringLater])
def test_the_function_sees_one_more_message_and_its_text_carries_the_plan(kind: type[Answering]) -> None:
    function, before = kind(), [dict(message) for message in CHAT]
    text = run(function, CHAT, FixedPlanner())
    assert text == "fine"
    assert text.planning.plan == GOOD
    assert text.planning.planned
    (shown,) = function.asked
    assert unshown(shown) == CHAT == before
    assert all(any(message is other for other in shown) for message in CHAT)


@pytest.mark.parametrize("kind", [Answering, AnsweringLater])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planner_never_costs_an_answer(kind: type[Answering], fault: str) -> None:
    planner, reason = FAULTS[fault]
    function = kind()
    text = run(function, CHAT, planner, seconds=0.05)
    assert (text, text.planning.planned, text.planning.reason) == ("fine", False, reason)
    assert function.asked[0] is CHAT
    late = text.planning.plan is not None and text.planning.plan.error
    assert (late == "The plan was not ready within 0.05 s.") == (reason == "late")


@pytest.mark.parametrize("kind", [Answering, AnsweringLater])
def test_the_result_of_a_tool_is_passed_on(kind: type[Answering]) -> None:
    function, planner = kind(), FixedPlanner()
    text = run(function, RESULTS, planner)
    assert function.asked[0] is RESULTS
    assert (planner.asked, text.planning.reason) == ([], "tools")


def test_a_failing_function_stays_a_failure() -> None:
    def fails(messages: Chat) -> str:
        raise KeyError(len(messages))

    with pytest.raises(KeyError, match="5"):
        planned_callable(fails, FixedPlanner())(CHAT)


def test_a_planner_that_is_set_up_wrongly_is_no_accident() -> None:
    with pytest.raises(ConfigurationError, match="no weights"):
        planned_callable(Answering(), FixedPlanner(ConfigurationError("no weights")))(CHAT)


async def test_a_synchronous_function_is_planned_inside_a_running_loop() -> None:
    assert planned_callable(lambda messages: "fine", FixedPlanner())(CHAT).planning.planned


async def test_many_threads_at_once_each_get_their_own_plan() -> None:
    answer = planned_callable(lambda messages: messages[-1]["content"], FixedPlanner(seconds=0.05))
    chats: list[Chat] = [[{"role": "user", "content": f"{number}"}] for number in range(20)]
    texts = await asyncio.gather(*(asyncio.to_thread(answer, chat) for chat in chats))
    assert [str(text) for text in texts] == [f"{number}" for number in range(20)]
    assert all(text.planning.planned for text in texts)


async def test_a_coroutine_function_is_seen_as_one() -> None:
    async def later(messages: Chat) -> str:
        return "later"

    assert (await planned_callable(later, FixedPlanner())(CHAT)).planning.planned


def test_the_context_and_the_place_of_the_plan_can_be_given() -> None:
    function, planner = Answering(), FixedPlanner()
    run(function, CHAT, planner, context=SocialContext(relationship="siblings"), system_role=False)
    assert planner.asked[0].context == SocialContext(relationship="siblings")
    assert function.asked[0][-1]["content"] == f"{BLOCK}\n\n{CHAT[-1]['content']}"


def test_a_plan_without_the_wanted_part_is_not_shown() -> None:
    bare = type(GOOD)(skill="Empathy", valid=True)
    text = run(Answering(), CHAT, FixedPlanner(bare), inject="explanation")
    assert (text.planning.planned, text.planning.reason) == (False, "invalid")
