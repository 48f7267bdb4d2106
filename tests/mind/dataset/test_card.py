from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Usage
from skillofmind.mind.dataset.card import Shelf, card, quoted_yaml, words, write_card
from skillofmind.mind.dataset.files import Finish
from skillofmind.mind.dataset.licences import common_id, hub_id, kind_of
from skillofmind.mind.dataset.report import Cost, Report, SecondTeacher, Source, joined_licences
from skillofmind.scorers.agreement import cohen_kappa, kappa_by_label
from tests.mind.dataset.runs import FINISH, plain_run, reply_to, row, write_run

HOSTILE = [
    "a | b | c",
    "a\n---\nlicense: mit\n",
    "```\n# heading",
    "<script>alert(1)</script>",
    "![x](http://example.org/x.png)",
    "*/ \" ' : { [ # & \\",
    "\x00\x1b[31m\u2028\u202e\ufeff",
    "- item\r\n- item",
    "",
]


def split_card(text: str) -> tuple[dict[str, Any], str]:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the metadata of the card")
    head, metadata, body = text.split("---\n", 2)
    assert head == ""
    found = yaml.safe_load(metadata)
    assert isinstance(found, dict)
    return found, body


def tables(body: str) -> list[int]:
    """Return the number of bars of every table row that nothing escapes."""
    return [line.replace("\\|", "").count("|") for line in body.splitlines() if line.startswith("|")]


def shelf(**licences: str) -> Shelf:
    return Shelf({"train": ("annotated.jsonl",)}, {"train": 1}, licences)


def test_a_card_tells_what_the_run_counted(tmp_path: Path) -> None:
    report = plain_run(tmp_path)
    write_card(report, FINISH, tmp_path)
    metadata, body = split_card((tmp_path / "README.md").read_text("utf-8"))
    assert metadata == {
        "pretty_name": "Skill-of-mind annotations: own",
        "license": "cc-by-4.0",
        "language": ["en"],
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation", "text-classification"],
        "annotations_creators": ["machine-generated"],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": ["annotated.jsonl"]}]}
        ],
    }
    for line in (
        "of 30 rows asked, 27 have one.",
        "| annotations | 33 |",
        "| rows with 2 annotations | 6 |",
        "| own | 30 | 27 | CC BY 4.0 | allowed |",
        f"| Empathy | 13 | 39.4 % | {'█' * 20} |",
        f"| Persuasion | 6 | 18.2 % | {'█' * 9} |",
        "| `no_json` | 3 | 10.0 % |",
        "| `leak` | leak >= 0.4, and 3 words or more | 0 |",
        "| `duplicate_explanation` | off | 0 |",
        "| teacher | big |",
        "| prompt and taxonomy (hash) | prompthash |",
        "| sampling: temperature | 0.9 |",
        "| big (teacher) | 33 | 3,300 | 330 | 0.0040 USD |",
        "0.000 for the real reply, 0.000 for the counterfactual",
    ):
        assert line in body, line
    assert "Agreement" not in body
    assert "outside the taxonomy\n\n" not in body


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = plain_run(tmp_path)
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_card(report, FINISH, tmp_path / name)
        texts.append((tmp_path / name / "README.md").read_bytes())
    assert texts[0] == texts[1]
    assert b"2030" not in texts[0]


def test_each_corpus_is_listed_with_its_licence_and_what_it_allows(tmp_path: Path) -> None:
    rows = [row(0, 0), row(1, 1, "esconv", "CC BY-NC 4.0"), row(2, 2, "found", "")]
    report = write_run(tmp_path, rows, [reply_to(n) for n in range(3)])
    write_card(report, FINISH, tmp_path)
    metadata, body = split_card((tmp_path / "README.md").read_text("utf-8"))
    assert (metadata["license"], metadata["license_name"]) == ("other", "mixed-by-corpus")
    assert metadata["license_details"] == "esconv: CC BY-NC 4.0; found: not stated; own: CC BY 4.0"
    assert "| esconv | 1 | 1 | CC BY-NC 4.0 | **not allowed** |" in body
    assert "| found | 1 | 1 | not stated | **unknown: ask the authors** |" in body
    assert "Non-commercial or for research only: esconv." in body
    assert "Every row keeps the licence of the corpus" in body


def test_a_corpus_with_several_licences_shows_all_of_them(tmp_path: Path) -> None:
    rows = [row(0, 0), row(1, 1, "own", "CC BY-NC 4.0"), row(2, 2, "own", "")]
    report = write_run(tmp_path, rows, [reply_to(n) for n in range(3)])
    assert report.corpora["own"] == Source(3, 3, "not stated; CC BY 4.0; CC BY-NC 4.0")
    assert kind_of(report.corpora["own"].licence) == "noncommercial"


def test_labels_outside_the_taxonomy_are_listed_as_they_were_written(tmp_path: Path) -> None:
    rows = [row(number, number) for number in range(3)]
    report = write_run(
        tmp_path, rows, [reply_to(0), reply_to(1, ["Dancing | <b>"]), reply_to(2, ["Dancing | <b>"])]
    )
    write_card(report, FINISH, tmp_path)
    _, body = split_card((tmp_path / "README.md").read_text("utf-8"))
    assert "| Dancing \\| &lt;b&gt; | 2 |" in body
    assert "| `oov` | skill outside the taxonomy | 2 |" in body


def test_two_teachers_are_compared_over_all_and_by_skill(tmp_path: Path) -> None:
    first, second = ["Empathy", "Empathy", "Ethics", "Ethics"], ["Empathy", "Empathy", "Ethics", "Empathy"]
    found = SecondTeacher(cohen_kappa(first, second), kappa_by_label(first, second), 3, {"second": 1})
    report = msgspec.structs.replace(plain_run(tmp_path), second=found)
    text = card(report, FINISH, shelf(own="MIT"))
    assert "over 4 rows: Cohen's kappa 0.500" in text
    assert "They share a skill in 3 rows." in text
    assert "A judge decided where they share none: second 1." in text
    assert "| Ethics | 0.500" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_breaks_neither_metadata_nor_tables(text: str, tmp_path: Path) -> None:
    plain = plain_run(tmp_path)
    report = msgspec.structs.replace(
        plain,
        corpora={text: Source(1, 1, text), "own": Source(1, 1, "MIT")},
        oov={text: 1},
        skills={text: 3},
        languages={text: 1},
        rejected={},
        costs={"teacher": Cost(1, Usage(1, 1), 1.0)},
        currency=text,
    )
    maker = msgspec.structs.replace(FINISH.maker, names={"teacher": text}, prompt=text)
    finish = Finish(FINISH.filters, maker)
    whole = card(
        report, finish, Shelf({"train": ("a.jsonl",)}, {"train": 1}, {text: text, "own": "MIT"}, "Rows.")
    )
    metadata, body = split_card(whole)
    assert metadata["license"] == "other"
    assert list(metadata) == [
        "pretty_name", "license", "license_name", "license_details",
        *(["language"] if "language" in metadata else []),
        "size_categories", "task_categories", "annotations_creators", "configs",
    ]  # fmt: skip
    plain_body = split_card(card(plain, FINISH, shelf(own="MIT")))[1]
    assert set(tables(body)) <= {3, 4, 5, 6}
    for mark in ("<script", "![", "```", "\n---", "\n# h", "\x1b", "\u202e", "://"):
        assert mark not in body
    headings = [line for line in body.splitlines() if line.startswith("#")]
    known = [line for line in plain_body.splitlines() if line.startswith("#")]
    assert set(headings) <= {*known, "## Files", "## Labels outside the taxonomy"}


@given(st.text(max_size=300))
def test_foreign_text_stays_on_one_line(text: str) -> None:
    shown = words(text)
    assert shown.splitlines() in ([], [shown])
    assert "<" not in shown
    assert shown.replace("\\\\", "").replace("\\|", "").count("|") == 0
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(f"a: {quoted_yaml(text)}\nb: 1") == {
        "a": " ".join(yaml.safe_load(quoted_yaml(text)).split()),
        "b": 1,
    }


def test_the_code_of_norwegian_stays_text(tmp_path: Path) -> None:
    report: Report = msgspec.structs.replace(plain_run(tmp_path), languages={"no": 3, "zh-Hans": 2, "???": 1})
    assert split_card(card(report, FINISH, shelf(own="MIT")))[0]["language"] == ["no", "zh"]


@pytest.mark.parametrize(
    ("rows", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (99_997, "10K<n<100K"), (10**6, "n>1M")]
)
def test_the_size_is_that_of_the_hub(rows: int, size: str, tmp_path: Path) -> None:
    text = card(plain_run(tmp_path), FINISH, Shelf({}, {"train": rows}, {"own": "MIT"}))
    assert split_card(text)[0]["size_categories"] == [size]


@pytest.mark.parametrize(
    ("licence", "kind", "hub"),
    [
        ("CC BY 4.0", "free", "cc-by-4.0"),
        ("MIT", "free", "mit"),
        ("Apache-2.0", "free", "apache-2.0"),
        ("CC0", "free", "cc0-1.0"),
        ("Apache-2.0 (organisers' statement)", "free", None),
        ("CC BY-NC-SA 4.0", "noncommercial", "cc-by-nc-sa-4.0"),
        ("Apache-2.0; derived from DailyDialog, CC BY-NC-SA 4.0", "noncommercial", None),
        ("University of Washington; research, non-commercial, with attribution", "noncommercial", None),
        ("not for commercial use", "noncommercial", None),
        ("research use only", "noncommercial", None),
        ("MIT; not stated", "unknown", None),
        ("not MIT", "unknown", None),
        ("not stated", "unknown", None),
        ("", "unknown", None),
    ],
)
def test_licences_are_read_with_care(licence: str, kind: str, hub: str | None) -> None:
    assert (kind_of(licence), hub_id(licence)) == (kind, hub)


def test_one_known_licence_is_named_several_are_not() -> None:
    assert common_id(["MIT", "mit"]) == "mit"
    assert common_id(["MIT", "CC0"]) is None
    assert common_id([]) is None
    assert joined_licences(["", ""]) == ""
