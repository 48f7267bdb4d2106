from pathlib import Path

from skillofmind.data.corpora.persona.msc import read
from tests.data.corpora.small_files import MSC, json_lines, shared, sorted_out, write_json_lines


def test_the_published_sessions_are_read_whole() -> None:
    folder = shared("msc")
    dialogues, rejected = sorted_out(read(folder))
    rows = [row for n in (2, 3) for row in json_lines(folder / f"session_{n}_test.jsonl")]
    assert rejected == []
    assert [sum(len(d.history) == n for d in dialogues) for n in (1, 2)] == [395, 195]
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [said["text"] for said in row["dialog"]] for row in rows
    ]
    assert [[[turn.text for turn in s.turns] for s in d.history] for d in dialogues] == [
        [[said["text"] for said in earlier["dialog"]] for earlier in row["previous_dialogs"]] for row in rows
    ]
    assert [[list(speaker.persona) for speaker in d.speakers] for d in dialogues] == [
        row["personas"] for row in rows
    ]


def test_pairs_are_the_same_in_both_sessions() -> None:
    dialogues, _ = sorted_out(read(shared("msc")))
    pairs = [{d.meta["pair"] for d in dialogues if len(d.history) == n} for n in (1, 2)]
    assert [len(found) for found in pairs] == [395, 195]
    assert {d.id for d in dialogues} == {
        f"msc:{pair}:session_{n}" for n, found in zip((2, 3), pairs, strict=True) for pair in found
    }


def test_speakers_alternate_also_where_a_number_stands_for_one() -> None:
    dialogues, _ = sorted_out(read(shared("msc")))
    numbered = [turn for d in dialogues for turn in d.turns if "id" in turn.meta]
    assert len(numbered) == 38
    for dialogue in dialogues:
        names = [turn.speaker for turn in dialogue.turns]
        assert names == [f"Speaker {n % 2 + 1}" for n in range(len(names))]


def test_elapsed_time_history_and_the_rest(tmp_path: Path) -> None:
    (dialogue,) = sorted_out(read(write_json_lines(tmp_path / "session_2" / "valid.txt", MSC)))[0]
    assert dialogue.context.elapsed == dialogue.history[0].elapsed == "3 days"
    assert [(turn.speaker, turn.text) for turn in dialogue.history[0].turns] == [
        ("Speaker 1", "Hello."),
        ("Speaker 2", "Hi there."),
    ]
    assert dialogue.turns[0].speaker == "Speaker 1"
    assert dialogue.turns[0].meta == {"id": "512", "convai2_id": "pair_7", "rating": "poor"}
    assert (dialogue.id, dialogue.split) == ("msc:pair_7:session_2", "validation")
    assert dialogue.meta == {
        "pair": "pair_7",
        "metadata": {"session_id": 1},
        "previous_dialogs": [{"personas": [["I own a boat."], []], "time_back": "3 days ago"}],
        "init_personas": [["i sail ."], ["i paint ."]],
    }


def test_an_id_given_twice_is_rejected(tmp_path: Path) -> None:
    path = write_json_lines(tmp_path / "test.jsonl", MSC, MSC, {"dialog": 3})
    dialogues, rejected = sorted_out(read(path))
    assert len(dialogues) == 1
    assert [row.line for row in rejected] == [2, 3]
    assert "'msc:pair_7:session_2' was given before" in rejected[0].reason
    assert "`$.dialog`" in rejected[1].reason
