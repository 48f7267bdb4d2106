from skillofmind.data.corpora.persona.convai2_volunteers import read
from tests.data.corpora.small_files import json_lines, label_counts, shared, sorted_out


def test_the_published_file_is_read_whole() -> None:
    folder = shared("convai2_volunteers")
    dialogues, rejected = sorted_out(read(folder))
    rows = json_lines(folder / "data_volunteers.jsonl")
    assert (len(dialogues), rejected) == (854, [])
    assert sum(len(dialogue.turns) < 5 for dialogue in dialogues) == sum(len(r["dialog"]) < 5 for r in rows)
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [said["text"] for said in row["dialog"]] for row in rows
    ]
    assert [dialogue.meta["eval_score"] for dialogue in dialogues] == [row["eval_score"] for row in rows]


def test_thumbs_are_labels_of_the_bot_by_the_person() -> None:
    dialogues, _ = sorted_out(read(shared("convai2_volunteers")))
    counts = label_counts(dialogues, "convai2_volunteers.evaluation_score")
    assert counts == {"1": 760, "0": 373}
    for dialogue in dialogues:
        person, bot = dialogue.speakers
        assert (person.human, bot.human, person.role, bot.role) == (True, False, "user", "bot")
        labelled = {turn.speaker for turn in dialogue.turns if turn.labels}
        assert labelled <= {bot.key}
        assert {label.annotator for turn in dialogue.turns for label in turn.labels} <= {person.key}


def test_profiles_and_ids_are_of_the_right_speaker() -> None:
    folder = shared("convai2_volunteers")
    for dialogue, row in zip(
        sorted_out(read(folder))[0], json_lines(folder / "data_volunteers.jsonl"), strict=True
    ):
        person, bot = dialogue.speakers
        assert list(person.persona) == row["user_profile"]
        assert list(bot.persona) == row["bot_profile"]
        assert bot.attributes == {"user_id": row["participant2_id"]["user_id"]}
