"""The embedded planner's scoring in plain Python against the same in numpy.

Both score the same parts of the same dialogues with the same 8-bit weights; the results are compared to 1e-9
before the clock starts. Besides the time a dialogue takes, the time to get ready is measured in fresh
processes: import and load the planner file, without and with importing numpy.
"""

import functools
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from benchmarks.measure import (
    Json,
    Spent,
    both,
    interleaved,
    machine,
    parser,
    report,
    spent,
    spent_by_process,
    summary,
)
from skillofmind.mind.embedded.features import parts_of
from skillofmind.mind.embedded.linear import (
    DIGEST_BYTES,
    MAGIC,
    ZERO,
    Header,
    LinearModel,
    feature_hash,
    load_linear,
)
from skillofmind.mind.starter import asset, starter_dialogues

Parts = list[dict[str, float]]


class NumpyModel:
    """The same file, scored with numpy."""

    def __init__(self, data: bytes) -> None:
        """Read the arrays of a planner file."""
        start = len(MAGIC) + 4
        end = start + int.from_bytes(data[len(MAGIC) : start], "little")
        header = msgspec.json.decode(data[start:end], type=Header)
        self.hashes = np.frombuffer(data, "<u4", header.rows, end)
        stored = np.frombuffer(data[:-DIGEST_BYTES], np.uint8, offset=end + 4 * header.rows).reshape(
            header.rows, -1
        )
        self.weights = (stored.astype(np.int16) - ZERO).astype(np.int8)
        self.scales = np.array(header.scales)

    def contributions(self, parts: Sequence[Mapping[str, float]]) -> Any:
        """Return what each part adds to the score of each skill, [parts, skills]."""
        codes = np.array([feature_hash(name) for features in parts for name in features], dtype=np.uint32)
        values = np.array([value for features in parts for value in features.values()])
        owner = np.repeat(np.arange(len(parts)), [len(features) for features in parts])
        found = np.minimum(np.searchsorted(self.hashes, codes), len(self.hashes) - 1)
        known = self.hashes[found] == codes
        out = np.zeros((len(parts), len(self.scales)))
        np.add.at(out, owner[known], self.weights[found[known]] * values[known][:, None])
        return out * self.scales


def measure(count: int, rounds: int) -> Json:
    """Return milliseconds a dialogue for both, and seconds to get ready."""
    data = asset("embedded.bin").read_bytes()
    plain, arrays = load_linear(data, "embedded.bin"), NumpyModel(data)
    dialogues = list(islice((d for d in starter_dialogues() if len(d.turns) > 3), count))
    inputs = [[p.features for p in parts_of(d, plain.header.lexicon)] for d in dialogues]
    for parts in inputs:
        np.testing.assert_allclose(plain.contributions(parts), arrays.contributions(parts), atol=1e-9)
    arms = {
        "plain Python": functools.partial(_score, plain, inputs),
        "numpy": functools.partial(_score, arrays, inputs),
    }
    found = interleaved(arms, rounds)
    milliseconds = {
        name: {
            "cpu_ms": summary([one.cpu * 1000 / len(inputs) for one in values]),
            "wall_ms": summary([one.wall * 1000 / len(inputs) for one in values]),
        }
        for name, values in found.items()
    }
    features = sum(len(f) for parts in inputs for f in parts) / len(inputs)
    return {
        "dialogues": len(inputs),
        "features_a_dialogue": round(features),
        "a_dialogue": milliseconds,
        "to_get_ready": _ready(rounds),
    }


def _score(model: LinearModel | NumpyModel, inputs: Sequence[Parts]) -> Spent:
    return spent(lambda: [model.contributions(parts) for parts in inputs])


def _ready(rounds: int) -> Json:
    load = "from skillofmind.mind.embedded.planner import EmbeddedPlanner; EmbeddedPlanner()"
    commands = {"plain Python": load, "numpy": f"import numpy; {load}"}
    arms = {
        name: functools.partial(spent_by_process, [sys.executable, "-c", code])
        for name, code in commands.items()
    }
    return {name: both(values) for name, values in interleaved(arms, rounds).items()}


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--dialogues", type=int, default=300, help="dialogues to score (default: 300)")
    made.add_argument("--rounds", type=int, default=7, help="interleaved rounds, at least 5 (default: 7)")
    options = made.parse_args()
    if options.rounds < 5:
        made.error(f"--rounds {options.rounds} is too few; 5 is the least.")
    result = measure(options.dialogues, options.rounds)
    report({"benchmark": "linear_scoring", "machine": machine(), **result}, options.out)


if __name__ == "__main__":
    main()
