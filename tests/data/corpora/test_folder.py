from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.folder import (
    columns_of,
    files_of,
    has_keys,
    keys_of,
    plain_name,
    source_of,
    split_of,
    stem,
)


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train.jsonl", "train"),
        ("a/valid_random_split.json", "validation"),
        ("Synthetic-Persona-Chat_test.csv", "test"),
        ("dev/dialogues_001.json", "validation"),
        ("test.csv.gz", "test"),
        ("val.jsonl", "validation"),
        ("full_dialog.csv", None),
        ("training.json", None),
        ("train/notes/rows.json", None),
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
def test_splits(path: str, split: str | None) -> None:
    assert split_of(Path(path)) == split


def test_packed_files_have_the_name_of_what_is_in_them() -> None:
    assert plain_name(Path("a/train.json.gz")) == "train.json"
    assert stem(Path("a/train.part.json.zst")) == "train.part"


def test_files_of_a_folder_are_sorted_and_chosen_by_name(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "sub/c.json.gz", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in files_of(tmp_path, "**/*.json")] == ["a.json", "b.json", "c.json.gz"]
    assert files_of(tmp_path / "a.txt", "*.json") == (tmp_path / "a.txt",)
    with pytest.raises(DataError, match=r"no file named like \*\.csv or \*\.tsv"):
        files_of(tmp_path, "**/*.csv", "*.tsv")
    with pytest.raises(DataError, match="no such file or folder"):
        files_of(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("head", "keys"),
    [
        (b'{"a": 1, "b": {"c": 2}}\n{"d": 3}', {"a", "b"}),
        (b'[[{"a": "x: {", "b": ["c", {"d": 1}]}]]', {"a", "b"}),
        (b'\xef\xbb\xbf\n {"a": "cut', {"a"}),
        (b'{"a\\"b": 1', {'a\\"b'}),
        (b"a,b", set()),
        (b"[1, 2]", set()),
        (b"", set()),
    ],
)
def test_keys_of_the_first_object(head: bytes, keys: set[str]) -> None:
    assert keys_of(head) == keys


def test_columns_of_the_first_line() -> None:
    assert columns_of(b'\xef\xbb\xbfa,"b, c"\r\n1,2') == ("a", "b, c")
    assert columns_of(b"") == ()


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
    assert files_of(tmp_path / "notes.md", "*.jsonl") == (tmp_path / "notes.md",)
    with pytest.raises(DataError, match=r"no file named like \*\.csv or \*\.tsv"):
        files_of(tmp_path, "*.csv", "*.tsv")


def test_keys_are_found_in_json_only() -> None:
    assert has_keys(b' \n[{"a b" : 1, "c":', "a b", "c")
    assert not has_keys(b'{"a": "c"}', "a", "c")
    assert not has_keys(b'"a": 1', "a")


def test_files_in_folders_of_splits_are_told_apart() -> None:
    assert source_of(Path("data/train/dialogues_001.json")) == "train/dialogues_001.json"
    assert source_of(Path("data/dialogues_001.json")) == "dialogues_001.json"
