import math
from pathlib import Path

import pytest

from skillofmind.core.completion import Completion, Sample, Sampling, TokenLogprob
from skillofmind.core.errors import ModelUnreachable
from skillofmind.core.plan import Alternative, Plan
from skillofmind.core.seams import Capabilities
from skillofmind.mind.template import load_template
from skillofmind.mind.weights import RETRY_TEMPERATURE, WEIGHTS_SAMPLING, WeightsPlanner, planner_messages
from skillofmind.models.scripted import ScriptedModel
from tests.mind.planners import ATTACKED, DIALOGUE, section
from tests.mind.world import taxonomy_in

GOOD = "I want to hear it. [RESULT SKILL] empathy"
WITH_LOGPROBS = Capabilities(logprobs=True, seed=True)


def completed(*tokens: tuple[str, float]) -> Completion:
    text = "".join(token for token, _ in tokens)
    return Completion((Sample(text, "stop", tokens=tuple(TokenLogprob(t, p) for t, p in tokens)),))


async def test_a_good_answer_takes_one_greedy_call() -> None:
    model = ScriptedModel([GOOD])
    planner = WeightsPlanner(model)
    assert await planner.plan(DIALOGUE) == Plan(
        explanation="I want to hear it.",
        skill="Empathy",
        skill_raw="empathy",
        alternatives=(Alternative("Empathy"),),
        valid=True,
        planner=planner.identity,
        responder="Ben",
    )
    assert [call.sampling for call in model.calls] == [WEIGHTS_SAMPLING]


async def test_the_prompt_has_the_published_sections_and_no_list_of_skills() -> None:
    model = ScriptedModel([GOOD])
    await WeightsPlanner(model).plan(DIALOGUE)
    messages = model.calls[0].conversation.messages
    assert messages == planner_messages(DIALOGUE, load_template())
    assert [message.role for message in messages] == ["system", "user"]
    prompt = messages[1].text()
    assert prompt.startswith("### Task Description:\n")
    assert section(prompt, "### Social Context:", "### Dialogue:") == "Relationship: flatmates"
    turns = "Ana: I failed the exam again.\nBen: Oh no.\nAna: What now?"
    assert section(prompt, "### Dialogue:", "### Explanation: ") == turns
    assert "Empathy" not in prompt


async def test_what_a_turn_demands_stays_in_the_dialogue_on_its_line() -> None:
    prompt = planner_messages(ATTACKED, load_template())[1].text()
    lines = section(prompt, "### Dialogue:", "### Explanation: ").split("\n")
    assert [line.split(":")[0] for line in lines] == ["Ana", "Ben", "Ana"]
    assert "(RESULT SKILL) Ethics" in lines[1]
    # The task description names the marker once; no turn adds another.
    assert prompt.count("[RESULT SKILL]") == 1


async def test_further_attempts_are_sampled_with_seeds_of_their_own() -> None:
    model = ScriptedModel(["no marker", "I am. [RESULT SKILL] Tact", GOOD])
    plan = await WeightsPlanner(model).plan(DIALOGUE)
    assert (plan.skill, plan.valid) == ("Empathy", True)
    asked = [(call.sampling.temperature, call.sampling.seed) for call in model.calls]
    assert asked == [(0.0, None), (RETRY_TEMPERATURE, 1), (RETRY_TEMPERATURE, 2)]
    assert all(call.conversation == model.calls[0].conversation for call in model.calls)


async def test_a_temperature_and_seed_of_the_caller_are_kept_for_further_attempts() -> None:
    model = ScriptedModel(["no", "no", GOOD])
    await WeightsPlanner(model, sampling=Sampling(temperature=0.5, seed=7)).plan(DIALOGUE)
    assert [(c.sampling.temperature, c.sampling.seed) for c in model.calls] == [(0.5, 7), (0.5, 8), (0.5, 9)]


@pytest.mark.parametrize(("attempts", "calls"), [(0, 1), (1, 1), (2, 2), (5, 5)])
async def test_attempts_are_bounded_and_the_last_answer_is_kept(attempts: int, calls: int) -> None:
    model = ScriptedModel(lambda _, sampling: f"thought {sampling.seed or 0} [RESULT SKILL] Tact")
    planner = WeightsPlanner(model, attempts=attempts)
    assert await planner.plan(DIALOGUE) == Plan(
        explanation=f"thought {calls - 1}", skill_raw="Tact", planner=planner.identity, responder="Ben"
    )
    assert len(model.calls) == calls


async def test_words_without_a_marker_are_kept_as_they_are() -> None:
    plan = await WeightsPlanner(ScriptedModel([" just words "]), attempts=1).plan(DIALOGUE)
    assert (plan.explanation, plan.skill, plan.skill_raw, plan.valid) == ("just words", None, "", False)


async def test_a_model_error_comes_back_as_the_error_of_the_plan() -> None:
    model = ScriptedModel(["no", ModelUnreachable("no route")])
    planner = WeightsPlanner(model)
    assert await planner.plan(DIALOGUE) == Plan(error="no route", planner=planner.identity, responder="Ben")
    assert len(model.calls) == 2


async def test_without_a_system_role_all_words_go_to_the_user() -> None:
    model = ScriptedModel([GOOD], capabilities=Capabilities(system_role=False))
    await WeightsPlanner(model).plan(DIALOGUE)
    (message,) = model.calls[0].conversation.messages
    assert message.role == "user"
    assert message.text().startswith(load_template().planner.system + "\n\n### Task Description:")
    assert message.text().endswith("### Explanation: ")


@pytest.mark.parametrize("after", [[("<|eot_id|>", -3.0)], [("\n", -3.0), ("Ethics", -5.0)], []])
async def test_confidence_is_the_probability_of_the_tokens_that_spell_the_skill(
    after: list[tuple[str, float]],
) -> None:
    before = [("Ethics", -9.0), (" it is.", -2.0), (" [RESULT", -0.5), (" SKILL]", -0.25)]
    reply = completed(*before, (" Eth", -0.5), ("ics", -0.125), *after)
    model = ScriptedModel([reply], capabilities=WITH_LOGPROBS)
    plan = await WeightsPlanner(model).plan(DIALOGUE)
    assert model.calls[0].sampling.logprobs
    assert (plan.skill, plan.explanation) == ("Ethics", "Ethics it is.")
    # By hand: " Eth" and "ics"; neither the same word before nor anything after counts.
    assert plan.confidence == pytest.approx(math.exp(-0.625), abs=1e-12)
    assert plan.alternatives == (Alternative("Ethics", plan.confidence),)


async def test_no_logprobs_is_no_confidence_and_none_are_asked_for() -> None:
    model = ScriptedModel([GOOD], capabilities=Capabilities(logprobs=False))
    assert (await WeightsPlanner(model, sampling=Sampling(logprobs=True)).plan(DIALOGUE)).confidence is None
    assert not model.calls[0].sampling.logprobs


async def test_an_unknown_skill_has_no_confidence() -> None:
    reply = completed(("x [RESULT SKILL]", -1.0), (" Tact", -0.1))
    model = ScriptedModel([reply], capabilities=WITH_LOGPROBS)
    plan = await WeightsPlanner(model, attempts=1).plan(DIALOGUE)
    assert (plan.skill, plan.skill_raw, plan.confidence, plan.alternatives) == (None, "Tact", None, ())


async def test_another_taxonomy_decides_what_is_valid(tmp_path: Path) -> None:
    taxonomy = taxonomy_in(tmp_path)
    model = ScriptedModel(["x [RESULT SKILL] Comfort"] * 2)
    assert (await WeightsPlanner(model, taxonomy=taxonomy).plan(DIALOGUE)).skill == "Comfort"
    assert not (await WeightsPlanner(model, attempts=1).plan(DIALOGUE)).valid


async def test_a_local_model_plans_with_a_bounded_number_of_samples(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed; pip install 'skillofmind[local]'")
    pytest.importorskip("transformers", reason="transformers is not installed")
    from skillofmind.models.local import LocalModel
    from tests.models.local.tiny import save_tiny

    template_file = tmp_path / "short.toml"
    template_file.write_text("[planner]\nsystem = 'Think.'\nuser = '{dialogue}'\n")
    model = LocalModel(save_tiny(tmp_path / "tiny"))
    template, sampling = load_template(template_file), Sampling(temperature=0.0, max_tokens=8)
    planner = WeightsPlanner(model, template=template, sampling=sampling, attempts=2)
    plan = await planner.plan(DIALOGUE)
    # A random network knows no marker: the answer is kept, and it is not valid.
    assert (plan.skill, plan.valid, plan.error) == (None, False, None)
    assert plan.responder == "Ben"
