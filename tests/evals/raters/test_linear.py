import numpy as np
import pytest

from skillofmind.evals.raters.grams import grams
from skillofmind.evals.raters.linear import Floats, fit, log_softmax, scores, taken

TEXTS = [
    "I am so sorry for you", "so sorry to hear that", "I am sorry", "that is sad, I am sorry",
    "what did you do then?", "how did that feel?", "what happened next?", "did you tell them?",
    "the train is late", "trains are often late",
]  # fmt: skip
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])


class TestFit:
    def test_learns_what_the_words_tell(self) -> None:
        found = grams([("", text) for text in TEXTS], ("reply",))
        model = fit(found, LABELS, 3, strength=4.0, balance=1.0)
        assert scores(model, found).argmax(axis=1).tolist() == LABELS.tolist()
        new = grams([("", "how sorry I am"), ("", "what did they do?")], ("reply",))
        assert scores(model, new).argmax(axis=1).tolist() == [0, 1]

    def test_the_same_texts_give_the_same_weights(self) -> None:
        found = grams([("", text) for text in TEXTS], ("reply",))
        one, other = (fit(found, LABELS, 3, strength=4.0, balance=1.0) for _ in range(2))
        assert one.weights.tobytes() == other.weights.tobytes()

    def test_reaches_the_optimum_that_scikit_learn_reaches(self) -> None:
        linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn")
        found = grams([("", text) for text in TEXTS], ("reply",))
        model = fit(found, LABELS, 3, strength=2.0, balance=1.0)
        dense = features(found, model.codes, model.idf)
        other = linear_model.LogisticRegression(C=2.0, class_weight="balanced", tol=1e-8, max_iter=5000)
        other.fit(dense, LABELS)
        mine, theirs = log_softmax(scores(model, found)), other.predict_log_proba(dense)
        assert np.abs(np.exp(mine) - np.exp(theirs)).max() < 0.01

    def test_a_rare_class_counts_as_much_as_a_common_one_where_classes_are_balanced(self) -> None:
        found = grams([("", "same words")] * 10, ("reply",))
        labels = np.array([0] * 9 + [1])
        even = fit(found, labels, 2, strength=1.0, balance=1.0)
        plain = fit(found, labels, 2, strength=1.0, balance=0.0)
        chance = np.exp(log_softmax(scores(even, found)))[0]
        assert chance == pytest.approx([0.5, 0.5], abs=1e-3)
        assert np.exp(log_softmax(scores(plain, found)))[0, 0] == pytest.approx(0.9, abs=0.01)

    def test_unknown_words_leave_the_bias(self) -> None:
        found = grams([("", text) for text in TEXTS], ("reply",))
        model = fit(found, LABELS, 3, strength=4.0, balance=1.0)
        assert scores(model, grams([("", "xyzzyx"), ("", "")], ("reply",)))[1].tolist() == model.bias.tolist()


class TestTaken:
    def test_some_texts_are_like_they_are_alone(self) -> None:
        found = grams([("", text) for text in TEXTS], ("reply",))
        some = taken(found, [2, 5])
        alone = grams([("", TEXTS[2]), ("", TEXTS[5])], ("reply",))
        assert some.texts == 2
        assert some.codes.tolist() == alone.codes.tolist()
        assert some.blocks.tolist() == alone.blocks.tolist()


def features(found: object, codes: "np.typing.NDArray[np.uint32]", idf: Floats) -> Floats:
    """Write the features out by hand."""
    from skillofmind.evals.raters.grams import Grams

    assert isinstance(found, Grams)
    dense = np.zeros((found.texts * found.per_text, len(codes)))
    place = {int(code): index for index, code in enumerate(codes)}
    for code, value, block in zip(found.codes, found.values, found.blocks, strict=True):
        if int(code) in place:
            dense[block, place[int(code)]] += value * idf[place[int(code)]]
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    unit = np.divide(dense, lengths, out=np.zeros_like(dense), where=lengths > 0)
    return np.asarray(unit.reshape(found.texts, found.per_text, -1).sum(axis=1))
