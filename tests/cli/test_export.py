import json
from pathlib import Path

import pytest

from tests.cli.som import Here, assert_refused
from tests.mind.dataset.runs import plain_run, reply_to, row, write_run


def test_export_writes_rows_and_says_how_many(here: Here, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 60)
    done = here("export", tmp_path / "run", tmp_path / "out", "--split", "train=0.5,test=0.5", "--seed", 1)
    assert (done.code, done.err) == (0, "")
    train, test = (
        len((tmp_path / "out" / f"{name}.jsonl").read_bytes().splitlines()) for name in ("train", "test")
    )
    assert train + test == 66
    assert done.out.splitlines() == [
        f"sft: train {train}, test {test} rows, from 54 annotated turns",
        f"files are in {tmp_path / 'out'}: README.md, train.jsonl, test.jsonl",
    ]


@pytest.mark.parametrize("form", ["datasets", "sft", "preference"])
def test_json_prints_the_counts(form: str, here: Here, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 60)
    done = here("export", tmp_path / "run", tmp_path / "out", "--as", form, "--json", "--limit", 10)
    found = json.loads(done.out)
    assert (done.code, found["form"], sum(found["targets"].values())) == (0, form, 10)
    assert sum(found["rows"].values()) == (10 if form == "datasets" else 13)
    assert found == json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))


def test_corpora_that_limit_use_are_named_in_one_line(here: Here, tmp_path: Path) -> None:
    rows = [row(0, 0), row(1, 1, "esconv\n\x1b[31m", "CC BY-NC 4.0"), row(2, 2, "found", "")]
    write_run(tmp_path / "run", rows, [reply_to(number) for number in range(3)])
    done = here("export", tmp_path / "run", tmp_path / "out")
    assert done.code == 0
    assert done.err.count("\n") == 1
    assert "esconv" in done.err
    assert "(CC BY-NC 4.0), found (not stated)" in done.err
    assert "own" not in done.err
    assert "\x1b" not in done.err


def test_a_plan_and_other_wording_reach_the_prompts(here: Here, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 3)
    (tmp_path / "words.toml").write_text('[agent]\nboth = "PLAN {explanation} / {skill}"\n')
    done = here(
        "export", tmp_path / "run", tmp_path / "out", "--as", "preference", "--split", "all=1",
        "--with-plan", "--no-system", "--template", tmp_path / "words.toml",
    )  # fmt: skip
    assert done.code == 0
    first = json.loads((tmp_path / "out" / "all.jsonl").read_text("utf-8").splitlines()[0])
    assert (
        "PLAN I want to be there for Ana, thought 0 about Empathy. / Empathy"
        in first["prompt"][-1]["content"]
    )
    assert {message["role"] for message in first["prompt"]} == {"user", "assistant"}


def test_wrong_use_is_refused(here: Here, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 6)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    run, out = tmp_path / "run", tmp_path / "out"
    assert_refused(here("export", tmp_path / "mine", out), "holds no report.json", "som annotate")
    assert_refused(here("export", run, tmp_path / "mine"), "is not empty")
    assert_refused(here("export", run, out, "--with-plan"), "--with-plan has no use with --as sft")
    assert_refused(here("export", run, out, "--split", "train"), "--split 'train'")
    assert_refused(here("export", run, out, "--split", "train=0.5"), "sum to 0.5")
    assert_refused(here("export", run, out, "--as", "parquet"), "invalid choice")
    assert_refused(here("export", run, out, "--limit", "0"), "limit 0")
    assert not out.exists()


def test_help_teaches_the_forms(here: Here) -> None:
    done = here("export", "--help")
    assert done.code == 0
    for words in ("datasets     ", "sft          ", "preference   ", "examples:", "som export runs/teach"):
        assert words in done.out
