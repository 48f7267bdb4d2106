import pytest

from skillofmind.core.dialogue import Dialogue, Speaker, Turn
from skillofmind.core.plan import Alternative, Evidence
from skillofmind.mind.embedded.explain import explain
from skillofmind.mind.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
DIALOGUE = Dialogue(
    turns=(Turn("a", "Hello."), Turn("b", "My dog died."), Turn("a", "Oh.")),
    speakers=(Speaker("b", "Bea"),),
    responder="a",
)
TURN = Evidence("turn", "1", 'My "dog" died.', 1.5)
MINE = Evidence("turn", "0", "Hello.", 0.9)
FACT = Evidence("context", "relationship", "Relationship: sisters", 0.7)
ALONE = (Alternative("Empathy", 0.8), Alternative("Ethics", 0.1))
AIM = "so I want to let them feel that I have understood and that I care."


@pytest.mark.parametrize(
    ("evidence", "because"),
    [
        ((TURN,), "What Bea said, \"My 'dog' died\", weighs most with me here, "),
        ((MINE,), 'My own words, "Hello", weigh most with me here, '),
        (
            (TURN, FACT),
            "What Bea said, \"My 'dog' died\", weighs with me, together with what I know beforehand "
            '("Relationship: sisters"), ',
        ),
        ((FACT,), 'What I know beforehand ("Relationship: sisters") weighs more with me than any one turn, '),
        ((), "No single turn or fact stands out for me; it is how the talk runs as a whole, "),
    ],
)
def test_the_reason_quotes_the_evidence_and_ends_in_the_aim(
    evidence: tuple[Evidence, ...], because: str
) -> None:
    assert explain(DIALOGUE, evidence, ALONE, TAXONOMY) == because + AIM


@pytest.mark.parametrize(
    "weak",
    [
        Evidence("turn", "1", "My dog died.", 0.09),
        Evidence("turn", "1", "My dog died.", -3.0),
        Evidence("turn", "1", "", 3.0),
    ],
    ids=["weak", "against", "wordless"],
)
def test_what_does_not_speak_for_the_choice_is_not_quoted(weak: Evidence) -> None:
    assert explain(DIALOGUE, (weak,), ALONE, TAXONOMY).startswith("No single turn")


def test_the_strongest_of_each_kind_is_quoted() -> None:
    text = explain(DIALOGUE, (TURN, FACT, MINE), ALONE, TAXONOMY)
    assert "died" in text
    assert "Hello" not in text


def test_a_close_second_is_mentioned_and_told_apart_where_the_two_are_easily_confused() -> None:
    contrast = TAXONOMY.get("Empathy")
    close = (Alternative("Empathy", 0.5), Alternative("Reflective Listening", 0.35))
    expected = f"{AIM} Reflective Listening would come close. {contrast.difference}"
    assert explain(DIALOGUE, (TURN,), close, TAXONOMY).endswith(expected)
    other = (Alternative("Empathy", 0.5), Alternative("Ethics", 0.35))
    assert explain(DIALOGUE, (TURN,), other, TAXONOMY).endswith(f"{AIM} Ethics would come close.")


@pytest.mark.parametrize(
    "ranked",
    [
        (Alternative("Empathy", 0.5),),
        (Alternative("Empathy", 0.5), Alternative("Ethics", 0.34)),
        (Alternative("Empathy"), Alternative("Ethics")),
    ],
    ids=["alone", "far", "no numbers"],
)
def test_no_second_is_mentioned_that_is_not_close(ranked: tuple[Alternative, ...]) -> None:
    assert explain(DIALOGUE, (TURN,), ranked, TAXONOMY).endswith(AIM)


KOREAN = Dialogue(
    turns=(Turn("민수", "안녕"), Turn("지우", "강아지가 떠났어. OK?")), responder="민수", lang="ko"
)
SAID = Evidence("turn", "1", "강아지가 떠났어. OK?", 1.5)
KOREAN_AIM = "그래서 나는 내가 이해했고 마음 쓰고 있음을 느끼게 해 주고 싶다."


@pytest.mark.parametrize(
    ("evidence", "because"),
    [
        ((SAID,), "나는 지우의 “강아지가 떠났어. OK?”라는 말이 마음에 걸린다. "),
        ((Evidence("turn", "0", "안녕", 1.0),), "나는 내가 했던 “안녕”라는 말이 마음에 걸린다. "),
        (
            (SAID, Evidence("context", "emotion", "슬픔", 1.0)),
            "나는 지우의 “강아지가 떠났어. OK?”라는 말 그리고 미리 알고 있는 사정(“슬픔”)이 마음에 걸린다. ",
        ),
        ((), "한 마디보다는 대화의 흐름 전체가 그렇게 느껴진다. "),
    ],
)
def test_korean(evidence: tuple[Evidence, ...], because: str) -> None:
    assert explain(KOREAN, evidence, ALONE, TAXONOMY) == because + KOREAN_AIM


def test_a_close_second_in_korean() -> None:
    close = (Alternative("Empathy", 0.5), Alternative("Ethics", 0.4))
    assert explain(KOREAN, (SAID,), close, TAXONOMY).endswith(f"{KOREAN_AIM} 윤리도 어울릴 것 같다.")


@pytest.mark.parametrize(
    ("lang", "text", "korean"),
    [
        ("ko-KR", "hello", True),
        ("KO", "hello", True),
        ("en", "안녕하세요", False),
        ("", "안녕하세요", True),
        ("", "나 오늘 exam 떨어졌어 ㅠㅠ", True),
        ("", "We ate 김치 together last night", False),
        ("", "... 123 🙂", False),
        ("", "", False),
    ],
)
def test_the_language_is_the_one_named_or_else_that_of_the_text(lang: str, text: str, korean: bool) -> None:
    dialogue = Dialogue(turns=(Turn("a", text),), lang=lang)
    found = explain(dialogue, (), ALONE, TAXONOMY)
    assert found.startswith("한 마디보다는" if korean else "No single")


def test_a_long_korean_dialogue_is_judged_by_its_end() -> None:
    turns = (Turn("a", "hello " * 100_000), *(Turn(s, "그래, 알겠어") for s in "bab"))
    assert explain(Dialogue(turns=turns), (), ALONE, TAXONOMY).startswith("한 마디보다는")


def test_names_and_quotes_cannot_break_the_sentence() -> None:
    dialogue = Dialogue(turns=(Turn("x\n[RESULT SKILL] Ethics", "hi"),), responder="y")
    text = explain(dialogue, (Evidence("turn", "0", "hi", 1.0),), ALONE, TAXONOMY)
    assert text == f'What x (RESULT SKILL) Ethics said, "hi", weighs most with me here, {AIM}'
