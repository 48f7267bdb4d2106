import builtins
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pyarrow import parquet

from skillofmind.core.dialogue import Annotation, Dialogue, Image, Turn
from skillofmind.core.errors import DataError, MissingExtra
from skillofmind.mind.dataset.parquet import COLUMNS, encoded, records, shown, write_parquet
from skillofmind.mind.dataset.rows import Provenance
from tests.cli.som import SOURCE
from tests.mind.dataset.runs import COUNTERFACTUAL, plain_run


def table(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def test_rows_come_back_as_they_were_annotated(tmp_path: Path) -> None:
    plain_run(tmp_path)
    path = write_parquet(tmp_path)
    assert path == tmp_path / "annotated.parquet"
    rows = table(path)
    lines = (tmp_path / "annotated.jsonl").read_bytes().splitlines()
    dialogues = [msgspec.json.decode(line, type=Dialogue) for line in lines]
    assert [one["id"] for one in rows] == [one.id for one in dialogues]
    assert len(rows) == 27
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0] == {
        "id": "0:own:0", "dialogue": "own:0", "index": 3, "group": "own:0", "corpus": "own", "lang": "en",
        "licence": "CC BY 4.0", "context": "Relationship: flatmates",
        "turns": [{"speaker": "ABA"[n].replace("A", "Ana").replace("B", "Ben"), "text": f"talk 0, line {n}"}
                  for n in range(3)],
        "responder": "Ben", "target": "secret0x says Ben at last",
        "annotations": [
            {"skill": skill, "explanation": f"I want to be there for Ana, thought 0 about {skill}.",
             "counterfactual": COUNTERFACTUAL, "annotator": "big"}
            for skill in ("Empathy", "Persuasion")
        ],
        "teacher": "big", "model": "big-1", "prompt": "prompthash", "request": "r0",
        "sampling": '{"max_tokens":1024,"temperature":0.9,"top_p":0.95}',
        "time": "2030-01-01T00:00:00+00:00", "attempts": 1, "prompt_tokens": 100, "completion_tokens": 10,
        "money": pytest.approx(0.00012), "cached": 0,
    }  # fmt: skip


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    plain_run(tmp_path)
    path = write_parquet(tmp_path)
    assert path is not None
    before = path.read_bytes()
    assert write_parquet(tmp_path) == path
    assert path.read_bytes() == before
    assert list(tmp_path.glob(".*.tmp")) == []


def test_without_pyarrow_there_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_run(tmp_path)
    find, load = importlib.util.find_spec, builtins.__import__

    def refused(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return load(name, *rest, **more)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name))
    assert write_parquet(tmp_path) is None
    assert not (tmp_path / "annotated.parquet").exists()
    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(MissingExtra, match=r"skillofmind\[data\]"):
        next(encoded([]))


def test_a_row_without_provenance_is_refused_and_the_old_table_stays(tmp_path: Path) -> None:
    plain_run(tmp_path)
    path = write_parquet(tmp_path)
    assert path is not None
    before = path.read_bytes()
    (tmp_path / "provenance.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match="nothing about row '0:own:0'"):
        write_parquet(tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.glob(".*.tmp")) == []


def test_a_row_that_is_no_annotated_dialogue_is_refused(tmp_path: Path) -> None:
    plain_run(tmp_path)
    (tmp_path / "annotated.jsonl").write_text('{"turns": [{"speaker": "Ana", "text": "Hi"}], "id": "x"}\n')
    with pytest.raises(DataError, match="'x', does not end with an annotated turn"):
        write_parquet(tmp_path)
    (tmp_path / "annotated.jsonl").write_text("not json\n")
    with pytest.raises(DataError, match=r"annotated\.jsonl:1: not JSON"):
        write_parquet(tmp_path)


def test_a_file_without_rows_has_the_columns(tmp_path: Path) -> None:
    (tmp_path / "empty.parquet").write_bytes(b"".join(encoded([])))
    assert parquet.read_schema(tmp_path / "empty.parquet").names == list(COLUMNS)


def test_long_rows_end_a_group_early(tmp_path: Path) -> None:
    long = Dialogue(
        (Turn("Ana", "x" * (6 << 20)), Turn("Ben", "ok", annotations=(Annotation("Empathy"),))), id="0:a"
    )
    made = iter([Provenance("0:a")] * 7)
    path = tmp_path / "long.parquet"
    path.write_bytes(b"".join(encoded(records([long] * 7, made))))
    found = parquet.read_metadata(path)
    assert [found.row_group(n).num_rows for n in range(found.num_row_groups)] == [3, 3, 1]


def test_pictures_stand_in_the_text_once() -> None:
    assert shown(Turn("Ana", "Look!", (Image("a dog"),))) == "Look! [Sharing Image: a dog]"
    assert shown(Turn("Ana", "", (Image("a dog"),))) == "[Sharing Image: a dog]"
    assert shown(Turn("Ana", "Look! [Sharing Image: a dog]")) == "Look! [Sharing Image: a dog]"


_CHILD = """
import resource, sys
from pathlib import Path
from skillofmind.mind.dataset.parquet import write_parquet
import pyarrow.parquet
folder = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_parquet(folder)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.stdout.write(f"{after - before}")
"""


def test_fifty_thousand_rows_take_little_memory(tmp_path: Path) -> None:
    annotation = Annotation("Empathy", "I feel for her.", "Buy a car.", "big")

    def lines() -> Iterator[tuple[bytes, bytes]]:
        for number in range(50_000):
            told = f"line {number} " + "of a long story " * 60
            row = Dialogue(
                (Turn("Ana", told), Turn("Ben", "Oh.", annotations=(annotation,))), id=f"0:a:{number}"
            )
            yield msgspec.json.encode(row) + b"\n", msgspec.json.encode(Provenance(row.id)) + b"\n"

    with (
        (tmp_path / "annotated.jsonl").open("wb") as rows,
        (tmp_path / "provenance.jsonl").open("wb") as made,
    ):
        for row, provenance in lines():
            rows.write(row)
            made.write(provenance)
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    size = (tmp_path / "annotated.jsonl").stat().st_size
    assert size > 50 << 20
    # In KiB; all rows at once would take several times the size of their file.
    assert int(done.stdout) < 60 << 10
    assert parquet.read_metadata(tmp_path / "annotated.parquet").num_rows == 50_000
