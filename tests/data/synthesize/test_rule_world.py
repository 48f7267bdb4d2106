import re
from collections import Counter
from itertools import islice

import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.synthesize import rule_words as words
from skillofmind.data.synthesize.rule_world import (
    CASES,
    SKILLS,
    Case,
    Split,
    chance,
    context_removed,
    dialogue,
    generate,
    name_in_test,
    skill_of,
    turn_removed,
    without_context,
    without_turn,
)

THING = re.compile(
    rf"\b(?:(?:{'|'.join(words.ADJECTIVES)}) )?"
    rf"(?:{'|'.join((*words.THINGS['train'], *words.THINGS['test']))})\b"
)


def case_of(one: Dialogue) -> Case:
    return Case(one.meta["context"], one.meta["turn"])


def test_the_rule_covers_every_case_and_uses_every_skill_equally_often() -> None:
    assert len(CASES) == 48
    assert Counter(map(skill_of, CASES)) == dict.fromkeys(SKILLS, 4)
    assert len(SKILLS) == 12


def test_any_guess_without_the_context_is_right_in_one_case_of_three() -> None:
    for turn in words.TURNS:
        found = Counter(skill_of(case) for case in CASES if case.turn == turn)
        assert sorted(found.values()) == [2, 2, 2]
    assert without_context() == pytest.approx(1 / 3, abs=1e-12)


def test_any_guess_without_the_turn_is_right_in_one_case_of_four() -> None:
    for context in words.CONTEXTS:
        found = Counter(skill_of(case) for case in CASES if case.context == context)
        assert sorted(found.values()) == [2, 2, 2, 2]
    assert without_turn() == 0.25
    assert chance() == pytest.approx(1 / 12, abs=1e-12)


def test_neither_cue_gives_the_other_away() -> None:
    """Contexts that share a skill for one group of turns do not share it for all."""
    signatures = {tuple(skill_of(Case(context, turn)) for turn in words.TURNS) for context in words.CONTEXTS}
    assert len(signatures) == 6


def test_the_same_seed_gives_the_same_dialogues_whatever_the_count() -> None:
    few, many = list(generate(5, seed=3)), list(generate(50, seed=3))
    assert many[:5] == few
    assert list(islice(generate(None, seed=3), 50)) == many
    assert dialogue("3:7", "train") == many[7]
    assert list(generate(5, seed=4)) != few
    assert len({one.id for one in many}) == 50


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_dialogue_shows_its_case_and_its_annotation_follows(split: Split) -> None:
    for one in generate(300, seed=1, split=split):
        case, (annotation,) = case_of(one), one.turns[-1].annotations
        context, turn = words.CONTEXTS[case.context], words.TURNS[case.turn]
        assert one.context.relationship in context.wordings
        assert plain(one.turns[2].text) in {wording.format(thing="*") for wording in turn.wordings}
        assert all(name_in_test(said.speaker) == (split == "test") for said in one.turns)
        before, after = annotation.explanation.removesuffix(".").split(", and ")
        assert before in context.thoughts
        assert after in turn.thoughts
        assert annotation.skill == skill_of(case)
        assert annotation.counterfactual != one.turns[-1].text
        assert one.before(3).next_speaker() == one.turns[3].speaker == one.turns[1].speaker


def test_the_thoughts_of_a_kind_name_no_other_kind() -> None:
    for cues in (words.CONTEXTS, words.TURNS):
        thoughts = [thought for cue in cues.values() for thought in cue.thoughts]
        wordings = [wording for cue in cues.values() for wording in cue.wordings]
        assert len(set(thoughts)) == len(thoughts)
        assert len(set(wordings)) == len(wordings)


def test_an_opening_may_mislead_and_says_nothing_about_the_last_turn() -> None:
    openings = Counter((kind_of(one.turns[0].text), case_of(one).turn) for one in generate(3200, seed=2))
    greeted = sum(count for (opening, _), count in openings.items() if opening is None)
    assert 1500 < greeted < 1700
    pairs = [count for (opening, _), count in openings.items() if opening is not None]
    assert len(pairs) == 64
    assert 9 <= min(pairs) <= max(pairs) <= 45  # 25 each


def kind_of(text: str) -> str | None:
    """Return the kind of turn that a text is a wording of."""
    bare = plain(text)
    for kind, cue in words.TURNS.items():
        if bare in {wording.format(thing="*") for wording in cue.wordings}:
            return kind
    assert text in words.GREETINGS
    return None


def plain(text: str) -> str:
    """Return the text with the thing that it is about taken out."""
    return THING.sub("*", text)


def test_the_splits_share_no_name_thing_place_or_combination_of_wordings() -> None:
    for pools in (words.THINGS, words.PLACES):
        assert not {*pools["train"]} & {*pools["test"]}
        assert all(len({*pool}) == len(pool) for pool in pools.values())
    train = {(one.context.relationship, plain(one.turns[2].text)) for one in generate(4000, seed=0)}
    test = {
        (one.context.relationship, plain(one.turns[2].text)) for one in generate(1000, seed=0, split="test")
    }
    assert not train & test
    assert len(train) + len(test) > 1100  # of 1,200


def test_cases_are_equally_likely() -> None:
    counts = Counter(case_of(one) for one in generate(4800, seed=5))
    assert len(counts) == 48
    assert all(60 < number < 140 for number in counts.values())


def test_what_is_removed_is_gone() -> None:
    (one,) = generate(1, seed=9)
    bare = context_removed(one)
    assert (bare.context.relationship, bare.context.situation) == (None, None)
    assert bare.turns == one.turns
    short = turn_removed(one)
    assert short.turns == (*one.turns[:2], one.turns[3])
    assert short.context == one.context
