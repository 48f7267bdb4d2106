from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Plan
from skillofmind.evals.records import Answer, Case, Item
from skillofmind.evals.study.design.material import Gathered, Source, gather, source
from skillofmind.evals.study.records import Text

TALK = Dialogue((Turn("Ana", "I failed again."),), id="d1")
OTHER = Dialogue((Turn("Ana", "I passed."),), id="d1")


def write(path: Path, *rows: Any) -> str:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return str(path)


def line(id: str = "1", **more: Any) -> dict[str, Any]:
    return {"id": id, "dialogue": TALK, **more}


def gathered(*words: str) -> Gathered:
    return gather([source(word) for word in words])


def test_one_file_may_hold_several_systems(tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "r.jsonl", line(replies={"a": "Oh no.", "b": "Fine."})))
    assert (found.subject, found.systems, found.missing) == ("reply", ("a", "b"), 0)
    assert found.material[0].texts == {"a": Text("Oh no."), "b": Text("Fine.")}


def test_files_are_joined_by_id(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", line("1", reply="Oh."), line("2", reply="No."))
    two = write(tmp_path / "two.jsonl", line("2", reply="Well."), line("3", reply="So."))
    found = gathered(one, f"plain={two}")
    assert (found.systems, found.missing) == (("one", "plain"), 2)
    assert [(item.id, item.texts["plain"].text) for item in found.material] == [("2", "Well.")]


def test_empty_texts_are_no_answers(tmp_path: Path) -> None:
    found = gathered(
        write(tmp_path / "r", line(replies={"a": "x", "b": "y"}), line("2", replies={"a": "x", "b": " "}))
    )
    assert (len(found.material), found.missing) == (1, 1)


def test_plans_give_explanations(tmp_path: Path) -> None:
    plan = {"skill": "Empathy", "explanation": "She is low.", "valid": True, "planner": "x"}
    failed = {"error": "no answer", "explanation": ""}
    found = gathered(write(tmp_path / "p.jsonl", line(plans={"a": plan}), line("2", plans={"a": failed})))
    assert found.subject == "explanation"
    assert [item.texts for item in found.material] == [{"a": Text("She is low.", "Empathy")}]


def test_arms_of_a_run_are_systems(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "cases.jsonl", *cases())
    found = gathered(str(tmp_path / "run"))
    assert found.systems == ("plain", "both")
    assert [(item.id, item.texts["both"].text) for item in found.material] == [("1", "1 both")]
    assert found.missing == 1
    assert gathered(f"x={tmp_path / 'run'}").systems == ("x/plain", "x/both")


def test_a_run_of_plans_gives_explanations(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    plan = Plan(explanation="She is low.", skill="Empathy")
    write(tmp_path / "run" / "cases.jsonl", Case(Item("t", "1", "d1", TALK), Answer(plan=plan)))
    found = gathered(str(tmp_path / "run"))
    assert (found.subject, found.systems) == ("explanation", ("run",))


def cases() -> list[Case]:
    return [
        Case(
            Item("replies", str(number), "d1", TALK, arm=arm),
            Answer(reply=f"{number} {arm}", error="too late" if (number, arm) == (2, "both") else None),
        )
        for number in (1, 2)
        for arm in ("", "both")
    ]


def test_a_name_before_the_path_names_the_system(tmp_path: Path) -> None:
    assert source("plain=x.jsonl") == Source(Path("x.jsonl"), "plain")
    assert source("a/b=c.jsonl") == Source(Path("a/b=c.jsonl"))
    there = tmp_path / "a=b"
    there.touch()
    assert source(str(there)).name == ""


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "1", "reply": "x"}], "line 1 is no item of a study"),
        ([line(reply="x"), line("2")], "line 2 has no text"),
        ([line(reply="x"), line(reply="y")], "answers item '1' twice"),
        (
            [line(replies={"a": "x"}), {**line(replies={"b": "x"}), "dialogue": Dialogue(())}],
            "different dialogues",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        gathered(write(tmp_path / "r.jsonl", *rows))


def test_what_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a", line(reply="x")), write(tmp_path / "b", line("2", reply="x"))
    with pytest.raises(ConfigurationError, match="no item was answered by all of a, b"):
        gathered(one, two)
    plans = write(tmp_path / "c", line(plan={"explanation": "x"}))
    with pytest.raises(ConfigurationError, match="cannot be mixed"):
        gathered(one, plans)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no cases\.jsonl"):
        gathered(str(tmp_path / "empty"))
