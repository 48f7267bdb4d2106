import numpy as np
import pytest

from skillofmind.evals.measure import differences, estimates, mean_of, ratio_of
from skillofmind.evals.statistics import resampling
from skillofmind.evals.statistics.resampling import group_weights, swap_blocks, swapped_groups, weight_blocks


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three rows of eleven groups."""
    monkeypatch.setattr(resampling, "BLOCK", 40)


@pytest.mark.usefixtures("small")
def test_blocks_are_the_whole_in_parts() -> None:
    blocks = list(weight_blocks(11, resamples=10, seed=3))
    assert [len(block) for block in blocks] == [1, 3, 3, 3, 1]
    assert (np.vstack(blocks) == group_weights(11, resamples=10, seed=3)).all()
    swaps = list(swap_blocks(11, permutations=10, seed=3))
    assert (np.vstack(swaps) == swapped_groups(11, permutations=10, seed=3)).all()


def test_weights_count_draws_of_one_group_each(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    expected = [[1.0] * 11]
    for _ in range(10):
        drawn = draw.integers(11, size=11).tolist()
        expected.append([float(drawn.count(group)) for group in range(11)])
    assert group_weights(11, resamples=10, seed=3).tolist() == expected
    # Less than a row at once, three rows, and all of them.
    for numbers in (5, 40, 256_000):
        monkeypatch.setattr(resampling, "_DRAWN", numbers)
        assert group_weights(11, resamples=10, seed=3).tolist() == expected


def test_weights_have_the_moments_of_draws_with_replacement() -> None:
    weights = group_weights(50, resamples=20_000, seed=1)[1:]
    assert set(weights.sum(axis=1)) == {50.0}
    # Binomial, 50 draws of chance 1/50; two groups of a resample have a correlation of -1/49. Four standard
    # errors of a million counts.
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.006)
    assert np.corrcoef(weights[:, 0], weights[:, 1])[0, 1] == pytest.approx(-1 / 49, abs=0.028)
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, abs=0.002)


def test_no_group_leaves_nothing_to_draw() -> None:
    assert [block.shape for block in weight_blocks(0, resamples=0, seed=3)] == [(1, 0)]


def test_numbers_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(60)
    groups = [f"group-{number // 5}" for number in range(60)]
    pair = mean_of("mean", [*values]), mean_of("mean", [*values[::-1]])
    ratio = ratio_of("ratio", np.stack([values, values**2], axis=1), 60)
    found: list[list[tuple[float | None, ...]]] = []
    for block in (4_000_000, 30):
        monkeypatch.setattr(resampling, "BLOCK", block)
        one = [(each.value, each.low, each.high) for each in estimates([pair[0], ratio], groups)]
        other = [
            (each.value, each.low, each.high, each.p) for each in differences("t", ("a", "b"), [pair], groups)
        ]
        found.append([*one, *other])
    for large, little in zip(*found, strict=True):
        assert large == pytest.approx(little, abs=1e-12)
