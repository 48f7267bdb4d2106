from pathlib import Path

from skillofmind.core.dialogue import Label
from skillofmind.data.corpora.daily.dailydialog import read
from tests.data.corpora.small_files import label_counts, shared, sorted_out, write_lines


def test_the_published_files_are_read_whole() -> None:
    folder = shared("dailydialog")
    dialogues, rejected = sorted_out(read(folder))
    assert rejected == []
    assert [sum(d.split == split for d in dialogues) for split in ("validation", "test")] == [788, 762]
    lines = [line for name in ("test", "valid") for line in lines_of(folder / f"dialogues_{name}.txt")]
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [text.strip() for text in line.split("__eou__")[:-1]] for line in lines
    ]
    assert sum(len(dialogue.turns) for dialogue in dialogues) == 12288


def test_every_label_is_kept() -> None:
    folder = shared("dailydialog")
    dialogues, _ = sorted_out(read(folder))
    for kind, scheme, names in (
        ("act", "dailydialog.act", ["", "inform", "question", "directive", "commissive"]),
        (
            "emotion",
            "dailydialog.emotion",
            ["no emotion", "anger", "disgust", "fear", "happiness", "sadness", "surprise"],
        ),
    ):
        codes = [
            code
            for name in ("test", "valid")
            for line in lines_of(folder / f"dialogues_{kind}_{name}.txt")
            for code in line.split()
        ]
        expected = {names[int(code)]: codes.count(code) for code in sorted(set(codes))}
        assert label_counts(dialogues, scheme) == expected


def test_the_first_published_turn() -> None:
    file = shared("dailydialog") / "dialogues_valid.txt"
    first = next(iter(sorted_out(read(file))[0]))
    said = file.read_text("utf-8").splitlines()[0].split("__eou__")
    assert first.id == "dailydialog:dialogues_valid:1"
    assert [turn.speaker for turn in first.turns] == ["A", "B", "A", "B"]
    assert [turn.text for turn in first.turns] == [text.strip() for text in said if text.strip()]
    assert first.turns[0].labels == (
        Label("dailydialog.act", "question"),
        Label("dailydialog.emotion", "no emotion"),
    )


def test_lines_that_do_not_match_are_rejected_where_they_stand(tmp_path: Path) -> None:
    write_lines(tmp_path / "dialogues_act_train.txt", "1 1", "2", "1 9", "1 1", "3")
    write_lines(tmp_path / "dialogues_emotion_train.txt", "0 0", "0", "0 0")
    path = write_lines(
        tmp_path / "dialogues_train.txt",
        "Rain . __eou__ Yes . __eou__",
        "Snow ? __eou__ No . __eou__",
        "Hail . __eou__ Where ? __eou__",
        "Fog . __eou__ Thick . __eou__",
    )
    dialogues, rejected = sorted_out(read(path))
    assert [dialogue.id for dialogue in dialogues] == [
        "dailydialog:dialogues_train:1",
        "dailydialog:dialogues_train:3",
    ]
    assert dialogues[1].turns[1].labels[0].value == "9"
    assert [row.line for row in rejected] == [2, 4, 5]
    assert "2 turns have 1 labels dailydialog.act" in rejected[0].reason
    assert "no emotion labels" in rejected[1].reason


def test_the_whole_corpus_has_topics_and_splits_come_first(tmp_path: Path) -> None:
    write_lines(tmp_path / "dialogues_text.txt", "Rain . __eou__ Yes . __eou__")
    write_lines(tmp_path / "dialogues_act.txt", "1 1")
    write_lines(tmp_path / "dialogues_topic.txt", "6")
    (whole,) = sorted_out(read(tmp_path))[0]
    assert (whole.context.topic, whole.split) == ("tourism", None)
    assert [len(turn.labels) for turn in whole.turns] == [1, 1]
    write_lines(tmp_path / "train" / "dialogues_train.txt", "Sun . __eou__")
    (split,) = sorted_out(read(tmp_path))[0]
    assert (split.turns[0].text, split.split, split.turns[0].labels) == ("Sun .", "train", ())


def test_an_empty_turn_and_a_byte_that_is_not_utf8_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "dialogues_test.txt"
    path.write_bytes(b"A . __eou__ __eou__ B . __eou__\nCaf\xe9 . __eou__\nYes . __eou__\n")
    dialogues, rejected = sorted_out(read(path))
    assert [dialogue.turns[0].text for dialogue in dialogues] == ["Yes ."]
    assert [(row.line, row.reason.split(";")[0]) for row in rejected] == [
        (1, "a turn is empty"),
        (2, "byte 0xe9 is not UTF-8"),
    ]


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
