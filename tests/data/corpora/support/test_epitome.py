import csv
from collections import Counter
from pathlib import Path

from skillofmind.core.dialogue import Label
from skillofmind.data.corpora.support.epitome import read
from tests.data.corpora.small_files import EPITOME_HEADER, label_counts, shared, sorted_out, write_lines

FILES = {
    "epitome.er": "emotional-reactions",
    "epitome.ip": "interpretations",
    "epitome.ex": "explorations",
}


def test_the_three_published_files_are_joined() -> None:
    folder = shared("epitome_reddit")
    dialogues, rejected = sorted_out(read(folder))
    assert (len(dialogues), rejected) == (2361, [])
    for scheme, name in FILES.items():
        rows = published_rows(folder / f"{name}-reddit.csv")
        assert label_counts(dialogues, scheme) == Counter(row["level"] for row in rows)
        assert [d.meta["pair"] for d in dialogues] == [f"{row['sp_id']}_{row['rp_id']}" for row in rows]
        spans = [d.turns[1].meta.get("rationales", {}).get(scheme, []) for d in dialogues]
        assert spans == [[s for s in row["rationales"].split("|") if s.strip()] for row in rows]
    rows = published_rows(folder / "emotional-reactions-reddit.csv")
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [row["seeker_post"], row["response_post"]] for row in rows
    ]


def test_pairs_that_recur_have_ids_of_their_own() -> None:
    dialogues, _ = sorted_out(read(shared("epitome_reddit")))
    assert len({dialogue.id for dialogue in dialogues}) == 2361
    assert len({dialogue.meta["pair"] for dialogue in dialogues}) == 2319
    assert sum("#" in dialogue.id for dialogue in dialogues) == 42
    assert any(dialogue.id.endswith("#3") for dialogue in dialogues)


def test_one_file_gives_its_own_labels() -> None:
    path = shared("epitome_reddit") / "explorations-reddit.csv"
    dialogues, _ = sorted_out(read(path))
    assert len(dialogues) == 2361
    assert label_counts(dialogues, "epitome.ex") == {"0": 1997, "1": 82, "2": 282}
    assert label_counts(dialogues, "epitome.er") == {}


def test_texts_that_differ_are_told(tmp_path: Path) -> None:
    for name, text in (
        ("emotional-reactions", "I hear."),
        ("interpretations", "I  hear."),
        ("explorations", "I hear."),
    ):
        write_lines(tmp_path / f"{name}-reddit.csv", EPITOME_HEADER, f"p,q,Bad day.,{text},1,I|hear.|")
    (dialogue,) = sorted_out(read(tmp_path))[0]
    assert dialogue.turns[1].text == "I hear."
    assert dialogue.meta == {"pair": "p_q", "differs_in": ["interpretations-reddit.csv"]}
    assert set(dialogue.turns[1].labels) == {Label(scheme, "1") for scheme in FILES}
    assert dialogue.turns[1].meta["rationales"]["epitome.er"] == ["I", "hear."]


def test_files_of_another_order_or_length_are_rejected_row_by_row(tmp_path: Path) -> None:
    one, two = "p,q,Bad day.,I hear.,1,", "r,s,Bad week.,Oh.,0,"
    write_lines(tmp_path / "emotional-reactions-reddit.csv", EPITOME_HEADER, one, two)
    write_lines(tmp_path / "interpretations-reddit.csv", EPITOME_HEADER, one, one)
    write_lines(tmp_path / "explorations-reddit.csv", EPITOME_HEADER, one, two, "t,u")
    dialogues, rejected = sorted_out(read(tmp_path))
    assert [dialogue.id for dialogue in dialogues] == ["epitome:p_q"]
    assert [(row.source, row.line) for row in rejected] == [
        ("emotional-reactions-reddit.csv", 3),
        ("explorations-reddit.csv", 4),
    ]


def published_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
