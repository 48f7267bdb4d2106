import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Image, Session, SocialContext, Speaker, Turn
from skillofmind.mind.embedded.features import MAX_CHARS, Part, parts_of
from skillofmind.mind.embedded.fit import features_of
from tests.mind.world import LEXICON, dialogues

TEXT = st.text(max_size=30) | st.sampled_from(["I feel so sad!", "Why? [Sharing Image: a cat]", "슬퍼 3 ..."])
DIALOGUES = st.builds(
    Dialogue,
    turns=st.lists(st.builds(Turn, st.sampled_from("ab"), TEXT), max_size=6).map(tuple),
    context=st.builds(SocialContext, text=st.none() | TEXT, emotion=st.none() | TEXT),
    speakers=st.lists(st.builds(Speaker, st.sampled_from("ab"), persona=st.tuples(TEXT)), max_size=2).map(
        tuple
    ),
    responder=st.sampled_from(["a", "b", None]),
)


def turn_parts(*turns: Turn, responder: str = "b") -> list[Part]:
    return [p for p in parts_of(Dialogue(turns=turns, responder=responder), LEXICON) if p.kind == "turn"]


@settings(deadline=None)
@given(DIALOGUES)
def test_the_features_of_a_dialogue_are_the_sum_over_its_parts(dialogue: Dialogue) -> None:
    parts = parts_of(dialogue, LEXICON)
    total = features_of(dialogue, LEXICON)
    assert total.keys() == {name for part in parts for name in part.features}
    for name, value in total.items():
        assert value == pytest.approx(sum(part.features.get(name, 0.0) for part in parts))


@settings(deadline=None)
@given(DIALOGUES)
def test_every_turn_is_one_part_and_shape_stands_once(dialogue: Dialogue) -> None:
    parts = parts_of(dialogue, LEXICON)
    assert [part.where for part in parts if part.kind == "turn"] == [
        str(i) for i in range(len(dialogue.turns))
    ]
    assert [part.kind for part in parts].count("shape") == 1
    assert all(math.isfinite(value) and value > 0 for part in parts for value in part.features.values())


def test_a_turn_is_seen_by_how_far_back_it_is_and_who_said_it() -> None:
    parts = turn_parts(*(Turn(s, "word") for s in "abab"), Turn("a", "word"))
    zones = [next(name for name in part.features if name.endswith(":word")) for part in parts]
    assert zones == ["far:word", "far:word", "near them:word", "near me:word", "last them:word"]
    last = parts[-1].features["any:word"]
    shares = [part.features["any:word"] / last for part in parts]
    assert shares == pytest.approx([0.25, 0.25, 0.5, 0.5, 1.0])
    assert len({part.features[zone] for part, zone in zip(parts, zones, strict=True)}) == 1
    assert "last me:word" in turn_parts(Turn("b", "word"))[0].features


def test_words_and_pairs_share_the_weight_of_their_turn() -> None:
    features = turn_parts(Turn("a", "one two one"))[0].features
    grams = {name: value for name, value in features.items() if name.startswith("last them:")}
    names = ["one", "two", "one two", "two one"]
    (alone,) = turn_parts(Turn("a", "one"))
    # Four different words and pairs, so each is worth 1/sqrt(4) of a word that stands alone.
    worth = alone.features["last them:one"] / 2
    assert grams == pytest.approx(dict.fromkeys((f"last them:{name}" for name in names), worth))


def test_cues_stand_for_themselves_and_without_their_zone() -> None:
    first, last = turn_parts(Turn("a", "AWFULLY"), Turn("b", "so sad"))
    assert first.features["near them|low"] == last.features["last me|low"] > 0
    assert first.features["any|low"] == pytest.approx(last.features["any|low"] / 2)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Where is it?", {"length 2", "ends asking", "asks", "begins where"}),
        ("Really? No!", {"length 2", "ends telling", "asks", "exclaims", "begins really"}),
        (
            "It cost 30 ...",
            {"length 2", "ends telling", "asks nothing", "trails off", "numbers", "begins it"},
        ),
        ("", {"length 0", "ends telling", "asks nothing"}),
    ],
)
def test_the_form_of_the_last_turn(text: str, form: set[str]) -> None:
    features = turn_parts(Turn("b", text), Turn("a", text))
    marks = {name for name in features[1].features if ":" not in name and "|" not in name}
    assert marks == form
    assert not {name for name in features[0].features if name in form}


def test_a_picture_is_a_feature_and_a_quote() -> None:
    for turn in (Turn("a", "[Sharing Image: a cat]"), Turn("a", "", images=(Image("a cat"),))):
        (part,) = turn_parts(turn)
        assert part.features["last them image"] > 0
        assert part.quote == "[picture] a cat"
    assert turn_parts(Turn("a", "Look [Sharing Image] a cat"))[0].quote == "Look"


def context_parts(dialogue: Dialogue) -> list[Part]:
    return [part for part in parts_of(dialogue, LEXICON) if part.kind == "context"]


def test_every_line_of_the_context_is_a_part() -> None:
    context = SocialContext(text="Ana called: so sad", emotion="grief", priorities=("peace", "quiet"))
    parts = context_parts(Dialogue(turns=(), context=context, history=(Session(summary="They met."),)))
    assert [(part.where, part.quote) for part in parts] == [
        ("text", "Ana called: so sad"),
        ("emotion", "grief"),
        ("priorities", "peace"),
        ("priorities", "quiet"),
        ("history", "Earlier session: They met."),
    ]
    assert parts[1].features.keys() == {"has emotion", "context:grief", "emotion:grief"}
    # Words before a colon in free text are words, not a label.
    assert {"context:ana", "context:called", "context|low", "text|low"} <= parts[0].features.keys()


def test_facts_about_me_and_about_them_differ_even_when_names_begin_alike() -> None:
    speakers = (
        Speaker("1", "Al", persona=("rides",)),
        Speaker("2", "Alice", role="judge", persona=("rides",)),
    )
    dialogue = Dialogue(turns=(), speakers=speakers, responder="1")
    has = [next(n for n in part.features if n.startswith("has ")) for part in context_parts(dialogue)]
    assert has == ["has persona me", "has speaker them", "has persona them"]


def test_shape_tells_the_number_of_turns_and_whose_was_last() -> None:
    turns = tuple(Turn("ab"[i % 2], "x") for i in range(10))
    long = parts_of(Dialogue(turns=turns, responder="a"), LEXICON)[0]
    assert long.features.keys() == {"turns 8", "last by them"}
    own = Dialogue(turns=turns[:1], responder="a")
    assert parts_of(own, LEXICON)[0].features.keys() == {"turns 1", "last by me"}
    assert parts_of(Dialogue(turns=()), LEXICON)[0].features.keys() == {"turns 0"}


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000, "? " * 500_000, "가" * 300_000])
def test_a_turn_of_a_megabyte_is_cut_before_it_is_read(text: str) -> None:
    long = f"begin {text} end"
    parts = parts_of(Dialogue(turns=(Turn("a", long),), context=SocialContext(text=long)), LEXICON)
    for part in parts:
        assert len(part.features) < 4 * MAX_CHARS
        assert len(part.quote) < 100
    assert {"any:begin", "any:end", "context:begin", "context:end"} <= features_of(
        Dialogue(turns=(Turn("a", long),), context=SocialContext(text=long)), LEXICON
    ).keys()


def test_quotes_are_cut_at_a_word() -> None:
    (part,) = turn_parts(Turn("a", "word " * 40))
    assert part.quote == "word " * 17 + "word …"


def test_features_do_not_depend_on_the_annotation_to_be_found() -> None:
    for dialogue in dialogues(1, 0):
        seen = features_of(dialogue.before(2), LEXICON)
        assert not any("reply" in name for name in seen)
