from pathlib import Path

from skillofmind.evals.tasks import TASKS, coverage_note, label_notes
from tests.data.corpora.small_files import ESCONV, write_json_lines
from tests.evals.tasks.small import data_folder


def test_all_tasks_leave_these_skills_untested() -> None:
    assert coverage_note(TASKS.values()) == (
        "Skills, by people's labels: tested by no label: Memory Recall, Topic Transition, Helpfulness, "
        "Commonsense Understanding, Logical Thinking, Creative Problem Solving, Echoing, Image-Commenting; "
        "only as one of a class: Persona Recall, Conflict Resolution, Ethics, Harmlessness, Avoiding Social "
        "Bias, Cultural Sensitivity, Knowledge Searching, Urgency Recognition; only by weak labels: Conflict "
        "Avoidance, Rhetoric, Immediate Response, Task Execution, Decision-making."
    )


def test_fewer_tasks_test_less() -> None:
    few = coverage_note([TASKS["diasafety"], TASKS["starter"]])
    assert (
        "only by weak labels: Conflict Avoidance, Harmlessness, Avoiding Social Bias, Urgency Recognition."
        in few
    )
    assert "Empathy" in few


def test_labels_that_the_table_does_not_know_are_counted(tmp_path: Path) -> None:
    turn = {"text": "Hm.", "speaker": "sys", "strategy": "Humming"}
    for part in ("train", "valid", "test"):
        write_json_lines(
            tmp_path / "esconv" / f"{part}.jsonl", {**ESCONV, "dialog": [*ESCONV["dialog"], turn]}
        )
    assert label_notes([TASKS["esconv"], TASKS["starter"]], tmp_path) == (
        "esconv: left out, as the label map does not know them: esconv.strategy 'Humming' (3).",
    )


def test_unknown_labels_of_the_shared_corpora() -> None:
    data = data_folder("persuasionforgood", "casino", "blended_skill_talk")
    notes = label_notes([TASKS[name] for name in ("casino", "persuasionforgood", "bst")], data)
    assert notes == (
        "persuasionforgood: left out, as the label map does not know them: "
        "persuasionforgood.persuader 'comment-partner' (31).",
    )
