"""The benchmark of what planning costs: the simulated model keeps its rates, all arms answer the same."""

import json

import pytest
from benchmarks.chat_server import serving
from benchmarks.paced_model import PLANNER, Paced, Told, prompt_tokens, token_count, tokens_of
from benchmarks.plan_overhead import (
    ARMS,
    BASE,
    Case,
    ask,
    body,
    cases,
    command,
    figures,
    options_of,
    plan_text,
    script,
    simulated,
)
from benchmarks.running import post

from skillofmind.evals.audits.latency import Took, spread
from skillofmind.mind.parser import parse_marked, parse_object
from skillofmind.mind.taxonomy import load_taxonomy

CASE = Case(
    [{"role": "user", "content": "I failed. (case 0)"}], "Empathy", "They hurt.", "Oh no, I am sorry."
)
MODEL = Paced((Told("[RESULT SKILL] Empathy", "Oh no."), Told("b", "Well done, really.")))


def asked(case: int, *, model: str = "tiny", stream: bool = False) -> bytes:
    messages = [{"role": "user", "content": f"(case 0) and then (case {case})"}]
    return json.dumps({"model": model, "messages": messages, "stream": stream}).encode()


def test_a_text_comes_in_as_many_pieces_as_it_has_tokens() -> None:
    for text in ("a", "four", "five!", "Wie schön, nicht?", "안녕하세요"):
        assert "".join(tokens_of(text)) == text
        assert len(list(tokens_of(text))) == token_count(text)
    assert [token_count(text) for text in ("", "four", "five!", "안녕")] == [1, 1, 2, 2]
    assert prompt_tokens([{"content": "four"}, {"content": [{"type": "text", "text": "fives"}]}]) == 3


def test_the_last_case_in_a_request_counts_and_the_name_of_the_model_chooses() -> None:
    [(_, answer)] = MODEL.reply(asked(1))
    assert b"Well done, really." in answer
    [(_, plan)] = MODEL.reply(asked(0, model=PLANNER))
    assert b"[RESULT SKILL] Empathy" in plan


def test_the_simulated_model_reads_and_writes_at_its_rates() -> None:
    prompt = token_count("(case 0) and then (case 1)")
    [(whole, _)] = MODEL.reply(asked(1))
    assert whole == pytest.approx(prompt / 2000 + 5 / 50)
    times = [when for when, _ in MODEL.reply(asked(1, stream=True))]
    assert times[0] == times[1] == pytest.approx(prompt / 2000 + 1 / 50)
    assert times[-1] == pytest.approx(whole)
    assert len(times) == 1 + 5 + 1
    [(fast, _)] = MODEL._replace(speed=4.0).reply(asked(1))
    assert fast == pytest.approx(whole / 4)


def test_cases_are_whole_and_carry_their_numbers() -> None:
    found = cases(20)
    names = load_taxonomy().names()
    assert len(found) == 20
    for number, case in enumerate(found):
        assert case.messages[0]["role"] == "system"
        assert case.messages[-1]["role"] == "user"
        assert case.messages[-1]["content"].endswith(f"(case {number})")
        assert case.skill in names
        assert case.explanation
        assert case.answer


def test_plans_are_written_as_the_planners_read_them() -> None:
    marked = parse_marked(plan_text(CASE, "both"))
    assert marked is not None
    assert (marked.explanation, marked.skill) == ("They hurt.", "Empathy")
    alone = parse_marked(plan_text(CASE, "skill"))
    assert alone is not None
    assert (alone.explanation, alone.skill) == ("", "Empathy")
    found = parse_object(plan_text(CASE, "json"), "skill")
    assert found is not None
    assert (found["explanation"], found["skill"]) == ("They hurt.", "Empathy")
    assert plan_text(CASE, "") == ""


def test_only_arms_whose_planner_writes_ask_a_model() -> None:
    for arm in ARMS.values():
        words = command(arm, "http://x/v1", 80)
        named = words[words.index("--planner") + 1]
        assert named == (f"{arm.planner}={PLANNER}@http://x/v1" if arm.writes else arm.planner)
    assert ARMS[BASE].inject == "off"


def test_an_answer_is_timed_and_its_tokens_are_counted() -> None:
    with serving(script([CASE], "", 10.0)) as server:
        took = ask(server.port, CASE)
        assert 0 < took.first < took.whole
        assert (took.tokens_in, took.tokens_out, took.planned) == (5, 5, False)
        assert post(server.port, body(CASE))[0] == 200
        with pytest.raises(ValueError, match="is not the answer"):
            ask(server.port, CASE._replace(answer="Another one."))


def test_ratios_are_those_of_the_same_case() -> None:
    base = [Took(0.1, 1.0, 10, 5, False), Took(0.1, 2.0, 20, 5, False)]
    found = figures([Took(0.5, 3.0, 30, 9, True), Took(0.5, 4.0, 50, 9, True)], base)
    assert found["ratio"] == {"p50": 2.5, "p95": 2.95}
    assert found["added_s"] == {"p50": 2, "p95": 2}
    assert (found["tokens_in"], found["tokens_out"]) == (40, 9)
    assert spread([1.0, 3.0]).p50 == 2


def test_too_few_cases_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert options_of(["--cases", "3"]).speed == 1
    with pytest.raises(SystemExit):
        options_of(["--cases", "1"])
    assert "gives no percentiles" in capsys.readouterr().err


@pytest.mark.slow
def test_every_arm_answers_the_same_and_planning_with_a_model_takes_longer() -> None:
    names = (BASE, "skill only", "explanation and skill", "explanation and skill, prompted")
    found = simulated(cases(4), 10.0, names)
    tokens = [found[name]["tokens_out"] for name in names]
    assert tokens == sorted(tokens)
    assert found["explanation and skill"]["ratio"]["p50"] > 1
    assert found[BASE]["ratio"]["p50"] == 1
