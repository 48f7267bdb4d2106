import hashlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import DataError
from skillofmind.mind.embedded.linear import DIGEST_BYTES, MAGIC, LinearModel, load_linear
from skillofmind.mind.embedded.regression import Design, best_temperature, fit_dual, pack, softmax
from tests.mind.world import LEXICON

L2 = 0.05
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 6))
LABELS = np.array([0] * 20 + [1] * 15 + [2] * 5)
X[LABELS == 1] += 0.7
X[LABELS == 2, :2] -= 1.0


def row_weights(labels: Any) -> Any:
    weights = 1 / np.sqrt(np.bincount(labels)[labels])
    return weights * len(labels) / weights.sum()


def test_the_dual_fit_equals_plain_gradient_descent_on_the_weights() -> None:
    dual, bias = fit_dual(X @ X.T, LABELS, 3, L2, steps=3000)
    weights, by_hand = np.zeros((6, 3)), np.zeros(3)
    pull = row_weights(LABELS)[:, None] / len(LABELS)
    for _ in range(20_000):
        error = (softmax(X @ weights + by_hand) - np.eye(3)[LABELS]) * pull
        weights -= 0.2 * (X.T @ error + L2 * weights)
        by_hand -= 0.2 * error.sum(0)
    assert np.abs(X.T @ dual - weights).max() < 1e-6
    assert np.abs(bias - bias.mean() - by_hand + by_hand.mean()).max() < 1e-6


def test_the_fit_equals_that_of_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    theirs = linear_model.LogisticRegression(C=1 / (L2 * len(LABELS)), tol=1e-10, max_iter=5000)
    theirs.fit(X, LABELS, sample_weight=row_weights(LABELS))
    dual, bias = fit_dual(X @ X.T, LABELS, 3, L2, steps=1000)
    ours = softmax(X @ X.T @ dual + bias)
    assert np.abs(ours - theirs.predict_proba(X)).max() < 1e-3
    assert np.abs(X.T @ dual - theirs.coef_.T).max() < 1e-3


def test_a_rare_skill_counts_more_than_its_number_but_not_as_much_as_a_common_one() -> None:
    labels = np.array([0] * 16 + [1])
    _, bias = fit_dual(np.zeros((17, 17)), labels, 2, L2, steps=3000)
    # Weights 1/sqrt(frequency): 16 rows of 1/4 against one of 1, so 4 to 1.
    assert bias[0] - bias[1] == pytest.approx(np.log(4), abs=1e-6)


def rows_of(texts: list[str]) -> list[dict[str, float]]:
    return [{word: 1.0 + len(word) / 10 for word in text.split()} for text in texts]


ROWS = rows_of(["a b c", "a b", "a cc d", "b cc", "a rare d", "d a cc"])
ROW_LABELS = np.array([0, 0, 1, 1, 0, 1])


def test_gram_and_primal_are_those_of_the_dense_matrix() -> None:
    design = Design(ROWS, least=2)
    names = ["a", "b", "cc", "d"]
    counts = [sum(name in row for row in ROWS) for name in names]
    idf = np.log((1 + len(ROWS)) / (1 + np.array(counts))) + 1
    dense = np.array([[row.get(name, 0.0) for name in names] for row in ROWS]) * idf
    assert len(design.hashes) == 4
    assert np.allclose(design.gram(), dense @ dense.T, rtol=2e-3)
    dual = DRAW.normal(size=(len(ROWS), 2))
    # Rows stand in the order of the hashes, and idf may be kept in half precision.
    ours, theirs = (sorted(map(tuple, rows)) for rows in (design.primal(dual), dense.T @ dual))
    assert np.allclose(ours, theirs, rtol=2e-3)


def fitted(**changes: Any) -> tuple[LinearModel, Design, Any, Any]:
    design = Design(ROWS, least=2)
    dual, bias = fit_dual(design.gram(), ROW_LABELS, 2, 0.01)
    header = {"temperature": 0.8, "lexicon": LEXICON, "trained_on": {"rows": 6}} | changes
    return pack(design, dual, bias, header, ("one", "two")), design, dual, bias


def test_scores_of_the_packed_model_are_those_of_the_fit_but_for_rounding() -> None:
    model, design, dual, bias = fitted()
    scores = np.array(model.header.bias) + np.array(model.contributions(ROWS))
    exact = design.gram() @ dual + bias
    assert np.abs(scores - exact).max() < 0.02 * np.abs(exact).max()
    assert (scores.argmax(1) == ROW_LABELS).all()
    for row in scores:
        assert np.allclose(model.probabilities(row), softmax(row / 0.8))


def test_contributions_are_additive_and_ignore_what_is_unknown() -> None:
    model, *_ = fitted()
    parts = [{"a": 1.0}, {"b": 2.0, "unheard": 5.0}, {}, {"unheard": 1.0}]
    each = np.array(model.contributions(parts))
    assert each.shape == (4, 2)
    assert (each[2:] == 0).all()
    assert np.allclose(each.sum(0), model.contributions([{"a": 1.0, "b": 2.0}])[0])
    assert np.allclose(model.contributions([{"b": 4.0}])[0], 2 * each[1])
    assert len(model.contributions([])) == 0


def test_a_file_gives_back_the_same_model_and_the_same_bytes() -> None:
    model, *_ = fitted()
    data = model.to_bytes()
    again = load_linear(data, "f")
    assert again.to_bytes() == data
    assert again.header == model.header
    assert np.array_equal(again.contributions(ROWS), model.contributions(ROWS))
    assert fitted()[0].to_bytes() == data


def test_a_model_without_features_scores_by_its_bias() -> None:
    design = Design([{"once": 1.0}, {"ever": 1.0}])
    dual, bias = fit_dual(design.gram(), np.array([0, 1]), 2, 0.1)
    header = {"temperature": 1.0, "lexicon": LEXICON, "trained_on": {}}
    data = pack(design, dual, bias, header, ("one", "two")).to_bytes()
    model = load_linear(data, "f")
    assert model.header.rows == 0
    assert not np.any(model.contributions([{"once": 1.0}]))


DATA = fitted()[0].to_bytes()


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def with_header(**changes: Any) -> bytes:
    size = int.from_bytes(DATA[len(MAGIC) : len(MAGIC) + 4], "little")
    start = len(MAGIC) + 4
    fields = msgspec.json.decode(DATA[start : start + size]) | changes
    header = msgspec.json.encode(fields)
    return sealed(MAGIC + len(header).to_bytes(4, "little") + header + DATA[start + size : -DIGEST_BYTES])


def test_rewriting_the_header_alone_damages_nothing() -> None:
    assert load_linear(with_header(), "f").to_bytes() == DATA


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        DATA[1:],
        DATA[: len(MAGIC)],
        DATA[:30],
        DATA[:-1],
        DATA + b"x",
        sealed(MAGIC + b"\xff\xff\xff\xff" + DATA[12:-DIGEST_BYTES]),
        sealed(MAGIC + b"\x02\x00\x00\x00{}"),
        sealed(MAGIC + (200_000).to_bytes(4, "little") + b"[" * 200_000),
        with_header(rows=-1),
        with_header(rows=3),
        with_header(rows="4"),
        with_header(bias=[0.0]),
        with_header(scales=[]),
        with_header(labels=["one"]),
        with_header(temperature=0),
        with_header(more=1),
    ],
)
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^my\.bin: .*`som fit`"):
        load_linear(data, "my.bin")


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(DATA)), st.binary(max_size=4))
def test_any_cut_or_changed_byte_is_noticed(at: int, put: bytes) -> None:
    for data in (DATA[:at] + put, DATA[:at] + put + DATA[at + len(put) :]):
        if data == DATA:
            continue
        with pytest.raises(DataError):
            load_linear(data, "f")


def log_loss(scores: Any, labels: Any) -> float:
    return float(-np.log(softmax(scores)[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("sure", [0.5, 3.0], ids=["timid", "overconfident"])
def test_the_temperature_lowers_the_log_loss(sure: float) -> None:
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 3, 300)
    scores = sure * (draw.normal(size=(300, 3)) + np.eye(3)[labels])
    temperature = best_temperature(scores, labels)
    assert (temperature > 1) == (sure > 1)
    best = log_loss(scores / temperature, labels)
    assert best < log_loss(scores, labels) - 0.01
    for other in (0.9, 1.1):
        assert best <= log_loss(scores / (temperature * other), labels)


def test_softmax_keeps_large_scores_finite() -> None:
    found = softmax(np.array([[1e6, 0.0], [-1e6, -1e6]]))
    assert found.tolist() == [[1.0, 0.0], [0.5, 0.5]]
