"""`som data audit`: report, record, card and exit code."""

import json
from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.jsonl import write_jsonl
from tests.cli.som import Here, assert_refused
from tests.mind.audit.corpus import answer, labels, talk


def written(path: Path, *dialogues: Dialogue, extra: bytes = b"") -> Path:
    path.write_bytes(b"".join(write_jsonl(dialogues)) + extra)
    return path


def test_a_good_corpus_exits_with_0(here: Here, tmp_path: Path) -> None:
    result = here("data", "audit", written(tmp_path / "d.jsonl", talk()))
    assert result.code == 0
    assert result.out.startswith("checks\n  ok    row ")
    assert result.out.endswith("fit for use by the hard checks\n")


def test_a_failed_check_exits_with_1_and_names_the_row(here: Here, tmp_path: Path) -> None:
    file = written(tmp_path / "d.jsonl", talk("own:7", answer(skill="Kindness")), extra=b"{}\n")
    result = here("data", "audit", file)
    assert result.code == 1
    assert "taxonomy: own:7 turn 2: the taxonomy has no skill 'Kindness'." in result.out
    assert "row: d.jsonl:2: not a dialogue" in result.out


def test_record_card_and_other_corpora_are_written(here: Here, tmp_path: Path) -> None:
    file = written(tmp_path / "d.jsonl", talk("a", answer(marks=labels("Empathy", "Empathy"))))
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "README.md").write_text("no dialogues\n\nhere")
    written(tmp_path / "one" / "z.jsonl", talk("z"))
    two = written(tmp_path / "two.jsonl", talk("y", answer("Soup?"), opening="Hi!"))
    out, page = tmp_path / "audit.json", tmp_path / "card.md"
    words = ("--against", tmp_path / "one", two, "--out", out, "--card", page, "--name", "Ours", "--json")
    result = here("data", "audit", file, *words)
    assert result.code == 1
    assert result.out == out.read_text()
    record = json.loads(result.out)
    assert [(part["corpus"], part["dialogues"], part["rejected"]) for part in record["against"]] == [
        ("one", 1, 1),
        ("two.jsonl", 1, 0),
    ]
    assert record["agreement"]["skills"]["items"] == 1
    assert page.read_text().startswith("# Ours\n")


def test_wrong_options_are_refused(here: Here, tmp_path: Path) -> None:
    file = written(tmp_path / "d.jsonl", talk())
    assert_refused(here("data", "audit", file, "--limit", "-1"), "--limit -1 must be 0 or more")
    assert_refused(here("data", "audit", file, "--out", file), "is also read")
    assert_refused(here("data", "audit", file, "--against", tmp_path / "no"), "No such file")


def test_stats_show_the_agreement_of_two_annotators(here: Here, tmp_path: Path) -> None:
    marks = [
        ("Empathy", "Empathy"),
        ("Empathy", "Ethics", "Ethics"),
        ("Ethics", "Ethics"),
        ("Ethics", "Ethics"),
    ]
    rows = [talk(f"own:{n}", answer(marks=labels(*given))) for n, given in enumerate(marks)]
    out = here("data", "stats", written(tmp_path / "d.jsonl", *rows)).out
    # Observed 3/4, chance (2*1 + 2*3) / 16.
    assert "\n  skillofmind.skill: first, second: 0.500 (" in out
    assert out.endswith(", 4 turns\n")
    assert "agreement" not in here("data", "stats", written(tmp_path / "e.jsonl", talk())).out
