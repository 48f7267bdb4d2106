import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.corpora.reading import (
    Row,
    dialogues,
    files_of,
    has_keys,
    lines_of,
    opened,
    rest,
    split_of,
    stem,
)
from skillofmind.data.jsonl import Rejected


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.jsonl", "train"),
        ("dialogues_valid.txt", "validation"),
        ("en_dev_human.txt", "validation"),
        ("val.json.gz", "validation"),
        ("session_2/test.txt", "test"),
        ("validation/rows.jsonl", "validation"),
        ("latest.jsonl", None),
        ("training.jsonl", None),
        ("test_runs/rows.jsonl", None),
    ],
)
def test_the_split_is_a_word_of_the_name_or_the_name_of_the_folder(name: str, split: str | None) -> None:
    assert split_of(Path("corpus") / name) == split


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.b.jsonl", "a.b"), ("a.csv.gz", "a"), ("a.json.zst", "a"), ("README", "README"), ("a.gz", "a")],
)
def test_a_stem_has_neither_extension_nor_compression(name: str, expected: str) -> None:
    assert stem(Path(name)) == expected


def test_a_folder_gives_matching_files_by_name_also_compressed(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl.gz", "c.json.zst", "notes.md"):
        (tmp_path / name).touch()
    assert [path.name for path in files_of(tmp_path, "*.jsonl", "*.json")] == [
        "a.jsonl.gz",
        "b.jsonl",
        "c.json.zst",
    ]
    assert files_of(tmp_path / "notes.md", "*.jsonl") == [tmp_path / "notes.md"]
    with pytest.raises(DataError, match=r"the folder has no file named \*\.csv or \*\.tsv"):
        files_of(tmp_path, "*.csv", "*.tsv")


def test_lines_lose_their_ends_and_the_mark_at_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\ntwo\x85 \xe2\x80\xa8three\rfour")
    assert list(lines_of(path)) == [(1, b"one"), (2, b""), (3, b"two\x85 \xe2\x80\xa8three\rfour")]


def test_what_hinders_reading_names_the_file(tmp_path: Path) -> None:
    for error in (OSError("disk"), EOFError("cut"), zlib.error("bad block")):
        with pytest.raises(DataError, match=r"^x: cannot be read"), opened(whole(tmp_path)):
            raise error


def whole(folder: Path) -> Path:
    path = folder / "x"
    path.touch()
    return path


def test_rows_become_dialogues_or_rejections_and_none_is_lost() -> None:
    def rows(path: Path) -> Iterator[Row | Rejected]:
        yield Rejected(path.name, 1, "broken.")
        for line, id in enumerate(["one", "one", "", "silent"], 2):
            yield Row(path, line, {"id": id})

    def build(row: Row) -> Dialogue | Rejected:
        if not row.value["id"]:
            return row.reject("no id.")
        turns = () if row.value["id"] == "silent" else (Turn("A", "Hello."),)
        return Dialogue(turns=turns, id=f"c:{row.value['id']}")

    found = list(dialogues([Path("a"), Path("b")], rows, build))
    assert [row.id if isinstance(row, Dialogue) else str(row) for row in found] == [
        "a:1: broken.",
        "c:one",
        "a:3: the id 'c:one' was given before; keep one row of each id.",
        "a:4: no id.",
        "a:5: the dialogue has no turns; give at least one.",
        "b:1: broken.",
        "b:2: the id 'c:one' was given before; keep one row of each id.",
        "b:3: the id 'c:one' was given before; keep one row of each id.",
        "b:4: no id.",
        "b:5: the dialogue has no turns; give at least one.",
    ]


def test_keys_are_found_in_json_only() -> None:
    assert has_keys(b' \n[{"a b" : 1, "c":', "a b", "c")
    assert not has_keys(b'{"a": "c"}', "a", "c")
    assert not has_keys(b'"a": 1', "a")


def test_the_rest_is_what_the_record_does_not_name() -> None:
    assert rest({"speaker": "A", "text": "Hi", "mood": "good", "n": 1}, Turn, "n") == {"mood": "good"}
