"""Markdown and the table for terminals."""

import msgspec

from skillofmind.evals.records import Difference, Estimate, Result, Summary, Table
from skillofmind.evals.report.cells import is_worse, number, with_interval, worst_slices
from skillofmind.evals.report.markdown import markdown, shown
from tests.evals.report.material import HOSTILE, made_runs, odd_run

ACCURACY = Estimate("accuracy", 0.5, 0.4, 0.6, 100)
LATE = Estimate("errors", 0.25, None, None, 90, 10, "lower")
RESULT = Result(
    "bst",
    "",
    "Which skill?",
    100,
    40,
    2,
    (ACCURACY, LATE),
    (Table("Skills", ("skill", "n"), (("Empathy", 3), ("A|B", None))),),
    {
        "lang": {
            "ko": (Estimate("accuracy", 0.2, 0.1, 0.3, 20),),
            "en": (Estimate("accuracy", 0.55, 0.5, 0.6, 80),),
        }
    },
)
SUMMARY = Summary("1.2", {"planner": "embedded"}, (RESULT,), notes=("No label tests Ethics.",))


def test_numbers_have_three_digits_and_missing_ones_a_dash() -> None:
    found = [number(one) for one in (0.5, 1.0, 12, 1234, 1234.0, None, 0.00012, "x", -0.25)]
    assert found == ["0.500", "1.000", "12", "1,234", "1,234", "–", "0.00012", "x", "-0.250"]
    assert [with_interval(0.5, 0.25, 1.0), with_interval(0.5, None, None)] == [
        "0.500 [0.250, 1.000]",
        "0.500",
    ]


def test_markdown_has_every_number_with_its_interval() -> None:
    text = markdown(["run"], [SUMMARY], [])
    for line in (
        "- No label tests Ethics.",
        "## bst",
        "Which skill? (100 items of 40 dialogues, 2 failed)",
        "| measure | n | run |",
        "| accuracy ↑ | 100 | 0.500 [0.400, 0.600] |",
        "| errors ↓ | 90 | 0.250 |",
        "| A\\|B | – |",
        "| run | bst | lang: ko | accuracy | 20 | 0.200 [0.100, 0.300] | 0.500 |".replace("[", "\\[").replace(
            "]", "\\]"
        ),
        "| planner | embedded |",
        "| skillofmind | 1.2 |",
    ):
        assert line.replace("0.500 [0.400, 0.600]", "0.500 \\[0.400, 0.600\\]") in text, line


def test_markdown_of_several_runs_has_a_column_each_and_the_differences() -> None:
    runs = made_runs(60)
    between = [Difference("bst", "accuracy", "one", "two", 0.1, -0.05, 0.25, 0.04, 0.08, 30)]
    text = markdown([name for name, _, _ in runs], [summary for _, summary, _ in runs], between)
    assert "| measure | n | one | two |" in text
    assert "| bst | accuracy | two − one | 30 | 0.100 \\[-0.050, 0.250\\] | 0.0400 | 0.0800 |" in text


def test_markdown_shows_text_as_text() -> None:
    name, summary, _ = odd_run(HOSTILE)
    text = markdown([name], [summary], [])
    assert "<script" not in text.replace("\\<script", "").replace("\\</script", "")
    assert "\\<img" in text
    assert shown("a\nb | c") == "a b \\| c"


def test_a_slice_is_worse_when_its_whole_interval_is() -> None:
    assert [one.slice for one in worst_slices(["run"], [SUMMARY])] == ["lang: ko"]
    less = msgspec.structs.replace(ACCURACY, better="lower")
    assert is_worse(Estimate("accuracy", 0.7, 0.65, 0.8, better="lower"), less)
    assert not is_worse(Estimate("accuracy", 0.7, 0.45, 0.8, better="lower"), less)
    assert not is_worse(Estimate("accuracy", 0.7, 0.65, 0.8, better=""), less)
