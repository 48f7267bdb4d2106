"""Splits of published corpora: nothing that belongs together, and nothing nearly equal, is divided."""

from pathlib import Path

import pytest

from skillofmind.cli.main import main
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.duplicates import across_splits, clusters, near_duplicates
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.data.split import shared_groups
from tests.data.corpora.reading import shared

THRESHOLD = 0.7


def divided(tmp_path: Path, corpus: str, *more: str) -> list[Dialogue]:
    out = tmp_path / "parts"
    assert main(["data", "split", str(shared(corpus)), "--skip-bad", "--out", str(out), *more]) in (0, 1)
    found = [d for file in sorted(out.glob("*.jsonl")) for d in accepted(read_dialogues(file))]
    assert {d.split for d in found} == {"train", "validation", "test"}
    return found


@pytest.mark.parametrize("corpus", ["dailydialog", "diasafety", "cima", "xdailydialog"])
def test_a_split_divides_no_source_and_no_near_duplicates(corpus: str, tmp_path: Path) -> None:
    found = divided(tmp_path, corpus, "--near-duplicates", str(THRESHOLD))
    alike = clusters(near_duplicates(found, THRESHOLD))
    assert across_splits(found, alike).clusters == {}
    assert shared_groups(found, alike) == {}


def test_without_the_option_near_duplicates_of_diasafety_are_divided(tmp_path: Path) -> None:
    found = divided(tmp_path, "diasafety")
    assert across_splits(found, clusters(near_duplicates(found, THRESHOLD))).clusters != {}
    assert shared_groups(found) == {}
