"""Tiny corpora in the published forms, made up, for tests of raters."""

import csv
import json
from pathlib import Path

WARM, COLD = "I am so sorry, that must hurt", "The bus leaves at ten"


def write_corpora(folder: Path, posts: int = 30) -> Path:
    """Write EPITOME, DiaSafety and EmpatheticDialogues with a few rows each; return the folder."""
    _epitome(folder / "epitome_reddit", posts)
    _diasafety(folder / "diasafety")
    _empathetic(folder / "empathetic_dialogues")
    return folder


def _epitome(folder: Path, posts: int) -> None:
    folder.mkdir(parents=True)
    for name in ("emotional-reactions", "interpretations", "explorations"):
        with (folder / f"{name}-reddit.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["sp_id", "rp_id", "seeker_post", "response_post", "level", "rationales"])
            for number in range(posts):
                warm = number % 2 == 0
                said = f"{WARM if warm else COLD} {number}"
                rows.writerow([f"s{number}", f"r{number}", f"post {number}", said, 2 if warm else 0, ""])


def _diasafety(folder: Path) -> None:
    folder.mkdir()
    for split, count in (("train", 24), ("test", 12)):
        lines = [
            {
                "context": f"{split} question {number}",
                "response": f"{'you fool' if number % 2 else 'take care'} {number}",
                "category": "Offending User",
                "label": "Unsafe" if number % 2 else "Safe",
            }
            for number in range(count)
        ]
        if split == "train":
            # A context of the test part, which training has to leave out.
            lines.append(lines[0] | {"context": "test question 1"})
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")


def _empathetic(folder: Path) -> None:
    folder.mkdir()
    for split in ("valid", "test"):
        lines = [
            {
                "conv_id": f"{split}{number}",
                "prompt": f"I {'won the prize' if number % 2 else 'lost my dog'} {number}",
                "label": "joyful" if number % 2 else "sad",
                "utterence": [
                    f"I {'won it' if number % 2 else 'lost it'} today {number}",
                    WARM,
                    "Thanks",
                    f"What happened next {number}?",
                ],
            }
            for number in range(12)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    intents = [
        {"text": f"{'How did it go' if number % 2 else 'I am sorry'} {number}?", "intent": intent}
        for number, intent in enumerate(["consoling", "questioning"] * 12)
    ]
    file = folder / "listener_intents_manual.jsonl"
    file.write_text("\n".join(map(json.dumps, intents)) + "\n", "utf-8")
