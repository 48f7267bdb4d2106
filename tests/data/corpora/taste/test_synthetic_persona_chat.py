import csv
import json
import re
from pathlib import Path

from skillofmind.core.dialogue import Speaker, Turn
from tests.data.corpora.reading import only, shared, told, turn_count
from tests.data.corpora.samples import PERSONA_CHAT

NAME = "synthetic_persona_chat"


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    path = tmp_path / "Synthetic-Persona-Chat_test.csv"
    path.write_bytes(PERSONA_CHAT)
    dialogue = only(NAME, path)
    assert dialogue.id == f"{NAME}:Synthetic-Persona-Chat_test:1"
    assert dialogue.turns == (
        Turn("User 1", "Hi, User 2: no, you!"),
        Turn("User 2", "Bread:\n\n* flour", meta={"stage": ["[Later]"]}),
        Turn("User 1", "Thanks. ", meta={"stage": ["* * *"]}),
        Turn("User 2", "Bye"),
    )
    assert dialogue.speakers == (
        Speaker("User 1", persona=("I row.", "I bake.")),
        Speaker("User 2", persona=("I sing.",)),
    )
    assert (dialogue.split, dialogue.licence, dialogue.scenario) == ("test", "CC BY 4.0", "chit-chat")
    assert dialogue.meta == {}


def test_rows_as_json(tmp_path: Path) -> None:
    names = ("user 1 personas", "user 2 personas", "Best Generated Conversation")
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(dict(zip(names, ("A.", "B.", "User 2: Hello."), strict=True))))
    assert only(NAME, path).turns == (Turn("User 2", "Hello."),)


def test_the_shared_file() -> None:
    path = shared(NAME, "Synthetic-Persona-Chat_test.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept, (rejected,) = told(NAME, path)
    assert len(rows) == len(kept) + 1 == 754
    assert rejected.reason == "row 409: the dialogue has no turns; give at least one."
    texts = [row["Best Generated Conversation"] for row in rows]
    assert texts[408] == ""
    prefixes = [len(re.findall(r"^(?:\* \* )?User [12]:", text, re.MULTILINE)) for text in texts]
    assert [len(dialogue.turns) for dialogue in kept] == prefixes[:408] + prefixes[409:]
    assert turn_count(kept) == 20703
    facts = sum(
        len(row[f"user {n} personas"].splitlines()) for n in (1, 2) for row in rows if row is not rows[408]
    )
    assert sum(len(speaker.persona) for dialogue in kept for speaker in dialogue.speakers) == facts
    # Every word is in a turn, or in what happens between the turns.
    kept_words = sum(
        len(turn.text.split()) + len(" ".join(turn.meta.get("stage", ())).split())
        for dialogue in kept
        for turn in dialogue.turns
    )
    bare = [re.sub(r"^(?:\* \* )?User [12]:(?: \* \*(?= ))?", "", text, flags=re.MULTILINE) for text in texts]
    kept_words += sum(len(dialogue.meta.get("preamble", "").split()) for dialogue in kept)
    assert kept_words == sum(len(text.split()) for text in bare)
