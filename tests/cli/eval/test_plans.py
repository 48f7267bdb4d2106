import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.evals.files import read_answers, read_items, read_summary
from skillofmind.evals.records import Summary
from skillofmind.mind.template import load_template
from skillofmind.run.directory import read_manifest
from skillofmind.run.log import read_log
from tests.cli.som import Here, assert_refused, prompted, right_answer, som
from tests.cli.test_bad_input import mounted
from tests.upstream import Upstream


def test_a_run_holds_every_question_answer_score_and_number(here: Here, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = here("eval", "plans", run, "--tasks", "numbers", "--n", 30)
    assert result.code == 0, result.err
    assert "accuracy" in result.out
    assert "30 items" in result.out
    assert f"som: next: som eval show {run} --worst 5" in result.err
    assert sorted(path.name for path in run.iterdir()) == [
        ".lock",
        "cases.jsonl",
        "events.jsonl",
        "items.jsonl",
        "log.jsonl",
        "manifest.json",
        "summary.json",
    ]
    assert len(list(read_items(run))) == len(read_answers(run)) == 30
    events = dict(read_log(run / "events.jsonl"))
    assert events["started"]["items"] == 30
    assert (events["ended"]["asked"], events["ended"].get("failed", 0)) == (30, 0)


def test_settings_say_what_decided_the_numbers_and_name_no_place(here: Here, tmp_path: Path) -> None:
    with Upstream(reply=right_answer) as server:
        words = [
            "eval",
            "plans",
            tmp_path / "run",
            "--tasks",
            "numbers",
            "--n",
            5,
            *prompted(server.base_url),
        ]
        assert here(*words).code == 0
        port = str(server.port)
    settings = read_summary(tmp_path / "run").settings
    assert settings["planner"] == "prompted"
    assert settings["model"] == "scripted"
    assert settings["identity"].startswith("prompted:http:scripted:")
    assert settings["template"] == load_template().identity()
    assert (settings["items a task"], settings["seed of items"]) == ("5", "7")
    for name in ("summary.json", "cases.jsonl"):
        text = (tmp_path / "run" / name).read_text("utf-8")
        assert str(tmp_path) not in text
        if name == "summary.json":
            assert port not in text
    assert read_manifest(tmp_path / "run").options["settings"].items() <= settings.items()


def test_a_run_that_is_complete_asks_nobody_and_is_scored_again(here: Here, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Upstream(reply=right_answer) as server:
        words = ["eval", "plans", run, "--tasks", "numbers", *prompted(server.base_url)]
        assert here(*words).code == 0
    before = {name: (run / name).read_bytes() for name in ("cases.jsonl", "summary.json")}
    for name in before:
        (run / name).unlink()
    # The server is gone: nothing needs it.
    result = here(*words)
    assert result.code == 0, result.err
    assert "nobody is asked, the answers are scored again" in result.err
    assert {name: (run / name).read_bytes() for name in before} == before


def test_a_run_goes_on_without_the_data_it_began_with(here: Here, tmp_path: Path) -> None:
    (tmp_path / "data" / "pairs").mkdir(parents=True)
    run = tmp_path / "run"
    with Upstream(reply=right_answer) as server:
        words = ["eval", "plans", run, *prompted(server.base_url)]
        stopped = here(*words, "--data", tmp_path / "data", "--max-calls", 25, "--n", 20)
        assert stopped.code == 1
        shutil.rmtree(tmp_path / "data")
        result = here(*words, "--n", 20, "--json")
        assert result.code == 0, result.err
        assert server.counts.received == 60
    summary = msgspec.json.decode(result.out, type=Summary)
    assert [one.task for one in summary.results] == ["numbers", "pair.one", "pair.two", "mean over tasks"]
    assert summary.settings["tasks"] == "numbers,pair.one,pair.two"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--n", 20], "--n: 10 -> 20"),
        (["--seed", 8], "--seed: 7 -> 8"),
        (["--planner", "embedded:threshold=0.1"], "--planner: 'embedded' -> 'embedded:threshold=0.1'"),
        (["--tasks", "pair"], "--tasks: 'numbers' -> 'pair.one,pair.two'"),
    ],
)
def test_other_options_are_refused_with_the_difference(
    here: Here, tmp_path: Path, more: list[Any], said: str
) -> None:
    (tmp_path / "pairs").mkdir()
    words = ["eval", "plans", tmp_path / "run", "--tasks", "numbers", "--n", 10, "--data", tmp_path]
    assert here(*words).code == 0
    result = here(*words, *more)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "was started differently" in result.err


def test_another_wording_is_refused_while_items_are_open(here: Here, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[prompted]\nsystem = "You plan how a person should answer."\n', "utf-8")
    with Upstream(reply=right_answer) as server:
        words = ["eval", "plans", tmp_path / "run", "--tasks", "numbers", *prompted(server.base_url)]
        assert here(*words, "--max-calls", 5).code == 1
        result = here(*words, "--template", other)
        assert result.code == 2
        assert "--settings.template:" in result.err
        assert server.counts.received == 5


def test_options_that_change_no_answer_are_free(here: Here, tmp_path: Path) -> None:
    words = ["eval", "plans", tmp_path / "run", "--tasks", "numbers"]
    assert here(*words).code == 0
    more = ["--concurrency", 2, "--timeout", 5, "--max-failed", 0.1, "--max-calls", 3, "--data", tmp_path]
    assert here(*words, *more, "--json").code == 0


def test_items_that_changed_under_a_run_are_refused(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skillofmind.evals.tasks import TASKS
    from tests.evals.fake import fake_task

    run = tmp_path / "run"
    with Upstream(reply=right_answer) as server:
        words = ["eval", "plans", run, "--tasks", "numbers", *prompted(server.base_url), "--data", tmp_path]
        assert here(*words, "--max-calls", 5).code == 1
        monkeypatch.setitem(TASKS, "numbers", fake_task(70))
        result = here(*words)
        assert server.counts.received == 5
    assert result.code == 2
    assert "began with other items: 10 new (such as 'numbers//item-60')" in result.err


def test_answers_are_kept_for_other_runs_with_the_same_model(here: Here, tmp_path: Path) -> None:
    cache = ["--cache", tmp_path / "cache"]
    with Upstream(reply=right_answer) as server:
        endpoint = prompted(server.base_url)
        assert here("eval", "plans", tmp_path / "a", "--tasks", "numbers", *endpoint, *cache).code == 0
        assert server.counts.received == 60
        assert here("eval", "plans", tmp_path / "b", "--tasks", "numbers", *endpoint, *cache).code == 0
        assert server.counts.received == 60
    usages = [sum(one.usage.total_tokens for one in read_answers(tmp_path / run).values()) for run in "ab"]
    assert usages[0] > 0 == usages[1]
    assert (tmp_path / "a" / "cases.jsonl").read_bytes() == (tmp_path / "b" / "cases.jsonl").read_bytes()


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--tasks", "numbres"], "'numbers'"),
            (["--tasks", "talk"], "asks for a reply, not for a plan; use `som eval replies`"),
            (["--tasks", "pair.one"], "add --data FOLDER"),
            (["--n", "-1"], "--n -1 must be at least 0"),
            (["--concurrency", "0"], "--concurrency 0 must be at least 1"),
            (["--max-calls", "0"], "--max-calls 0 must be at least 1"),
            (["--max-failed", "1.5"], "--max-failed 1.5 is no share"),
            (["--timeout", "0"], "--timeout 0 must be more than 0"),
            (["--cache", "x"], "--cache has no use with the embedded planner"),
            (["--data", "/nowhere"], "--data '/nowhere' is no folder"),
            (["--planner", "prompted", "--tasks", "numbers"], "no model is named"),
        ],
    )
    def test_a_wrong_option_names_the_fix_and_leaves_nothing(
        self, here: Here, tmp_path: Path, words: list[str], said: str
    ) -> None:
        assert_refused(here("eval", "plans", tmp_path / "run", *words), said)
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_corpus_names_the_folder_and_the_fix(self, here: Here, tmp_path: Path) -> None:
        result = here("eval", "plans", tmp_path / "run", "--tasks", "pair.one", "--data", tmp_path)
        assert_refused(
            result, str(tmp_path / "pairs"), "put the corpus 'pairs' into", "som eval tasks --data"
        )

    def test_a_folder_with_something_else_is_left_alone(self, here: Here, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("Dear Ana", "utf-8")
        assert_refused(here("eval", "plans", tmp_path, "--tasks", "numbers"), "holds no run")


class TestDisk:
    def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(self, tmp_path: Path) -> None:
        module, disk = "tests.cli.eval.with_fake", tmp_path / "disk"
        with mounted(disk, "size=300k"):
            words = [300, "eval", "plans", disk / "run", "--tasks", "numbers"]
            full = som(*words, module=module)
            assert (full.code, full.out) == (2, "")
            assert "the disk is full; free some space" in full.err
            assert "Traceback" not in full.err
            assert not (disk / "run" / "summary.json").exists()
            assert list((disk / "run").glob(".*.tmp")) == []
            subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
            again = som(*words, module=module)
            assert again.code == 0, again.err
            found = [(disk / "run" / name).read_bytes() for name in ("cases.jsonl", "summary.json")]
        whole = [300, "eval", "plans", tmp_path / "whole", "--tasks", "numbers"]
        assert som(*whole, module=module).code == 0
        assert [(tmp_path / "whole" / name).read_bytes() for name in ("cases.jsonl", "summary.json")] == found

    def test_a_second_process_is_refused(self, here: Here, tmp_path: Path) -> None:
        from skillofmind.run.directory import RunDirectory

        words = ["eval", "plans", tmp_path / "run", "--tasks", "numbers"]
        assert here(*words).code == 0
        manifest = read_manifest(tmp_path / "run")
        with RunDirectory.open(tmp_path / "run", command=manifest.command, options=manifest.options):
            assert_refused(here(*words), "is in use by process")
