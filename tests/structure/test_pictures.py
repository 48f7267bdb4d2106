"""The pictures of the pages are those that the committed result gives."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from tests.structure.source import ROOT


def drawing() -> ModuleType:
    place = ROOT / "docs" / "pictures.py"
    spec = importlib.util.spec_from_file_location("pictures", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOUND = json.loads(Path(ROOT / "results" / "planner_study.json").read_text("utf-8"))
DRAWN: dict[str, str] = drawing().pictures()


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_picture_is_drawn_from_the_result(name: str) -> None:
    assert (ROOT / "docs" / "pictures" / name).read_text("utf-8") == DRAWN[name]


def test_the_learning_curve_shows_every_point() -> None:
    tree = ElementTree.fromstring(DRAWN["learning_curve.svg"])
    marks = [node for node in tree.iter() if node.tag.endswith(("circle", "path"))]
    # Circles are the encoder planner, triangles the encoder alone; one more of each in the legend.
    assert len(marks) == 2 * (len(FOUND["learning_curve"]) + 1)


def test_the_picture_of_what_planning_adds_has_a_bar_for_each_part() -> None:
    arms = json.loads(Path(ROOT / "results" / "plan_overhead.json").read_text("utf-8"))["arms"]
    tree = ElementTree.fromstring(DRAWN["plan_overhead.svg"])
    bars = [node for node in tree.iter() if node.tag.endswith("rect")]
    # One is the paper, two are in the legend.
    assert len(bars) == 3 + 2 * len(arms)
    words = " ".join(node.text or "" for node in tree.iter())
    assert all(f"{arm['ratio']['p50']:.2f} x" in words for arm in arms.values())
