"""`som train` as processes, on a tiny model: what it trains, writes, shows and exports."""

import json
import os
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.models.local import LocalModel
from tests.browser import chromium
from tests.cli.som import Result, numbered, write_dialogues
from tests.cli.train.forking import Forks
from tests.cli.train.material import (
    checkpoints,
    losses,
    model_folder,
    preference_rows,
    supervised_rows,
    updates,
    write_rows,
)

FAST = "precision=fp32,rows.batch=4,saving.every=2"


class Bench(NamedTuple):
    """Files to train on, and `som`."""

    som: Forks
    folder: Path
    model: Path
    rows: Path
    pairs: Path
    held_out: Path

    def train(self, command: str, name: str, *words: object, set: str = "") -> Result:
        file = self.rows if command == "sft" else self.pairs
        common = ("--out", self.folder / name, "--learning-rate", 0.01, "--json")
        chosen = f"{FAST},{set}" if set else FAST
        model = () if "--model" in words else ("--model", self.model)
        return self.som("train", command, file, *common, *model, "--set", chosen, *words)

    def export(self, run: str, name: str, *words: object) -> Result:
        return self.som("train", "export", self.folder / run, self.folder / name, *words)


@pytest.fixture(scope="module")
def bench(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    return Bench(
        forks,
        folder,
        model_folder(folder / "model"),
        write_rows(folder / "rows.jsonl", supervised_rows(24)),
        write_rows(folder / "pairs.jsonl", preference_rows(12)),
        write_rows(folder / "held-out.jsonl", supervised_rows(30)[24:]),
    )


@pytest.fixture(scope="module")
def lora(bench: Bench) -> Path:
    """A finished run with adapters."""
    words = ("--lora", 4, "--updates", 6, "--held-out", bench.held_out)
    done = bench.train("sft", "lora", *words, set="evaluate_every=2")
    assert ended(done)["finished"]
    return bench.folder / "lora"


def ended(result: Result) -> dict[str, Any]:
    assert result.code == 0, result.err
    assert "Warning" not in result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def state(run: Path) -> dict[str, bytes]:
    """The files of a run that a start which does nothing must not change."""
    kept = ("updates.jsonl", "manifest.json", "training.html", "refused.jsonl")
    files = [*(run / name for name in kept), *sorted((run / "checkpoints").rglob("*"))]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


class TestSft:
    def test_a_run_tells_what_it_did(self, lora: Path, bench: Bench) -> None:
        found = updates(lora)
        assert len(losses(lora)) == 6
        assert [bool(one.get("held_out")) for _, one in found] == [False, True] * 3
        assert [one["passed"] for _, one in found] == pytest.approx([place / 6 for place in range(1, 7)])
        assert checkpoints(lora) == ["step-00000004", "step-00000006"]
        assert (lora / "refused.jsonl").read_text() == ""
        assert found[0][1]["learning_rate"] == 0
        assert found[1][1]["learning_rate"] == pytest.approx(0.01)

    def test_a_finished_run_is_left_as_it_is(self, lora: Path, bench: Bench) -> None:
        before = state(lora)
        words = ("--lora", 4, "--updates", 6, "--held-out", bench.held_out)
        again = ended(bench.train("sft", "lora", *words, set="evaluate_every=2"))
        assert (again["updates"], again["finished"]) == (6, True)
        assert state(lora) == before
        assert again["last"] == {"update": 6, **updates(lora)[-1][1]}

    def test_what_differs_is_named_and_nothing_is_touched(self, lora: Path, bench: Bench) -> None:
        before = state(lora)
        other = model_folder(bench.folder / "other", seed=1)
        words = ("--lora", 4, "--updates", 6, "--held-out", bench.held_out)
        for more, difference in (
            (("--batch", 5), "--settings.rows.batch: 4 -> 5"),
            (("--seed", 1), "--settings.seed: "),
            (("--model", other), "--model-hash: "),
            (("--held-out", bench.rows), "data held-out.jsonl: "),
            (("--turns", "last"), "--rows.train: "),
        ):
            result = bench.train("sft", "lora", *words, *more, set="evaluate_every=2")
            assert (result.code, result.out) == (2, "")
            assert result.err.startswith("som: the run directory")
            assert difference in result.err
            assert "Traceback" not in result.err
        assert state(lora) == before

    def test_changed_rows_are_refused_and_the_run_goes_on_with_the_old_ones(self, bench: Bench) -> None:
        rows, run = bench.folder / "mine.jsonl", bench.folder / "changed"
        write_rows(rows, supervised_rows(8))
        words = ("train", "sft", rows, "--model", bench.model, "--out", run, "--updates", 2, "--json")
        assert ended(bench.som(*words))["finished"]
        before = state(run)
        write_rows(rows, supervised_rows(9))
        result = bench.som(*words)
        assert (result.code, result.out) == (2, "")
        assert "data mine.jsonl: " in result.err
        write_rows(rows, supervised_rows(8))
        assert ended(bench.som(*words))["updates"] == 2
        assert state(run) == before

    def test_messages_and_which_turns_are_trained(self, bench: Bench) -> None:
        chat = [{"role": role, "content": "walk hard"} for role in ("user", "assistant") * 2]
        file = write_rows(bench.folder / "chat.jsonl", [{"messages": chat}] * 4)
        trained = {}
        for turns in ("all", "last"):
            words = ("--model", bench.model, "--out", bench.folder / f"chat-{turns}", "--turns", turns)
            done = ended(bench.som("train", "sft", file, *words, "--updates", 1, "--json"))
            trained[turns] = done["last"]["trained"]
        assert trained["all"] == 2 * trained["last"] > 0

    def test_annotated_dialogues_train_a_planner_and_their_validation_split_is_held_out(
        self, bench: Bench
    ) -> None:
        dialogues = [annotated(number, "validation" if number == 3 else None) for number in range(4)]
        file = write_rows(bench.folder / "dialogues.jsonl", dialogues)
        run = bench.folder / "planner"
        words = ("--model", bench.model, "--out", run, "--updates", 3, "--batch", 3, "--json")
        done = bench.som("train", "sft", file, *words)
        assert "train: 3 examples of 6 rows, 1 held out, 0 refused" in done.err
        assert ended(done)["last"]["held_out"]["loss"] > 0

    def test_without_a_model_the_preset_makes_one(self, bench: Bench) -> None:
        run = bench.folder / "scratch"
        words = ("--out", run, "--updates", 2, "--batch", 2, "--json")
        assert ended(bench.som("train", "sft", bench.rows, *words))["finished"]
        assert (run / "base" / "model.safetensors").is_file()
        assert bench.export("scratch", "scratch-out").code == 0


def annotated(number: int, split: str | None) -> dict[str, Any]:
    """A dialogue whose last turn has two annotations."""
    notes = [
        {"skill": skill, "explanation": f"I hear {number}.", "annotator": "me"}
        for skill in ("Empathy", "Active Listening")
    ]
    return {
        "id": f"d-{number}",
        "split": split,
        "turns": [
            {"speaker": "Ana", "text": "what a day"},
            {"speaker": "Ben", "text": "same way", "annotations": notes},
        ],
    }


class TestDpo:
    @pytest.mark.parametrize("kind", ["adapter", "precomputed"])
    def test_the_first_loss_is_the_logarithm_of_two_and_it_falls(self, kind: str, bench: Bench) -> None:
        rank = 4 if kind == "adapter" else 0
        done = ended(bench.train("dpo", f"dpo-{kind}", "--lora", rank, "--passes", 5))
        found = losses(bench.folder / f"dpo-{kind}")
        assert found[0] == pytest.approx(0.693147, abs=1e-5)
        assert found[-1] < 0.9 * found[0]
        assert {"accuracy", "chosen_reward", "rejected_logp"} < {*done["last"]["told"]}

    def test_a_model_that_is_trained_whole_has_no_adapter_to_switch_off(self, bench: Bench) -> None:
        words = ("--lora", 0)
        result = bench.train("dpo", "no-adapter", *words, set="preference.reference=adapter")
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            "som: the reference is 'adapter', but all weights are trained; set lora, or take 'precomputed'.\n"
        )

    def test_a_curriculum_needs_gaps(self, bench: Bench) -> None:
        rows = [{name: value for name, value in row.items() if name != "gap"} for row in preference_rows(4)]
        file = write_rows(bench.folder / "no-gap.jsonl", rows)
        words = ("--model", bench.model, "--out", bench.folder / "no-gap", "--set", "preference.stages=2")
        result = bench.som("train", "dpo", file, *words)
        assert result.code == 2
        assert "som: pair 'pair-0' has no `gap`, which a curriculum of 2 stages sorts by" in result.err


class TestShowMasks:
    def test_trained_text_is_marked(self, bench: Bench) -> None:
        shown = bench.som("train", "show-masks", bench.rows, "--model", bench.model, "--limit", 1)
        assert shown.code == 0
        assert shown.err == ""
        first = supervised_rows(1)[0]
        asked, answer = first["prompt"][0]["content"], first["completion"][0]["content"]
        assert f"{{+{answer}‹<|im_end|>›+}}" in shown.out
        assert f"user\n{asked}‹<|im_end|>›" in shown.out
        assert shown.out.startswith("== row row-0: ")

    @pytest.mark.parametrize("of", ["sft", "dpo"])
    def test_json_has_every_token(self, of: str, bench: Bench) -> None:
        file = bench.rows if of == "sft" else bench.pairs
        shown = bench.som("train", "show-masks", file, "--model", bench.model, "--of", of, "--json")
        rows = [json.loads(line) for line in shown.out.splitlines()]
        assert [row["kind"] for row in rows] == (["row"] * 3 if of == "sft" else ["chosen", "rejected"] * 3)
        for row in rows:
            assert sum(part["tokens"] for part in row["segments"]) == row["tokens"]
            trained = [part for part in row["segments"] if part["plan"] == "ce"]
            assert sum(part["tokens"] for part in trained) == row["trained"] > 0
            assert trained[-1]["text"].endswith("<|im_end|>")

    def test_refused_rows_are_named(self, bench: Bench) -> None:
        file = write_rows(bench.folder / "some.jsonl", [{"id": "odd", "foo": 1}, *supervised_rows(2)])
        shown = bench.som("train", "show-masks", file, "--model", bench.model)
        assert shown.code == 0
        assert shown.out.count("== row") == 2
        assert shown.err.startswith("refused 'odd': ")


@pytest.fixture(scope="module")
def exported(lora: Path, bench: Bench) -> Path:
    done = bench.export("lora", "lora-out", "--json")
    told = ended(done)
    assert told["updates"] == 6
    assert told["merge_difference"] < 1e-3
    return bench.folder / "lora-out"


def logits(network: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = network.eval()(torch.arange(40).reshape(2, 20) * 7 % 300).logits.float()
    return found


def by_hand(model: Path, run: Path) -> Any:
    """The trained network: the adapters of the newest checkpoint on the base, without the exporter."""
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(model)
    config = LoraConfig(r=4, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(network, config)
    stored = load_file(run / "checkpoints" / checkpoints(run)[-1] / "rank-00000.safetensors")
    weights = {name.removeprefix("model."): one for name, one in stored.items() if name.startswith("model.")}
    missing = adapted.load_state_dict(weights, strict=False)
    assert missing.unexpected_keys == []
    assert not [name for name in missing.missing_keys if "lora" in name]
    return adapted


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
class TestExport:
    def test_the_folder_computes_what_the_trained_network_does(
        self, exported: Path, lora: Path, bench: Bench
    ) -> None:
        from transformers import AutoModelForCausalLM

        base, made = (AutoModelForCausalLM.from_pretrained(one) for one in (bench.model, exported))
        wanted = logits(by_hand(bench.model, lora))
        assert (logits(made) - wanted).abs().max() < 1e-4
        assert (logits(base) - wanted).abs().max() > 0.1
        assert made.config.use_cache

    async def test_the_local_model_reads_it_and_stops_at_the_end_of_an_answer(self, exported: Path) -> None:
        generation = json.loads((exported / "generation_config.json").read_text())
        ends = generation["eos_token_id"]
        tokenizer = json.loads((exported / "tokenizer.json").read_text())
        number = next(one["id"] for one in tokenizer["added_tokens"] if one["content"] == "<|im_end|>")
        assert number in (ends if isinstance(ends, list) else [ends])
        async with LocalModel(exported, device="cpu") as model:
            prompt = Conversation((Message("user", "What a lovely day!"),))
            completion = await model.generate(prompt, Sampling(temperature=0.0, max_tokens=8))
        assert 0 < completion.usage.completion_tokens <= 8

    def test_the_planner_of_weights_loads_it(self, exported: Path, bench: Bench) -> None:
        file = write_dialogues(bench.folder / "plan.jsonl", numbered(1))
        done = bench.som("plan", file, "--planner", "weights", "--model", exported, "--json")
        # Six updates teach no format; what counts is that it answers.
        assert done.code in (0, 1), done.err
        assert json.loads(done.out)["plan"]["planner"].startswith("weights:local:lora-out@")

    def test_the_card_says_what_it_was_made_of(self, exported: Path) -> None:
        card = (exported / "README.md").read_text()
        for words in (
            "# lora-out",
            "- `rows.jsonl`, SHA-256",
            "- 24 examples of 24 rows, 0 refused",
            "After 6 updates, 1.00 passes:",
            "| held-out loss |",
            "lora.rank = 4",
        ):
            assert words in card

    def test_an_existing_folder_is_refused(self, exported: Path, bench: Bench) -> None:
        before = {file.name: file.read_bytes() for file in exported.iterdir()}
        done = bench.export("lora", "lora-out")
        assert (done.code, done.out) == (2, "")
        assert done.err == f"som: {str(exported)!r} is there already; name a new folder, or remove it.\n"
        assert {file.name: file.read_bytes() for file in exported.iterdir()} == before

    def test_a_difference_above_the_tolerance_leaves_nothing_behind(self, lora: Path, bench: Bench) -> None:
        before = sorted(bench.folder.iterdir())
        done = bench.export("lora", "strict", "--tolerance", 0)
        assert (done.code, done.out) == (2, "")
        assert "the merged network's logits differ by" in done.err
        assert done.err.endswith("more than 0; nothing was written.\n")
        assert sorted(bench.folder.iterdir()) == before

    def test_bfloat16_is_near(self, lora: Path, bench: Bench) -> None:
        from safetensors.torch import load_file

        told = ended(bench.export("lora", "half", "--dtype", "bfloat16", "--json"))
        assert 1e-4 < told["written_difference"] < 0.5
        stored = load_file(bench.folder / "half" / "model.safetensors")
        assert {one.dtype for one in stored.values()} == {torch.bfloat16}
        refused = bench.export("lora", "half-strict", "--dtype", "bfloat16", "--tolerance", 0.001)
        assert refused.code == 2
        assert not (bench.folder / "half-strict").exists()

    def test_a_base_that_has_changed_is_refused(self, bench: Bench) -> None:
        model = model_folder(bench.folder / "moving")
        words = ("--model", model, "--lora", 2, "--updates", 1)
        assert bench.train("sft", "moving-run", *words).code == 0
        model_folder(model, seed=5)
        done = bench.export("moving-run", "moving-out")
        assert (done.code, done.out) == (2, "")
        assert "is not what the run started from" in done.err
        assert not (bench.folder / "moving-out").exists()

    @pytest.mark.slow
    def test_a_tied_head_stays_tied(self, bench: Bench) -> None:
        from safetensors.torch import load_file
        from transformers import AutoModelForCausalLM

        model = model_folder(bench.folder / "gpt2", kind="gpt2")
        for rank in (0, 4):
            run = f"tied-{rank}"
            done = bench.train("sft", run, "--model", model, "--lora", rank, "--updates", 2)
            assert ended(done)["updates"] == 2
            told = ended(bench.export(run, f"{run}-out", "--json"))
            assert told["written_difference"] < 1e-4
            out = bench.folder / f"{run}-out"
            network = AutoModelForCausalLM.from_pretrained(out)
            assert network.get_input_embeddings().weight is network.get_output_embeddings().weight
            assert not [name for name in load_file(out / "model.safetensors") if "lm_head" in name]

    def test_without_a_checkpoint_there_is_nothing_to_export(self, bench: Bench) -> None:
        words = ("--lora", 4, "--updates", 2)
        assert bench.train("sft", "bare", *words).code == 0
        for folder in (bench.folder / "bare" / "checkpoints").iterdir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        done = bench.export("bare", "bare-out")
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1
        assert not (bench.folder / "bare-out").exists()


class TestSet:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("optimizer.learning_rate=1", "'optimizer' is unknown; did you mean 'optimiser'?"),
            ("rows.bach=1", "'bach' is unknown; did you mean 'batch'?"),
            ("rows.batch=x", "Expected `int`, got `str` - at `$.rows.batch`"),
            ("rows.batch=0", "som: batch is 0; give 1 or more.\n"),
            ("nonsense", "'nonsense' is not of the form NAME=VALUE"),
            ("rows=3", "Expected `object`, got `str` - at `$.rows`"),
            ("clip=-1", "som: clip is -1.0; give a number above 0.\n"),
            ("rows.packing=true,rows.by_length=true", "packing and by_length are both on"),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str, said: str, bench: Bench) -> None:
        done = bench.som(
            "train", "sft", bench.rows, "--model", bench.model, "--out", bench.folder / "no", "--set", text
        )
        assert (done.code, done.out) == (2, "")
        assert said in done.err
        assert done.err.count("\n") == 1
        assert not (bench.folder / "no").exists()

    def test_every_path_of_a_setting_arrives(self, bench: Bench) -> None:
        given = "optimiser.weight_decay=0.1,schedule.name=linear,schedule.final=0.5,clip=none,saving.keep=1,"
        given += "lora.rslora=true,rows.by_length=true,saving.background=true"
        words = ("--lora", 4, "--updates", 4, "--seed", 9)
        assert bench.train("sft", "set", *words, set=given).code == 0
        settings = json.loads((bench.folder / "set" / "manifest.json").read_text())["options"]["settings"]
        assert settings["optimiser"]["weight_decay"] == 0.1
        assert settings["schedule"] == {"name": "linear", "warmup": 0.03, "final": 0.5}
        assert "clip" not in settings
        assert settings["lora"]["rslora"] is True
        assert settings["seed"] == 9
        assert checkpoints(bench.folder / "set") == ["step-00000004"]


class _Tags(HTMLParser):
    """Reads a page; an element that is not closed, or closed twice, is an error."""

    VOID = ("meta", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


class TestPage:
    def test_it_is_well_formed_and_has_a_curve_for_everything(self, lora: Path) -> None:
        text, tags = (lora / "training.html").read_text(), _Tags()
        tags.feed(text)
        tags.close()
        assert tags.open == []
        assert tags.seen.count("svg") == 4
        assert tags.seen.count("polyline") == 5
        for title in ("loss", "gradient norm", "learning rate", "tokens a second"):
            assert f'aria-label="{title} over updates"' in text
        assert "held-out cross entropy" in text
        assert "http" not in text.replace("http://www.w3.org", "")

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_a_browser_draws_it(self, lora: Path) -> None:
        with chromium() as driver:
            driver.get((lora / "training.html").as_uri())
            script = "return [...document.querySelectorAll('svg')].map((one) => one.getBBox().height)"
            assert min(driver.execute_script(script)) > 100
            labels = driver.execute_script(
                "return [...document.querySelectorAll('svg')].map((one) => "
                "[...one.querySelectorAll('text')].map((text) => text.textContent))"
            )
            assert all(len({*one[:3]}) == 3 for one in labels)
            wide = "return [document.documentElement.scrollWidth, window.innerWidth]"
            across, window = driver.execute_script(wide)
            assert across <= window
            folder = os.environ.get("SOM_SCREENSHOTS")
            if folder:
                driver.save_screenshot(str(Path(folder) / "training.png"))
            assert not driver.get_log("browser")


class TestTensorBoard:
    def test_no_update_is_there_twice_after_a_kill(self, bench: Bench) -> None:
        """A run that dies before its first checkpoint and one that dies after it."""
        run = bench.folder / "board"
        words = ("--lora", 4, "--updates", 12)
        chosen = f"{FAST},saving.every=6"
        common = ("--out", run, "--learning-rate", 0.01, "--json", "--model", bench.model, "--set", chosen)
        log = run / "updates.jsonl"
        for most in (3, 9):
            child = bench.som.start("train", "sft", bench.rows, *common, *words)
            child.kill_when(partial(_has_lines, log, most))
        assert ended(bench.som("train", "sft", bench.rows, *common, *words))["updates"] == 12
        told = losses(run)
        events = dict(_scalars(run / "tensorboard"))
        assert {"loss", "gradient_norm", "learning_rate", "tokens_per_second"} < {*events}
        for name, points in events.items():
            assert [step for step, _ in points] == [*range(1, 13)], name
        assert [value for _, value in events["loss"]] == pytest.approx(told, rel=1e-6)


def _has_lines(log: Path, least: int) -> bool:
    return log.exists() and log.read_bytes().count(b"\n") >= least


def _scalars(folder: Path) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    for name in events.Tags()["scalars"]:
        yield name, [(one.step, one.value) for one in events.Scalars(name)]
