"""Losses against NumPy written out by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.losses import PREFERENCE_LOSSES, PreferenceLoss, TokenLoss, log1mexp, row_sums
from skillofmind.train.rows.batch import collated
from skillofmind.train.rows.feeds import paired
from skillofmind.train.settings import Preference
from tests.train.tiny import random_pairs, random_rows


def logistic(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))


class TestTokens:
    def test_each_token_counts_as_its_plan_says(self) -> None:
        rows = random_rows([6, 9, 4])
        batch = collated([[row] for row in rows], 0)
        logp = -np.random.default_rng(1).uniform(0.01, 3.0, len(batch.target_N))
        plan = np.concatenate([row.loss_plan[1:][row.loss_plan[1:] > 0] for row in rows])
        weight = np.concatenate(
            [row.weight[1:][row.loss_plan[1:] > 0] for row in rows if row.weight is not None]
        )
        by_hand = np.where(plan == 1, -logp, -np.log(1 - np.exp(logp)))
        terms = TokenLoss()(torch.tensor(logp), batch)
        assert terms.loss.item() == pytest.approx((by_hand * weight).sum(), rel=1e-6)
        assert TokenLoss().count(batch) == len(plan)
        told, count = terms.sums["unlikelihood"]
        assert told.item() == pytest.approx(by_hand[plan == 2].sum(), rel=1e-6)
        assert count.item() == (plan == 2).sum()
        assert terms.sums["cross_entropy"][0].item() == pytest.approx(by_hand[plan == 1].sum(), rel=1e-6)

    @given(st.floats(-80.0, -1e-12))
    def test_the_logarithm_of_the_rest_is_exact(self, logp: float) -> None:
        found = log1mexp(torch.tensor([logp], dtype=torch.float64)).item()
        exact = math.log(-math.expm1(min(logp, -(2.0**-24))))
        assert found == pytest.approx(exact, rel=1e-12)

    @pytest.mark.parametrize("logp", [0.0, -1e-9, -1e-3, -math.log(2.0), -5.0, -100.0, -float("inf")])
    def test_unlikelihood_and_its_gradient_are_finite(self, logp: float) -> None:
        value = torch.tensor([logp], requires_grad=True)
        loss = -log1mexp(value).sum()
        loss.backward()
        assert math.isfinite(loss.item())
        assert value.grad is not None
        assert math.isfinite(value.grad.item())
        assert value.grad.item() >= 0

    def test_a_step_makes_an_unlikely_token_less_likely(self) -> None:
        logits = torch.tensor([[2.0, 0.5, -1.0]], requires_grad=True)
        (-log1mexp(logits.log_softmax(-1)[:, 0])).sum().backward()
        assert logits.grad is not None
        after = (logits - 0.1 * logits.grad).softmax(-1)[0, 0]
        assert after < logits.softmax(-1)[0, 0]


class TestPairs:
    def made(self, count: int = 3) -> tuple[Any, Any, Any, Any, Any]:
        """Return batch, [w, l] log-probabilities, those of the reference, and sizes, [2, P] each."""
        pairs = random_pairs(count)
        batch = paired(pairs, 0)
        draw = np.random.default_rng(2)
        logp_N = torch.tensor(-draw.uniform(0.1, 4.0, len(batch.target_N)))
        reference = -draw.uniform(2.0, 20.0, (2, count))
        sizes = np.array([[one.chosen.trained() for one in pairs], [one.rejected.trained() for one in pairs]])
        sums = np.zeros((2, count))
        start = 0
        for side in range(2):
            for place in range(count):
                sums[side, place] = logp_N[start : start + sizes[side, place]].sum()
                start += sizes[side, place]
        batch = batch._replace(reference_R=torch.tensor(reference.reshape(-1)))
        return batch, logp_N, sums, reference, sizes

    @pytest.mark.parametrize(
        ("preference", "by_hand"),
        [
            (Preference(beta=0.3), lambda h, n: -np.log(logistic(0.3 * h))),
            (
                Preference(beta=0.3, label_smoothing=0.2),
                lambda h, n: -0.8 * np.log(logistic(0.3 * h)) - 0.2 * np.log(logistic(-0.3 * h)),
            ),
            (Preference(beta=0.3, length_normalised=True), lambda h, n: -np.log(logistic(0.3 * n))),
            (Preference("ipo", beta=0.3), lambda h, n: (n - 1 / 0.6) ** 2),
            (Preference("hinge", beta=0.3), lambda h, n: np.maximum(0, 1 - 0.3 * h)),
        ],
    )
    def test_losses_are_those_of_the_papers(self, preference: Preference, by_hand: Any) -> None:
        batch, logp_N, sums, reference, sizes = self.made()
        ratio = sums - reference
        whole, each = ratio[0] - ratio[1], ratio[0] / sizes[0] - ratio[1] / sizes[1]
        terms = PreferenceLoss(preference)(logp_N, batch)
        assert terms.loss.item() == pytest.approx(by_hand(whole, each).sum(), rel=1e-6)
        assert PreferenceLoss(preference).count(batch) == 3

    def test_simpo_needs_no_reference(self) -> None:
        batch, logp_N, sums, _, sizes = self.made()
        loss = PreferenceLoss(Preference("simpo", beta=2.0, gamma=0.5))
        assert not loss.needs_reference()
        each = sums[0] / sizes[0] - sums[1] / sizes[1]
        found = loss(logp_N, batch._replace(reference_R=None)).loss.item()
        assert found == pytest.approx(-np.log(logistic(2.0 * each - 0.5)).sum(), rel=1e-6)

    def test_cross_entropy_of_the_chosen_answer_is_added(self) -> None:
        batch, logp_N, sums, _, sizes = self.made()
        plain, more = (
            PreferenceLoss(Preference(cross_entropy=share))(logp_N, batch).loss for share in (0.0, 0.7)
        )
        assert (more - plain).item() == pytest.approx(-0.7 * (sums[0] / sizes[0]).sum(), rel=1e-6)

    def test_a_policy_equal_to_its_reference_loses_the_logarithm_of_two(self) -> None:
        batch, logp_N, *_ = self.made()
        batch = batch._replace(reference_R=row_sums(logp_N, batch))
        terms = PreferenceLoss(Preference())(logp_N, batch)
        assert terms.loss.item() / 3 == pytest.approx(math.log(2), rel=1e-12)
        assert terms.sums["accuracy"][0].item() == 1.5

    def test_gradients_have_the_weight_of_the_paper(self) -> None:
        batch, logp_N, sums, reference, _ = self.made()
        logp_N.requires_grad_()
        PreferenceLoss(Preference(beta=0.3))(logp_N, batch).loss.backward()
        ratio = sums - reference
        weight = 0.3 * logistic(-0.3 * (ratio[0] - ratio[1]))
        expected = np.where(batch.row_N < 3, -weight[batch.row_N % 3], weight[batch.row_N % 3])
        assert logp_N.grad is not None
        assert logp_N.grad.numpy() == pytest.approx(expected, rel=1e-6)

    def test_a_missing_reference_is_an_error(self) -> None:
        batch, logp_N, *_ = self.made()
        with pytest.raises(ValueError, match="reference"):
            PreferenceLoss(Preference())(logp_N, batch._replace(reference_R=None))

    def test_every_name_of_the_settings_has_a_loss(self) -> None:
        for name in PREFERENCE_LOSSES:
            Preference(name)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            Preference(beta=0.0)


def test_row_sums_go_by_row() -> None:
    batch = collated([[row] for row in random_rows([5, 3, 7])], 0)
    ones = torch.ones(len(batch.target_N))
    assert row_sums(ones, batch).tolist() == [float((batch.row_N == row).sum()) for row in range(3)]
