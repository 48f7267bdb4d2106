"""What holds for every reader: its own files are recognised, broken copies never surprise."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.data.formats import _OTHERS, Reader
from skillofmind.data.jsonl import Rejected
from tests.data.corpora.small_files import shared, sorted_out, write_samples

READERS: dict[str, Reader] = {row.name: row.reader() for row in _OTHERS}

SAMPLES = {
    "dailydialog": 2,
    "xdailydialog": 2,
    "xdailydialog, tabs": 1,
    "bst": 1,
    "personachat": 1,
    "personachat, lines": 2,
    "volunteers": 1,
    "msc": 1,
    "esconv": 1,
    "esconv, failed": 1,
    "annomi": 2,
    "epitome": 1,
    "cima": 2,
    "socialdial": 1,
    "diasafety": 1,
}
"""Sample -> dialogues in it."""

PUBLISHED = {
    "dailydialog/dialogues_test.txt": "dailydialog",
    "dailydialog/dialogues_valid.txt": "dailydialog",
    "xdailydialog/dialogues_text_De.txt": "xdailydialog",
    "xdailydialog/dialogues_text_En.txt": "xdailydialog",
    "xdailydialog/dialogues_text_It.txt": "xdailydialog",
    "xdailydialog/dialogues_text_Zh.txt": "xdailydialog",
    "blended_skill_talk/test.jsonl": "blended_skill_talk",
    "personachat/test_original.jsonl": "personachat",
    "convai2_volunteers/data_volunteers.jsonl": "convai2_volunteers",
    "msc/session_2_test.jsonl": "msc",
    "msc/session_3_test.jsonl": "msc",
    "esconv/train.jsonl": "esconv",
    "esconv/failed.jsonl": "esconv",
    "annomi/AnnoMI-full.csv": "annomi",
    "epitome_reddit/explorations-reddit.csv": "epitome",
    "cima/cima.jsonl": "cima",
    "socialdial/human_dialogue_data.jsonl": "socialdial",
    "diasafety/val.jsonl": "diasafety",
    "casino/test.jsonl": "",
    "persuasionforgood/full_dialog.csv": "",
    "persuasionforgood/300_dialog.csv": "",
    "empathetic_dialogues/test.jsonl": "",
    "synthetic_persona_chat/Synthetic-Persona-Chat_test.csv": "",
    "dialogstudio_samples/CaSiNo.original_examples.json": "",
    "dialogstudio_samples/ConvAI2.original_examples.json": "",
    "dialogstudio_samples/Prosocial.original_examples.json": "",
    "dialogstudio_samples/SODA.original_examples.json": "",
    "s1_msc/": "",
    "gsm8k/train_0_3149.jsonl": "",
}
"""File below `shared/data` -> the only format of ours that recognises it, or ""."""


def test_the_table_has_each_reader_once() -> None:
    assert len(READERS) == len(_OTHERS) == 12
    assert all(row.licence and row.title for row in _OTHERS)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_read_whole(tmp_path: Path, sample: str) -> None:
    name, path = write_samples(tmp_path)[sample]
    dialogues, rejected = sorted_out(READERS[name].read(path))
    assert rejected == []
    assert len(dialogues) == SAMPLES[sample]
    licence = next(row.licence for row in _OTHERS if row.name == name)
    for dialogue in dialogues:
        assert dialogue.id.startswith(f"{name}:")
        assert (dialogue.corpus, dialogue.licence) == (name, licence)
        assert dialogue.scenario
        assert dialogue.lang
        assert {turn.speaker for turn in dialogue.turns} <= {speaker.key for speaker in dialogue.speakers}
        assert msgspec.json.decode(msgspec.json.encode(dialogue), type=Dialogue) == dialogue


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_recognised_by_its_reader_alone(tmp_path: Path, sample: str) -> None:
    name, path = write_samples(tmp_path)[sample]
    head = path.read_bytes()
    assert [other for other, reader in READERS.items() if reader.looks_like(head, path)] == [name]


@pytest.mark.parametrize(("file", "name"), PUBLISHED.items())
def test_a_published_file_is_recognised_by_its_reader_alone(file: str, name: str) -> None:
    path = shared(file.partition("/")[0]) / file.partition("/")[2]
    path = next(found for found in sorted(path.iterdir()) if found.is_file()) if path.is_dir() else path
    with path.open("rb") as opened:
        head = opened.read(1 << 16)
    expected = [name] if name else []
    assert [other for other, reader in READERS.items() if reader.looks_like(head, path)] == expected


@pytest.mark.parametrize("name", READERS)
def test_what_is_not_there_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="nowhere"):
        list(READERS[name].read(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="has no file"):
        list(READERS[name].read(tmp_path))


@pytest.mark.parametrize("sample", SAMPLES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_copy_gives_dialogues_rejections_or_an_error_that_names_the_file(
    tmp_path: Path, sample: str, data: st.DataObject
) -> None:
    name, path = write_samples(tmp_path)[sample]
    files = sorted(file for file in path.parent.iterdir() if file.is_file())
    one = data.draw(st.sampled_from(files))
    one.write_bytes(data.draw(broken(one.read_bytes())))
    whole = path.parent if name == "epitome" else path
    for row in read_or_refused(READERS[name], whole):
        if isinstance(row, Rejected):
            assert row.source in {file.name for file in files}
            assert row.line >= 1
            assert row.reason.endswith(".")
        elif isinstance(row, DataError):
            # Some name the file by its path, such as the refusal of an archive.
            assert Path(str(row).partition(":")[0]).name in {file.name for file in files}
        else:
            assert row.turns


def read_or_refused(reader: Reader, path: Path) -> Iterator[Dialogue | Rejected | DataError]:
    """Yield what is read, and the error that ends the reading."""
    try:
        yield from reader.read(path)
    except DataError as error:
        yield error


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw a cut, shuffled, repeated, re-encoded or overwritten copy."""
    lines = whole.splitlines(keepends=True)
    start = draw(st.integers(0, len(whole)))
    kinds = {
        "cut": lambda: whole[:start],
        "behead": lambda: whole[start:],
        "shuffle": lambda: b"".join(draw(st.permutations(lines))),
        "repeat": lambda: b"".join(draw(st.lists(st.sampled_from(lines), max_size=8))),
        "utf16": lambda: whole.decode().encode("utf-16"),
        "latin": lambda: whole.decode().replace("e", "é").encode("latin-1", "replace"),
        "bom, crlf": lambda: b"\xef\xbb\xbf" + whole.replace(b"\n", b"\r\n"),
        "splice": lambda: (
            whole[:start] + draw(st.binary(max_size=6)) + whole[start + draw(st.integers(0, 6)) :]
        ),
        "swap": lambda: whole.replace(*draw(st.sampled_from(SWAPS))),
    }
    return kinds[draw(st.sampled_from(sorted(kinds)))]()


SWAPS = [
    (b'"', b"'"),
    (b"[", b"{"),
    (b",", b"\t"),
    (b" ", b""),
    (b"}", b""),
    (b": [", b": null, ["),
    (b'": "', b'": 3, "x": "'),
    (b"\n", b""),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_byte_order_mark_and_crlf_change_nothing(tmp_path: Path, sample: str) -> None:
    name, path = write_samples(tmp_path)[sample]
    before = list(READERS[name].read(path))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(READERS[name].read(path)) == before


def test_reading_is_lazy(tmp_path: Path) -> None:
    rows: Iterator[Dialogue | Rejected] = READERS["diasafety"].read(tmp_path / "nowhere.jsonl")
    with pytest.raises(DataError, match=r"nowhere\.jsonl"):
        next(rows)
