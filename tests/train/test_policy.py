"""The policy's four verbs: what may change nothing, and what a step does, against plain torch."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import ConfigurationError, DataError, TrainingDiverged
from skillofmind.models.local import LocalModel
from skillofmind.train import policy as room
from skillofmind.train.losses import Loss, PreferenceLoss, TokenLoss
from skillofmind.train.policy import TorchPolicy
from skillofmind.train.rows.batch import Batch, collated
from skillofmind.train.rows.feeds import paired
from skillofmind.train.rows.token_row import TokenRow, token_row
from skillofmind.train.settings import Optimiser, Preference
from tests.train.tiny import PLAIN, adapted, random_pairs, random_rows, tiny_folder, tiny_network

TOLERANCE = 1e-5
LENGTHS = st.lists(st.integers(2, 20), min_size=2, max_size=8)


def made(network: Any = None, **more: Any) -> TorchPolicy:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder())
    return TorchPolicy(network or tiny_network(), tokenizer, more.pop("optimiser", PLAIN), **more)


@pytest.fixture(scope="module")
def still() -> TorchPolicy:
    """A policy whose gradients are looked at and whose weights never move."""
    return made(optimiser=Optimiser("sgd", learning_rate=1e-30), clip=None)


def gradient(policy: TorchPolicy, window: Sequence[Batch], loss: Loss | None = None) -> tuple[float, Any]:
    told = policy.update(window, loss or TokenLoss())
    parts = [one.grad.flatten() for one in policy.network.parameters() if one.grad is not None]
    return told["loss"], torch.cat(parts)


def agree(
    policy: TorchPolicy, one: Sequence[Batch], other: Sequence[Batch], loss: Loss | None = None
) -> None:
    (loss_a, grad_a), (loss_b, grad_b) = (gradient(policy, window, loss) for window in (one, other))
    assert loss_a == pytest.approx(loss_b, abs=TOLERANCE)
    assert (grad_a - grad_b).abs().max().item() <= TOLERANCE


class TestInvariance:
    """Loss and gradients within 1e-5, with all three codes of the loss plan, and weights."""

    @settings(max_examples=10, deadline=None)
    @given(LENGTHS, st.integers(0, 99), st.integers(1, 4))
    def test_cutting_into_micro_batches(
        self, still: TorchPolicy, lengths: list[int], seed: int, micro: int
    ) -> None:
        rows = random_rows(lengths, seed)
        parts = [rows[start : start + micro] for start in range(0, len(rows), micro)]
        agree(still, [whole(rows)], [whole(part) for part in parts])

    @settings(max_examples=10, deadline=None)
    @given(LENGTHS, st.integers(0, 99), st.integers(1, 3))
    def test_packing(self, still: TorchPolicy, lengths: list[int], seed: int, bins: int) -> None:
        rows = random_rows(lengths, seed)
        packed = [rows[start::bins] for start in range(bins) if rows[start::bins]]
        agree(still, [whole(rows)], [collated(packed, 0)])

    @settings(max_examples=10, deadline=None)
    @given(LENGTHS, st.integers(0, 99), st.integers(1, 7))
    def test_the_side_and_the_kind_of_padding(
        self, still: TorchPolicy, lengths: list[int], seed: int, multiple: int
    ) -> None:
        bins = [[row] for row in random_rows(lengths, seed)]
        agree(still, [collated(bins, 0)], [collated(bins, 77, side="left", multiple=multiple)])

    @settings(max_examples=10, deadline=None)
    @given(LENGTHS, st.randoms(use_true_random=False))
    def test_the_order_of_rows(self, still: TorchPolicy, lengths: list[int], random: Any) -> None:
        rows = random_rows(lengths)
        shuffled = random.sample(rows, len(rows))
        agree(still, [whole(rows)], [whole(shuffled)])

    @settings(max_examples=10, deadline=None)
    @given(LENGTHS, st.integers(1, 9))
    def test_tokens_after_the_last_trained_one(
        self, still: TorchPolicy, lengths: list[int], more: int
    ) -> None:
        rows = random_rows(lengths)
        longer = [
            TokenRow(
                row.id,
                np.concatenate([row.ids, np.full(more, 9, np.int32)]),
                np.concatenate([row.loss_plan, np.zeros(more, np.uint8)]),
                None if row.weight is None else np.concatenate([row.weight, np.full(more, 5, np.float32)]),
            )
            for row in rows
        ]
        agree(still, [whole(rows)], [whole(longer)])

    def test_the_weight_of_an_ignored_token(self, still: TorchPolicy) -> None:
        plan = [0, 0, 1, 1, 0]
        one, other = (token_row("x", [5, 6, 7, 8, 9], plan, [w, w, 1, 1, w]) for w in (1.0, 50.0))
        agree(still, [whole([one])], [whole([other])])

    @pytest.mark.parametrize("name", ["dpo", "ipo", "simpo"])
    def test_pairs_cut_and_shuffled(self, name: str) -> None:
        policy = made(adapted(), optimiser=Optimiser("sgd", learning_rate=1e-30), clip=None)
        pairs = random_pairs(5)
        loss = PreferenceLoss(Preference(name, reference="adapter"))  # type: ignore[arg-type]
        cut = [paired([pairs[place] for place in part], 0) for part in ([3, 0], [4], [1, 2])]
        agree(policy, [paired(pairs, 0)], cut, loss)

    def test_a_mean_of_means_would_be_seen(self, still: TorchPolicy) -> None:
        rows = random_rows([20, 2, 3])
        whole_loss, _ = gradient(still, [whole(rows)])
        means = [gradient(still, [whole([row])])[0] for row in rows]
        assert abs(sum(means) / 3 - whole_loss) > 100 * TOLERANCE


def whole(rows: Sequence[TokenRow]) -> Batch:
    return collated([[row] for row in rows], 0)


class TestGradients:
    def test_they_are_those_of_plain_torch(self, still: TorchPolicy) -> None:
        rows = random_rows([9, 4, 13], codes=2)
        loss, grad = gradient(still, [whole(rows)])
        network = tiny_network()
        total, count = torch.zeros(()), 0
        for row in rows:
            ids = torch.tensor(row.ids[None].astype(np.int64))
            logp = network(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
            weight = torch.tensor(row.weight[1:] * (row.loss_plan[1:] == 1))  # type: ignore[index]
            total = total - (logp * weight).sum()
            count += int((row.loss_plan[1:] == 1).sum())
        (total / count).backward()
        expected = torch.cat([one.grad.flatten() for one in network.parameters()])
        assert loss == pytest.approx(total.item() / count, abs=1e-6)
        assert (grad - expected).abs().max() < 1e-6

    def test_ignored_tokens_teach_nothing_and_are_still_read(self) -> None:
        """With the masked plan of SLUNG (arXiv 2505.03052) a risky token is context, and no goal."""
        network = tiny_network()
        network.lm_head.weight = torch.nn.Parameter(network.lm_head.weight.detach().clone())
        policy = made(network, optimiser=Optimiser("sgd", learning_rate=1e-30), clip=None)
        risky, seen = 250, []
        row = token_row("x", [5, 6, risky, 8, 9], [0, 1, 0, 1, 1])
        network.lm_head.register_forward_hook(lambda module, given, out: seen.append(out))
        policy.update([whole([row])], TokenLoss())
        assert network.model.embed_tokens.weight.grad[risky].abs().sum() > 0
        assert seen[0].shape[1] == 3

    def test_large_vocabularies_go_in_pieces(
        self, still: TorchPolicy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = whole(random_rows([9, 14, 13]))
        loss, grad = gradient(still, [batch])
        monkeypatch.setattr(room, "CHUNK", 324 * 4)
        pieces, same = gradient(still, [batch])
        assert pieces == pytest.approx(loss, abs=1e-6)
        assert (grad - same).abs().max() < 1e-6

    def test_recomputed_activations_give_the_same(self, still: TorchPolicy) -> None:
        network = tiny_network()
        network.activation_checkpointing_enable({"use_reentrant": False})
        policy = made(network, optimiser=Optimiser("sgd", learning_rate=1e-30), clip=None)
        batch = whole(random_rows([9, 14, 13]))
        (loss, grad), (same, equal) = gradient(still, [batch]), gradient(policy, [batch])
        assert loss == same
        assert torch.equal(grad, equal)

    def test_bfloat16_is_near(self, still: TorchPolicy) -> None:
        policy = made(precision="bf16", optimiser=Optimiser("sgd", learning_rate=1e-30), clip=None)
        batch = whole(random_rows([9, 14, 13], codes=2))
        (loss, grad), (near, like) = gradient(still, [batch]), gradient(policy, [batch])
        assert near == pytest.approx(loss, rel=0.02)
        assert torch.cosine_similarity(grad, like, dim=0) > 0.99
        assert {one.dtype for one in policy.network.parameters()} == {torch.float32}


class TestUpdate:
    def test_adamw_moves_as_by_hand(self) -> None:
        policy = made(optimiser=Optimiser(learning_rate=0.01, weight_decay=0.1, betas=(0.8, 0.9)), clip=None)
        before = {name: one.detach().clone() for name, one in policy.network.named_parameters()}
        policy.update([whole(random_rows([9, 4]))], TokenLoss())
        for name, one in policy.network.named_parameters():
            decay = 0.1 if one.ndim > 1 else 0.0
            # At the first step Adam's ratio is g / (|g| + eps), whatever the betas.
            step = one.grad / (one.grad.abs() + 1e-8)
            assert one.detach().allclose(before[name] * (1 - 0.01 * decay) - 0.01 * step, atol=1e-6), name

    def test_clipping_keeps_the_direction(self) -> None:
        batch = whole(random_rows([9, 4]))
        free, bound = (
            made(clip=clip, optimiser=Optimiser("sgd", learning_rate=1e-30)) for clip in (None, 0.5)
        )
        (_, grad), (_, clipped) = gradient(free, [batch]), gradient(bound, [batch])
        assert clipped.norm().item() == pytest.approx(0.5, rel=1e-4)
        assert torch.cosine_similarity(grad, clipped, dim=0).item() == pytest.approx(1.0, abs=1e-5)

    def test_the_rate_follows_the_schedule(self) -> None:
        policy = made(rate=lambda update: (update + 1) / 4)
        told = [policy.update([whole(random_rows([9]))], TokenLoss())["learning_rate"] for _ in range(3)]
        assert told == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3])

    def test_an_update_without_a_trained_token_names_its_rows(self) -> None:
        policy = made()
        before = policy.network.lm_head.weight.detach().clone()
        rows = [token_row(f"row-{number}", [5, 6, 7], [0, 0, 0]) for number in range(10)]
        with pytest.raises(DataError, match=r"update 1 has no trained token.*'row-0'.*'row-7' and 2 more"):
            policy.update([whole(rows)], TokenLoss())
        assert torch.equal(policy.network.lm_head.weight, before)

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_a_loss_that_is_not_finite_changes_nothing(self, value: float) -> None:
        policy = made()
        policy.update([whole(random_rows([9]))], TokenLoss())
        before = {name: one.clone() for name, one in policy.state().items()}
        row = token_row("bad", [5, 6, 7], [0, 1, 1], [1, value, 1])
        with pytest.raises(TrainingDiverged, match=r"update 2 has loss.*'bad'"):
            policy.update([whole([row])], TokenLoss())
        assert all(torch.equal(before[name], one) for name, one in policy.state().items())
        assert policy.updates == 1

    def test_nothing_trainable_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="no parameter is trainable"):
            made(tiny_network().requires_grad_(False))

    @pytest.mark.parametrize("name", ["adamw", "adafactor", "sgd"])
    def test_every_optimiser_learns_a_row_by_heart(self, name: str) -> None:
        rate = {"adamw": 0.01, "adafactor": 0.05, "sgd": 0.3}[name]
        policy = made(optimiser=Optimiser(name, learning_rate=rate))  # type: ignore[arg-type]
        batch = whole(random_rows([8], codes=2))
        losses = [policy.update([batch], TokenLoss())["loss"] for _ in range(40)]
        assert losses[-1] < losses[0] / 2

    def test_dropout_follows_from_seed_and_update_alone(self) -> None:
        rows = [whole(random_rows([9, 14]))]

        def losses(seed: int) -> list[float]:
            policy = made(adapted(dropout=0.5), seed=seed, optimiser=Optimiser(learning_rate=0.05))
            found = []
            for _ in range(4):
                torch.rand(3)  # What others draw does not matter.
                found.append(policy.update(rows, TokenLoss())["loss"])
            return found

        assert losses(1) == losses(1)
        assert losses(1) != losses(2)


class TestReference:
    def test_adapters_off_are_the_base(self) -> None:
        policy, base = made(adapted(), optimiser=Optimiser(learning_rate=0.05)), made()
        batch = whole(random_rows([9, 4]))
        for _ in range(3):
            policy.update([batch], TokenLoss())
        assert torch.equal(policy.logprobs(batch, reference=True), base.logprobs(batch))
        assert not torch.allclose(policy.logprobs(batch), base.logprobs(batch), atol=1e-3)

    def test_a_network_without_adapters_has_none(self) -> None:
        with pytest.raises(ConfigurationError, match="adapters"):
            made().logprobs(whole(random_rows([4])), reference=True)

    def test_the_first_loss_is_the_logarithm_of_two(self) -> None:
        policy = made(adapted())
        loss = PreferenceLoss(Preference(reference="adapter"))
        assert policy.update([paired(random_pairs(4), 0)], loss)["loss"] == pytest.approx(
            math.log(2), abs=1e-7
        )

    def test_preferences_are_learned(self) -> None:
        policy = made(adapted(), optimiser=Optimiser(learning_rate=0.02))
        loss, batch = PreferenceLoss(Preference(reference="adapter")), paired(random_pairs(6), 0)
        for _ in range(20):
            policy.update([batch], loss)
        told = policy.measured([batch], loss)
        assert told["accuracy"] == 1.0
        assert told["chosen_reward"] > told["rejected_reward"]


class TestSample:
    async def test_it_answers_as_the_local_model_does(self) -> None:
        prompts = [Conversation((Message("user", text),)) for text in ("Hi", "What a lovely day!")]
        sampling = Sampling(temperature=0.0, max_tokens=12, logprobs=True)
        found = made().sample(prompts, sampling)
        async with LocalModel(tiny_folder(), device="cpu") as model:
            expected = [await model.generate(prompt, sampling) for prompt in prompts]
        assert [one.text for one in found] == [one.text for one in expected]
        assert [one.usage for one in found] == [one.usage for one in expected]

    def test_training_goes_on_afterwards(self) -> None:
        policy = made()
        policy.sample([Conversation((Message("user", "Hi"),))], Sampling(max_tokens=2, seed=1))
        assert policy.update([whole(random_rows([9]))], TokenLoss())["trained"] > 0
