"""Data scaling: how the error of a planner falls with the number of training dialogues.

The same test cases are asked of planners that were fitted on more and more dialogues, several draws a size.
The curve is err = a + b n^-c (evals.statistics.scaling); neighbouring sizes are compared with the paired
permutation test over whole dialogues, on the mean over draws.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from skillofmind.evals.audits.effects import Effect, corrected, difference, measured, table_of
from skillofmind.evals.measure import mean_of
from skillofmind.evals.records import Table
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.evals.statistics.scaling import Scaling, scaling

NAME = "scaling"


def scaling_effects(
    errors: Mapping[int, Floats], groups: Sequence[str], ahead: Sequence[float] = ()
) -> tuple[Effect, ...]:
    """Return the error at every size, the differences of neighbours, and the curve.

    Args:
        errors: training dialogues -> [draws, test cases], 1 where wrong; at least three sizes.
        groups: dialogue of each test case.
        ahead: further sizes to predict the error at.

    Raises:
        ConfigurationError: fewer sizes, or they do not fit.
    """
    sizes = sorted(errors)
    means = {size: mean_of("error", list(errors[size].mean(axis=0)), "lower") for size in sizes}
    found = [effect for size in sizes for effect in measured(f"{size} dialogues", [means[size]], groups)]
    found += [
        difference(f"{less} to {more} dialogues", "error changed", means[less], means[more], groups)
        for less, more in pairwise(sizes)
    ]
    return (*corrected(found), *curve_effects(curve(errors, groups, ahead), len(groups)))


def curve(errors: Mapping[int, Floats], groups: Sequence[str], ahead: Sequence[float] = ()) -> Scaling:
    """Return the fitted curve; every draw of a size is a point of its own.

    Raises:
        ConfigurationError: fewer than three sizes, or they do not fit.
    """
    points = [(size, row) for size in sorted(errors) for row in errors[size]]
    return scaling(
        [size for size, _ in points], np.stack([row for _, row in points], axis=1), groups, ahead=ahead
    )


def curve_effects(found: Scaling, n: int) -> list[Effect]:
    """Return what a curve says: its floor, its speed, and predictions."""
    told = {"floor a": found.a, "speed c": found.c}
    told |= {f"predicted error at {size:g} dialogues": one for size, one in found.ahead.items()}
    return [
        Effect("curve a + b n^-c", name, one.value, one.low, one.high, n, found.groups)
        for name, one in told.items()
    ]


def scaling_tables(effects: Sequence[Effect]) -> tuple[Table, ...]:
    """Return the effects as one table."""
    return (table_of("Error by training dialogues", effects, "Mean over draws."),)
