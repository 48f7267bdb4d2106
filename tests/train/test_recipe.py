"""From rows to a trained policy: the rate over a run, the curriculum, and what is refused."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, StepLR

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.run.directory import RunDirectory
from skillofmind.train import recipe
from skillofmind.train.policy import ONE
from skillofmind.train.recipe import End, Place, Split, order_of, pad_id, rate_of
from skillofmind.train.rows.feeds import ExampleFeed, PairFeed
from skillofmind.train.settings import (
    DpoSettings,
    Lora,
    Optimiser,
    Preference,
    Rows,
    Saving,
    Schedule,
    Training,
)
from skillofmind.train.weights.folder import Base, check_isolation, open_base
from tests.train.tiny import examples, random_pairs, random_rows, tiny_folder, tiny_network

CPU = torch.device("cpu")


def settings(**more: Any) -> Training:
    known: dict[str, Any] = {
        "optimiser": Optimiser(learning_rate=1e-3),
        "rows": Rows(batch=2, micro=2, passes=3, max_tokens=32),
        "precision": "fp32",
        "saving": Saving(every=1000),
    }
    return Training(**(known | more))


def factors(schedule: Schedule, rows: int = 10, batch: int = 2, passes: int = 4) -> list[float]:
    """The factor of every update of a run: here 5 updates a pass."""
    training = settings(schedule=schedule, rows=Rows(batch=batch, micro=2, passes=passes))
    feed = ExampleFeed(examples(random_rows([5] * rows)), order_of(training), micro=2, pad_id=0, ranks=ONE)
    rate = rate_of(training, feed)
    return [rate(update) for update in range(len(feed))]


def of_torch(make: Any, updates: int, every: int = 1) -> list[float]:
    """What a scheduler of torch gives, stepped after every `every` updates."""
    optimiser = SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler: LRScheduler = make(optimiser)
    found = []
    for update in range(updates):
        found.append(float(optimiser.param_groups[0]["lr"]))
        optimiser.step()
        if (update + 1) % every == 0:
            scheduler.step()
    return found


class TestSchedules:
    """Against torch's own schedulers, and those of transformers where there is a warm-up."""

    def test_cosine(self) -> None:
        wanted = of_torch(lambda one: CosineAnnealingLR(one, T_max=20), 20)
        assert factors(Schedule("cosine")) == pytest.approx(wanted, abs=1e-12)

    def test_cosine_to_a_floor(self) -> None:
        wanted = of_torch(lambda one: CosineAnnealingLR(one, T_max=20, eta_min=0.1), 20)
        assert factors(Schedule("cosine", final=0.1)) == pytest.approx(wanted, abs=1e-12)

    def test_linear(self) -> None:
        def make(one: Any) -> LRScheduler:
            return LinearLR(one, start_factor=1.0, end_factor=0.2, total_iters=20)

        assert factors(Schedule("linear", final=0.2)) == pytest.approx(of_torch(make, 20), abs=1e-12)

    @pytest.mark.parametrize("decay", [0.85, 0.5])
    def test_step_after_every_pass(self, decay: float) -> None:
        wanted = of_torch(lambda one: StepLR(one, 1, gamma=decay), 20, every=5)
        assert factors(Schedule("step", decay=decay)) == pytest.approx(wanted, abs=1e-12)

    def test_a_pass_whose_last_update_is_smaller_ends_there(self) -> None:
        # 7 rows in twos: 4 updates a pass.
        wanted = of_torch(lambda one: StepLR(one, 1, gamma=0.5), 16, every=4)
        assert factors(Schedule("step", decay=0.5), rows=7) == pytest.approx(wanted, abs=1e-12)

    @pytest.mark.parametrize("warmup", [0.0, 0.25, 3, 20])
    @pytest.mark.parametrize("name", ["linear", "cosine", "constant"])
    def test_warm_up_is_that_of_transformers(self, name: str, warmup: float) -> None:
        from transformers import get_scheduler

        kind = "constant_with_warmup" if name == "constant" else name
        steps = math.ceil(warmup * 20) if warmup < 1 else int(warmup)
        wanted = of_torch(
            lambda one: get_scheduler(kind, one, num_warmup_steps=steps, num_training_steps=20), 20
        )
        found = factors(Schedule(name, warmup=warmup))  # type: ignore[arg-type]
        assert found == pytest.approx(wanted, abs=1e-12)


def trained(folder: Path, training: Training, **more: Any) -> tuple[End, list[dict[str, Any]]]:
    """Train on five rows; return the end, and the records."""
    with RunDirectory.open(folder, command="train", options={}) as run:
        place = Place(folder, ONE, run, quiet=True)
        rows = Split(examples(random_rows([5, 9, 3, 12, 7])), **more)
        end = recipe.sft(open_base(tiny_folder(), CPU), rows, training, place)
    return end, records(folder)


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["value"] for line in (folder / "updates.jsonl").read_text().splitlines()]


class TestSft:
    def test_the_rate_of_every_update_follows_the_schedule(self, tmp_path: Path) -> None:
        schedule = Schedule("step", decay=0.5)
        end, found = trained(tmp_path, settings(schedule=schedule))
        assert (end.updates, end.of, end.finished, end.skipped) == (9, 9, True, ())
        rates = [one["learning_rate"] for one in found]
        assert rates == pytest.approx([1e-3] * 3 + [5e-4] * 3 + [2.5e-4] * 3)

    def test_a_run_that_has_ended_is_not_trained_again(self, tmp_path: Path) -> None:
        end, found = trained(tmp_path, settings())
        again, same = trained(tmp_path, settings())
        assert (again.updates, again.finished) == (9, True)
        assert same == found
        for one, other in zip(end.policy.state().values(), again.policy.state().values(), strict=True):
            assert torch.equal(one, other)

    def test_a_run_that_has_become_shorter_is_refused(self, tmp_path: Path) -> None:
        trained(tmp_path, settings())
        with pytest.raises(ConfigurationError, match="the checkpoint holds 9 updates and this run has 3"):
            trained(tmp_path, settings(rows=Rows(batch=2, micro=2, passes=1, max_tokens=32)))

    def test_the_same_seed_draws_the_same_adapters(self) -> None:
        training = settings(lora=Lora(rank=4, alpha=8))
        feed = ExampleFeed(examples(random_rows([5])), order_of(training), micro=1, pad_id=0, ranks=ONE)
        made = []
        for seed in (1, 1, 2):
            torch.rand(3)  # What was drawn before does not matter.
            base = open_base(tiny_folder(), CPU)
            policy = recipe.new_policy(base, settings(lora=training.lora, seed=seed), feed, ONE)
            made.append({name: one.clone() for name, one in policy.state().items() if "lora_A" in name})
        first, second, third = made
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert not all(torch.equal(first[name], third[name]) for name in first)

    def test_no_rows_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there is no row to train on"):
            recipe.sft(open_base(tiny_folder(), CPU), Split([]), settings(), Place(tmp_path, ONE, None))
        with pytest.raises(DataError, match="there is no row to train on"):
            recipe.dpo(open_base(tiny_folder(), CPU), Split([]), DpoSettings(), Place(tmp_path, ONE, None))

    @pytest.mark.parametrize(("pad", "eos", "known"), [(7, 2, 7), (None, 2, 2), (None, None, 0), (0, 2, 0)])
    def test_the_token_that_fills_up(self, pad: int | None, eos: int | None, known: int) -> None:
        assert pad_id(Base(None, SimpleNamespace(pad_token_id=pad, eos_token_id=eos))) == known


class TestCurriculum:
    def dpo(self, folder: Path, pairs: Any, **more: Any) -> list[tuple[str, ...]]:
        """Train; return the names of the pairs of each update."""
        seen: list[tuple[str, ...]] = []
        rows = Rows(batch=2, micro=2, passes=2, max_tokens=32)
        both = DpoSettings(settings(rows=rows), Preference(**more))
        base = open_base(tiny_folder(), CPU)
        with (
            RunDirectory.open(folder, command="train", options={}) as run,
            pytest.MonkeyPatch.context() as patch,
        ):
            window = PairFeed.window

            def watched(feed: Any, update: int) -> Any:
                found = window(feed, update)
                seen.append(tuple(name for batch in found for name in batch.names[: len(batch.names) // 2]))
                return found

            patch.setattr(PairFeed, "window", watched)
            end = recipe.dpo(base, Split(pairs), both, Place(folder, ONE, run, quiet=True))
        assert end.finished
        return seen

    def test_easy_pairs_come_first_and_each_stage_has_its_passes(self, tmp_path: Path) -> None:
        pairs = random_pairs(8)
        gaps = {one.id: one.gap for one in pairs}
        seen = self.dpo(tmp_path, pairs, stages=2)
        assert len(seen) == 8
        easy, hard = ([name for names in part for name in names] for part in (seen[:4], seen[4:]))
        assert {easy.count(name) for name in easy} == {hard.count(name) for name in hard} == {2}
        assert len({*easy}) == len({*hard}) == 4
        assert min(gaps[name] or 0 for name in easy) > max(gaps[name] or 0 for name in hard)

    def test_one_stage_mixes_all(self, tmp_path: Path) -> None:
        seen = self.dpo(tmp_path, random_pairs(8))
        passes = ([name for names in part for name in names] for part in (seen[:4], seen[4:]))
        assert [sorted(one) for one in passes] == [[f"pair-{number}" for number in range(8)]] * 2

    def test_a_pair_without_a_gap_is_named(self, tmp_path: Path) -> None:
        pairs = [*random_pairs(3), random_pairs(1)[0]._replace(id="bare", gap=None)]
        with pytest.raises(DataError, match="pair 'bare' has no `gap`, which a curriculum of 2 stages"):
            self.dpo(tmp_path, pairs, stages=2)


class Blind(nn.Module):  # type: ignore[misc]
    """A network that does not read positions: every token sees all that stand before it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.inner, self.config = network, network.config

    def forward(self, input_ids: Tensor, position_ids: Tensor, use_cache: bool) -> Any:
        assert position_ids.shape == input_ids.shape
        return self.inner(input_ids=input_ids, use_cache=use_cache)


class TestIsolation:
    @pytest.mark.parametrize("kind", ["llama", "gpt2"])
    def test_networks_of_transformers_keep_documents_apart(self, kind: str) -> None:
        network = tiny_network(kind)
        network.train()
        check_isolation(network, CPU)
        assert network.training

    def test_a_network_that_ignores_restarted_positions_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="documents that share a sequence see one another"):
            check_isolation(Blind(tiny_network()), CPU)

    def test_packing_asks_before_the_first_update(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Any] = []
        monkeypatch.setattr(recipe, "check_isolation", lambda network, device: asked.append(network))
        rows = Rows(batch=2, micro=2, passes=1, max_tokens=32)
        trained(tmp_path / "plain", settings(rows=rows))
        assert asked == []
        packed = Rows(batch=2, micro=2, passes=1, max_tokens=32, packing=True)
        end, _ = trained(tmp_path / "packed", settings(rows=packed))
        assert asked == [end.policy.network]
