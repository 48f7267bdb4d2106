"""Leave one source out: how a planner does on a source that it has seen nothing of.

    for left in leave_one_source_out(starter_parts(), fit_embedded()):
        ...                         # ask left.planner the left.items

Each source's rows train the planners of all other sources and are never shown to its own. Sources that share
dialogues have to be one source: XDailyDialog and DailyDialog do, and so do the languages of XDailyDialog.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Planner
from skillofmind.data.labels import load_label_map
from skillofmind.data.split import group_of
from skillofmind.evals.records import Item
from skillofmind.evals.tasks.annotated import items_of
from skillofmind.evals.tasks.labelled import SOURCES, first_rows, load
from skillofmind.evals.tasks.next_skill import item_of
from skillofmind.mind.embedded.cues import load_lexicon
from skillofmind.mind.embedded.fit import Example, data_fingerprint, examples_in, features_of
from skillofmind.mind.embedded.linear import LinearModel
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.embedded.regression import Design, fit_dual, pack
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy

L2 = 0.0005
"""Weight of the penalty, as `som fit` has it."""

STEPS = 100
"""Of the optimiser; more change little."""

Fit = Callable[[Sequence[Example]], Planner]
"""Rows to learn from -> a planner."""


class Part(NamedTuple):
    """One source.

    Attributes:
        rows: what planners of the other sources learn from it.
        items: what its own planner is asked.
    """

    rows: Sequence[Example]
    items: Sequence[Item]


class LeftOut(NamedTuple):
    """A source, a planner that has seen nothing of it, and what to ask."""

    source: str
    planner: Planner
    items: Sequence[Item]


def leave_one_source_out(corpora: Mapping[str, Part], fit: Fit) -> Iterator[LeftOut]:
    """Yield each source with a planner that was fitted on the rows of all others, one at a time.

    Rows of other sources whose group has a member in the source are left out, too.

    Args:
        corpora: name -> source, at least two.
        fit: called once a source, with the rows in the order of `corpora`.

    Raises:
        ConfigurationError: there are fewer than two sources.
    """
    if len(corpora) < 2:
        raise ConfigurationError(f"{len(corpora)} source leaves nothing to learn from; give at least two.")
    for source, part in corpora.items():
        own = {row.group for row in part.rows} | {item.group for item in part.items}
        others = (row for name, other in corpora.items() if name != source for row in other.rows)
        yield LeftOut(source, fit([row for row in others if row.group not in own]), part.items)


def labelled_parts(names: Sequence[str], data: Path, rows: int = 300) -> dict[str, Part]:
    """Return labelled corpora as sources: `rows` turns of the train part, and the items of the test part.

    Raises:
        ConfigurationError: labels of a source name classes, which a planner cannot learn from.
        DataError: a corpus is not there.
    """
    return {name: _part(name, data, rows) for name in names}


def _part(name: str, data: Path, rows: int) -> Part:
    if SOURCES[name].by_class:
        raise ConfigurationError(f"{name!r} has classes and no skills to learn from; leave it out.")
    found = load(name, data, load_label_map())
    kept = first_rows(found.train, rows)
    return Part(
        [Example(row.dialogue, row.gold, row.group) for row in kept],
        [item_of(name, row) for row in found.test],
    )


def starter_parts() -> dict[str, Part]:
    """Return the package's dialogues by scenario: rows of the train part, items of the test part."""
    scenarios = sorted({one.scenario for one in starter_dialogues()})
    return {
        name: _scenario([one for one in starter_dialogues() if one.scenario == name]) for name in scenarios
    }


def _scenario(dialogues: Sequence[Dialogue]) -> Part:
    examples = examples_in((one for one in dialogues if one.split == "train"), load_taxonomy())
    return Part(
        [row._replace(group=group_of(row.dialogue)) for row in examples],
        list(items_of("starter", (one for one in dialogues if one.split == "test"))),
    )


def fit_embedded(base: Sequence[Example] = (), l2: float = L2, steps: int = STEPS) -> Fit:
    """Make the fit of an embedded planner on `base` and the rows that it is given.

    It is that of `som fit` with savings: no shortened copies, no held-out folds (so its confidence is not
    calibrated), and single precision. 2,000 rows take some ten seconds.

    Args:
        base: rows of no source, such as the package's dialogues.
        l2: weight of the penalty.
        steps: of the optimiser.
    """

    def fit(rows: Sequence[Example]) -> Planner:
        examples, lexicon, names = [*base, *rows], load_lexicon(), load_taxonomy().names()
        design = Design([features_of(one.dialogue, lexicon) for one in examples])
        labels = np.array([names.index(one.skill) for one in examples])
        dual, bias = fit_dual(design.gram().astype(np.float32), labels, len(names), l2, steps)
        header = {
            "temperature": 1.0,
            "lexicon": lexicon,
            "trained_on": {"examples": len(examples), "data": data_fingerprint(examples), "l2": l2},
        }
        return _loaded(pack(design, dual, bias, header, names))

    return fit


def _loaded(model: LinearModel) -> EmbeddedPlanner:
    """Return the planner of a model, by way of the file that planners are read from."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planner.bin"
        path.write_bytes(model.to_bytes())
        return EmbeddedPlanner(path)
