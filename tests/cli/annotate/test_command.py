"""What a user of `som annotate` types, sees and can get wrong."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from skillofmind.data.select import write_instances
from skillofmind.run.manifest import Manifest
from tests.cli.som import Here, Result, assert_refused, numbered, som, write_dialogues
from tests.mind.annotate.rows import numbered as targets
from tests.teacher import Teacher
from tests.upstream import Upstream

PRICES = 'currency = "EUR"\n[scripted]\nprompt = 10.0\ncompletion = 30.0\nbatch = 0.5\n'

Annotate = Callable[..., Result]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "targets.jsonl"
    path.write_bytes(b"".join(write_instances(targets(30))))
    return path


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return path


def asking(server: Upstream) -> list[object]:
    return ["--teacher", "scripted", "--base-url", server.base_url]


class TestInput:
    def test_dialogues_are_cut_by_the_selection(self, here: Here, tmp_path: Path) -> None:
        file = write_dialogues(tmp_path / "talk.jsonl", numbered(4))
        with Upstream(reply=Teacher({})) as server:
            assert here("annotate", file, tmp_path / "a", *asking(server)).code == 0
            assert server.counts.received == 0
            result = here(
                "annotate", file, tmp_path / "b", *asking(server), "--select", "every_turn", "--json"
            )
            assert server.counts.received == 8
        assert json.loads(result.out)["rows"] == 8

    def test_several_files_and_folders_are_one_input(self, here: Here, tmp_path: Path, rows: Path) -> None:
        folder = tmp_path / "more"
        folder.mkdir()
        write_dialogues(folder / "talk.jsonl", numbered(3))
        with Upstream(reply=Teacher({})) as server:
            words = [rows, folder, tmp_path / "run", *asking(server), "--select", "every_turn", "--json"]
            assert json.loads(here("annotate", *words).out)["rows"] == 36

    def test_an_id_twice_is_refused_before_anything_is_asked(
        self, here: Here, tmp_path: Path, rows: Path
    ) -> None:
        with Upstream(reply=Teacher({})) as server:
            result = here("annotate", rows, rows, tmp_path / "run", *asking(server))
            assert server.counts.received == 0
        assert_refused(result, "rows 1 and 31 both have the id '0:own:0'")

    def test_a_bad_row_is_found_before_anything_is_asked(
        self, here: Here, tmp_path: Path, rows: Path
    ) -> None:
        rows.write_bytes(rows.read_bytes() + b'{"id": 3}\n')
        with Upstream(reply=Teacher({})) as server:
            result = here("annotate", rows, tmp_path / "run", *asking(server))
            assert server.counts.received == 0
        assert_refused(result, "targets.jsonl:31: not an instance: ", "--skip-bad")


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--limits", "at_once=0"], "--limits at_once=0 must be more than 0"),
            (["--limits", "at_once=1.5"], "--limits at_once=1.5 must be a whole number"),
            (["--limits", "seconds=0"], "--limits seconds=0 must be more than 0"),
            (["--limits", "rps=3"], "--limits 'rps' is no setting; there are rpm, tpm, calls, money"),
            (["--limits", "rpm"], "--limits 'rpm' is not understood"),
            (["--limits", "money=5"], "--limits money needs --prices FILE"),
            (["--dry-run", "-1"], "--dry-run -1 must be at least 0"),
            (["--select", "luck"], "there are thanos, even_prefixes"),
            (["--lang", "xx"], "lang 'xx' is unknown"),
            (["--filters", "leek=1"], "--filters 'leek' is no threshold; there are leak, "),
            (["--filters", "leak=2"], "filter leak is 2.0"),
            (["--filters", "leak"], "--filters 'leak' is not understood"),
            (["--second", "@http://x"], "--second '@http://x' names no model"),
            (["--second", "other,"], "--second '' names no model"),
            (["--mode", "batch", "--cache", "c.sqlite"], "--cache has no use with --mode batch"),
            (["--mode", "batch", "--limits", "rpm=5"], "--limits rpm has no use with --mode batch"),
            (["--mode", "batch:rows=99999"], "--mode batch rows=99999 is above 50000"),
            (["--mode", "batch:rowz=9"], "--mode batch 'rowz' is no setting; there are rows, poll"),
            (["--mode", "live:rows=9"], "--mode live 'rows' is no setting; there are none"),
            (["--mode", "batches"], "--mode 'batches' is no way to ask; there are live, batch, ray"),
            (["--api-key-env", "NO_SUCH_KEY"], "--api-key-env 'NO_SUCH_KEY' is not set"),
            (["--template", "none.toml"], "none.toml: cannot be read"),
            (["--prices", "none.toml"], "none.toml"),
        ],
    )
    def test_a_wrong_option_is_one_sentence(
        self, here: Here, tmp_path: Path, rows: Path, words: list[str], said: str
    ) -> None:
        with Upstream(reply=Teacher({})) as server:
            result = here("annotate", rows, tmp_path / "run", *asking(server), *words)
            assert server.counts.received == 0
        assert_refused(result, said)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], "--teacher NAME is missing"),
            (["--teacher", "scripted"], "--base-url URL is missing"),
            (["--teacher", "scripted", "--base-url", "nowhere"], "is not the address of a server"),
            (["--teacher", "scripted", "--base-url", "http://127.0.0.1:9/v1"], "is the server running?"),
        ],
    )
    def test_a_teacher_has_to_be_there(
        self, here: Here, tmp_path: Path, rows: Path, words: list[str], said: str
    ) -> None:
        assert_refused(here("annotate", rows, tmp_path / "run", *words), said)

    def test_a_model_without_a_price_is_named(
        self, here: Here, tmp_path: Path, rows: Path, prices: Path
    ) -> None:
        words = ["--teacher", "scriptet", "--base-url", "http://127.0.0.1:9/v1", "--prices", prices]
        assert_refused(here("annotate", rows, tmp_path / "run", *words), "scriptet", "scripted")

    def test_standard_input_cannot_be_read_twice(self, here: Here, tmp_path: Path) -> None:
        result = here("annotate", "-", tmp_path / "run", "--teacher", "x", "--base-url", "http://127.0.0.1:9")
        assert_refused(result, "save it to a file first")

    def test_a_folder_with_something_else_is_left_alone(self, here: Here, tmp_path: Path, rows: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.tex").write_text("dear")
        with Upstream(reply=Teacher({})) as server:
            assert_refused(here("annotate", rows, tmp_path / "run", *asking(server)), "holds no run")


class TestSameRun:
    def test_another_teacher_server_prompt_or_input_is_refused_with_a_diff(
        self, here: Here, tmp_path: Path, rows: Path
    ) -> None:
        run = tmp_path / "run"
        (tmp_path / "words.toml").write_text('[annotate]\nrepair = "Again: {fault}"\n')
        with Upstream(reply=Teacher({})) as server, Upstream(reply=Teacher({})) as other:
            assert here("annotate", rows, run, *asking(server)).code == 0
            before = {path.name: path.read_bytes() for path in run.iterdir()}
            for words, said in (
                (["--teacher", "better", "--base-url", server.base_url], "--teacher: 'scripted at "),
                (asking(other), f"-> 'scripted at {other.base_url}'"),
                ([*asking(server), "--template", tmp_path / "words.toml"], "--prompt: '"),
                ([*asking(server), "--lang", "ko"], "--lang: '' -> 'ko'"),
                ([*asking(server), "--second", "other"], "--second: (absent) -> 'other at "),
            ):
                result = here("annotate", rows, run, *words)
                assert (result.code, result.out) == (2, ""), words
                assert "started differently" in result.err
                assert said in result.err
            rows.write_bytes(b"".join(write_instances(targets(31))))
            assert "--rows: '30 rows, " in here("annotate", rows, run, *asking(server)).err
            assert (server.counts.received, other.counts.received) == (30, 0)
        assert before == {path.name: path.read_bytes() for path in run.iterdir()} | {".lock": before[".lock"]}

    def test_what_changes_no_annotation_may_change(
        self, here: Here, tmp_path: Path, rows: Path, prices: Path
    ) -> None:
        run = tmp_path / "run"
        with Upstream(reply=Teacher({})) as server:
            assert here("annotate", rows, run, *asking(server)).code == 0
            more = ["--limits", "at_once=3,seconds=9", "--prices", prices, "--filters", "close=0.9"]
            assert here("annotate", rows, run, *asking(server), *more).code == 0
            assert server.counts.received == 30

    def test_the_manifest_says_who_was_asked_what_and_holds_no_key(
        self, here: Here, tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        with Upstream(reply=Teacher({}), key="sk-very-secret") as server:
            assert here("annotate", rows, tmp_path / "run", *asking(server)).code == 0
            shown = f"scripted at {server.base_url}"
        manifest = msgspec.json.decode((tmp_path / "run" / "manifest.json").read_bytes(), type=Manifest)
        assert manifest.command == "annotate"
        assert manifest.options["teacher"] == shown
        assert manifest.options["sampling"] == {"temperature": 0.9, "top_p": 0.95, "max_tokens": 1024}
        assert not [path for path in (tmp_path / "run").iterdir() if b"sk-very-secret" in path.read_bytes()]


class TestLimits:
    def test_money_ends_the_run_and_more_of_it_goes_on(
        self, here: Here, tmp_path: Path, rows: Path, prices: Path
    ) -> None:
        run = tmp_path / "run"
        with Upstream(reply=Teacher({})) as server:
            words = ["annotate", rows, run, *asking(server), "--prices", prices]
            result = here(*words, "--limits", "at_once=1,money=0.05")
            assert result.code == 1
            assert "the limit of 0.05 money is reached" in result.err
            assert 3 <= server.counts.received < 20
            assert " EUR" in result.out
            assert here(*words).code == 0
            assert server.counts.received == 30

    def test_a_cache_serves_another_run(self, here: Here, tmp_path: Path, rows: Path) -> None:
        cache = ["--cache", tmp_path / "answers.sqlite"]
        with Upstream(reply=Teacher({})) as server:
            here("annotate", rows, tmp_path / "a", *asking(server), *cache)
            result = here("annotate", rows, tmp_path / "b", *asking(server), *cache, "--json")
            assert server.counts.received == 30
        report = json.loads(result.out)
        assert (report["cached"], report["costs"]["teacher"].get("calls", 0)) == (30, 0)
        assert (tmp_path / "a" / "annotated.jsonl").read_bytes() == (
            tmp_path / "b" / "annotated.jsonl"
        ).read_bytes()


class TestDryRun:
    def test_a_sample_is_asked_and_kept(self, here: Here, tmp_path: Path, rows: Path, prices: Path) -> None:
        with Upstream(reply=Teacher({})) as server:
            words = ["annotate", rows, tmp_path / "run", *asking(server), "--prices", prices]
            result = here(*words, "--dry-run", 10)
            assert server.counts.received == 10
            assert result.code == 0
            assert "30 rows, estimated from 10 rows that were asked" in result.out
            assert "money, EUR" in result.out
            assert not (tmp_path / "run" / "annotated.jsonl").exists()
            assert here(*words).code == 0
            assert server.counts.received == 30

    def test_nought_asks_nobody_and_writes_nothing(
        self, here: Here, tmp_path: Path, rows: Path, prices: Path
    ) -> None:
        words = ["--teacher", "scripted", "--base-url", "http://127.0.0.1:9/v1", "--prices", prices]
        result = here("annotate", rows, tmp_path / "run", *words, "--dry-run", 0, "--json")
        found = json.loads(result.out)
        assert (result.code, found["rows"], found["sampled"]) == (0, 30, 0)
        assert found["money"]["low"] < found["money"]["value"] < found["money"]["high"]
        assert not (tmp_path / "run").exists()


def test_two_teachers_at_two_servers(here: Here, tmp_path: Path, rows: Path) -> None:
    with Upstream(reply=Teacher({})) as server, Upstream(reply=Teacher({}, name="b")) as other:
        second = f"other@{other.base_url}"
        result = here("annotate", rows, tmp_path / "run", *asking(server), "--second", second)
        assert result.code == 0
        assert other.counts.received == 30
        assert 30 < server.counts.received <= 60
    assert "two teachers, 30 rows: Cohen's kappa " in result.out
    assert "judged: " in result.out


def test_a_rate_is_kept(here: Here, tmp_path: Path, rows: Path) -> None:
    with Upstream(reply=Teacher({})) as server:
        words = [*asking(server), "--limits", "rpm=1200"]
        start = time.monotonic()
        assert here("annotate", rows, tmp_path / "run", *words).code == 0
        assert time.monotonic() - start >= 0.9 * 29 * 60 / 1200


def test_a_process_of_its_own_shows_progress_with_tokens(tmp_path: Path, rows: Path) -> None:
    with Upstream(reply=Teacher()) as server:
        result = som("annotate", rows, tmp_path / "run", *asking(server))
    assert "annotate: 30/30, " in result.err
    assert " tokens" in result.err
