"""A damaged file yields dialogues and rejections, or an error naming the file; nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.data.jsonl import Rejected, write_jsonl
from tests.data.corpora.reading import reader
from tests.data.corpora.samples import FILES

SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CASES = pytest.mark.parametrize(("name", "file", "content"), FILES)
ODD: tuple[Any, ...] = (None, True, 3, 0.5, "", "x", [], [None], {}, {"a": 1}, ["a", 2], [[]])


def results_of(name: str, path: Path, content: bytes) -> list[Dialogue | Rejected]:
    """Return what is read; an error that names the file counts as nothing read."""
    path.write_bytes(content)
    fault = ""
    try:
        results = list(reader(name).read(path))
    except DataError as error:
        results, fault = [], str(error)
    assert not fault or path.name in fault
    for result in results:
        if isinstance(result, Rejected):
            assert path.name in result.source
            assert result.line >= 1
            assert result.reason.endswith(".")
        else:
            assert result.turns
            assert len(list(write_jsonl([result]))) == 1
    return results


@CASES
@SETTINGS
@given(data=st.data())
def test_a_cut_off_file(name: str, file: str, content: bytes, tmp_path: Path, data: st.DataObject) -> None:
    results_of(name, tmp_path / file, content[: data.draw(st.integers(0, len(content)))])


@CASES
@SETTINGS
@given(data=st.data())
def test_lines_in_another_order(
    name: str, file: str, content: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    lines = data.draw(st.permutations(content.splitlines(keepends=True)))
    results_of(name, tmp_path / file, b"".join(lines))


@CASES
@SETTINGS
@given(data=st.data())
def test_foreign_bytes(name: str, file: str, content: bytes, tmp_path: Path, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(content)))
    foreign = data.draw(
        st.sampled_from([b"\xff", b"\xe9", b"\x00", b'"', b"\\", b"]", b"{", b",", b"\r", b"\n"])
    )
    length = data.draw(st.integers(0, 2))
    results_of(name, tmp_path / file, content[:at] + foreign + content[at + length :])


@CASES
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_another_encoding(name: str, file: str, content: bytes, encoding: str, tmp_path: Path) -> None:
    found = results_of(name, tmp_path / file, content.decode().encode(encoding))
    kept = [result for result in found if isinstance(result, Dialogue)]
    assert bool(kept) == (encoding == "utf-8-sig")


@CASES
def test_other_line_ends_change_no_count(name: str, file: str, content: bytes, tmp_path: Path) -> None:
    if file.startswith("Synthetic"):
        content = content.replace(b"\n\n", b"\n")
    plain = results_of(name, tmp_path / file, content)
    other = results_of(name, tmp_path / file, content.replace(b"\n", b"\r\n"))
    assert plain
    assert list(map(type, other)) == list(map(type, plain))


@pytest.mark.parametrize(
    ("name", "file", "content"), [case for case in FILES if case[1].endswith((".json", ".jsonl"))]
)
@SETTINGS
@given(data=st.data())
def test_values_of_another_type(
    name: str, file: str, content: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    first = content.splitlines()[0] if file.endswith(".jsonl") else content
    value = json.loads(first)
    places = list(places_in(value))
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(st.sampled_from(ODD))
    results_of(name, tmp_path / file, json.dumps(value).encode())


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a JSON value."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    found: list[tuple[Any, Any]] = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += places_in(value[key])
    return found


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    for name, file, _ in FILES:
        with pytest.raises(DataError, match="no-such-folder"):
            list(reader(name).read(tmp_path / "no-such-folder" / file))
        (tmp_path / file).write_bytes(b"")
        with pytest.raises(DataError, match=file):
            list(reader(name).read(tmp_path / file))


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "hollow").mkdir()
    for name in {name for name, _, _ in FILES}:
        with pytest.raises(DataError, match=r"hollow: no file named like"):
            list(reader(name).read(tmp_path / "hollow"))
