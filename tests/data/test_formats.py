import gzip
import json
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data import formats
from skillofmind.data.exchange import convokit
from skillofmind.data.formats import ALL, detect, named, read_any
from skillofmind.data.jsonl import Rejected

FILES = {
    "jsonl": '{"id": "a", "context": {"text": "\\"turns\\": ["}, "turns": [{"speaker": "A", "text": "x"}]}\n',
    "openai": '{"messages": [{"role": "user", "content": "x"}], '
    '"skillofmind": {"turns": [{"speaker": "A"}]}}',
    "sharegpt": '[{"id": 1, "conversations": [{"from": "human", "value": "x"}]}]',
    "table": "dialogue,speaker,text\n1,A,x\n",
    "transcript": "\nAna: x\n",
}


@pytest.mark.parametrize("name", FILES)
def test_each_format_is_told_from_the_others(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    for data in (FILES[name].encode(), gzip.compress(FILES[name].encode())):
        path.write_bytes(data)
        assert detect(path).name == name
        [found] = read_any([path])
        assert isinstance(found, Dialogue)
        assert found.turns[0].text == "x"


def test_a_long_first_line_is_told(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "x" * 200_000}]}
    (tmp_path / "d").write_text(json.dumps(row))
    assert detect(tmp_path / "d").name == "openai"


def test_names_are_unique_and_readers_are_there() -> None:
    assert len({row.name for row in ALL}) == len(ALL)
    assert all(callable(row.reader().read) and callable(row.reader().looks_like) for row in ALL)


def test_what_cannot_be_told_lists_the_formats(tmp_path: Path) -> None:
    (tmp_path / "d").write_text('{"a": 1}')
    with pytest.raises(DataError, match=r"--format NAME, one of .*jsonl, openai"):
        detect(tmp_path / "d")
    with pytest.raises(DataError, match="did you mean 'sharegpt'"):
        named("sharegtp")


def test_several_that_fit_are_named(tmp_path: Path) -> None:
    row: dict[str, list[str]] = {"messages": [], "conversations": []}
    (tmp_path / "d").write_text(json.dumps(row))
    with pytest.raises(DataError, match="could be openai or sharegpt; say which with --format"):
        detect(tmp_path / "d")


def test_a_folder_is_a_corpus_or_its_files(tmp_path: Path) -> None:
    convokit.write([Dialogue((Turn("A", "x"),), id="1")], tmp_path / "c")
    assert [row.name for _, row in formats.located([tmp_path / "c"]) if isinstance(row, formats.Format)] == [
        "convokit"
    ]
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "b.txt").write_text("Ana: x")
    (tmp_path / "many" / "a.jsonl").write_text(FILES["jsonl"])
    (tmp_path / "many" / "README.md").write_text("# About")
    found = list(read_any([tmp_path / "many"]))
    assert [row.id if isinstance(row, Dialogue) else row.source for row in found] == [
        "README.md",
        "a",
        "b.txt:1",
    ]
    assert isinstance(found[0], Rejected)
    assert len(list(read_any([tmp_path / "many" / "a*", tmp_path / "many" / "a.jsonl"]))) == 1


def test_a_named_format_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "d").write_text(FILES["jsonl"])
    [found] = read_any([tmp_path / "d"], "sharegpt")
    assert isinstance(found, Rejected)
