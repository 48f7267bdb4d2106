"""The loop and its records, on one process and without files where none are needed."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from skillofmind.core.errors import DataError
from skillofmind.train.loop import Cadence, Told, evaluated, reference_logprobs, train
from skillofmind.train.losses import PreferenceLoss, TokenLoss
from skillofmind.train.policy import ONE, TorchPolicy
from skillofmind.train.rows.feeds import ExampleFeed, PairFeed
from skillofmind.train.rows.order import Order, staged
from skillofmind.train.rows.token_row import Example
from skillofmind.train.settings import Optimiser, Preference
from tests.train.tiny import PLAIN, adapted, examples, random_pairs, random_rows, tiny_network


def policy(network: Any = None, optimiser: Optimiser = PLAIN) -> TorchPolicy:
    return TorchPolicy(network or tiny_network(), None, optimiser)


def feed(order: Order, micro: int = 3, **more: Any) -> ExampleFeed:
    rows = examples(random_rows([5, 9, 3, 12, 7, 4, 8]))
    return ExampleFeed(rows, order, micro=micro, pad_id=0, ranks=ONE, **more)


def weights(one: TorchPolicy) -> Any:
    return torch.cat([part.detach().flatten() for part in one.network.parameters()])


def test_all_updates_are_made_and_told() -> None:
    told: list[Told] = []
    here, rows = policy(), feed(Order(3, passes=2), held_out=examples(random_rows([6, 6], 9)))
    ticks = itertools.count()
    assert train(
        here, rows, TokenLoss(), Cadence(evaluate_every=4), told.append, clock=lambda: float(next(ticks))
    )
    assert [one.update for one in told] == [1, 2, 3, 4, 5, 6]
    assert [one.held_out is not None for one in told] == [False, False, False, True, False, True]
    assert {one.seconds for one in told} == {1.0}
    assert told[-1].held_out == evaluated(here, rows, TokenLoss())


def test_a_stop_ends_after_the_update_in_work() -> None:
    told: list[Told] = []
    here, rows = policy(), feed(Order(3, passes=2))
    assert not train(here, rows, TokenLoss(), Cadence(), told.append, stop=lambda: here.updates >= 2)
    assert here.updates == 2
    assert train(here, rows, TokenLoss(), Cadence(), told.append)
    straight = policy()
    train(straight, rows, TokenLoss(), Cadence(), told.append)
    assert torch.equal(weights(here), weights(straight))


@pytest.mark.parametrize("micro", [1, 2, 7])
def test_micro_batches_change_nothing(micro: int) -> None:
    # AdamW divides by the gradient's own size, which makes rounding of tiny ones large.
    one, other = (policy(optimiser=Optimiser("sgd", learning_rate=0.1)) for _ in range(2))
    train(one, feed(Order(5, passes=2)), TokenLoss(), Cadence(), lambda told: None)
    train(other, feed(Order(5, passes=2), micro), TokenLoss(), Cadence(), lambda told: None)
    assert (weights(one) - weights(other)).abs().max() < 1e-5


def test_held_out_loss_weighs_every_token_alike() -> None:
    rows = random_rows([20, 2, 3], codes=2)
    here = policy()
    cut = [feed(Order(3), micro, held_out=examples(rows)) for micro in (1, 2, 3)]
    losses = [evaluated(here, one, TokenLoss())["loss"] for one in cut]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-6)


def test_each_pass_draws_a_choice() -> None:
    rows = random_rows([4, 5, 6])
    one = ExampleFeed([Example("x", tuple(rows))], Order(1, passes=40), micro=1, pad_id=0, ranks=ONE)
    assert {one.window(update)[0].names[0] for update in range(40)} == {"row-0", "row-1", "row-2"}


class TestPairs:
    def test_a_reference_computed_before_is_that_of_the_adapters_off(self) -> None:
        pairs = random_pairs(5)
        here = policy(adapted())
        before = reference_logprobs(here, pairs, micro=2, pad_id=0)
        loss = PreferenceLoss(Preference(reference="adapter"))
        off, known = (PairFeed(pairs, Order(2, 3), micro=2, pad_id=0, ranks=ONE) for _ in range(2))
        known.refer(before, np.zeros((0, 2)))
        told: dict[str, list[float]] = {"off": [], "known": []}
        for one, losses in ((off, told["off"]), (known, told["known"])):

            def watch(got: Told, losses: list[float] = losses) -> None:
                losses.append(got.means["loss"])

            train(policy(adapted()), one, loss, Cadence(), watch)
        assert told["off"] == pytest.approx(told["known"], abs=1e-6)
        assert len(told["off"]) == 9

    def test_each_pair_has_its_own_reference(self) -> None:
        pairs = random_pairs(5)
        here = policy()
        found = reference_logprobs(here, pairs, micro=2, pad_id=0)
        alone = [reference_logprobs(here, [one], micro=1, pad_id=0)[0] for one in pairs]
        assert found == pytest.approx(np.array(alone), abs=1e-5)

    def test_a_curriculum_goes_from_easy_to_hard(self) -> None:
        pairs = random_pairs(6)
        gaps = [one.gap or 0.0 for one in pairs]
        one = PairFeed(pairs, Order(2), micro=2, pad_id=0, ranks=ONE, stages=staged(gaps, 3))
        named = [[name for batch in one.window(update) for name in batch.names[:2]] for update in range(3)]
        found = [[gaps[int(name.removeprefix("pair-"))] for name in names] for names in named]
        assert min(found[0]) >= max(found[1])
        assert min(found[1]) >= max(found[2])


def test_an_update_of_nothing_stops_the_run() -> None:
    rows = examples([row._replace(loss_plan=row.loss_plan * 0) for row in random_rows([5, 6])])
    empty = ExampleFeed(rows, Order(2), micro=2, pad_id=0, ranks=ONE)
    with pytest.raises(DataError, match="'row-"):
        train(policy(), empty, TokenLoss(), Cadence(), lambda told: None)
