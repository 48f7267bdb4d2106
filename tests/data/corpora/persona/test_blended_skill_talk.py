from pathlib import Path

from skillofmind.core.dialogue import Label
from skillofmind.data.corpora.persona.blended_skill_talk import read
from tests.data.corpora.small_files import BST, json_lines, shared, sorted_out, write_json_lines


def test_the_published_copy_is_read_whole() -> None:
    folder = shared("blended_skill_talk")
    dialogues, rejected = sorted_out(read(folder))
    rows = json_lines(folder / "test.jsonl")
    assert (len(dialogues), rejected) == (750, [])
    assert [[turn.text for turn in d.turns] for d in dialogues] == [row["dialogue"] for row in rows]
    assert sum(len(dialogue.turns) for dialogue in dialogues) == 10058
    first = dialogues[0]
    assert [s.role for s in first.speakers] == ["free", "guided"]
    assert list(first.speakers[1].persona) == rows[0]["listener persona"]
    assert (first.id, first.split) == ("blended_skill_talk:test:1", "test")


def test_free_and_guided_messages_take_turns_after_the_given_two(tmp_path: Path) -> None:
    (dialogue,) = sorted_out(read(write_json_lines(tmp_path / "train.json", BST)))[0]
    assert [(turn.speaker, turn.text) for turn in dialogue.turns] == [
        ("A", "Do you bake?"),
        ("B", "Every Sunday."),
        ("A", "What kind?"),
        ("B", "Rye, mostly."),
        ("A", "With seeds?"),
        ("B", "Sunflower seeds."),
    ]
    assert [turn.meta.get("seed", False) for turn in dialogue.turns] == [True, True, *[False] * 4]
    chosen = Label("blended_skill_talk.chosen_suggestion", "convai2", annotator="B")
    assert [turn.labels for turn in dialogue.turns] == [(), (), (), (chosen,), (), ()]
    assert dialogue.turns[5].meta["suggestions"]["wizard_of_wikipedia"] == "Seeds are ovules."
    assert dialogue.speakers[1].persona == ("i bake bread.", "i have two cats.")
    assert dialogue.context.topic == "Bread"
    assert dialogue.meta == {"context_dataset": "wizard_of_wikipedia"}


def test_the_form_of_parlai_gives_the_same(tmp_path: Path) -> None:
    none = {"convai2": "", "empathetic_dialogues": "", "wizard_of_wikipedia": ""}
    row = {
        "personas": [["i swim.", "i sing."], ["i bake bread.", "i have two cats."]],
        "additional_context": "My oven broke.",
        "context_dataset": "empathetic_dialogues",
        "free_turker_utterance": "Do you bake?",
        "guided_turker_utterance": "Every Sunday.",
        "dialog": [[0, "What kind?"], [1, "Rye, mostly."]],
        "suggestions": [none, {**none, "convai2": "i like rye ."}],
        "chosen_suggestions": ["", "convai2"],
        "workers": ["w1", "w2"],
    }
    path = tmp_path / "valid.json"
    path.write_text("[" + write_json_lines(tmp_path / "row", row).read_text() + "]")
    (dialogue,) = sorted_out(read(path))[0]
    assert [turn.speaker for turn in dialogue.turns] == ["A", "B", "A", "B"]
    assert [label.value for label in dialogue.turns[3].labels] == ["convai2"]
    assert [speaker.persona for speaker in dialogue.speakers] == [
        ("i swim.", "i sing."),
        ("i bake bread.", "i have two cats."),
    ]
    assert (dialogue.context.situation, dialogue.split) == ("My oven broke.", "validation")
    assert dialogue.meta["workers"] == ["w1", "w2"]


def test_messages_and_choices_must_match(tmp_path: Path) -> None:
    path = write_json_lines(
        tmp_path / "test.jsonl",
        {**BST, "guided_messages": ["Rye."], "free_messages": ["a", "b", "c"]},
        {**BST, "guided_chosen_suggestions": [""]},
        {**BST, "free_messages": ["a", " "]},
        BST,
    )
    dialogues, rejected = sorted_out(read(path))
    assert [dialogue.id for dialogue in dialogues] == ["blended_skill_talk:test:4"]
    assert [row.reason for row in rejected] == [
        "3 free and 1 guided messages do not take turns.",
        "2 guided messages have 1 chosen suggestions.",
        "turn 5 is empty; every turn needs text.",
    ]
