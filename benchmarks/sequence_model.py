"""A small recurrent network over the turns of a dialogue that predicts each next strategy; needs torch.

    turn t -> [vector of its text, its strategy, its speaker] -> GRU -> state h_t
    scores of turn t + 1 = A h_t + B [features of the row]

Trained with cross-entropy on all rows of a dialogue at once. Seeds are fixed; the same library versions give
the same network.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_STRATEGIES = 9
_HIDDEN, _PROJECTED, _EMBEDDED = 96, 48, 12
_BATCH = 16


class Talk(NamedTuple):
    """One dialogue as numbers.

    Attributes:
        vectors: [turns, size].
        strategies: [turns], -1 for a seeker's turn.
        places: [rows], index of the turn before each row's target.
        features: [rows, features].
        targets: [rows].
    """

    vectors: "Floats"
    strategies: "NDArray[np.int64]"
    places: "NDArray[np.int64]"
    features: "Floats"
    targets: "NDArray[np.int64]"


def fit_predict(
    train: Sequence[Talk], test: Sequence[Talk], classes: int, epochs: int, seeds: Sequence[int]
) -> "NDArray[np.float64]":
    """Return the mean probabilities, [rows of `test`, classes], of one network a seed."""
    found = [_predicted(_trained(train, classes, epochs, seed), test) for seed in seeds]
    return np.asarray(np.mean(found, axis=0))


def _trained(train: Sequence[Talk], classes: int, epochs: int, seed: int) -> Any:
    import torch

    torch.manual_seed(seed)
    network = _network(train[0].vectors.shape[1], train[0].features.shape[1], classes)
    best = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    steps = epochs * (-(-len(train) // _BATCH))
    schedule = torch.optim.lr_scheduler.OneCycleLR(best, 2e-3, total_steps=steps)
    draw = np.random.default_rng(seed)
    for _ in range(epochs):
        order = draw.permutation(len(train))
        for start in range(0, len(train), _BATCH):
            chosen = [train[index] for index in order[start : start + _BATCH]]
            scores = _scores(network, chosen)
            targets = torch.from_numpy(np.concatenate([talk.targets for talk in chosen]))
            loss = torch.nn.functional.cross_entropy(scores, targets, label_smoothing=0.05)
            best.zero_grad()
            loss.backward()
            best.step()
            schedule.step()
    return network.eval()


def _network(size: int, features: int, classes: int) -> Any:
    from torch import nn

    return nn.ModuleDict(
        {
            "project": nn.Sequential(nn.Dropout(0.3), nn.Linear(size, _PROJECTED), nn.Tanh()),
            "strategy": nn.Embedding(_STRATEGIES, _EMBEDDED),
            "states": nn.GRU(_PROJECTED + _EMBEDDED, _HIDDEN, batch_first=True),
            "drop": nn.Dropout(0.5),
            "from_states": nn.Linear(_HIDDEN, classes),
            "from_features": nn.Sequential(nn.Dropout(0.3), nn.Linear(features, classes)),
        }
    )


def _scores(network: Any, talks: Sequence[Talk]) -> Any:
    """Return the scores of all rows of `talks`, [rows, classes]."""
    import torch

    pad = torch.nn.utils.rnn.pad_sequence
    vectors = pad([torch.from_numpy(talk.vectors) for talk in talks], batch_first=True)
    strategies = pad([torch.from_numpy(talk.strategies + 1) for talk in talks], batch_first=True)
    inputs = torch.cat([network["project"](vectors), network["strategy"](strategies)], dim=-1)
    states, _ = network["states"](inputs)
    which = torch.cat([torch.full((len(talk.places),), n) for n, talk in enumerate(talks)])
    places = torch.from_numpy(np.concatenate([talk.places for talk in talks]))
    features = torch.from_numpy(np.concatenate([talk.features for talk in talks]))
    chosen = network["drop"](states[which, places])
    return network["from_states"](chosen) + network["from_features"](features)


def _predicted(network: Any, talks: Sequence[Talk]) -> "NDArray[np.float64]":
    import torch

    with torch.inference_mode():
        found = torch.cat([_scores(network, [talk]) for talk in talks]).softmax(-1)
    return np.asarray(found.numpy(), dtype=np.float64)
