import numpy as np

from skillofmind.evals.measure import Measure, differences, mean_of
from skillofmind.evals.statistics.resampling import Floats


def small_only(sums: Floats) -> Floats:
    """Return the first column over the second, and nothing above one half."""
    shares = sums[..., 0] / sums[..., 1]
    return np.where(shares <= 0.5, shares, np.nan)


def test_a_permutation_that_leaves_the_measure_undefined_is_no_evidence() -> None:
    groups = [str(place) for place in range(8)]
    first, second = (
        Measure("m", mean_of("m", hits).rows, small_only, 8) for hits in ([0.0] * 8, [1.0] * 4 + [0.0] * 4)
    )
    found = differences("t", ("x", "y"), [(first, second)], groups, permutations=500)[0]
    assert found.value == 0.5
    # Sides that change leave 0 to 4 hits to each arm, all of which are defined.
    assert found.p is not None
    assert 0.05 < found.p < 0.3
    worse = Measure("m", mean_of("m", [1.0] * 4 + [0.0] * 4).rows, small_only, 8)
    other = Measure("m", mean_of("m", [0.0] * 4 + [1.0] * 4).rows, small_only, 8)
    unclear = differences("t", ("x", "y"), [(worse, other)], groups, permutations=500)[0]
    assert (unclear.value, unclear.p) == (0.0, 1.0)
