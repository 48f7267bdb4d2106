from pathlib import Path

from skillofmind.data.corpora.daily.xdailydialog import read
from tests.data.corpora.small_files import label_counts, shared, sorted_out, write_lines

MISMATCHED = [22, 132, 535, 606, 644, 761]


def test_four_languages_are_read_and_six_lines_of_each_rejected() -> None:
    folder = shared("xdailydialog")
    dialogues, rejected = sorted_out(read(folder))
    assert len(dialogues) + len(rejected) == 4 * 762
    for lang in ("de", "en", "it", "zh"):
        file = f"dialogues_text_{lang.title()}.txt"
        assert [row.line for row in rejected if row.source == file] == MISMATCHED
        ours = [dialogue for dialogue in dialogues if dialogue.lang == lang]
        assert len(ours) == 756
        lines = (folder / file).read_text("utf-8").splitlines()
        kept = [line for number, line in enumerate(lines, 1) if number not in MISMATCHED]
        assert [" __eou__ ".join(turn.text for turn in d.turns) for d in ours] == kept


def test_translations_have_the_same_labels_and_topic() -> None:
    dialogues, _ = sorted_out(read(shared("xdailydialog")))
    groups: dict[str, list[object]] = {}
    for dialogue in dialogues:
        labels = [turn.labels for turn in dialogue.turns]
        groups.setdefault(dialogue.meta["parallel"], []).append((labels, dialogue.context.topic))
    assert len(groups) == 756
    assert all(len(group) == 4 and all(one == group[0] for one in group) for group in groups.values())
    acts = (shared("xdailydialog") / "dialogues_action.txt").read_text().splitlines()
    questions = sum(
        line.split().count("2") for number, line in enumerate(acts, 1) if number not in MISMATCHED
    )
    assert label_counts(dialogues, "dailydialog.act")["question"] == 4 * questions


def test_the_tab_form_has_everything_on_one_line(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "it_test_human.txt",
        "Piove? __eou__ Sì. __eou__\t7\t2 1\t0 4",
        "Nevica. __eou__\t7\t1 1\t0 0",
        "Sole.\t1\t1",
    )
    dialogues, rejected = sorted_out(read(path))
    (dialogue,) = dialogues
    assert (dialogue.id, dialogue.lang, dialogue.split) == ("xdailydialog:it_test_human:1", "it", "test")
    assert dialogue.context.topic == "health"
    assert dialogue.meta == {"parallel": "test_human:1"}
    assert [[label.value for label in turn.labels] for turn in dialogue.turns] == [
        ["question", "no emotion"],
        ["inform", "happiness"],
    ]
    assert [(row.line, row.reason[:24]) for row in rejected] == [
        (2, "1 turns have 2 labels da"),
        (3, "3 tab-separated cells in"),
    ]


def test_a_folder_of_the_tab_form_is_read(tmp_path: Path) -> None:
    write_lines(tmp_path / "en_dev_human.txt", "Rain? __eou__ No. __eou__\t1\t2 1\t0 0")
    write_lines(tmp_path / "de_dev_human.txt", "Regen? __eou__ Nein. __eou__\t1\t2 1\t0 0")
    dialogues, _ = sorted_out(read(tmp_path))
    assert [(d.lang, d.split) for d in dialogues] == [("de", "validation"), ("en", "validation")]
