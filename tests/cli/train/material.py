"""Models, rows and words for the tests of `som train`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillofmind.run.log import read_log
from tests.models.local.tiny import save_tiny

WORDS = [
    "sorry",
    "hear",
    "talk",
    "lovely",
    "day",
    "walk",
    "hard",
    "feel",
    "same",
    "way",
    "user",
    "think",
    "about",
    "it",
    "want",
    "shall",
]


def sentence(number: int, length: int = 4) -> str:
    return " ".join(WORDS[(number * 7 + place * (number % 5 + 1)) % len(WORDS)] for place in range(length))


def supervised_rows(count: int) -> list[dict[str, Any]]:
    """Questions and answers of several lengths."""
    return [
        {
            "id": f"row-{number}",
            "prompt": [{"role": "user", "content": sentence(number, 2 + number % 3)}],
            "completion": [{"role": "assistant", "content": sentence(number + 3, 2 + number % 5)}],
        }
        for number in range(count)
    ]


def preference_rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"pair-{number}",
            "prompt": [{"role": "user", "content": sentence(number, 3)}],
            "chosen": [{"role": "assistant", "content": sentence(number + 1, 3)}],
            "rejected": [{"role": "assistant", "content": sentence(number + 5, 2 + number % 4)}],
            "gap": float(number * 5 % 7),
        }
        for number in range(count)
    ]


def write_rows(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def model_folder(folder: Path, *, kind: str = "llama", dropout: float = 0.0, **options: Any) -> Path:
    """Save a tiny model; `dropout` is that of a Llama's attention (GPT-2 has its own everywhere)."""
    save_tiny(folder, kind=kind, **options)  # type: ignore[arg-type]
    if dropout:
        change_json(folder / "config.json", attention_dropout=dropout)
    return folder


def change_json(file: Path, **fields: Any) -> None:
    """Change fields of a JSON file; `None` removes one."""
    found = {**json.loads(file.read_text()), **fields}
    file.write_text(json.dumps({name: value for name, value in found.items() if value is not None}))


def updates(run: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return number and record of every update, in the order written."""
    return [(int(key), value) for key, value in read_log(run / "updates.jsonl")]


def losses(run: Path) -> list[float]:
    """Return the losses, and make sure that every update is there once and in order."""
    found = updates(run)
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [record["loss"] for _, record in found]


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())
