import numpy as np
import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.audits.scaling import scaling_effects, scaling_tables
from skillofmind.evals.statistics.resampling import Floats


def errors(law: tuple[float, float, float], sizes: tuple[int, ...], cases: int = 400) -> dict[int, Floats]:
    """Return two draws a size whose error is that of the law, up to one case."""
    a, b, c = law
    order = np.random.default_rng(1).permutation(cases)
    return {n: np.tile(order < (a + b * n**-c) * cases, (2, 1)).astype(np.float64) for n in sizes}


def test_a_known_law_is_found_and_goes_on() -> None:
    found = errors((0.2, 2.0, 0.5), (16, 64, 256, 1024))
    groups = [str(n // 4) for n in range(400)]
    effects = {(one.change, one.measure): one for one in scaling_effects(found, groups, ahead=[4096])}
    assert effects["curve a + b n^-c", "floor a"].value == pytest.approx(0.2, abs=0.01)
    assert effects["curve a + b n^-c", "speed c"].value == pytest.approx(0.5, abs=0.05)
    ahead = effects["curve a + b n^-c", "predicted error at 4096 dialogues"]
    assert ahead.value == pytest.approx(0.2 + 2.0 / 64, abs=0.01)
    step = effects["16 to 64 dialogues", "error changed"]
    assert step.value == pytest.approx(-0.25)
    assert step.adjusted is not None
    assert step.adjusted < 0.01
    assert effects["64 dialogues", "error"].value == pytest.approx(0.45)
    assert len(scaling_tables(list(effects.values()))[0].rows) == len(effects)


def test_two_sizes_are_no_curve() -> None:
    with pytest.raises(ConfigurationError, match="three"):
        scaling_effects(errors((0.2, 2.0, 0.5), (16, 64)), [str(n) for n in range(400)])
