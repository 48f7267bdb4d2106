from pathlib import Path

import pytest

from skillofmind.data.formats import CORPORA
from tests.data.corpora.reading import shared
from tests.data.corpora.samples import FILES

OWN = {
    "casino": ("casino/*.jsonl", "dialogstudio_samples/CaSiNo.original*"),
    "empathetic_dialogues": ("empathetic_dialogues/*.jsonl", "dialogstudio_samples/Empathetic.original*"),
    "persuasionforgood": ("persuasionforgood/*dialog.csv",),
    "synthetic_persona_chat": ("synthetic_persona_chat/*.csv",),
    "multiwoz": ("dialogstudio_samples/MULTIWOZ2_2.original*",),
    "prosocial": ("dialogstudio_samples/Prosocial.original*",),
    "soda": ("dialogstudio_samples/SODA.original*",),
    "wizard_of_wikipedia": ("dialogstudio_samples/wizard_of_wikipedia.original*",),
    "convai2_table": ("dialogstudio_samples/ConvAI2.original*",),
    "dialogstudio": ("dialogstudio_samples/*.converted*",),
}


@pytest.mark.parametrize(("name", "file", "content"), FILES)
def test_a_file_is_recognised_by_its_own_reader_only(name: str, file: str, content: bytes) -> None:
    assert [row.name for row in CORPORA if row.reader().looks_like(content[:65536], Path(file))] == [name]


@pytest.mark.parametrize(("name", "file", "content"), FILES)
def test_a_byte_order_mark_does_not_hide_a_file(name: str, file: str, content: bytes) -> None:
    row = next(row for row in CORPORA if row.name == name)
    assert row.reader().looks_like(b"\xef\xbb\xbf" + content, Path(file))


def test_published_files_are_recognised_by_their_own_reader_only() -> None:
    folder = shared()
    own = {path: name for name, patterns in OWN.items() for item in patterns for path in folder.glob(item)}
    assert len(own) == 3 + 1 + 3 + 1 + 2 + 1 + 1 + 1 + 1 + 1 + 1 + 7
    mine = {row.name: row.reader() for row in CORPORA if row.name in OWN}
    for path in sorted(folder.rglob("*.*")):
        if path.suffix in (".json", ".jsonl", ".csv", ".txt"):
            with path.open("rb") as file:
                head = file.read(65536)
            found = [name for name, reader in mine.items() if reader.looks_like(head, path)]
            assert found == ([own[path]] if path in own else []), path


def test_every_row_of_the_table_is_tested_on_a_written_file() -> None:
    assert {name for name, _, _ in FILES} >= set(OWN)
    assert len({row.name for row in CORPORA}) == len(CORPORA)


def test_nothing_recognises_an_empty_file_or_noise() -> None:
    for row in CORPORA:
        for head in (b"", b"\n\n", b"{", b'["a"]', b"\xff\xfe\x00", b'"', b"Ana: hello"):
            assert not row.reader().looks_like(head, Path("file"))
