import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from skillofmind.evals.study.folder import create, read
from skillofmind.evals.study.outcome.report import page
from skillofmind.evals.study.outcome.results import results
from tests.evals.study.talks import GOOD, PLAIN, Chooser, answer_all, attentive, small_study


@pytest.mark.parametrize("kind", ["pairs", "ratings"])
def test_the_page_shows_all_of_it_and_runs_nothing(tmp_path: Path, kind: str) -> None:
    study, tasks = small_study(tmp_path, 6, kind=kind)
    study = msgspec.structs.replace(study, title="<script>alert(1)</script>")
    create(tmp_path / "s", study, tasks)
    rate: Chooser = lambda task, criterion, swapped: task.expected or 1  # noqa: E731
    answer_all(tmp_path / "s", "<b>ana", attentive(lambda task, criterion: GOOD) if kind == "pairs" else rate)
    answer_all(tmp_path / "s", "ben", rate if kind == "ratings" else lambda task, criterion, swapped: "same")
    text = page(results(read(tmp_path / "s")))
    tree = ElementTree.fromstring(re.sub(r"<!doctype html>|<meta [^>]*>", "", text))
    assert [node for node in tree.iter() if node.tag in ("script", "b", "link", "img")] == []
    assert "http" not in text
    cells = {node.text for node in tree.iter("td")}
    assert {"<b>ana", "ben", "naturalness", "overall"} <= cells
    if kind == "pairs":
        assert "0 of 4: excluded" in cells or "2 of 4: excluded" in cells
        titles = [node.text for node in tree.iter("title")]
        assert titles.count("6 of 6") == 7
    else:
        assert {GOOD, PLAIN, "1.00"} <= cells
