from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Image, Session, SocialContext, Speaker, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.filters import Duplicates, Filters, check, judge, known
from skillofmind.mind.annotate.reply import Draft
from skillofmind.mind.render import context_lines
from skillofmind.scorers.overlap import units
from tests.data.dialogues import DIALOGUES

EXAM = "I failed my exam."
PIZZA = "Pizza tonight, my treat!"
TREAT = "I will treat her to pizza tonight."
NUMBERS = "one two three four five six seven eight nine ten"
ANYTHING = st.text(st.characters(), max_size=80)


def row(before: str, gold: str, **more: Any) -> Instance:
    """Return Ben's reply to what Ana said."""
    target = Turn("Ben", gold, images=more.pop("images", ()))
    return Instance("0:own:1", Dialogue((Turn("Ana", before),), responder="Ben", **more), target, 1)


def draft(explanation: str = "I want to help.", counterfactual: str = "Other words here.") -> Draft:
    return Draft("Comfort", "comfort", explanation, counterfactual)


def words(count: int) -> str:
    return " ".join(f"w{n}" for n in range(count))


class Leak(NamedTuple):
    """A case with its three measures: shares of novel gold and counterfactual units, novel gold units."""

    row: Instance
    explanation: str
    counterfactual: str
    gold: float
    control: float
    units: int
    flagged: bool
    lang: str = ""


LEAKS = {
    # Novel: pizza, tonight, treat ("my" was said before); all three are in the explanation: 3/3.
    # Counterfactual, "Ana" being a name: you, had, it, coming: 0/4.
    "all novel words": Leak(row(EXAM, PIZZA), TREAT, "You had it coming, Ana.", 1, 0, 3, True),
    # treat and pizza of the three
    "two words are too few": Leak(
        row(EXAM, PIZZA), "I want to treat her to pizza.", "No.", 2 / 3, 0, 2, False
    ),
    # Counterfactual ("i" was said): tonight, treat, myself, to, pizza, not, you; of these tonight, treat, to,
    # pizza are in the explanation: 4/7. 1 - 4/7 = 0.43
    "a control that shares words": Leak(
        row(EXAM, PIZZA), TREAT, "Tonight I treat myself to pizza, not you.", 1, 4 / 7, 3, True
    ),
    # Counterfactual: treat, him, to, pizza, tonight: 4/5. 1 - 0.8 = 0.2
    "a control that shares nearly all": Leak(
        row(EXAM, PIZZA), TREAT, "Treat him to pizza tonight.", 1, 4 / 5, 3, False
    ),
    # Counterfactual: will, her, to: 3/3. Gold: nothing. The difference is -1.
    "the control leaks instead": Leak(row(EXAM, PIZZA), "I will go to her.", "Will her to.", 0, 1, 0, False),
    "words of the dialogue": Leak(
        row(f"{EXAM} Treat me to pizza tonight?", PIZZA), TREAT, "Never.", 0, 0, 0, False
    ),
    # Only "treat" is left of pizza, tonight, treat.
    "words of the social context": Leak(
        row(EXAM, PIZZA, context=SocialContext(situation="PIZZA is cheap tonight.")),
        TREAT,
        "No.",
        1,
        0,
        1,
        False,
    ),
    # Novel: hey, is, here; Ana, Carla Maria and Ben are names.
    "names": Leak(
        row(EXAM, "Hey Ana, Carla Maria is here", speakers=(Speaker("c", "Carla Maria"),)),
        "Ana needs Carla Maria here, I think.",
        "No.",
        1 / 3,
        0,
        1,
        False,
    ),
    # 3 of 10: exactly the threshold
    "at the threshold": Leak(row(EXAM, NUMBERS), "I think one two three.", "No.", 0.3, 0, 3, True),
    # 9 of 10 less 6 of 10 (a, b, c, d are not in the explanation)
    "six to nine": Leak(
        row(EXAM, NUMBERS),
        "I say one two three four five six seven eight nine.",
        "one two three four five six a b c d",
        0.9,
        0.6,
        9,
        True,
    ),
    # Novel: look, a, golden, retriever, puppy; the last three are in the explanation: 3/5.
    "a picture gives away too": Leak(
        row(EXAM, "Look!", images=(Image("a golden retriever puppy"),)),
        "I will show my golden retriever puppy.",
        "Go away now.",
        3 / 5,
        0,
        3,
        True,
    ),
    # The same, as the published corpora write it.
    "a picture in the text": Leak(
        row(EXAM, "Look! [Sharing Image] a golden retriever puppy"),
        "I will show my golden retriever puppy.",
        "Go away now.",
        3 / 5,
        0,
        3,
        True,
    ),
    # Pairs: 今晚 晚我 我请 请你 你吃 吃披 披萨, none said before; 今晚 吃披 披萨 are in the explanation: 3/7.
    # Counterfactual: 你活 活该 该没, and 没过, which was said: 0/3.
    "Chinese": Leak(
        row("我考试没过。", "今晚我请你吃披萨！"),
        "我想今晚请她吃披萨。",
        "你活该没过。",
        3 / 7,
        0,
        3,
        True,
        "zh",
    ),
    # Novel: all five words; 오늘 저녁 피자 are in the explanation: 3/5. Counterfactual: 0/4.
    "Korean": Leak(
        row("시험에 떨어졌어.", "오늘 저녁 피자 내가 살게!"),
        "나는 오늘 저녁 피자 이야기로 위로하고 싶다.",
        "공부 좀 하지 그랬어.",
        3 / 5,
        0,
        3,
        True,
        "ko",
    ),
    "nothing is said": Leak(row("", ""), "", "", 0, 0, 0, False),
}


class TestLeak:
    @pytest.mark.parametrize("case", LEAKS.values(), ids=LEAKS)
    def test_by_hand(self, case: Leak) -> None:
        found = check(case.row, draft(case.explanation, case.counterfactual), Filters(), case.lang)
        assert found.measures["leak_gold"] == pytest.approx(case.gold, abs=1e-9)
        assert found.measures["leak_counterfactual"] == pytest.approx(case.control, abs=1e-9)
        assert found.measures["leak"] == pytest.approx(case.gold - case.control, abs=1e-9)
        assert found.measures["leak_units"] == case.units
        assert ("leak" in found.flags) is case.flagged

    def test_rounding_does_not_undercut_the_threshold(self) -> None:
        # 7/10 - 4/10 = 0.29999999999999993 in binary
        said = "I say one two three four five six seven."
        found = check(row(EXAM, NUMBERS), draft(said, "one two three four a b c d e f"), Filters())
        assert found.measures["leak"] < 0.3
        assert found.flags == ("leak",)

    def test_can_be_switched_off_and_sharpened(self) -> None:
        one = draft("I think one two three.", "No.")
        assert check(row(EXAM, NUMBERS), one, Filters(leak=0, longest=0)).flags == ()
        assert check(row(EXAM, NUMBERS), one, Filters(leak=0.31, longest=0)).flags == ()
        assert check(row(EXAM, NUMBERS), one, Filters(leak_units=4, longest=0)).flags == ()
        assert check(row(EXAM, NUMBERS), one, Filters(longest=0)).flags == ("leak",)

    @given(DIALOGUES)
    def test_all_that_the_teacher_is_told_counts_as_said(self, dialogue: Dialogue) -> None:
        last = dialogue.turns[-1]
        before = known(Instance("x", dialogue, last, 9)).before
        for line in context_lines(dialogue):
            assert set(units(line.said)) <= before
        assert {unit for turn in dialogue.turns for unit in units(turn.text)} <= before

    def test_every_part_of_the_context_counts(self) -> None:
        context = SocialContext(topic="alpha", services=("beta",), extra={"gamma": "delta"})
        people = Speaker("c", "epsilon", role="zeta", attributes={"eta": "theta"}, persona=("iota",))
        history = (Session("kappa", "lambda", (Turn("c", "hidden"),)), Session(turns=(Turn("mu", "nu"),)))
        shown = Turn("xi", "omicron", images=(Image("pi"),))
        talk = Dialogue((shown,), context=context, speakers=(people,), history=history, responder="rho")
        told = "alpha beta gamma delta c epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho"
        assert known(Instance("x", talk, Turn("rho", "sigma"), 1)).before == frozenset(told.split())

    @given(DIALOGUES, ANYTHING, ANYTHING, ANYTHING, st.sampled_from(["", "ko", "zh", "tr", "hi"]))
    def test_a_turn_with_the_words_of_the_reply_removes_the_flag(
        self, dialogue: Dialogue, gold: str, thought: str, other: str, lang: str
    ) -> None:
        told = Dialogue((*dialogue.turns, Turn("Ana", gold)), speakers=dialogue.speakers)
        one = draft(f"{thought} {gold}", other)
        found = check(Instance("x", told, Turn("Ben", gold), 9), one, Filters(leak=0.01, leak_units=1), lang)
        assert found.measures["leak_gold"] == 0
        assert "leak" not in found.flags


class TestClose:
    @pytest.mark.parametrize(
        ("gold", "counterfactual", "expected", "flagged"),
        [
            # five of six words are shared: 10/12
            ("I am so sorry for you", "I am so sorry for him", 5 / 6, True),
            (NUMBERS, "one two three four five six seven a b c", 0.7, True),
            (NUMBERS, "one two three four five six a b c d", 0.6, False),
            ("Yes.", "yes!", 1.0, True),
            ("Yes.", "No.", 0.0, False),
            ("👍", "👍", 0.0, True),
            ("👍", "👎", 0.0, False),
            ("", "", 0.0, False),
            ("[Sharing Image] a dog", "", 0.0, False),
            # 你好 好朋 朋友 and 你好 好友: one pair is shared of 3 + 2
            ("你好朋友", "你好友", 2 / 5, False),
            ("우리 같이 가자", "우리 같이 가지 말자", 4 / 7, False),
        ],
    )
    def test_by_hand(self, gold: str, counterfactual: str, expected: float, flagged: bool) -> None:
        found = check(row(EXAM, gold), draft(counterfactual=counterfactual), Filters())
        assert found.measures["close"] == pytest.approx(expected, abs=1e-9)
        assert ("counterfactual_close" in found.flags) is flagged

    def test_can_be_switched_off(self) -> None:
        assert check(row(EXAM, "Yes."), draft(counterfactual="Yes."), Filters(close=0)).flags == ()


class TestLength:
    @pytest.mark.parametrize(
        ("gold", "counterfactual", "flagged"),
        [
            # 0.5 * 20 - 4 = 6 and 2 * 20 + 4 = 44
            (20, 5, True),
            (20, 6, False),
            (20, 44, False),
            (20, 45, True),
            # 0.5 * 4 - 4 < 0: nothing is too short but a blank
            (4, 1, False),
            (4, 0, True),
            (4, 12, False),
            (4, 13, True),
            # a picture without words gives no bounds
            (0, 30, False),
        ],
    )
    def test_by_hand(self, gold: int, counterfactual: int, flagged: bool) -> None:
        said = words(counterfactual).replace("w", "v")
        found = check(row(EXAM, words(gold)), draft(counterfactual=said), Filters())
        assert found.measures["length_gold"] == gold
        assert found.measures["length_counterfactual"] == counterfactual
        assert ("counterfactual_length" in found.flags) is flagged

    @pytest.mark.parametrize(("characters", "flagged"), [(1, True), (2, False), (28, False), (29, True)])
    def test_characters_count_in_chinese(self, characters: int, flagged: bool) -> None:
        # 12 characters: 0.5 * 12 - 4 = 2 and 2 * 12 + 4 = 28
        found = check(
            row("好", "今天晚上我请你吃披萨怎样"), draft(counterfactual="不" * characters), Filters()
        )
        assert found.measures["length_gold"] == 12
        assert ("counterfactual_length" in found.flags) is flagged

    def test_the_description_of_a_picture_is_not_counted(self) -> None:
        found = check(row(EXAM, "Look here! [Sharing Image: a very old dog]"), draft(), Filters())
        assert found.measures["length_gold"] == 2

    def test_can_be_switched_off(self) -> None:
        one = draft(counterfactual="")
        assert check(row(EXAM, words(20)), one, Filters(longest=0)).flags == ()
        assert check(row(EXAM, words(20)), one, Filters()).flags == ("counterfactual_length",)


class TestFirstPerson:
    def test_is_flagged_by_language(self) -> None:
        said = draft("상대가 지쳐 보인다.")
        assert check(row(EXAM, "Oh no."), said, Filters(), "ko-KR").flags == ("not_first_person",)
        assert check(row(EXAM, "Oh no."), said, Filters(first_person=False), "ko").flags == ()

    def test_a_language_without_rules_is_not_checked(self) -> None:
        found = check(row(EXAM, "Oh no."), draft("Lei ha bisogno di conforto."), Filters(), "it")
        assert (found.flags, found.measures["first_person_checked"]) == ((), 0)
        assert check(row(EXAM, "Oh no."), draft(), Filters()).measures["first_person_checked"] == 1

    @pytest.mark.parametrize(
        ("explanation", "flagged"),
        [
            ("Ben should comfort her, I think.", True),
            ("Speaker ben is sad for me.", True),
            ("Benjamin feels with me.", True),
            ("Ana should hear that I am there.", False),
            ("Benny should hear that I am there.", False),
        ],
    )
    def test_the_thinker_is_known_by_key_and_name(self, explanation: str, flagged: bool) -> None:
        people = (Speaker("Ben", "Benjamin"), Speaker("Ana"))
        found = check(row(EXAM, "Oh no.", speakers=people), draft(explanation), Filters())
        assert ("not_first_person" in found.flags) is flagged

    def test_a_name_that_both_have_decides_nothing(self) -> None:
        people = (Speaker("Ben", "Kim"), Speaker("Ana", "Kim"))
        found = check(row(EXAM, "Oh no.", speakers=people), draft("Kim seems sad to me."), Filters())
        assert found.flags == ()


class TestCheck:
    def test_an_unknown_skill_is_flagged(self) -> None:
        one = Draft(None, "Telepathy", "I want to help.", "Other words here.")
        assert check(row(EXAM, "Oh no."), one, Filters()).flags == ("oov",)

    def test_flags_come_in_their_order(self) -> None:
        one = Draft(None, "?", "Treat her to pizza tonight, yes.", "")
        found = check(row(EXAM, "Pizza tonight, my treat, yes!"), one, Filters())
        assert found.flags == ("oov", "leak", "not_first_person", "counterfactual_length")
        assert found.draft is one

    @given(DIALOGUES, ANYTHING, ANYTHING, ANYTHING, st.sampled_from(["", "ko", "zh", "de-AT", "it", "x_y"]))
    def test_no_text_raises_and_flags_repeat(
        self, dialogue: Dialogue, gold: str, thought: str, other: str, lang: str
    ) -> None:
        instance = Instance("x", dialogue, Turn("Ben", gold), len(dialogue.turns))
        one = Draft(None, gold, thought, other)
        found = check(instance, one, Filters(), lang)
        assert found == check(instance, one, Filters(), lang) == judge(known(instance, lang), one, Filters())
        assert len(found.measures) == 8
        assert -1 <= found.measures["leak"] <= 1
        assert not Duplicates().seen(thought)

    @pytest.mark.parametrize(
        "wrong", [{"leak": 1.5}, {"close": -0.1}, {"slack": -1}, {"shortest": 3.0}, {"leak_units": -2}]
    )
    def test_thresholds_that_mean_nothing_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=f"filter {next(iter(wrong))} is"):
            Filters(**wrong)

    def test_a_length_filter_that_is_off_has_no_order(self) -> None:
        assert Filters(longest=0).shortest == 0.5


class TestDuplicates:
    def test_the_first_is_none_and_spelling_does_not_count(self) -> None:
        seen = Duplicates()
        said = [
            "I want to help.",
            "I want  to help",
            "i WANT to—help!",
            "I want to help him.",
            "I want to help.",
        ]
        assert [seen.seen(one) for one in said] == [False, True, True, False, True]

    def test_order_and_language_count(self) -> None:
        seen = Duplicates()
        said = ["help me", "me help", "我想帮她", "我想帮他", "我想帮她。", "की", "कि"]
        assert [seen.seen(one) for one in said] == [False, False, False, False, True, False, False]

    def test_text_without_words_is_compared_as_it_is(self) -> None:
        seen = Duplicates()
        assert [seen.seen(one) for one in ["👍", "👎", " 👍", "", ""]] == [False, False, True, False, True]
