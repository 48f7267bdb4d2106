from random import Random

import msgspec
import pytest
from hypothesis import given

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.audits.arms import Scene
from skillofmind.evals.audits.changes.turns import last_turns, misled, speakers_swapped
from tests.evals.audits.scenes import dialogues


def talk(*texts: str) -> Dialogue:
    return Dialogue(tuple(Turn("AB"[n % 2], text) for n, text in enumerate(texts)))


@given(dialogues())
def test_swapped_speakers_say_the_same_words(dialogue: Dialogue) -> None:
    found = speakers_swapped(Scene(dialogue, Random(1)))
    if len(dialogue.turns) < 2:
        assert found is None
        return
    assert found is not None
    assert [turn.speaker for turn in found.turns] == ["BA"[n % 2] for n in range(len(dialogue.turns))]
    assert [msgspec.structs.replace(turn, speaker="") for turn in found.turns] == [
        msgspec.structs.replace(turn, speaker="") for turn in dialogue.turns
    ]
    assert found.next_speaker() == dialogue.next_speaker()


def test_three_speakers_are_not_swapped() -> None:
    three = Dialogue((Turn("A", "1"), Turn("B", "2"), Turn("C", "3")))
    assert speakers_swapped(Scene(three, Random(1))) is None


@pytest.mark.parametrize("keep", [1, 2, 4])
@given(dialogue=dialogues())
def test_the_last_turns_are_the_very_same(keep: int, dialogue: Dialogue) -> None:
    found = last_turns(keep)(Scene(dialogue, Random(1)))
    if len(dialogue.turns) <= keep:
        assert found is None
        return
    assert found is not None
    assert found.turns == dialogue.turns[-keep:]
    assert found.context == dialogue.context
    assert found.next_speaker() == dialogue.next_speaker()


@given(dialogues(), dialogues())
def test_a_misleading_history_stands_before_the_untouched_turns(dialogue: Dialogue, donor: Dialogue) -> None:
    found = misled(Scene(dialogue, Random(1), donor))
    assert found is not None
    strange = min(4, len(donor.turns))
    assert found.turns[strange:] == dialogue.turns
    assert [turn.text for turn in found.turns[:strange]] == [turn.text for turn in donor.turns[-4:]]
    assert {turn.speaker for turn in found.turns} <= {"A", "B"}
    assert found.next_speaker() == dialogue.next_speaker()
    assert misled(Scene(dialogue, Random(1))) is None


def test_the_labels_of_a_donor_do_not_come_along() -> None:
    donor = Dialogue((msgspec.structs.replace(Turn("X", "strange"), meta={"gold": "secret"}),))
    found = misled(Scene(talk("one", "two"), Random(1), donor))
    assert found is not None
    assert found.turns[0] == Turn("B", "strange")
