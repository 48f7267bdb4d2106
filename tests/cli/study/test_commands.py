"""The commands of a study, from plan to export, as a person types them."""

import csv
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from skillofmind.evals.study.folder import read
from tests.cli.som import Here, assert_refused, started
from tests.evals.study.talks import GOOD, PLAIN, Chooser, answer_all, attentive, write_plans, write_replies


@pytest.fixture
def folder(here: Here, tmp_path: Path) -> Path:
    replies = write_replies(tmp_path / "r.jsonl", 6)
    words = ("study", "new", tmp_path / "study", replies, "--raters", 3, "--criteria", "empathy,overall")
    assert here(*words).code == 0
    return tmp_path / "study"


def test_a_plan_has_the_table(here: Here) -> None:
    found = here("study", "plan")
    assert found.code == 0
    assert re.findall(r"^ +(\d\d\.\d)% +(\d+)", found.out, re.MULTILINE) == [
        ("55.0", "783"), ("60.0", "194"), ("65.0", "85"), ("70.0", "47"), ("75.0", "29"),
    ]  # fmt: skip
    assert "smallest win rate seen" in found.out


def test_a_plan_answers_one_question(here: Here) -> None:
    words = ("study", "plan", "--effect", 0.6, "--raters", 6, "--overlap", 3, "--criteria", 7)
    found = here(*words)
    assert "for 7 questions together; power 0.8; 6 raters, 3 for each item" in found.out
    assert "smallest" not in found.out
    one = msgspec.json.decode(here(*words, "--json").out)["needed"][0]
    assert (one["effect"], one["votes"]) == (0.6, 3 * one["items"])
    assert "win rate    items" not in here("study", "plan", "--items", 30).out
    assert "0.30 points" in here("study", "plan", "--kind", "ratings", "--effect", 0.3).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--effect", 0.5), "0.5 differs from 50 % by nothing"),
        (("plan", "--items", -1), "--items -1"),
        (("plan", "--overlap", 2), "--overlap 2 must be 1 to 1"),
        (("new", "x", "none.jsonl"), "none.jsonl"),
        (("results", "none"), "holds no study"),
        (("export", "none"), "holds no study"),
        (("serve", "none"), "holds no study"),
        (("results", "none", "--pass", 2), "--pass 2.0 must be 0 to 1"),
        (("serve", "none", "--port", 70000), "--port 70000"),
        (("serve", "none", "--public", "study.example.org"), "must be like https://study.example.org"),
        (("serve", "none", "--public", "https://a/b"), "must be like https://study.example.org"),
        (("pln",), "did you mean 'plan'?"),
    ],
)
def test_what_is_wrong_is_said(here: Here, words: Sequence[object], said: str) -> None:
    assert_refused(here("study", *words), said)


def test_a_new_study_says_what_it_is(here: Here, tmp_path: Path) -> None:
    replies = write_replies(tmp_path / "r.jsonl", 6)
    words = ("study", "new", tmp_path / "s", replies, "--raters", 4, "--overlap", 2, "--criteria", "overall")
    found = here(*words)
    assert found.code == 0
    assert f"6 items, 2 systems ({GOOD}, {PLAIN}), 6 tasks, 4 checks" in found.out
    assert "4 raters, 2 for each task, 7 pages for each rater" in found.out
    assert here(*words).out.startswith("There already")
    assert_mismatch = here(*words, "--seed", 2)
    assert (assert_mismatch.code, "seed: 0 -> 2" in assert_mismatch.err) == (2, True)


def test_a_name_in_a_text_is_warned_of(here: Here, tmp_path: Path) -> None:
    plans = write_plans(tmp_path / "p.jsonl", 6)
    found = here("study", "new", tmp_path / "s", f"her={plans}", "--kind", "ratings")
    assert (found.code, found.err) == (0, "som: the name 'her' occurs in a text, so raters may guess.\n")


def test_results_name_the_careless(here: Here, folder: Path, tmp_path: Path) -> None:
    answer_all(folder, "ana", attentive(lambda task, criterion: GOOD))
    answer_all(folder, "ben", lambda task, criterion, swapped: "left")
    found = here("study", "results", folder)
    assert found.code == 0
    assert "! ben passed 2 of 4 attention checks, less than 60%: their answers are left out." in found.out
    assert re.search(r"overall +6 +0 +0 +100.0%", found.out)
    assert re.search(r"ben +10 of 10 +2 of 4 .* excluded", found.out)
    whole = msgspec.json.decode(here("study", "results", folder, "--json", "--pass", 0).out)
    assert (whole["excluded"], whole["answers"]) == ([], 12)
    assert here("study", "results", folder, "--html", tmp_path / "r.html").out.startswith("Written")
    assert "<svg" in (tmp_path / "r.html").read_text("utf-8")


def test_ratings_have_results_too(here: Here, tmp_path: Path) -> None:
    replies = write_replies(tmp_path / "r.jsonl", 6)
    here("study", "new", tmp_path / "s", replies, "--kind", "ratings", "--criteria", "overall")
    rate: Chooser = lambda task, criterion, swapped: task.expected or 1 + (task.first == GOOD)  # noqa: E731
    answer_all(tmp_path / "s", "ana", rate)
    found = here("study", "results", tmp_path / "s")
    assert re.search(rf"overall +{GOOD} +2\.00", found.out)
    assert f"{PLAIN} minus {GOOD}" in found.out


def test_an_export_holds_every_answer(here: Here, folder: Path, tmp_path: Path) -> None:
    answer_all(folder, "ana", attentive(lambda task, criterion: GOOD))
    found = here("study", "export", folder)
    rows = [msgspec.json.decode(line) for line in found.out.splitlines()]
    assert len(rows) == 20
    assert {row["winner"] for row in rows if row["sort"] == "real"} == {GOOD}
    out = tmp_path / "out.csv"
    assert here("study", "export", folder, "--form", "csv", "--anonymous", "--out", out).code == 0
    assert {row["rater"] for row in csv.DictReader(io.StringIO(out.read_text("utf-8")))} == {"rater 1"}


def test_serving_needs_raters(here: Here, folder: Path) -> None:
    assert_refused(here("study", "serve", folder), "nobody takes part yet")


def test_it_serves_until_it_is_stopped(folder: Path) -> None:
    line = r"(ana|ben)  http://127.0.0.1:\d+/\?token=([\w-]{32})  0 of 10 answered\n"
    with started("study", "serve", folder, "--rater", "ana", "ben") as process:
        assert process.stdout is not None
        found = [re.fullmatch(line, process.stdout.readline().decode()) for _ in range(2)]
        assert [one and one[1] for one in found] == ["ana", "ben"]
        assert len({one and one[2] for one in found}) == 2
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().endswith("Ended; every answer is kept: ana 0 of 10, ben 0 of 10.\n")
    assert list(read(folder).raters) == ["ana", "ben"]


def test_an_open_address_is_warned_of(folder: Path) -> None:
    public = "https://study.example.org"
    words = ("study", "serve", folder, "--rater", "a", "--host", "0.0.0.0", "--public", public)
    with started(*words) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().decode() for _ in range(2)]
    assert lines[0].startswith("Warning: 0.0.0.0 can be reached by others, and http is not encrypted")
    assert lines[1].startswith(f"a  {public}/?token=")


def test_without_the_extra_the_statistics_say_so(
    here: Here, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    for words in (("plan",), ("results", folder)):
        assert_refused(here("study", *words), "need scipy; pip install 'skillofmind[eval]'")
    assert here("study", "export", folder).code == 0
