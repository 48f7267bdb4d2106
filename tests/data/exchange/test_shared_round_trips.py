"""Published corpora through our JSONL, through every format that can be written, and back."""

from itertools import islice
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.exchange import convokit, openai_messages, sharegpt
from skillofmind.data.formats import CORPORA, Format, read_any
from skillofmind.data.jsonl import read_jsonl, write_jsonl
from tests.data.corpora.reading import shared

FOLDERS = {
    "annomi": "annomi",
    "blended_skill_talk": "blended_skill_talk",
    "casino": "casino",
    "cima": "cima",
    "convai2_volunteers": "convai2_volunteers",
    "dailydialog": "dailydialog",
    "dialogstudio": "dialogstudio_samples",
    "diasafety": "diasafety",
    "empathetic_dialogues": "empathetic_dialogues",
    "epitome": "epitome_reddit",
    "esconv": "esconv",
    "msc": "msc",
    "personachat": "personachat",
    "persuasionforgood": "persuasionforgood",
    "socialdial": "socialdial",
    "synthetic_persona_chat": "synthetic_persona_chat",
    "xdailydialog": "xdailydialog",
}
EACH = 40


@pytest.mark.parametrize("name", FOLDERS)
def test_nothing_is_lost_on_the_way_there_and_back(name: str, tmp_path: Path) -> None:
    form = next(form for form in CORPORA if form.name == name)
    dialogues = some(form, shared(FOLDERS[name]))
    lines = list(write_jsonl(dialogues))
    assert list(read_jsonl(lines, "again")) == dialogues
    for writer, file in ((openai_messages, "m.jsonl"), (sharegpt, "s.json"), (convokit, "corpus")):
        writer.write(dialogues, tmp_path / file)
        back = {d.id: d for d in read_any([tmp_path / file]) if isinstance(d, Dialogue)}
        assert back == {d.id: d for d in dialogues}, writer.__name__


def some(form: Format, path: Path) -> list[Dialogue]:
    found = (row for row in form.reader().read(path) if isinstance(row, Dialogue))
    dialogues = list(islice(found, EACH))
    assert len(dialogues) >= 5
    return dialogues
