import unicodedata
from random import Random

import msgspec
import pytest
from hypothesis import given

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.picture import image_of, spoken
from skillofmind.evals.audits.arms import Change, Scene
from skillofmind.evals.audits.changes import noise
from skillofmind.evals.audits.changes.paraphrase import paraphrase, paraphrased
from tests.evals.audits.scenes import dialogues

NOISES: dict[str, Change] = {
    "typos": noise.typos(0.2),
    "lower": noise.lower_case,
    "upper": noise.upper_case,
    "marks": noise.no_marks,
    "emoji": noise.emoji,
    "space": noise.white_space,
    "points": noise.code_points,
    "invisible": noise.invisible,
}


def applied(change: Change, text: str, seed: int = 1) -> str:
    found = change(Scene(Dialogue((Turn("A", text),)), Random(seed)))
    assert found is not None
    return found.turns[0].text


@pytest.mark.parametrize("name", NOISES)
@given(dialogue=dialogues())
def test_noise_touches_the_text_of_turns_alone(name: str, dialogue: Dialogue) -> None:
    found = NOISES[name](Scene(dialogue, Random(1)))
    assert found is not None
    bare = [msgspec.structs.replace(turn, text="") for turn in found.turns]
    assert bare == [msgspec.structs.replace(turn, text="") for turn in dialogue.turns]
    assert msgspec.structs.replace(found, turns=dialogue.turns) == dialogue


def test_what_each_noise_does() -> None:
    text = "Don't go, Ann… it is 5 o'clock!"
    assert applied(noise.lower_case, text) == "don't go, ann… it is 5 o'clock!"
    assert applied(noise.upper_case, text) == "DON'T GO, ANN… IT IS 5 O'CLOCK!"
    assert applied(noise.no_marks, text) == "Dont go Ann it is 5 oclock"
    assert applied(noise.white_space, "a b") == "\na  b \t "
    assert applied(noise.invisible, "they go home") == "th\u200bey go ho\u200bme"
    shown = applied(noise.code_points, "Don't café")
    assert shown == "Don\u2019t\u00a0cafe\u0301"
    assert unicodedata.normalize("NFC", shown) == "Don\u2019t\u00a0café"


@pytest.mark.parametrize("name", sorted(set(NOISES) - {"emoji"}))
def test_the_mark_of_a_picture_is_no_text(name: str) -> None:
    for mark, shown in (("[Sharing Image]", " my dog there"), ("[Sharing Image: my dog there]", "")):
        found = NOISES[name](Scene(Dialogue((Turn("A", f"Look, there! {mark}{shown}"),)), Random(1)))
        assert found is not None
        assert mark in found.turns[0].text
        assert image_of(found.turns[0]) is not None
        assert spoken(found.turns[0]) != "Look, there!" or name == "white_space"


def test_an_emoji_stands_behind_the_last_turn_only() -> None:
    found = noise.emoji(Scene(Dialogue((Turn("A", "one"), Turn("B", "two"))), Random(1)))
    assert found is not None
    assert found.turns[0].text == "one"
    assert found.turns[1].text.startswith("two ")
    assert len(found.turns[1].text) > 4


@pytest.mark.parametrize(("rate", "low", "high"), [(0.0, 0, 0), (0.02, 120, 280), (0.08, 640, 960)])
def test_typos_come_at_their_rate(rate: float, low: int, high: int) -> None:
    # Each letter stands alone between blanks, so a mistake changes one word and no other.
    text = " ".join("q" for _ in range(10_000))
    typed = applied(noise.typos(rate), text)
    wrong = sum(word != "q" for word in typed.split(" "))
    assert low <= wrong <= high


def test_typos_leave_marks_numbers_and_other_scripts_alone() -> None:
    text = "12 345, 안녕하세요! … 你好"
    assert applied(noise.typos(1.0), text) == text


def test_a_paraphrase_is_light_and_keeps_case_and_marks() -> None:
    assert paraphrase("I'm scared! Don't. MOVIE, really? He's ok") == (
        "I am afraid! Do not. FILM, truly? He's okay"
    )
    assert paraphrase("Nothing here changes.") == "Nothing here changes."


def test_only_english_is_paraphrased() -> None:
    german = Dialogue((Turn("A", "Das ist really gut."),), lang="de")
    assert paraphrased(Scene(german, Random(1))) is None
