"""What `som train` cannot do: one sentence, exit code 2, and the last good checkpoint is there and usable."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.som import Result
from tests.cli.test_bad_input import mounted
from tests.cli.train.forking import Forks
from tests.cli.train.material import (
    change_json,
    checkpoints,
    losses,
    model_folder,
    preference_rows,
    supervised_rows,
    write_rows,
)
from tests.train.launching import LAUNCH, environment

FAST = "precision=fp32,rows.batch=4,saving.every=2"


class Bench(NamedTuple):
    som: Forks
    folder: Path
    model: Path
    rows: Path
    whole: str = ""
    """Weights of an undisturbed run."""

    def words(self, out: str | Path, *more: object, set: str = "") -> list[object]:
        chosen = f"{FAST},{set}" if set else FAST
        common = ("--out", self.folder / out, "--model", self.model, "--lora", 4, "--updates", 8, "--json")
        return ["train", "sft", self.rows, *common, "--set", chosen, *more]


@pytest.fixture(scope="module")
def bench(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    rows = write_rows(folder / "rows.jsonl", supervised_rows(24))
    made = Bench(forks, folder, model_folder(folder / "model"), rows)
    return made._replace(whole=weights(forks(*made.words("whole"))))


def weights(result: Result) -> str:
    assert result.code == 0, result.err
    return str(json.loads(result.out)["weights"])


def assert_told(result: Result, *said: str) -> None:
    """Assert one sentence as the last line of standard error, exit code 2, nothing on standard output."""
    assert (result.code, result.out) == (2, ""), result
    assert "Traceback" not in result.err
    assert result.err.count("som: ") == 1, result.err
    last = result.err.splitlines()[-1]
    assert last.startswith("som: ")
    for words in said:
        assert words in last


class TestBeforeTheFirstUpdate:
    """What is refused leaves no run behind: the corrected command may use the same folder."""

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["--preset", "labtop"], ["preset 'labtop' is unknown; did you mean 'laptop'?"]),
            (["--model", "nowhere"], ["there is no model folder 'nowhere'"]),
            (["--held-out", "nowhere.jsonl"], ["nowhere.jsonl: cannot be read (No such file or directory)"]),
            (["--device", "nonsense"], ["device 'nonsense' is not to be had"]),
            (["--lora", "-1"], ["rank is -1; give 1 or more"]),
            (["--set", "lora.targets=nope"], ["lora.targets"]),
        ],
    )
    def test_wrong_options(self, more: list[str], said: list[str], bench: Bench) -> None:
        assert_told(bench.som(*bench.words("options", *more)), *said)
        assert not (bench.folder / "options" / "manifest.json").exists()

    def test_a_preset_for_a_model_needs_one(self, bench: Bench) -> None:
        words = ["train", "sft", bench.rows, "--out", bench.folder / "preset", "--preset", "thanos-1b"]
        assert_told(bench.som(*words), "preset 'thanos-1b' is for Llama-3.2-1B-Instruct; name its folder")
        assert bench.som(*bench.words("preset", "--updates", 1)).code == 0

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([], ["the file is empty"]),
            (
                [{"id": "x", "foo": 1}, {"id": "y", "prompt": 3}],
                ["none of the rows can be trained on: ", ":1: "],
            ),
            (
                [{"id": "masked", "input_ids": [5, 6, 7], "loss_plan": ["ignore"] * 3}],
                ["none of the rows can be trained on: ", "no token of it is trained"],
            ),
            (preference_rows(3), ["has 3 preference pairs, which `som train dpo` learns"]),
        ],
    )
    def test_rows_that_teach_nothing(self, rows: list[Any], said: list[str], bench: Bench) -> None:
        file = write_rows(bench.folder / "some.jsonl", rows)
        words = bench.words("nothing", "--updates", 1)
        assert_told(bench.som(*words[:2], file, *words[3:]), *said)
        assert bench.som(*words).code == 0
        shutil.rmtree(bench.folder / "nothing")

    def test_a_missing_file(self, bench: Bench) -> None:
        words = bench.words("missing")
        assert_told(bench.som(*words[:2], "nowhere.jsonl", *words[3:]), "nowhere.jsonl: cannot be read")

    def test_rows_without_pairs(self, bench: Bench) -> None:
        words = ["train", "dpo", bench.rows, "--model", bench.model, "--out", bench.folder / "no-pairs"]
        assert_told(bench.som(*words), "has 24 rows with one answer, which `som train sft` learns")


class TestModels:
    def refused(self, bench: Bench, model: Path, *said: str) -> None:
        result = bench.som(*bench.words("models", "--model", model))
        assert_told(result, *said)
        assert not (bench.folder / "models" / "manifest.json").exists()

    def test_without_a_template(self, bench: Bench, tmp_path: Path) -> None:
        model = model_folder(tmp_path / "m")
        (model / "chat_template.jinja").unlink()
        self.refused(bench, model, "the tokenizer has no chat template", "set tokenizer.chat_template")

    def test_with_a_template_that_does_not_show_what_the_assistant_wrote(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        # No marks, and the question is written otherwise once there is an answer.
        template = (
            "{{ messages | length }}{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
        )
        model = model_folder(tmp_path / "m", chat_template=template)
        self.refused(bench, model, "none of the rows can be trained on: rows.jsonl:1: ")

    def test_without_an_end_token(self, bench: Bench, tmp_path: Path) -> None:
        model = model_folder(tmp_path / "m", eos_token=None, pad_token=None)
        self.refused(bench, model, "the tokenizer has no end token", "set tokenizer.eos_token")

    def test_without_a_pad_token_the_end_token_serves_and_changes_nothing(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        model = model_folder(tmp_path / "m", pad_token=None)
        assert weights(bench.som(*bench.words("no-pad", "--model", model))) == bench.whole

    def test_with_more_tokens_than_the_embedding_has(self, bench: Bench, tmp_path: Path) -> None:
        from transformers import AutoModelForCausalLM

        model = model_folder(tmp_path / "m")
        network = AutoModelForCausalLM.from_pretrained(model)
        network.resize_token_embeddings(300)
        network.save_pretrained(model)
        self.refused(bench, model, "the tokenizer writes 321 ids, but the network's embedding has 300 rows")

    def test_with_torn_weights(self, bench: Bench, tmp_path: Path) -> None:
        model = model_folder(tmp_path / "m")
        file = model / "model.safetensors"
        file.write_bytes(file.read_bytes()[:1000])
        self.refused(bench, model, "holds no causal language model")

    def test_with_a_layer_that_has_no_weights(self, bench: Bench, tmp_path: Path) -> None:
        model = model_folder(tmp_path / "m")
        change_json(model / "config.json", num_hidden_layers=3, layer_types=None)
        self.refused(bench, model, "lacks 9 weights, the first is 'model.layers.2.")


class TestNumbers:
    def test_a_run_that_diverges_keeps_its_last_checkpoint(self, bench: Bench) -> None:
        words = bench.words("wild", "--learning-rate", "1e30", set="clip=none,saving.every=1")
        result = bench.som(*words)
        assert_told(
            result, "update 3 has loss nan and gradient norm nan, on rows 'row-", "lower the learning"
        )
        assert checkpoints(bench.folder / "wild") == ["step-00000001", "step-00000002"]
        assert len(losses(bench.folder / "wild")) == 2
        again = bench.som(*words)
        assert_told(again, "update 3 has loss nan")
        # Nothing was trained at the first update, whose rate is 0; the second one broke the weights.
        assert bench.som("train", "export", bench.folder / "wild", bench.folder / "wild-out").code == 2
        assert not (bench.folder / "wild-out").exists()

    def test_two_processes_tell_it_once(self, bench: Bench) -> None:
        words = bench.words("wild-2", "--learning-rate", "1e30", set="clip=none,saving.every=1")
        told = check_two(bench.som, [words, words])
        assert "update 3 has loss nan" in told


def check_two(som: Forks, words: Sequence[Sequence[object]]) -> str:
    """Run on two ranks, which have to fail soon and with one sentence; return it."""
    begin = time.monotonic()
    results = [child.wait(30) for child in som.start_ranks(*words)]
    assert time.monotonic() - begin < 30
    assert [(one.code, one.out) for one in results] == [(2, ""), (2, "")], results
    told = [line for one in results for line in one.err.splitlines() if "som: " in line]
    assert len(told) == 1, results
    assert not any("Traceback" in one.err for one in results)
    return told[0]


class TestRanks:
    def test_what_only_the_first_one_sees_ends_the_other(self, bench: Bench) -> None:
        assert bench.som(*bench.words("taken")).code == 0
        words = bench.words("taken", "--seed", 9)
        assert "was started differently" in check_two(bench.som, [words, words])

    def test_what_only_the_second_one_sees_ends_the_first(self, bench: Bench, tmp_path: Path) -> None:
        model = model_folder(tmp_path / "m", eos_token=None, pad_token=None)
        words = bench.words("second")
        told = check_two(bench.som, [words, bench.words("second", "--model", model)])
        assert told.startswith("som: the tokenizer has no end token")

    def test_other_weights_on_one_are_seen_by_both(self, bench: Bench, tmp_path: Path) -> None:
        model = model_folder(tmp_path / "m", seed=7)
        words = bench.words("weights")
        told = check_two(bench.som, [words, bench.words("weights", "--model", model)])
        assert "the ranks hold different weights" in told

    def test_wrong_options_are_told_once(self, bench: Bench) -> None:
        words = bench.words("options", "--preset", "labtop")
        assert "did you mean 'laptop'?" in check_two(bench.som, [words, words])

    @pytest.mark.slow
    def test_torchrun_ends_at_once(self, bench: Bench) -> None:
        begin = time.monotonic()
        command = [sys.executable, *LAUNCH, "-m", "skillofmind"]
        words = bench.words("torchrun", "--learning-rate", "1e30", set="clip=none,saving.every=1")
        done = subprocess.run(
            [*command, *map(str, words)],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=120,
            check=False,
        )
        assert time.monotonic() - begin < 60
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("som: update 3 has loss nan") == 1
        # The launcher has a traceback of its own.
        assert "skillofmind/train" not in done.stderr


class TestCheckpoints:
    def run(self, bench: Bench, name: str) -> Path:
        assert bench.som(*bench.words(name)).code == 0
        assert checkpoints(bench.folder / name) == ["step-00000006", "step-00000008"]
        return bench.folder / name / "checkpoints"

    def spoil(self, file: Path) -> None:
        data = bytearray(file.read_bytes())
        data[-5] ^= 1
        file.write_bytes(data)

    def test_a_corrupt_one_is_passed_over_and_named(self, bench: Bench) -> None:
        folder = self.run(bench, "corrupt")
        self.spoil(folder / "step-00000008" / "rank-00000.safetensors")
        result = bench.som(*bench.words("corrupt"))
        assert weights(result) == bench.whole
        said = "som: step-00000008: rank-00000.safetensors has changed; an older checkpoint was taken.\n"
        assert said in result.err
        assert len(losses(bench.folder / "corrupt")) == 8
        assert weights(bench.som(*bench.words("corrupt"))) == bench.whole

    def test_where_all_are_corrupt_nothing_is_overwritten(self, bench: Bench) -> None:
        folder = self.run(bench, "all-corrupt")
        for name in ("step-00000006", "step-00000008"):
            self.spoil(folder / name / "rank-00000.safetensors")
        before = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        told = "is intact (step-00000008: rank-00000.safetensors has changed; step-00000006: "
        assert_told(bench.som(*bench.words("all-corrupt")), told, "restore one, or remove the folder")
        assert {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
        shutil.rmtree(folder)
        assert weights(bench.som(*bench.words("all-corrupt"))) == bench.whole

    @pytest.mark.parametrize("background", ["false", pytest.param("true", marks=pytest.mark.slow)])
    def test_a_full_disk_keeps_the_last_one_and_room_lets_the_run_go_on(
        self, background: str, bench: Bench, disk: Path
    ) -> None:
        words = bench.words(disk / "run", set=f"saving.background={background}")
        result = bench.som(*words)
        assert_told(result, "the disk is full; free some space")
        assert checkpoints(disk / "run") == ["step-00000002"]
        made = len(losses(disk / "run"))
        assert made >= 3
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        again = bench.som(*words)
        assert weights(again) == bench.whole
        assert len(losses(disk / "run")) == 8

    def test_a_folder_in_use_is_refused(self, bench: Bench) -> None:
        words = bench.words("busy", "--updates", 400, "--passes", 400)
        child = bench.som.start(*words)
        log = bench.folder / "busy" / "updates.jsonl"
        while not (log.exists() and log.stat().st_size):
            assert child.running(), child.err()
            time.sleep(0.002)
        second = bench.som(*words)
        assert child.running()
        child.signal(9)
        child.wait()
        assert_told(second, f"is in use by process {child.pid}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that has room for one checkpoint, half of another, and the other files of a run."""
    with mounted(tmp_path / "disk", "size=140k"):
        yield tmp_path / "disk"
