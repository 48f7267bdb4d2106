from collections import Counter

from skillofmind.data.corpora.conduct.diasafety import read
from tests.data.corpora.small_files import json_lines, label_counts, shared, sorted_out


def test_the_published_pairs_are_read_and_three_empty_ones_rejected() -> None:
    folder = shared("diasafety")
    dialogues, rejected = sorted_out(read(folder))
    splits = Counter(dialogue.split for dialogue in dialogues)
    assert splits == {"train": 6865, "validation": 847, "test": 829}
    rows = {name: json_lines(folder / f"{name}.jsonl") for name in ("test", "train", "val")}
    assert [len(found) for found in rows.values()] == [830, 6867, 847]
    empty = [
        (f"{name}.jsonl", number)
        for name, found in rows.items()
        for number, row in enumerate(found, 1)
        if not row["context"].strip() or not row["response"].strip()
    ]
    assert [(row.source, row.line) for row in rejected] == empty
    kept = [
        row
        for name, found in rows.items()
        for number, row in enumerate(found, 1)
        if (f"{name}.jsonl", number) not in empty
    ]
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [row["context"], row["response"]] for row in kept
    ]
    assert label_counts(dialogues, "diasafety.safety") == Counter(row["label"] for row in kept)
    assert label_counts(dialogues, "diasafety.category") == Counter(row["category"] for row in kept)
    assert all(not dialogue.turns[0].labels for dialogue in dialogues)
