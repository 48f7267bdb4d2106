"""The benchmarks on people's labels: which rows count, what they may show, and how they are scored."""

from itertools import product

import numpy as np
import pytest
from benchmarks.esconv_features import history, named_features
from benchmarks.esconv_rows import SEEKER, own_strategies, rows_of
from benchmarks.esconv_strategy import applied, balance, stacked
from benchmarks.planner_transfer import Similar, best_share, similarities
from benchmarks.scores import RESAMPLES, Scores, resamples

from skillofmind.core.dialogue import Dialogue, Label, Turn
from skillofmind.data.labels import load_label_map
from skillofmind.evals.tasks.labelled import (
    SOURCES,
    first_rows,
    items_of,
    main_behaviour,
    mapped,
    part_of,
    with_intents,
)
from skillofmind.mind.embedded.regression import Design


def said(speaker: str, text: str, *labels: tuple[str, str]) -> Turn:
    return Turn(speaker, text, labels=tuple(Label(scheme, value) for scheme, value in labels))


def support(*strategies: str | None) -> Dialogue:
    turns = [
        said("supporter", f"turn {n}", ("esconv.strategy", one)) if one else said("seeker", f"turn {n}")
        for n, one in enumerate(strategies)
    ]
    return Dialogue(tuple(turns), id="esconv:1")


def test_accuracy_and_macro_f1_by_hand() -> None:
    scores = Scores(("a", "b"), ["a", "a", "b", "b"], ["a", "b", "b", "other"], ["1", "1", "2", "2"])
    assert scores.accuracy()["value"] == 0.5
    # a: 1 hit of 2 rows and 1 guess, 2/3; b: 1 hit of 2 rows and 2 guesses, 1/2.
    assert scores.macro_f1()["value"] == round((2 / 3 + 1 / 2) / 2, 4)
    assert scores.share([True, True, True, False])["value"] == 0.75


def test_dialogues_that_agree_leave_no_interval() -> None:
    scores = Scores(("a", "b"), ["a", "b"] * 3, ["a", "a"] * 3, ["1", "1", "2", "2", "3", "3"])
    assert scores.accuracy() == {"value": 0.5, "interval95": [0.5, 0.5]}


def test_one_right_and_one_wrong_dialogue_span_everything() -> None:
    assert Scores(("a",), ["a", "a"], ["a", "b"], ["1", "2"]).accuracy()["interval95"] == [0.0, 1.0]


def test_every_resample_draws_as_many_dialogues_as_there_are() -> None:
    weights = resamples(7)
    assert weights.shape == (RESAMPLES + 1, 7)
    assert weights[0].tolist() == [1.0] * 7
    assert set(weights.sum(axis=1)) == {7.0}


def test_a_row_shows_what_stood_before_its_turn() -> None:
    rows = rows_of(support("Others", None, "Question", "Information"))
    assert [row.target for row in rows] == [0, 6]
    assert [row.strategies for row in rows] == [(7, SEEKER), (7, SEEKER, 0)]
    assert [turn.text for turn in rows[0].before.turns] == ["turn 0", "turn 1"]
    assert own_strategies(rows[1]) == [7, 0]


def test_what_comes_later_changes_no_feature() -> None:
    short, long = support(None, "Question"), support(None, "Question", None, "Information", "Others")
    assert named_features(rows_of(short)[0]) == named_features(rows_of(long)[0])


def test_the_history_of_strategies_by_hand() -> None:
    found = history([0, 0, 1])
    assert [name for name in found if name.startswith("last")] == [
        "last 1: 1",
        "last 2: 0-1",
        "last 3: 0-0-1",
    ]
    assert found["share 0"] == pytest.approx(2 / 3)
    assert found["recent 0"] == pytest.approx((0.7 + 0.49) / 3)
    assert (found["ever 1"], found["ever 2"], found["repeats"]) == (1.0, 0.0, 0.5)


def test_without_macro_f1_the_most_probable_class_is_named() -> None:
    p = np.array([[0.6, 0.4], [0.3, 0.7], [0.55, 0.45]])
    assert applied(p, balance(p, 0.0)).tolist() == [0, 1, 0]


def test_the_rule_comes_close_to_the_best_assignment() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.65, 0.35], [0.6, 0.4]])

    def worth(named: "tuple[int, ...]") -> float:
        guess = np.array(named)
        hits = np.bincount(guess, p[np.arange(5), guess], 2)
        both = p.sum(axis=0) + np.bincount(guess, minlength=2)
        return float(hits.sum() / 5 + 2.0 * (2 * hits / both).mean())

    found = worth(tuple(applied(p, balance(p, 2.0)).tolist()))
    best = max(worth(named) for named in product((0, 1), repeat=5))
    assert found == pytest.approx(best, abs=1e-9)
    assert found > worth((0, 0, 0, 0, 0))


def test_the_stack_is_a_geometric_mean() -> None:
    found = stacked({"one": np.array([[0.8, 0.2]]), "two": np.array([[0.5, 0.5]])})
    assert found[0].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_a_turn_has_its_first_counted_label_as_skill() -> None:
    turns = (
        said("a", "first", ("casino.strategy", "elicit-pref")),
        said("b", "small", ("casino.strategy", "small-talk")),
        said("a", "both", ("casino.strategy", "non-strategic"), ("casino.strategy", "vouch-fair")),
        said("b", "two", ("casino.strategy", "self-need"), ("casino.strategy", "showing-empathy")),
    )
    found = items_of(Dialogue(turns, id="casino:1"), SOURCES["casino"], load_label_map())
    assert [item.gold for item in found] == ["Negotiation", "Self-disclosure"]
    assert [len(item.dialogue.turns) for item in found] == [2, 3]
    assert found[0].accept == {"Negotiation", "Persuasion", "Ethics"}
    assert "Empathy" in found[1].accept


def test_the_skills_of_counted_labels() -> None:
    assert mapped(SOURCES["casino"], load_label_map()) == {
        "Empathy",
        "Preference Elicitation",
        "Negotiation",
        "Self-disclosure",
        "Persuasion",
    }


def test_acts_of_dailydialog_are_classes() -> None:
    turns = (said("A", "hello"), said("B", "how?", ("dailydialog.act", "question")))
    (item,) = items_of(Dialogue(turns, id="d:1"), SOURCES["dailydialog"], load_label_map())
    assert item.gold == "question"
    assert "Clarification" in item.accept


def test_the_subtype_of_the_main_behaviour_counts() -> None:
    turn = said(
        "therapist",
        "So it hurts. When?",
        ("annomi.therapist_behaviour", "question"),
        ("annomi.reflection", "complex"),
        ("annomi.question", "open"),
    )
    assert main_behaviour(turn).labels == (Label("annomi.question", "open"),)
    assert main_behaviour(said("client", "Since May.")).labels == ()


def test_an_intent_goes_to_the_one_turn_that_says_it() -> None:
    told = [
        Dialogue((said("Listener", text, ("empathetic_dialogues.intent", "wishing")),))
        for text in ("Luck!", "Oh no")
    ]
    talk = Dialogue((said("S", "I leave."), said("L", "luck"), said("S", "oh no"), said("L", "Oh no!")))
    (found,) = with_intents([talk], told)
    assert [len(turn.labels) for turn in found.turns] == [0, 1, 0, 0]


def test_a_published_part_goes_before_the_hash() -> None:
    parts = [part_of(Dialogue((), id="x", split=split)) for split in ("train", "validation", "test")]
    assert parts == ["train", "train", "test"]
    assert part_of(Dialogue((), id="x")) == part_of(Dialogue((), id="x"))


def test_added_rows_are_of_whole_dialogues_and_each_size_holds_the_smaller_one() -> None:
    turns = tuple(said("ab"[n % 2], str(n), ("casino.strategy", "elicit-pref")) for n in range(4))
    table, source = load_label_map(), SOURCES["casino"]
    items = [i for n in range(9) for i in items_of(Dialogue(turns, id=f"c:{n}"), source, table)]
    assert first_rows(items, 6) == first_rows(items, 27)[:6]
    assert len({item.group for item in first_rows(items, 6)}) == 2


def test_similarities_of_training_rows_are_the_gram_matrix() -> None:
    rows = [{"a": 1.0, "b": 2.0}, {"a": 0.5}, {"a": 1.0, "b": 1.0}, {"b": 3.0, "c": 1.0}]
    design = Design(rows, least=2)
    np.testing.assert_allclose(similarities(design, rows), design.gram())


def similar(values: list[list[float]], labels: list[int]) -> Similar:
    rows = np.array(values)
    return Similar(rows @ rows.T, rows @ rows.T, np.array(labels), 2, 0.001)


def test_a_head_that_knows_more_gets_a_share_and_one_that_knows_nothing_none() -> None:
    labels = [row % 2 for row in range(60)]
    folds = np.array([row // 2 % 5 for row in range(60)])
    sides = np.array([[1.0, 0.0] if label else [0.0, 1.0] for label in labels])
    noise = np.random.default_rng(7).normal(size=(60, 2))
    knows, guesses = similar(sides.tolist(), labels), similar(noise.tolist(), labels)
    assert best_share(guesses, knows, folds) > 0.5
    assert best_share(knows, guesses, folds) < 0.2


def test_scores_are_of_a_model_that_saw_only_the_kept_rows() -> None:
    labels = [0, 1, 0, 1, 1, 1, 1, 1]
    whole = similar([[1.0, 0.0], [0.0, 1.0]] * 4, labels)
    assert whole.scores(4).shape == (8, 2)
    few = similar([[1.0, 0.0], [0.0, 1.0]] * 2, labels[:4])
    assert np.allclose(whole.scores(4)[:4], few.scores(4))
    assert whole.scores(4)[0].argmax() == 0
