"""The files of a run: what became of every row, in order, with the reason that a hand can work out."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Annotation, Dialogue
from skillofmind.data.formats import read_any
from skillofmind.data.split import group_of
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.annotate.ledger import Ledger
from skillofmind.mind.annotate.outcome import Outcome
from skillofmind.mind.annotate.request import TEACHER_SAMPLING
from skillofmind.mind.dataset.files import Finish, outcomes, write_files
from skillofmind.mind.dataset.report import Cost, Report, Source
from skillofmind.mind.dataset.rows import Maker, Provenance
from skillofmind.run.budget import Prices
from skillofmind.run.log import AppendLog
from tests.mind.annotate.rows import course
from tests.mind.dataset.fixture import AWAY, CASES, GOLD, THOUGHT, rows, works

COURSE = course()
FINISH = Finish(
    Filters(),
    Maker({"teacher": "tiny"}, COURSE.words.identity, TEACHER_SAMPLING),
    {"teacher": Prices(10.0, 30.0)},
    "USD",
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with AppendLog(tmp_path / "log.jsonl") as log:
        found = Ledger(log)
        for key, work in works().items():
            found.append(key, work)
        yield found


@pytest.fixture
def report(ledger: Ledger, tmp_path: Path) -> Report:
    return write_files(rows(), COURSE, ledger, FINISH, tmp_path)


def by_name(ledger: Ledger) -> dict[str, Outcome | None]:
    found = outcomes(rows(), COURSE, ledger, Filters())
    return {row.id.rpartition(":")[2]: outcome for row, _, outcome in found}


def dialogues(path: Path) -> list[Dialogue]:
    return [row for row in read_any([path]) if isinstance(row, Dialogue)]


def test_every_row_has_the_reason_that_was_worked_out_by_hand(ledger: Ledger) -> None:
    found = {
        name: "unasked" if outcome is None else outcome.reason or ""
        for name, outcome in by_name(ledger).items()
    }
    assert found == {name: reason for name, (reason, _) in CASES.items()} | {"waiting": "unasked"}


def test_the_measures_are_those_of_the_hand(ledger: Ledger) -> None:
    found = by_name(ledger)
    leak = found["leak"]
    assert leak is not None
    measures = leak.checked[0].measures
    assert measures["leak_gold"] == pytest.approx(5 / 12, abs=1e-12)
    assert measures["leak_counterfactual"] == 0.0
    assert measures["leak_units"] == 5
    close = found["close"]
    assert close is not None
    assert close.checked[0].measures["close"] == 1.0
    short = found["short"]
    assert short is not None
    assert (short.checked[0].measures["length_gold"], short.checked[0].measures["length_counterfactual"]) == (
        13,
        2,
    )


def test_annotated_rows_end_with_the_annotated_turn(report: Report, tmp_path: Path) -> None:
    found = dialogues(tmp_path / "annotated.jsonl")
    assert [row.id for row in found] == ["0:own:right", "0:own:two", "0:own:repaired"]
    assert found[0].turns[-1].annotations == (Annotation("Empathy", THOUGHT, AWAY, "tiny"),)
    assert [one.skill for one in found[1].turns[-1].annotations] == ["Empathy", "Helpfulness"]
    assert found[0].turns[-1].text == GOLD
    assert found[0].responder is None
    assert found[0].meta == {
        "dialogue": "own:right",
        "index": 1,
        "group": "own:right",
        "annotation": {
            "teacher": "tiny",
            "prompt": COURSE.words.identity,
            "sampling": {"temperature": 0.9, "top_p": 0.95, "max_tokens": 1024},
            "model": "tiny-1",
            "request": "abc",
        },
    }
    assert found[1].meta["annotation"]["dropped"] == [{"skill": "Small Talk", "flags": ["oov"]}]


def test_rows_of_one_dialogue_stay_in_one_split(report: Report, tmp_path: Path) -> None:
    found = dialogues(tmp_path / "annotated.jsonl")
    other = msgspec.structs.replace(found[0], id="7:own:right")
    assert group_of(found[0]) == group_of(other) != group_of(found[1])


def test_rejected_rows_keep_reason_and_raw_replies(report: Report, tmp_path: Path) -> None:
    found = {row.id.rpartition(":")[2]: row for row in dialogues(tmp_path / "rejected.jsonl")}
    assert list(found) == [name for name, (reason, _) in CASES.items() if reason]
    assert found["no_json"].turns[-1].annotations == ()
    rejected = found["no_json"].meta["rejected"]
    assert (rejected["reason"], rejected["detail"]) == ("no_json", "it held no JSON list of objects.")
    assert rejected["replies"] == [
        {"role": "teacher", "text": "Sorry?"},
        {"role": "repair", "text": "Sorry!"},
    ]
    assert found["oov"].meta["rejected"]["detail"] == "the skill 'Small Talk' is not in the list."
    assert found["leak"].meta["rejected"]["detail"].startswith("leak_gold 0.417, leak_counterfactual 0, ")


def test_the_report_counts_by_hand(report: Report, tmp_path: Path) -> None:
    assert (report.rows, report.unfinished, report.annotated, report.annotations) == (12, 1, 3, 4)
    assert report.rejected == {reason: 1 for reason, _ in CASES.values() if reason}
    assert report.skills == {"Empathy": 3, "Helpfulness": 1}
    assert report.per_row == {"1": 2, "2": 1}
    assert report.corpora == {"own": Source(9, 3, "CC0"), "sold": Source(2, 0, "not stated")}
    assert report.languages == {"en": 3}
    # Whole drafts: right 1, two 3, repaired 1, oov 1, and one each of the five that a filter stopped.
    assert report.checked == 11
    assert report.flags == {
        "oov": 2, "leak": 1, "not_first_person": 1, "counterfactual_close": 1, "counterfactual_length": 1,
        "duplicate_explanation": 1,
    }  # fmt: skip
    assert report.oov == {"Small Talk": 2}
    answers = sum(len(replies) for _, replies in CASES.values())
    assert answers == 15
    assert report.costs == {
        "teacher": Cost(2 * 15, Usage(1500, 150), (1500 * 10 + 150 * 30) / 1e6),
    }
    assert (report.repairs, report.cached, report.second) == (4, 0, None)
    assert msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=Report) == report


def test_provenance_says_when_and_at_what_cost(report: Report, tmp_path: Path) -> None:
    lines = [
        msgspec.json.decode(line, type=Provenance)
        for line in (tmp_path / "provenance.jsonl").read_bytes().splitlines()
    ]
    assert [line.id.rpartition(":")[2] for line in lines] == list(CASES)
    assert lines[2] == Provenance(
        "0:own:repaired",
        "2025-01-02T03:04:05",
        0.5,
        2,
        4,
        Usage(200, 20),
        (200 * 10 + 20 * 30) / 1e6,
        0,
        None,
    )
    assert lines[3].reason == "no_json"


def test_the_same_ledger_gives_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    write_files(rows(), COURSE, ledger, FINISH, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_files(rows(), COURSE, ledger, FINISH, tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_file_without_rows_is_there_and_replaces_an_older_one(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "rejected.jsonl").write_text("old")
    write_files(rows()[:1], COURSE, ledger, FINISH, tmp_path)
    assert (tmp_path / "rejected.jsonl").read_bytes() == b""
    assert len(dialogues(tmp_path / "annotated.jsonl")) == 1
