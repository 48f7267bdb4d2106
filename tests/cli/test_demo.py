"""`som demo`: plans for the package's own dialogues."""

import json

import msgspec

from skillofmind.core.picture import image_of
from skillofmind.core.plan import Plan
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.starter import demo_path, starter_dialogues
from tests.cli.som import SKILLS, Here, som
from tests.cli.test_bad_input import raw_controls

DIALOGUES = list(accepted(read_dialogues(demo_path())))


def test_it_shows_every_dialogue_with_its_plan_and_ends(here: Here) -> None:
    result = here("demo")
    assert (result.code, result.err) == (0, "")
    assert result.out.count(" thinks: ") == len(DIALOGUES)
    assert result.out.count("\n    skill: ") == len(DIALOGUES)
    for dialogue in DIALOGUES:
        assert f"\n{dialogue.meta['title']} ─" in result.out
    assert raw_controls(result.out) == set()
    assert max(map(len, result.out.splitlines())) <= 110


def test_it_covers_what_it_should() -> None:
    assert len(DIALOGUES) >= 5
    assert "ko" in {dialogue.lang for dialogue in DIALOGUES}
    assert any(image_of(turn) is not None for dialogue in DIALOGUES for turn in dialogue.turns)
    kinds = " ".join(f"{dialogue.scenario} {dialogue.meta['title']}" for dialogue in DIALOGUES).lower()
    assert [kind for kind in ("negotiation", "counselling", "task") if kind not in kinds] == []
    trained_on = {dialogue.id for dialogue in starter_dialogues()}
    assert {dialogue.id for dialogue in DIALOGUES} & trained_on == set()


def test_json_is_one_valid_plan_a_line(here: Here) -> None:
    result = here("demo", "--json")
    assert (result.code, result.err) == (0, "")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["id"] for row in rows] == [dialogue.id for dialogue in DIALOGUES]
    for row, dialogue in zip(rows, DIALOGUES, strict=True):
        plan = msgspec.convert(row["plan"], Plan)
        assert plan.valid
        assert plan.skill in SKILLS
        assert plan.responder == dialogue.next_speaker()
        assert plan.explanation
        assert set(row) == {"id", "plan"}


def test_it_is_the_same_in_every_process() -> None:
    assert som("demo", PYTHONHASHSEED="1").out == som("demo", PYTHONHASHSEED="2").out


def test_it_reads_no_input_and_no_network() -> None:
    result = som("demo", stdin=b"/quit\n", HTTP_PROXY="http://127.0.0.1:9")
    assert result.code == 0
