"""What goes out in a format comes back equal, in every field."""

import importlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data import jsonl
from skillofmind.data.formats import detect
from skillofmind.data.jsonl import Rejected
from tests.data.dialogues import CORPORA

NAMES = {"openai_messages": "d.jsonl", "sharegpt": "d.json", "convokit": "corpus"}


def format_of(name: str) -> Any:
    return importlib.import_module(f"skillofmind.data.exchange.{name}")


def fresh(folder: Path, name: str) -> Path:
    # hypothesis runs many examples in one folder.
    number = len(list(folder.iterdir()))
    (folder / str(number)).mkdir()
    return folder / str(number) / name


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=60)
@given(corpus=CORPORA)
def test_every_field_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, corpus: list[Dialogue]
) -> None:
    path = fresh(tmp_path_factory.getbasetemp(), NAMES[name])
    ours = path.with_name("ours.jsonl")
    ours.write_bytes(b"".join(jsonl.write_jsonl(corpus)))
    format_of(name).write((row for row in jsonl.read(ours) if isinstance(row, Dialogue)), path)
    if corpus or name != "openai_messages":
        assert list(format_of(name).read(path)) == corpus


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=25)
@given(corpus=CORPORA)
def test_without_the_rest_texts_and_order_come_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, corpus: list[Dialogue]
) -> None:
    corpus = [
        msgspec.structs.replace(one, meta={}, turns=tuple(Turn(t.speaker, t.text) for t in one.turns))
        for one in corpus
    ]
    if not corpus:
        return
    path = fresh(tmp_path_factory.getbasetemp(), NAMES[name])
    format_of(name).write(corpus, path, plain=True)
    found = list(format_of(name).read(path))
    texts = [[turn.text for turn in one.turns] for one in found if isinstance(one, Dialogue)]
    assert texts == [[turn.text for turn in one.turns] for one in corpus]
    assert [one.context.text for one in found if isinstance(one, Dialogue)] == [
        one.context.text for one in corpus
    ]


@pytest.mark.parametrize(("name", "format"), [*zip(NAMES, ("openai", "sharegpt", "convokit"), strict=True)])
def test_what_was_written_is_known_again(tmp_path: Path, name: str, format: str) -> None:
    path = tmp_path / NAMES[name]
    format_of(name).write([Dialogue((Turn("A", "Hi"), Turn("B", '"turns": [{"speaker":')), id="1")], path)
    assert detect(path).name == format


@pytest.mark.parametrize("name", NAMES)
def test_a_failing_source_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    def source() -> Any:
        yield Dialogue((Turn("A", "Hi"),), id="1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        format_of(name).write(source(), tmp_path / NAMES[name])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["openai_messages", "sharegpt"])
def test_a_rest_that_no_longer_fits_is_rejected(tmp_path: Path, name: str) -> None:
    path, module = tmp_path / "d.jsonl", format_of(name)
    module.write([Dialogue((Turn("A", "Hi"), Turn("B", "Ho")), id="1")], path)
    row = msgspec.json.decode(path.read_bytes())
    wire = module.WIRE
    row[wire.turns].pop()
    path.write_bytes(msgspec.json.encode(row))
    [found] = module.read(path)
    assert isinstance(found, Rejected)
    assert "does not fit the 1 turns" in found.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_turn_whose_meta_says_that_it_had_no_content_comes_back(name: str, tmp_path: Path) -> None:
    corpus = [Dialogue((Turn("Ana", "", meta={"content": None}),), id="0")]
    format_of(name).write(corpus, tmp_path / NAMES[name])
    assert list(format_of(name).read(tmp_path / NAMES[name])) == corpus


@pytest.mark.parametrize("name", ["openai_messages", "sharegpt"])
def test_a_content_that_says_nothing_new_comes_back(tmp_path: Path, name: str) -> None:
    talk = Dialogue(
        (Turn("Ana", "", meta={"content": ""}), Turn("Ben", "Hi", meta={"content": "Hi"})), id="a"
    )
    path = tmp_path / NAMES[name]
    format_of(name).write([talk], path)
    assert list(format_of(name).read(path)) == [talk]
