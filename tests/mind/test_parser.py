import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.mind.parser import Marked, parse_json, parse_marked, parse_object, parse_objects
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.weights import planner_target

MARKS = "[RESULT SKILL]", "RESULT SKILL:", "[result skill", "<|im_end|>", "</s>", "```json\n", "```", "\n"
PIECES = "[", "]", "{", "}", '"', "\\", ",", ":", '{"skill": "Ethics"}', "\ud800", "\\ud800", "1e999"
BITS = st.lists(st.text(max_size=5) | st.sampled_from(MARKS + PIECES), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("I care. [RESULT SKILL] Empathy", "Empathy"),
        ("I care. [RESULT SKILL]: Empathy", "Empathy"),
        ("I care. RESULT SKILL: Empathy", "Empathy"),
        ("I care. Result  Skill : Empathy", "Empathy"),
        ("I care. [ result skill ] Empathy", "Empathy"),
        ("I care. RESULT SKILL] Empathy", "Empathy"),
        ("I care. [RESULT SKILL]\nEmpathy\nand more", "Empathy"),
        ("I care.[RESULT SKILL]Empathy<|eot_id|>", "Empathy"),
        ("I care. [RESULT SKILL] Empathy</s></s>", "Empathy"),
        ("I care. [RESULT SKILL] Empathy<end_of_turn>\n", "Empathy"),
        ("I care. [RESULT SKILL] Empathy [RESULT SKILL] Ethics", "Empathy"),
        ("<|begin|>I care. [RESULT SKILL] **Empathy**", "**Empathy**"),
    ],
)
def test_marker_spellings(text: str, skill: str) -> None:
    assert parse_marked(text) == Marked("I care.", skill)


@pytest.mark.parametrize(
    "text", ["", "I care. Empathy", "I care. [RESULT SKILL]", "x [RESULT SKILL] </s>", "result skills: x"]
)
def test_no_marker_or_no_skill_is_nothing(text: str) -> None:
    assert parse_marked(text) is None


def test_an_empty_explanation_is_kept_empty() -> None:
    assert parse_marked("[RESULT SKILL] Ethics") == Marked("", "Ethics")


PLAN = {"explanation": 'I "care", {really} [so].', "skill": "Empathy", "alternatives": ["Ethics"]}
JSON = msgspec.json.encode(PLAN).decode()


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"```json\n{JSON}\n```",
        f"Sure! Here is [my] plan for {{you}}:\n{JSON}\nHope it helps }}",
        f"{JSON[:-2]} , ] ,\n}}",
        f"[{JSON}]",
        f'[1, {JSON}, {{"skill": "Ethics"}}]',
        f"[[{JSON}]]",
        f"[broken {JSON}",
        f'{{"cut": 1\n\n{JSON}',
        f"{JSON}{JSON}",
    ],
    ids=["bare", "fenced", "prose", "commas", "list", "mixed", "lists", "open", "restart", "twice"],
)
def test_an_object_is_found_in_what_surrounds_it(text: str) -> None:
    assert parse_object(text) == PLAN


@pytest.mark.parametrize(
    "text", ["", "{", "}", "[]", "[1, 2]", '"x"', "null", JSON[:-1], '{"a": 1e999}', "{'a': 1}", '{"a" 1}']
)
def test_what_is_no_object_is_nothing(text: str) -> None:
    assert parse_object(text) is None


def test_a_list_of_objects_is_returned_whole() -> None:
    assert parse_json(f"Two: [{JSON}, {JSON}]") == [PLAN, PLAN]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "[" * 1_000_000,
        "[" * 20_000 + "]" * 20_000,
        "{}" * 500_000,
        "[1]" * 300_000,
        '{"' * 500_000,
        "," * 500_000 + " " * 500_000,
        " " * 1_000_000 + "RESULT",
        "RESULT " * 200_000,
    ],
    ids=["nested", "opened", "lists", "objects", "numbers", "strings", "commas", "spaces", "words"],
)
def test_hostile_text_costs_bounded_work(text: str) -> None:
    begun = time.process_time()
    assert parse_object(text) in (None, {})
    assert parse_marked(text) is None
    # Quadratic work would be hours; the bound only has to tell the two apart.
    assert time.process_time() - begun < 20


@settings(deadline=None, max_examples=400)
@given(BITS)
def test_no_text_raises(text: str) -> None:
    marked = parse_marked(text)
    assert marked is None or (marked.skill and "\n" not in marked.skill)
    assert isinstance(parse_object(text), dict | None)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60), st.sampled_from(load_taxonomy().names()))
def test_a_training_target_is_read_back(explanation: str, skill: str) -> None:
    marked = parse_marked(planner_target(explanation, skill))
    assert marked is not None
    assert marked.skill == skill


@given(st.lists(st.text("abc.,'\"!?éü가", min_size=1), min_size=1).map(" ".join))
def test_ordinary_words_of_a_target_are_read_back_unchanged(explanation: str) -> None:
    assert parse_marked(planner_target(explanation, "Ethics")) == Marked(explanation, "Ethics")


@given(BITS)
def test_a_marker_inside_an_explanation_does_not_move_the_skill(explanation: str) -> None:
    marked = parse_marked(planner_target(explanation, "Ethics"))
    assert marked is not None
    assert marked.skill == "Ethics"


class TestObjects:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ('[{"k": 1}, {"k": 2}]', [{"k": 1}, {"k": 2}]),
            ('{"k": 1}', [{"k": 1}]),
            ('{"k": 1}\n{"k": 2}\nDone.', [{"k": 1}, {"k": 2}]),
            ('{"a": 0} [{"k": 1}] [{"k": 2}]', [{"k": 1}]),
            ('{"list": [{"k": 1}, {"b": 2}]}', [{"k": 1}]),
            ('[{"k": 1}, {"k": 2', [{"k": 1}]),
            ('[{"a": 1}]', [{"a": 1}]),
            ('{"k": 1} and {"a": 1} and {"k": 2}', [{"k": 1}]),
            ("[1, 2]", []),
            ("", []),
        ],
    )
    def test_are_those_of_the_first_value_that_has_the_key(self, text: str, found: list[object]) -> None:
        assert parse_objects(text, "k") == found
