import asyncio
from collections.abc import Iterator

import pytest

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ModelError, RateLimited
from skillofmind.evals.audits.latency import (
    BASE,
    Arm,
    SkillOnly,
    Spread,
    Took,
    answer,
    spread,
    timed,
    timings,
)
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.models.metered import metered
from skillofmind.models.scripted import ScriptedModel
from skillofmind.run.budget import Meter

CASES = [Conversation((Message("user", f"I failed the exam number {n}."),)) for n in range(3)]
SAMPLING = Sampling(max_tokens=8)


def clock() -> Iterator[float]:
    """Say a second more every time."""
    now = 0.0
    while True:
        yield now
        now += 1.0


def test_first_and_last_token_and_all_tokens_are_counted() -> None:
    meter = Meter()
    model = metered(ScriptedModel(lambda *_: "Oh no, I am sorry."), meter)
    ticks = clock()
    took = asyncio.run(answer(model, CASES[0], Arm(), meter, SAMPLING, lambda: next(ticks)))
    # The clock is read at the start, at the first token and at the end.
    assert took == Took(1.0, 2.0, 6, 5, planned=False)


def test_planning_adds_tokens_and_says_whether_there_was_a_plan() -> None:
    meter = Meter()
    script = ScriptedModel(lambda conversation, _: "Empathy" if len(conversation.messages) == 1 else "Oh.")
    model = metered(script, meter)
    took = asyncio.run(answer(model, CASES[0], Arm(SkillOnly(model), "skill"), meter, SAMPLING))
    assert took.planned
    assert len(script.calls) == 2
    shown = script.calls[1].conversation.messages
    assert "Empathy" in shown[0].text()
    assert took.tokens_in == sum(len(m.text().split()) for c in script.calls for m in c.conversation.messages)


def test_a_skill_that_is_none_is_an_answer_without_a_plan() -> None:
    meter = Meter()
    model = metered(ScriptedModel(lambda *_: "Singing"), meter)
    took = asyncio.run(answer(model, CASES[0], Arm(SkillOnly(model), "skill"), meter, SAMPLING))
    assert not took.planned

    async def plan() -> str | None:
        failing = ScriptedModel([RateLimited("slow down")])
        return (await SkillOnly(failing).plan(Dialogue((Turn("A", "Hello."),)))).error

    assert asyncio.run(plan()) == "slow down"


def test_every_case_goes_through_all_arms_in_every_round_there_and_back() -> None:
    meter, order = Meter(), []

    def said(conversation: Conversation, _: Sampling) -> str:
        order.append("base" if len(conversation.messages) == 1 else "embedded")
        return "Oh."

    model = metered(ScriptedModel(said), meter)
    arms = {BASE: Arm(), "embedded": Arm(EmbeddedPlanner(), "both")}
    done: list[int] = []
    found = asyncio.run(timed(model, arms, CASES, meter, rounds=2, sampling=SAMPLING, on_done=done.append))
    there, back = ["base", "embedded"], ["embedded", "base"]
    assert order == [*there, *back * 3, *there * 3]
    assert {name: len(took) for name, took in found.took.items()} == {"base": 6, "embedded": 6}
    assert all(one.planned for one in found.took["embedded"])
    assert done == [0] * 6


def test_a_case_that_fails_fails_in_all_arms_and_the_rest_goes_on() -> None:
    meter = Meter()

    def said(conversation: Conversation, _: Sampling) -> str:
        if "number 1" in conversation.messages[-1].text() and len(conversation.messages) > 1:
            raise ModelError("broken")
        return "Oh."

    model = metered(ScriptedModel(said), meter)
    arms = {BASE: Arm(), "embedded": Arm(EmbeddedPlanner(), "both")}
    found = asyncio.run(timed(model, arms, CASES, meter, rounds=1, sampling=SAMPLING))
    assert (found.failed, found.why) == (1, "broken")
    assert {name: len(took) for name, took in found.took.items()} == {"base": 2, "embedded": 2}


def test_stopping_keeps_what_was_timed() -> None:
    async def two_cases() -> int:
        stop, meter = asyncio.Event(), Meter()
        model = metered(ScriptedModel(lambda *_: "Oh."), meter)
        found = await timed(
            model,
            {BASE: Arm()},
            CASES,
            meter,
            rounds=1,
            sampling=SAMPLING,
            stop=stop,
            on_done=lambda _: stop.set(),
        )
        return len(found.took[BASE])

    assert asyncio.run(two_cases()) == 1


def test_figures_are_those_by_hand() -> None:
    base = [Took(0.1, 0.2, 10, 5, False), Took(0.1, 0.4, 10, 5, False)]
    plan = [Took(0.2, 0.4, 30, 9, True), Took(0.3, 1.2, 30, 10, False)]
    first, second = timings({BASE: base, "both": plan})
    assert first.ratio == Spread(1, 1)
    assert (second.n, second.planned, second.tokens_in, second.tokens_out) == (2, 1, 30, 9.5)
    assert second.ratio == Spread(2.5, 2.95)
    assert second.total_ms == Spread(800, 1160)
    assert second.added_ms.p50 == pytest.approx(500)
    assert spread([1.0, 3.0]) == Spread(2, 2.9)
    assert timings({BASE: base[:1]}) == ()
