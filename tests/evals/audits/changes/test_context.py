from random import Random

import msgspec
from hypothesis import given

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.evals.audits.arms import Scene
from skillofmind.evals.audits.changes.context import contradicted, dropped, swapped
from skillofmind.mind.render import render_context
from tests.evals.audits.scenes import dialogues


def scene(dialogue: Dialogue, donor: Dialogue | None = None) -> Scene:
    return Scene(dialogue, Random(1), donor)


@given(dialogues())
def test_without_context_only_turns_and_names_are_left(dialogue: Dialogue) -> None:
    found = dropped(scene(dialogue))
    assert found is not None
    assert render_context(found) == "Nothing is known beforehand."
    assert found.turns == dialogue.turns
    assert [(one.key, one.name) for one in found.speakers] == [(o.key, o.name) for o in dialogue.speakers]
    assert found.next_speaker() == dialogue.next_speaker()


@given(dialogues(), dialogues())
def test_a_strangers_context_comes_whole_and_nothing_else_does(dialogue: Dialogue, donor: Dialogue) -> None:
    found = swapped(scene(dialogue, donor))
    if dialogue.context == SocialContext():
        assert found is None
    else:
        assert found is not None
        assert found.context == donor.context
        assert msgspec.structs.replace(found, context=dialogue.context) == dialogue
    assert swapped(scene(dialogue)) is None


@given(dialogues())
def test_a_contradiction_adds_a_sentence_and_turns_the_feeling(dialogue: Dialogue) -> None:
    found = contradicted(scene(dialogue))
    if dialogue.context == SocialContext():
        assert found is None
        return
    assert found is not None
    assert found.turns == dialogue.turns
    feelings = {None: None, "sadness": "joy", "unheard of": "unheard of"}
    assert found.context.emotion == feelings[dialogue.context.emotion]
    said = (
        "정정: 이 내용은 모두 사실이 아니며 그 반대입니다."
        if dialogue.lang == "ko"
        else ("Correction: none of this is true; it is the other way round.")
    )
    before = f"{dialogue.context.text} " if dialogue.context.text else ""
    assert found.context.text == before + said


def test_what_a_speaker_is_like_goes_too() -> None:
    speaker = Speaker("A", "Ann", "client", True, {"age": "3"}, ("I ski.",))
    found = dropped(scene(Dialogue((), speakers=(speaker,))))
    assert found is not None
    assert found.speakers == (Speaker("A", "Ann", human=True),)
