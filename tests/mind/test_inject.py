import asyncio
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from skillofmind.core.conversation import Conversation, Message, Part, Tool
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import BudgetExhausted, ConfigurationError, ModelBusy, ModelTimeout
from skillofmind.core.plan import Alternative, Plan
from skillofmind.core.seams import Capabilities, Model
from skillofmind.mind.inject import (
    Inject,
    attempt_plan,
    dialogue_of,
    dialogue_of_messages,
    insert_plan,
    plan_block,
    planned,
    with_plan,
)
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.models.openai_wire import encode_conversation
from skillofmind.models.scripted import ScriptedModel
from tests.mind.planners import GOOD, FixedPlanner
from tests.mind.world import taxonomy_in

NOTE = load_template().agent.note
FITS = '"Empathy" is the conversational skill that fits the next reply best'
CHAT = Conversation(
    messages=(
        Message("system", "You are kind."),
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", (Part("text", "I failed."), Part("image_url", image_url="data:x")), name="ana"),
        Message("assistant", None, extra={"refusal": None}),
        Message("tool", "42", tool_call_id="c1"),
    ),
    tools=(Tool("clock"),),
    tool_choice="auto",
    extra={"user": "u1"},
)


def block(plan: Plan, inject: Inject) -> str | None:
    return plan_block(plan, inject, load_taxonomy(), load_template())


def test_the_three_variants_and_none() -> None:
    definition = load_taxonomy().get("Empathy").definition
    assert block(GOOD, "both") == f"{NOTE}\n\n[Explanation and Skill]\nShe is sad. So {FITS}."
    assert block(GOOD, "skill") == f"{NOTE}\n\n[Conversational Skill]\n{FITS}: {definition}"
    assert block(GOOD, "explanation") == f"{NOTE}\n\n[Explanation]\nShe is sad."
    assert block(GOOD, "off") is None


def test_a_plan_without_an_explanation_is_shown_by_its_skill() -> None:
    bare = msgspec.structs.replace(GOOD, explanation=" ")
    assert block(bare, "both") == block(bare, "skill") == block(GOOD, "skill")
    assert block(bare, "explanation") is None


@pytest.mark.parametrize("inject", get_args(Inject))
@pytest.mark.parametrize(
    "plan",
    [
        Plan(error="late"),
        Plan(explanation="x", skill_raw="Tact"),
        msgspec.structs.replace(GOOD, valid=False),
        msgspec.structs.replace(GOOD, skill="Tact"),
    ],
    ids=["error", "no skill", "invalid", "unknown"],
)
def test_a_plan_that_is_no_good_is_not_shown(plan: Plan, inject: Inject) -> None:
    assert block(plan, inject) is None
    carried = with_plan(CHAT, plan, inject, load_taxonomy(), load_template())
    assert carried == msgspec.structs.replace(CHAT, plan=plan)


@pytest.mark.parametrize("inject", ["both", "skill", "explanation"])
def test_the_plan_stands_right_before_the_last_user_message_and_nothing_else_changes(inject: Inject) -> None:
    shown = with_plan(CHAT, GOOD, inject, load_taxonomy(), load_template())
    note = Message("system", block(GOOD, inject))
    assert shown.messages == (*CHAT.messages[:3], note, *CHAT.messages[3:])
    assert shown.plan == GOOD
    assert msgspec.structs.replace(shown, messages=CHAT.messages, plan=None) == CHAT


def test_without_a_user_message_the_plan_stands_last() -> None:
    begun = Conversation((Message("system", "Begin."),))
    shown = with_plan(begun, GOOD, "skill", load_taxonomy(), load_template())
    assert [message.role for message in shown.messages] == ["system", "system"]


@pytest.mark.parametrize("content", ["I failed.", (Part("text", "I failed."), Part("image_url"))])
def test_without_a_system_role_the_plan_goes_before_the_users_words(content: str | tuple[Part, ...]) -> None:
    chat = Conversation((Message("user", "Hi"), Message("assistant", "Hello."), Message("user", content)))
    shown = with_plan(chat, GOOD, "skill", load_taxonomy(), load_template(), system_role=False)
    assert shown.messages[:2] == chat.messages[:2]
    assert [message.role for message in shown.messages] == ["user", "assistant", "user"]
    text = shown.messages[2].text()
    assert text.startswith(NOTE)
    assert text.endswith("\nI failed.")
    if isinstance(content, tuple):
        found = shown.messages[2].content
        assert isinstance(found, tuple)
        assert found[1:] == content


def test_a_chat_is_read_as_a_dialogue() -> None:
    chat = Conversation((*CHAT.messages, Message("developer", "Be brief.")))
    assert dialogue_of(chat) == Dialogue(
        turns=(Turn("User", "Hi"), Turn("Assistant", "Hello."), Turn("User", "I failed.")),
        context=SocialContext(text="You are kind.\nBe brief."),
        responder="Assistant",
    )
    known = SocialContext(topic="exams")
    assert dialogue_of(chat, known).context == known
    assert dialogue_of(Conversation((Message("user", "Hi"),))).context == SocialContext()


async def test_the_model_answers_with_the_plan_at_hand() -> None:
    model, planner = ScriptedModel(["fine"]), FixedPlanner()
    answering = planned(model, planner)
    assert isinstance(answering, Model)
    assert (await answering.generate(CHAT)).text == "fine"
    assert planner.asked == [dialogue_of(CHAT)]
    assert model.calls[0].conversation == with_plan(CHAT, GOOD, "both", load_taxonomy(), load_template())
    assert answering.identity == "scripted+plan(fixed,both)"
    assert answering.capabilities == msgspec.structs.replace(model.capabilities, stream=False)


async def test_a_model_without_a_system_role_gets_no_system_message() -> None:
    model = ScriptedModel(["fine"], capabilities=Capabilities(system_role=False))
    await planned(model, FixedPlanner()).generate(Conversation((Message("user", "Hi"),)))
    (message,) = model.calls[0].conversation.messages
    assert (message.role, message.text().endswith("\n\nHi")) == ("user", True)


async def test_off_plans_and_shows_nothing() -> None:
    model = ScriptedModel(["fine"])
    await planned(model, FixedPlanner(), inject="off").generate(CHAT)
    assert model.calls[0].conversation == msgspec.structs.replace(CHAT, plan=GOOD)


async def test_a_conversation_that_has_a_plan_is_not_planned_again() -> None:
    model, planner = ScriptedModel(["fine"]), FixedPlanner()
    await planned(model, planner, inject="skill").generate(msgspec.structs.replace(CHAT, plan=GOOD))
    assert planner.asked == []
    assert len(model.calls[0].conversation.messages) == len(CHAT.messages) + 1


@pytest.mark.parametrize(
    ("planner", "reason"),
    [
        (FixedPlanner(seconds=30), "The plan was not ready within 0.02 s."),
        (FixedPlanner(Plan(error="no route", planner="fixed", responder="Assistant")), "no route"),
        (FixedPlanner(ModelBusy("overloaded")), "The planner failed (ModelBusy: overloaded)."),
        (FixedPlanner(ModelTimeout("60 s")), "The planner failed (ModelTimeout: 60 s)."),
        (FixedPlanner(BudgetExhausted("10 calls")), "The planner failed (BudgetExhausted: 10 calls)."),
        (FixedPlanner(KeyError("x")), "The planner failed (KeyError: 'x')."),
    ],
    ids=["late", "error plan", "model error", "timeout of its own", "budget", "bug"],
)
async def test_a_planner_never_costs_an_answer(planner: FixedPlanner, reason: str) -> None:
    model = ScriptedModel(["fine"])
    assert (await planned(model, planner, seconds=0.02).generate(CHAT)).text == "fine"
    unplanned = Plan(error=reason, planner="fixed", responder="Assistant")
    assert model.calls[0].conversation == msgspec.structs.replace(CHAT, plan=unplanned)


async def test_a_planner_that_is_set_up_wrongly_is_no_accident() -> None:
    model = ScriptedModel(["fine"])
    with pytest.raises(ConfigurationError, match="no weights"):
        await planned(model, FixedPlanner(ConfigurationError("no weights"))).generate(CHAT)
    assert model.calls == []


async def test_cancelling_the_answer_cancels_the_planning() -> None:
    model = ScriptedModel(["fine"])
    task = asyncio.ensure_future(planned(model, FixedPlanner(seconds=30)).generate(CHAT))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.calls == []


async def test_a_failing_answer_stays_a_failure() -> None:
    with pytest.raises(ModelBusy):
        await planned(ScriptedModel([ModelBusy("no")]), FixedPlanner()).generate(CHAT)


async def test_no_limit_waits_for_the_plan() -> None:
    model = ScriptedModel(["fine"])
    await planned(model, FixedPlanner(seconds=0.05), seconds=None).generate(CHAT)
    assert model.calls[0].conversation.plan == GOOD


async def test_another_taxonomy_and_template_are_used(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text('[agent]\nskill = "{skill}! {definition}"\nnote = "N"\n')
    plan = Plan(explanation="x", skill="Comfort", valid=True)
    model = ScriptedModel(["fine"])
    taxonomy, template = taxonomy_in(tmp_path), load_template(path)
    answering = planned(model, FixedPlanner(plan), inject="skill", taxonomy=taxonomy, template=template)
    await answering.generate(CHAT)
    assert model.calls[0].conversation.messages[3].text() == "N\n\nComfort! Gives comfort."


async def test_a_skill_of_another_taxonomy_is_not_shown_and_the_plan_says_why() -> None:
    plan = Plan(explanation="x", skill="Comfort", valid=True)
    model = ScriptedModel(["fine"])
    await planned(model, FixedPlanner(plan)).generate(CHAT)
    sent = model.calls[0].conversation
    assert sent.messages == CHAT.messages
    assert sent.plan is not None
    assert not sent.plan.valid
    assert sent.plan.error == "'Comfort' is no skill of this taxonomy; give `planned` the planner's own."


@pytest.mark.parametrize("system_role", [True, False])
def test_messages_as_json_get_the_plan_where_records_get_it(system_role: bool) -> None:
    messages = encode_conversation(CHAT)["messages"]
    assert dialogue_of_messages(messages) == dialogue_of(CHAT)
    shown = with_plan(CHAT, GOOD, "both", load_taxonomy(), load_template(), system_role=system_role)
    inserted = insert_plan(messages, block(GOOD, "both") or "", system_role=system_role)
    assert inserted == encode_conversation(shown)["messages"]
    kept = [message for message in messages if any(message is other for other in inserted)]
    assert len(kept) == len(messages) - (not system_role)
    assert messages == encode_conversation(CHAT)["messages"]


@pytest.mark.parametrize(
    ("messages", "inserted"),
    [
        ([], [{"role": "user", "content": "B"}]),
        ([{"role": "user"}], [{"role": "user", "content": "B"}]),
        ([{"role": "user", "content": "Hi", "x": 1}], [{"role": "user", "content": "B\n\nHi", "x": 1}]),
    ],
    ids=["none", "no content", "fields kept"],
)
def test_without_a_system_role_the_plan_goes_before_the_words(
    messages: list[dict[str, object]], inserted: list[dict[str, object]]
) -> None:
    assert insert_plan(messages, "B", system_role=False) == inserted


def test_messages_of_unknown_shapes_are_no_turns() -> None:
    odd: list[dict[str, object]] = [
        {"role": "robot", "content": "x"},
        {},
        {"role": "user", "content": 3},
        {"role": None},
    ]
    odd.append({"role": "user", "content": ["a", {"text": "b"}]})
    assert dialogue_of_messages(odd).turns == (Turn("User", "b"),)


@pytest.mark.parametrize(
    ("planner", "reason"),
    [
        (FixedPlanner(), ""),
        (FixedPlanner(seconds=30), "late"),
        (FixedPlanner(KeyError("x")), "failed"),
        (FixedPlanner(Plan(error="no route")), "failed"),
        (FixedPlanner(Plan(skill_raw="Tact")), "invalid"),
        (FixedPlanner(Plan(skill="Tact", valid=True)), "invalid"),
        (FixedPlanner(Plan(alternatives=(Alternative("Empathy", 0.1),))), "abstained"),
        (FixedPlanner(Plan(explanation="x")), "invalid"),
    ],
    ids=["good", "late", "error", "error plan", "no skill", "unknown skill", "abstained", "nothing"],
)
async def test_an_attempt_says_why_its_plan_is_not_shown(planner: FixedPlanner, reason: str) -> None:
    attempt = await attempt_plan(planner, dialogue_of(CHAT), 0.02, load_taxonomy())
    assert attempt.reason == reason
