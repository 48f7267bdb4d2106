"""Small converters from public corpora to dialogues, for tests only.

The corpora lie outside the repository, in `shared/data` of a folder above it; nothing of them is copied.
Every converter reads as many dialogues as it is asked for, each without its last turn, so that there is a
reply to plan.
"""

import csv
import json
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn

Converter = Callable[[Path], Iterator[Dialogue]]


def corpora_folder() -> Path | None:
    """Return the folder that holds the corpora, or `None` where there is none."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "data").is_dir():
            return folder / "shared" / "data"
    return None


def read_corpus(folder: Path, name: str, count: int) -> list[Dialogue]:
    """Return the first `count` dialogues of a corpus that have a turn to plan for."""
    found = (_open(row, f"{name}:{number}") for number, row in enumerate(CORPORA[name](folder / name)))
    return list(islice((row for row in found if row.turns), count))


def _open(dialogue: Dialogue, id: str) -> Dialogue:
    """Leave out the last turn, whose speaker is then to answer."""
    if len(dialogue.turns) < 2:
        return msgspec.structs.replace(dialogue, turns=())
    return msgspec.structs.replace(dialogue.before(len(dialogue.turns) - 1), id=id, corpus=id.split(":")[0])


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _alternating(texts: list[str], *names: str) -> tuple[Turn, ...]:
    return tuple(Turn(names[index % len(names)], text) for index, text in enumerate(texts))


def casino(folder: Path) -> Iterator[Dialogue]:
    for row in _json_lines(folder / "test.jsonl"):
        priorities = [
            f"{who}: {level} {issue}"
            for who, info in row["participant_info"].items()
            for level, issue in info["value2issue"].items()
        ]
        yield Dialogue(
            turns=tuple(Turn(turn["id"], turn["text"]) for turn in row["chat_logs"]),
            context=SocialContext(
                situation="Two campers share food, water and firewood.", priorities=(*priorities,)
            ),
            scenario="negotiation",
        )


def persuasionforgood(folder: Path) -> Iterator[Dialogue]:
    for _, rows in groupby(_rows(folder / "full_dialog.csv"), lambda row: row["B2"]):
        turns = tuple(Turn("persuadee" if row["B4"] == "1" else "persuader", row["Unit"]) for row in rows)
        yield Dialogue(turns=turns, context=SocialContext(roles="The persuader asks for a donation."))


def empathetic_dialogues(folder: Path) -> Iterator[Dialogue]:
    for row in _json_lines(folder / "test.jsonl"):
        context = SocialContext(situation=row["prompt"], emotion=row["label"])
        yield Dialogue(turns=_alternating(row["utterence"], "Speaker", "Listener"), context=context)


def esconv(folder: Path) -> Iterator[Dialogue]:
    for row in _json_lines(folder / "test.jsonl"):
        names = {"usr": "Seeker", "sys": "Supporter"}
        yield Dialogue(
            turns=tuple(Turn(names[turn["speaker"]], turn["text"]) for turn in row["dialog"]),
            context=SocialContext(situation=row["situation"], emotion=row["emotion_type"]),
            scenario="counselling",
        )


def dailydialog(folder: Path) -> Iterator[Dialogue]:
    with (folder / "dialogues_test.txt").open(encoding="utf-8") as file:
        for line in file:
            texts = [text.strip() for text in line.split("__eou__")]
            yield Dialogue(turns=_alternating([text for text in texts if text], "A", "B"))


def personachat(folder: Path) -> Iterator[Dialogue]:
    yield from _with_personas(folder / "test_original.jsonl")


def blended_skill_talk(folder: Path) -> Iterator[Dialogue]:
    yield from _with_personas(folder / "test.jsonl")


def _with_personas(path: Path) -> Iterator[Dialogue]:
    for row in _json_lines(path):
        speakers = (
            Speaker("Speaker", persona=tuple(row["speaker persona"])),
            Speaker("Listener", persona=tuple(row["listener persona"])),
        )
        yield Dialogue(turns=_alternating(row["dialogue"], "Speaker", "Listener"), speakers=speakers)


def annomi(folder: Path) -> Iterator[Dialogue]:
    for _, group in groupby(_rows(folder / "AnnoMI-full.csv"), lambda row: row["transcript_id"]):
        # Several annotators label the same utterance.
        rows = {row["utterance_id"]: row for row in group}
        turns = tuple(Turn(row["interlocutor"], row["utterance_text"]) for row in rows.values())
        topic = next(iter(rows.values()))["topic"]
        yield Dialogue(turns=turns, context=SocialContext(topic=topic), scenario="counselling")


def synthetic_persona_chat(folder: Path) -> Iterator[Dialogue]:
    for row in _rows(folder / "Synthetic-Persona-Chat_test.csv"):
        lines = [line.partition(":") for line in row["Best Generated Conversation"].splitlines()]
        yield Dialogue(
            turns=tuple(Turn(name.strip(), text.strip()) for name, _, text in lines if text.strip()),
            speakers=tuple(
                Speaker(f"User {n}", persona=tuple(row[f"user {n} personas"].splitlines())) for n in (1, 2)
            ),
        )


CORPORA: dict[str, Converter] = {
    "casino": casino,
    "persuasionforgood": persuasionforgood,
    "empathetic_dialogues": empathetic_dialogues,
    "esconv": esconv,
    "dailydialog": dailydialog,
    "personachat": personachat,
    "annomi": annomi,
    "synthetic_persona_chat": synthetic_persona_chat,
    "blended_skill_talk": blended_skill_talk,
}
"""Name of a corpus, which is also the name of its folder -> its converter."""
