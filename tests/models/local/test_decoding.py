import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.models.local.decoding import pad_left, pick


def by_hand(logits: list[float], temperature: float, top_p: float, point: float) -> int:
    if temperature == 0:
        return int(np.argmax(logits))
    scores = np.array(logits, np.float32).astype(np.float64) / temperature
    probs = np.exp(scores - scores.max())
    probs /= probs.sum()
    order = np.argsort(-probs, kind="stable")
    kept, mass = [], 0.0
    for index in order:
        kept.append(index)
        mass += probs[index]
        if mass >= np.float32(top_p):
            break
    total = 0.0
    for index in kept:
        total += probs[index]
        if total > point * mass:
            return int(index)
    return int(kept[-1])


ROW = st.tuples(
    st.lists(st.integers(-40, 40).map(lambda value: value / 10), min_size=5, max_size=5, unique=True),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.sampled_from([0.05, 0.37, 0.83, 1.0]),
    st.sampled_from([0.0, 0.123, 0.5, 0.987]),
)


@given(st.lists(ROW, min_size=1, max_size=4))
def test_each_row_is_picked_as_by_hand(rows: list[tuple[list[float], float, float, float]]) -> None:
    logits, temperature, top_p, points = zip(*rows, strict=True)
    picked = pick(torch.tensor(logits), torch.tensor(temperature), torch.tensor(top_p), points)
    assert picked.tolist() == [by_hand(*row) for row in rows]


def test_draws_follow_the_probabilities() -> None:
    probs = [0.5, 0.3, 0.15, 0.05]
    points = ((torch.arange(10_000) + 0.5) / 10_000).tolist()
    logits = torch.tensor(probs).log().repeat(10_000, 1)
    ones = torch.ones(10_000)
    assert torch.bincount(pick(logits, ones, ones, points)).tolist() == pytest.approx(
        [5000, 3000, 1500, 500], abs=1
    )
    assert torch.bincount(pick(logits, ones, ones * 0.75, points)).tolist() == pytest.approx(
        [6250, 3750], abs=1
    )


def test_padding_is_on_the_left() -> None:
    ids, mask = pad_left([[5], [6, 7, 8]], "cpu")
    assert ids.tolist() == [[0, 0, 5], [6, 7, 8]]
    assert mask.tolist() == [[0, 0, 1], [1, 1, 1]]
