from pathlib import Path

import pytest

from skillofmind.core.dialogue import Annotation, Dialogue, Image, Label, SocialContext, Speaker, Turn
from skillofmind.data.jsonl import write_jsonl
from skillofmind.data.validate import ERRORS, LONG_TURN, WARNINGS, Validation, scripts, validate

KNOWN = SocialContext(topic="keys")
FINE = (Turn("A", "Hi"), Turn("B", "Ho"))


@pytest.mark.parametrize(
    ("dialogue", "kinds"),
    [
        (Dialogue(FINE, KNOWN, "1"), []),
        (Dialogue(FINE, id="1"), ["missing-context"]),
        (Dialogue(FINE, id="1", speakers=(Speaker("A", persona=("x",)), Speaker("B"))), []),
        (Dialogue((Turn("A", " "), Turn("B", "", images=(Image("x"),))), KNOWN), ["empty-turn"]),
        (Dialogue((Turn("A", "x"), Turn("B", "x")), KNOWN), ["repeated-turn"]),
        (Dialogue((Turn("A", "x"), Turn("A", "y")), KNOWN), ["one-speaker"]),
        (Dialogue(FINE, KNOWN, speakers=(Speaker("A"),)), ["unknown-speaker"]),
        (Dialogue((Turn("A", "x" * (LONG_TURN + 1)), Turn("B", "y")), KNOWN), ["long-turn"]),
        (Dialogue((Turn("A", "hello you"), Turn("B", "привет тебе")), KNOWN), ["mixed-scripts"]),
        (Dialogue((Turn("A", "日本語です"), Turn("B", "はい")), KNOWN), []),
        (Dialogue((Turn("A", "x", labels=(Label("s", "no"),)), Turn("B", "y")), KNOWN), ["unknown-label"]),
        (Dialogue((Turn("A", "x", labels=(Label("t", "no"),)), Turn("B", "y")), KNOWN), []),
        (
            Dialogue((Turn("A", "x", annotations=(Annotation("no"),)), Turn("B", "y")), KNOWN),
            ["unknown-skill"],
        ),
    ],
)
def test_each_problem_is_found_and_no_other(dialogue: Dialogue, kinds: list[str]) -> None:
    checks = Validation({"s": {"yes"}}, {"Empathy"})
    found = checks.problems(dialogue, "d", 7)
    assert [problem.kind for problem in found] == kinds
    assert set(kinds) <= {*ERRORS, *WARNINGS}
    assert checks.errors() == sum(kind in ERRORS for kind in kinds)


def test_problems_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    good = b"".join(write_jsonl([Dialogue(FINE, KNOWN, "1")]))
    path.write_bytes(good + b"\nno\n" + good)
    checks = Validation()
    found = [str(problem) for problems in validate([path], None, checks) for problem in problems]
    assert found[0].startswith("d.jsonl:3: rejected: not JSON")
    assert found[1].startswith("d.jsonl:4: duplicate-id: an earlier dialogue has the id '1'")
    assert len(found) == 2
    assert (checks.dialogues, checks.counts) == (2, {"rejected": 1, "duplicate-id": 1})


def test_other_formats_count_their_dialogues(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("dialogue,speaker,text\n1,A,x\n1,B,y\n2,A,\n")
    found = [problem for problems in validate([tmp_path / "d.csv"]) for problem in problems]
    assert [(p.line, p.kind) for p in found if p.kind == "empty-turn"] == [(2, "empty-turn")]


def test_scripts_come_with_the_commonest_first() -> None:
    assert scripts(Dialogue((Turn("A", "안녕하세요 hello"),))) == ["Hangul", "Latin"]
    assert scripts(Dialogue((Turn("A", "123 !"),))) == []
