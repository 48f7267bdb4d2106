"""The arms of `benchmarks.planner_study`: each gives scores [rows, skills] for the validation and test turns.

Every arm is trained on the train turns alone; what is chosen (penalties, epochs) is chosen by the log loss on
the validation turns.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.fine_tuned import (
    Network,
    Rows,
    fine_tune,
    hidden_of,
    load_encoder,
    scores_of,
    tokens_of,
)
from benchmarks.planner_starter import text_of, tfidf_vectors
from skillofmind.core.dialogue import Dialogue
from skillofmind.mind.embedded.fit import Example, examples_in, training_rows
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.embedded.regression import best_temperature, fit_dual, softmax
from skillofmind.mind.encoded.fit import Encoder, inputs_of
from skillofmind.mind.encoded.planner import EncoderPlanner, read_head
from skillofmind.mind.starter import asset, starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.models.local.encoder import TextEncoder, packaged_folder

Floats = np.typing.NDArray[np.float64]
PENALTIES = (0.0001, 0.0003, 0.001)
STRENGTHS = (2.0, 8.0)
_TIMED = 120


class Splits(NamedTuple):
    """Annotated turns, and the skills in their order."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    skills: tuple[str, ...]

    def labels(self, name: str) -> "np.typing.NDArray[np.int64]":
        """Return the number of the skill of every turn of a split."""
        return np.array([self.skills.index(example.skill) for example in getattr(self, name)])

    def dialogues(self, name: str) -> list[Dialogue]:
        """Return the dialogue before every turn of a split."""
        return [example.dialogue for example in getattr(self, name)]


class Arm(NamedTuple):
    """What an arm said, and what it costs.

    Attributes:
        validation: scores, [turns, skills].
        test: scores, [turns, skills].
        note: what was chosen, `bytes` on disk, and `latency_ms` of one plan where it was measured.
    """

    validation: Floats
    test: Floats
    note: dict[str, Any]


def splits() -> Splits:
    """Return the starter dialogues' annotated turns by split."""
    taxonomy = load_taxonomy()
    parts = {
        name: examples_in((d for d in starter_dialogues() if d.split == name), taxonomy)
        for name in ("train", "validation", "test")
    }
    return Splits(**parts, skills=taxonomy.names())


def majority(data: Splits) -> Arm:
    """Score every skill by how often it occurs in train."""
    counts = np.bincount(data.labels("train"), minlength=len(data.skills)) + 1.0
    prior = np.log(counts / counts.sum())
    validation, test = (np.tile(prior, (len(part), 1)) for part in (data.validation, data.test))
    return Arm(validation, test, {"bytes": 0})


def tfidf(data: Splits) -> Arm:
    """TF-IDF of words (1-2) and characters (2-4), balanced logistic regression."""
    from sklearn.linear_model import LogisticRegression

    vectors = tfidf_vectors()
    rows = vectors.fit_transform([text_of(example) for example in data.train])
    held, asked = (vectors.transform([text_of(e) for e in part]) for part in (data.validation, data.test))
    labels, found = data.labels("train"), {}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, class_weight="balanced", max_iter=200)
        found[strength] = model.fit(rows, labels)
    best = min(found, key=lambda c: log_loss(found[c].decision_function(held), data.labels("validation")))
    model = found[best]

    def one(dialogue: Dialogue) -> object:
        return model.predict_proba(vectors.transform([text_of(Example(dialogue, "", ""))]))

    note = {"C": best, "bytes": model.coef_.nbytes, "latency_ms": latency(one, data)}
    return Arm(model.decision_function(held), model.decision_function(asked), note)


def embedded(data: Splits) -> Arm:
    """The embedded planner of the package."""
    planner = EmbeddedPlanner()
    note = {
        "bytes": asset("embedded.bin").stat().st_size,
        "latency_ms": latency(planner.plan_now, data),
        "shipped_temperature": planner.model.header.temperature,
    }
    return _packaged(planner, data, note)


def encoder(data: Splits) -> Arm:
    """The encoder planner of the package; latency with every text new to it."""
    planner = EncoderPlanner()
    cold = latency(planner.plan_now, data)
    size = asset("embedded.bin").stat().st_size + asset("encoder_head.bin").stat().st_size
    note = {
        "bytes": size + encoder_bytes(),
        "latency_ms": cold,
        "shipped_temperature": read_head(None).header.temperature,
    }
    return _packaged(planner, data, note)


def static_head(data: Splits) -> Arm:
    """The mean of the encoder's input token vectors, and a head: no network is run."""
    return head_arm(data, TokenVectors(), {"bytes": 30522 * 384 * 4})


def frozen_head(data: Splits) -> Arm:
    """The frozen encoder and a head, without the linear model."""
    return head_arm(data, text_encoder(), {"bytes": encoder_bytes()}, timed=text_encoder().encoder)


def fine_tuned(data: Splits) -> Arm:
    """The upper half of the encoder trained, see `benchmarks.fine_tuned`."""
    base = load_encoder()
    parts = {
        name: Rows(hidden_of(base, tokens_of(data.dialogues(name))), data.labels(name))
        for name in ("train", "validation", "test")
    }
    network, course = fine_tune(base, parts["train"], parts["validation"], len(data.skills), lambda _: None)
    validation, test = (scores_of(network, parts[name].hidden) for name in ("validation", "test"))
    return Arm(validation, test, {"epochs": course, **fine_tuned_cost(data, network, base)})


def fine_tuned_cost(data: Splits, network: Network, base: Any) -> dict[str, Any]:
    """Return size and latency of a fine-tuned network."""

    def one(dialogue: Dialogue) -> object:
        return scores_of(network, hidden_of(base, tokens_of([dialogue])))

    # The tokenizer is loaded by each call of tokens_of, so what stands here is an upper bound.
    return {"bytes": encoder_bytes() + 385 * len(data.skills) * 4, "latency_ms": latency(one, data)}


ARMS: dict[str, Callable[[Splits], Arm]] = {
    "majority": majority,
    "embedded": embedded,
    "encoder": encoder,
    "fine_tuned": fine_tuned,
    "frozen_head": frozen_head,
    "static_head": static_head,
    "tfidf": tfidf,
}


class TokenVectors:
    """The encoder's input vectors as an `Encoder`."""

    identity = "token vectors"

    def __init__(self) -> None:
        """Load the table."""
        self._encoder = text_encoder().encoder
        self.size = self._encoder.size

    def encode(self, texts: Sequence[str]) -> "np.typing.NDArray[np.float32]":
        """Return mean token vectors, [texts, size]."""
        return self._encoder.token_vectors(texts)


class Remembering:
    """An encoder that encodes a text once."""

    def __init__(self, encoder: TextEncoder) -> None:
        """Wrap `encoder`."""
        self.encoder, self.identity, self.size = encoder, encoder.identity, encoder.size
        self._found: dict[str, np.typing.NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> "np.typing.NDArray[np.float32]":
        """Return vectors, [texts, size]."""
        new = [text for text in dict.fromkeys(texts) if text not in self._found]
        self._found |= zip(new, self.encoder.encode(new), strict=True)
        return np.array([self._found[text] for text in texts], dtype=np.float32).reshape(-1, self.size)


@cache
def text_encoder() -> Remembering:
    """Return the packaged encoder, loaded once."""
    return Remembering(TextEncoder())


def encoder_bytes() -> int:
    """Return the size of the encoder's weights."""
    return (Path(packaged_folder()) / "model.safetensors").stat().st_size


def head_arm(data: Splits, vectors: Encoder, note: dict[str, Any], *, timed: Encoder | None = None) -> Arm:
    """Fit a head for every penalty and keep the best on validation; `timed` is `vectors` without memory."""
    rows = training_rows(data.train)
    labels = np.array([data.skills.index(row.skill) for row in rows])
    inputs = inputs_of([row.dialogue for row in rows], vectors)
    held, asked = (inputs_of(data.dialogues(name), vectors) for name in ("validation", "test"))
    single: Any = inputs.astype(np.float32)
    gram = single @ single.T
    found = {}
    for penalty in PENALTIES:
        dual, bias = fit_dual(gram, labels, len(data.skills), penalty)
        found[penalty] = (inputs.T @ dual, bias)
    losses = {
        penalty: round(log_loss(held @ weights + bias, data.labels("validation")), 4)
        for penalty, (weights, bias) in found.items()
    }
    best = min(losses, key=losses.__getitem__)
    weights, bias = found[best]

    def one(dialogue: Dialogue) -> object:
        return inputs_of([dialogue], timed or vectors) @ weights + bias

    chosen = {"l2": best, "validation_log_loss": losses, "latency_ms": latency(one, data)}
    size = {"bytes": note["bytes"] + weights.size * 2}
    return Arm(held @ weights + bias, asked @ weights + bias, note | chosen | size)


def latency(one: Callable[[Dialogue], object], data: Splits) -> dict[str, float]:
    """Return median and 95th percentile of CPU and wall milliseconds of `one` over test turns."""
    wall, cpu = [], []
    # One turn a dialogue, the last: a second one would find the texts of the first in the cache.
    lasts = list({example.group: example.dialogue for example in data.test}.values())
    one(lasts[-1])
    for dialogue in lasts[:: max(1, len(lasts) // _TIMED)]:
        began, began_cpu = time.perf_counter(), time.thread_time()
        one(dialogue)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.thread_time() - began_cpu) * 1000)
    cuts = {name: statistics.quantiles(values, n=20) for name, values in (("wall", wall), ("cpu", cpu))}
    return {
        f"{name}_{label}": round(found[place], 2)
        for name, found in cuts.items()
        for label, place in (("p50", 9), ("p95", 18))
    }


def log_loss(scores: Floats, labels: "np.typing.NDArray[np.int64]") -> float:
    """Return the log loss at the best temperature."""
    probabilities = softmax(scores / best_temperature(scores, labels))
    return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())


def _packaged(planner: EmbeddedPlanner | EncoderPlanner, data: Splits, note: dict[str, Any]) -> Arm:
    validation, test = (
        np.array([planner.score(dialogue).scores for dialogue in data.dialogues(name)])
        for name in ("validation", "test")
    )
    return Arm(validation, test, note)
