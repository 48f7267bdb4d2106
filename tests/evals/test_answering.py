import asyncio

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan
from skillofmind.evals.answering import counted, plan_asker, usage_of_calls
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.prompted import PromptedPlanner
from skillofmind.models.scripted import ScriptedModel
from tests.cli.som import answer
from tests.evals.fake import items


async def test_a_plan_is_the_answer() -> None:
    planner = EmbeddedPlanner()
    item = items(1)[0]
    found = await plan_asker(planner)(item)
    assert found.plan == planner.plan_now(item.dialogue)
    assert (found.error, found.reply, found.usage) == (None, "", Usage())


async def test_a_plan_with_an_error_is_an_answer_with_an_error() -> None:
    class Broken:
        identity = "broken"

        async def plan(self, dialogue: Dialogue) -> Plan:
            return Plan(error="no server")

    found = await plan_asker(Broken())(items(1)[0])
    assert (found.plan, found.error) == (None, "no server")


async def test_tokens_of_all_calls_go_to_the_item_that_is_asked() -> None:
    prose = "No JSON here."
    model = ScriptedModel(
        lambda conversation, _: answer("Empathy") if len(conversation.messages) > 2 else prose
    )
    planner = PromptedPlanner(counted(model))
    ask = plan_asker(planner)
    found = await asyncio.gather(*(ask(item) for item in items(8)))
    # The first answer is prose, so every item takes a repair; words are tokens.
    wanted = len(prose.split()) + len(answer("Empathy").split())
    assert {one.usage.completion_tokens for one in found} == {wanted}


async def test_outside_of_an_item_nothing_is_counted() -> None:
    model = counted(ScriptedModel(["Hello there"]))
    from skillofmind.core.conversation import Conversation, Message

    hello = Conversation((Message("user", "Hello"),))
    assert (await model.generate(hello)).text == "Hello there"
    with usage_of_calls() as usages:
        assert usages == []
