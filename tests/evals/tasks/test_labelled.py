from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.labels import load_label_map
from skillofmind.evals.tasks.labelled import SOURCES, folder_of, items_of, load, with_norm
from tests.data.corpora.small_files import CIMA, DIASAFETY, SOCIAL, write_json_lines, write_lines
from tests.evals.tasks.small import data_folder

COUNTS = {
    "esconv": (9220, 1751),
    "casino": (1546, 180),
    "persuasionforgood": (1372, 384),
    "annomi": (1735, 378),
    "empathetic_dialogues": (8, 57),
    "cima": (698, 182),
    "dailydialog": (5403, 5209),
    "xdailydialog.en": (3674, 1079),
    "xdailydialog.de": (3674, 1079),
    "xdailydialog.it": (3674, 1079),
    "xdailydialog.zh": (3674, 1079),
    "casino.weak": (407, 43),
    "persuasionforgood.weak": (1885, 526),
    "socialdial": (787, 203),
    "diasafety": (5109, 791),
}
"""Train and test rows on the shared files; six of them stand in results/planner_transfer.json, too."""


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_has_its_rows_in_two_parts_that_share_no_group(name: str) -> None:
    found = load(name, data_folder(folder_of(name)), load_label_map())
    assert (len(found.train), len(found.test)) == COUNTS[name]
    assert {row.group for row in found.train}.isdisjoint(row.group for row in found.test)
    for row in (*found.train, *found.test):
        assert row.gold in row.accept
        assert len(row.dialogue.turns) == row.place
        assert row.strength in SOURCES[name].strengths


def said(*labels: tuple[str, str]) -> Turn:
    return Turn("x", "words", labels=tuple(Label(scheme, value) for scheme, value in labels))


def casino(*values: str) -> Dialogue:
    return Dialogue((said(), said(*(("casino.strategy", value) for value in values))), id="casino:1")


def test_a_turn_is_in_the_weak_source_only_if_no_stronger_label_speaks_of_it() -> None:
    table = load_label_map()

    def golds(dialogue: Dialogue) -> list[list[str]]:
        return [[row.gold for row in items_of(dialogue, SOURCES[name], table)] for name in _BOTH]

    assert golds(casino("small-talk")) == [[], ["Immediate Response"]]
    assert golds(casino("small-talk", "elicit-pref")) == [["Preference Elicitation"], []]
    assert golds(casino("non-strategic")) == [[], []]


_BOTH = ("casino", "casino.weak")


def test_the_skill_of_most_tutors_comes_first_and_an_exercise_is_one_row(tmp_path: Path) -> None:
    replies = {
        **CIMA,
        "tutorResponses": ["Nearly.", "Look again?", "A hint."],
        "tutorActions": [
            [False, False, True, False, False],
            [True, False, False, False, False],
            [False, True, False, False, False],
        ],
    }
    write_json_lines(tmp_path / "cima" / "dataset.json", {"prepDataset": {str(n): replies for n in range(9)}})
    found = load("cima", tmp_path, load_label_map())
    rows = [*found.train, *found.test]
    assert len(rows) == 9
    assert {row.gold for row in rows} == {"Mentoring"}
    assert "Factual Problem Solving" in rows[0].accept
    assert sorted(row.dialogue.id for row in rows)[0] == "cima:prepDataset:0"


def test_a_norm_is_shown_by_the_turn_that_keeps_it_and_a_breach_needs_the_next_turn(tmp_path: Path) -> None:
    table = load_label_map()
    tags = ("violation", "None", "adherence", "None")
    turns = tuple(said(("socialdial.violation", tag)) for tag in tags)
    talk = with_norm(
        Dialogue(
            turns, SocialContext(extra={"norm_type": "apology", "formality": "formal"}), id="socialdial:1"
        )
    )
    assert talk.context.extra == {"formality": "formal"}
    rows = items_of(talk, SOURCES["socialdial"], table)
    assert [(row.place, row.gold, row.strength) for row in rows] == [
        (1, "Cultural Sensitivity", "weak"),
        (2, "Conflict Resolution", "weak"),
    ]
    write_json_lines(tmp_path / "socialdial" / "human.json", SOCIAL)
    found = load("socialdial", tmp_path, table)
    assert [row.gold for row in (*found.train, *found.test)] == ["Cultural Sensitivity"]


def test_a_context_is_asked_once_and_stays_in_the_test_part(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "diasafety" / "train.jsonl", DIASAFETY, {**DIASAFETY, "context": "Other."})
    write_json_lines(tmp_path / "diasafety" / "test.jsonl", DIASAFETY, {**DIASAFETY, "response": "No."})
    found = load("diasafety", tmp_path, load_label_map())
    assert [[row.dialogue.turns[0].text for row in part] for part in (found.train, found.test)] == [
        ["Other."],
        ["I feel odd."],
    ]
    assert found.test[0].gold == "Urgency Recognition"


def test_languages_have_the_same_ids_and_parts(tmp_path: Path) -> None:
    folder = tmp_path / "xdailydialog"
    write_lines(folder / "dialogues_action.txt", *["2 1 3"] * 12)
    write_lines(folder / "dialogues_emotion.txt", *["0 0 0"] * 12)
    write_lines(folder / "dialogues_topic.txt", *["1"] * 12)
    for lang, text in (("En", "far?"), ("Zh", "远吗？")):
        write_lines(folder / f"dialogues_text_{lang}.txt", *[f"{text} __eou__ b __eou__ c"] * 12)
    english, chinese = (load(f"xdailydialog.{lang}", tmp_path, load_label_map()) for lang in ("en", "zh"))
    assert len(english.train) + len(english.test) == 24
    assert [row.gold for row in english.train[:2]] == ["inform", "directive"]
    assert [(row.group, row.place) for row in english.test] == [
        (row.group, row.place) for row in chinese.test
    ]
    assert {row.dialogue.lang for row in chinese.train} == {"zh"}


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="casino"):
        load("casino.weak", tmp_path, load_label_map())
