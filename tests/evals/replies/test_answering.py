import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.completion import Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import ModelBusy
from skillofmind.core.plan import Alternative, Plan
from skillofmind.core.seams import Capabilities
from skillofmind.evals.answering import counted
from skillofmind.evals.records import Item
from skillofmind.evals.replies.answering import PlanBook, reply_asker
from skillofmind.evals.replies.tasks import ARMS
from skillofmind.models.scripted import ScriptedModel
from skillofmind.run.log import AppendLog

DIALOGUE = Dialogue(
    (Turn("Ana", "I failed the exam."), Turn("Ben", "Oh."), Turn("Ana", "What now?")),
    SocialContext(relationship="flatmates"),
    responder="Ben",
)


def item(arm: str, id: str = "one") -> Item:
    return Item("reply.own", id, "g", DIALOGUE, arm=arm)


class CountingPlanner:
    """Plans something else every time, by way of a model that counts tokens."""

    identity = "counting"

    def __init__(self, **plan: Any) -> None:
        self.model = counted(ScriptedModel(lambda _, __: "one two three"))
        self.calls = 0
        self._plan: dict[str, Any] = {"skill": "Empathy", "valid": True} | plan

    async def plan(self, dialogue: Dialogue) -> Plan:
        await self.model.generate(Conversation(()))
        await asyncio.sleep(0)
        self.calls += 1
        return Plan(**{"explanation": f"Thought {self.calls}.", **self._plan})


def echo(conversation: Conversation, sampling: Sampling) -> str:
    return " | ".join(message.text() for message in conversation.messages if message.role == "system")


class TestArms:
    async def test_each_arm_shows_its_part_of_one_plan(self) -> None:
        planner, agent = CountingPlanner(), ScriptedModel(echo)
        ask = reply_asker(agent, planner)
        answers = {arm: await ask(item(arm)) for arm in ARMS}
        assert planner.calls == 1
        assert answers["none"].plan is None
        assert answers["none"].injected == ""
        plans = [answers[arm].plan for arm in ARMS[1:]]
        assert plans[0] is not None
        assert plans == [plans[0]] * 3
        shown = {arm: ("Thought 1." in one.reply, '"Empathy"' in one.reply) for arm, one in answers.items()}
        assert shown == {
            "none": (False, False),
            "skill": (False, True),
            "explanation": (True, False),
            "both": (True, True),
        }
        assert all(answers[arm].injected in answers[arm].reply for arm in ARMS)

    async def test_arms_asked_at_once_share_a_plan_too(self) -> None:
        planner = CountingPlanner()
        ask = reply_asker(ScriptedModel(echo), planner)
        answers = await asyncio.gather(*(ask(item(arm)) for arm in ARMS))
        assert planner.calls == 1
        assert len({one.plan for one in answers if one.plan}) == 1

    async def test_conversation_and_sampling_are_those_of_the_arm_without_a_plan(self) -> None:
        agent, sampling = ScriptedModel(echo), Sampling(temperature=0.3, max_tokens=50, seed=3)
        ask = reply_asker(agent, CountingPlanner(), sampling=sampling)
        for arm in ARMS:
            await ask(item(arm))
        assert [call.sampling for call in agent.calls] == [sampling] * len(ARMS)
        bare = [
            [
                message
                for message in call.conversation.messages
                if "Before your next reply" not in message.text()
            ]
            for call in agent.calls
        ]
        assert bare == [bare[0]] * len(ARMS)
        assert [message.role for message in bare[0]] == ["system", "user", "assistant", "user"]

    async def test_an_agent_without_system_messages_is_shown_the_plan_all_the_same(self) -> None:
        agent = ScriptedModel(
            lambda conversation, _: conversation.messages[-1].text(),
            capabilities=Capabilities(system_role=False),
        )
        assert '"Empathy"' in (await reply_asker(agent, CountingPlanner())(item("skill"))).reply

    async def test_tokens_of_an_arm_are_those_it_would_take_alone(self) -> None:
        agent = ScriptedModel(lambda _, __: "four words in all")
        ask = reply_asker(agent, CountingPlanner())
        first, second = await ask(item("skill")), await ask(item("skill", "two"))
        again = await ask(item("both"))
        assert first.usage.completion_tokens == second.usage.completion_tokens == 4 + 3
        assert again.usage.completion_tokens == 4 + 3
        assert (await ask(item("none"))).usage.completion_tokens == 4


class TestFailures:
    async def test_a_failed_plan_fails_the_item_and_is_not_kept(self, tmp_path: Path) -> None:
        planner = CountingPlanner(error="no", skill=None, valid=False)
        with AppendLog(tmp_path / "plans.jsonl") as log:
            ask = reply_asker(ScriptedModel(echo), planner, PlanBook(planner, log))
            assert (await ask(item("both"))).error == "no"
            assert (await ask(item("skill"))).error == "no"
            assert (planner.calls, len(list(log.read()))) == (2, 0)

    async def test_a_planner_that_abstains_costs_no_reply(self) -> None:
        planner = CountingPlanner(skill=None, valid=False, alternatives=(Alternative("Empathy", 0.1),))
        answer = await reply_asker(ScriptedModel(echo), planner)(item("both"))
        assert (answer.error, answer.injected) == (None, "")
        assert answer.plan is not None

    async def test_a_skill_of_another_taxonomy_is_not_shown(self) -> None:
        answer = await reply_asker(ScriptedModel(echo), CountingPlanner(skill="Juggling"))(item("skill"))
        assert answer.injected == ""
        assert answer.plan is not None
        assert not answer.plan.valid

    async def test_an_empty_reply_is_a_failure(self) -> None:
        answer = await reply_asker(ScriptedModel(lambda _, __: " \n"), CountingPlanner())(item("none"))
        assert answer.error == "the agent said nothing."

    async def test_an_agent_that_fails_raises_for_the_runner(self) -> None:
        agent = ScriptedModel([ModelBusy("no")])
        with pytest.raises(ModelBusy):
            await reply_asker(agent, CountingPlanner())(item("none"))


class TestPlanBook:
    async def test_plans_outlive_the_run(self, tmp_path: Path) -> None:
        file = tmp_path / "plans.jsonl"
        planner = CountingPlanner()
        with AppendLog(file) as log:
            first = await PlanBook(planner, log).plan(item("skill"))
        with AppendLog(file) as log:
            again = await PlanBook(CountingPlanner(explanation="Other."), log).plan(item("both"))
        assert again == first
        assert first.usage == Usage(0, 3)

    async def test_another_item_has_another_plan(self) -> None:
        book = PlanBook(CountingPlanner())
        one, other = [await book.plan(item("skill", id)) for id in ("one", "two")]
        assert one.plan != other.plan
        assert msgspec.json.decode(msgspec.json.encode(one), type=type(one)) == one
