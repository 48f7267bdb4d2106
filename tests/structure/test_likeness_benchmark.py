"""The benchmark of likeness by meaning: what counts as the same dialogue."""

import random

import msgspec
import numpy as np
from benchmarks.likeness import REWRITTEN, Rewritten, described, edited

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.starter import starter_dialogues


def test_every_rewritten_dialogue_is_of_an_english_starter_dialogue() -> None:
    told = [msgspec.json.decode(line, type=Rewritten) for line in REWRITTEN.read_bytes().splitlines()]
    sizes = {dialogue.id: len(dialogue.turns) for dialogue in starter_dialogues() if dialogue.lang == "en"}
    assert len(told) == len({one.of for one in told}) == 24
    assert all(len(one.turns) <= sizes[one.of] for one in told)


def test_an_edited_copy_has_other_names_and_fewer_words() -> None:
    words = [f"Ana word{n}" for n in range(300)]
    copy = edited(Dialogue((Turn("Ana", " ".join(words)),), lang="en"), random.Random(7))
    found = copy.turns[0].text.split()
    assert "Ana" not in found
    assert 350 < len(found) < 450
    assert copy.lang == "en"


def test_values_are_counted_by_threshold() -> None:
    found = described(np.array([0.1, 0.7, 0.8, 1.0], dtype=np.float64))
    assert (found["count"], found["quantiles"]["0.5"], found["quantiles"]["1"]) == (4, 0.75, 1.0)
    assert (found["at_or_above"]["0.8"], found["at_or_above"]["0.9"]) == (2, 1)
