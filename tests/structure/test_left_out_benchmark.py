"""The benchmark that leaves sources out compares the same items, and its committed numbers fit together."""

import json
import subprocess
import sys
from typing import Any

import pytest
from benchmarks.left_out import ALL, CORPORA, MEASURES, compared

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.statistics.multiple import holm
from skillofmind.evals.tasks.left_out import Part, fit_embedded
from skillofmind.mind.embedded.fit import Example
from tests.structure.source import ROOT

KINDS = ("scenarios", "corpora")
FOUND: dict[str, Any] = json.loads((ROOT / "results" / "left_out.json").read_text("utf-8"))


def part(name: str, words: str, skill: str) -> Part:
    dialogue = Dialogue((Turn("A", words),), id=name)
    rows = [Example(dialogue, skill, f"{name}-train-{number}") for number in range(6)]
    items = [Item(name, f"{name}#{n}", f"{name}-test-{n}", dialogue, Gold((skill,))) for n in range(8)]
    return Part(rows, items)


def test_what_only_one_source_teaches_is_lost_with_it() -> None:
    parts = {
        "pets": part("pets", "my dog died and i cry", "Empathy"),
        "cats": part("cats", "my dog died and i cry", "Empathy"),
        "maps": part("maps", "where is it?", "Clarification"),
    }
    found = compared(parts, fit_embedded(steps=20), ("accuracy",))
    told = {name: row["measures"]["accuracy"] for name, row in found["sources"].items()}
    assert {name: (one["seen"]["value"], one["unseen"]["value"]) for name, one in told.items()} == {
        "pets": (1.0, 1.0),
        "cats": (1.0, 1.0),
        "maps": (1.0, 0.0),
    }
    assert {name: row["known"] for name, row in found["sources"].items()} == {
        "pets": 1.0,
        "cats": 1.0,
        "maps": 0.0,
    }
    lost = told["maps"]["difference"]
    # All eight swapped, or none: 2 of 256.
    assert (lost["value"], lost["interval95"]) == (-1.0, [-1.0, -1.0])
    assert 0.001 < lost["p"] < 0.02
    assert lost["holm"] == pytest.approx(3 * lost["p"], abs=1e-4)
    whole = found[ALL]["measures"]["accuracy"]
    assert (whole["difference"]["value"], whole["difference"]["n"]) == (pytest.approx(-1 / 3, abs=1e-4), 24)
    assert whole["difference"]["holm"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_numbers_fit_together(kind: str) -> None:
    sources = FOUND[kind]["sources"]
    for row in (*sources.values(), FOUND[kind][ALL]):
        assert tuple(row["measures"]) == MEASURES[kind]
        for told in row["measures"].values():
            moved = told["unseen"]["value"] - told["seen"]["value"]
            assert told["difference"]["value"] == pytest.approx(moved, abs=2e-4)
    for measure in MEASURES[kind]:
        tests = [row["measures"][measure]["difference"] for row in sources.values()]
        assert [one["holm"] for one in tests] == pytest.approx(holm([one["p"] for one in tests]), abs=2e-4)
    assert FOUND[kind][ALL]["items"] == sum(row["items"] for row in sources.values())


def test_the_committed_numbers_are_of_these_sources() -> None:
    assert tuple(FOUND["corpora"]["sources"]) == CORPORA
    assert len(FOUND["scenarios"]["sources"]) == 14
    assert FOUND["scenarios"][ALL]["items"] == 998


def test_the_table_has_a_row_for_every_source() -> None:
    code = "import sys; sys.path.insert(0, 'docs'); import render; print(render.PARTS['left_out']())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    first, second = (part.splitlines()[2:] for part in done.stdout.strip().split("\n\n"))
    assert [line.split(" | ")[0].strip("| ") for line in first] == [
        *FOUND["scenarios"]["sources"],
        "all items",
    ]
    assert [line.split(" | ")[0].strip("| ") for line in second] == [*CORPORA, "all items"]
