"""EPITOME, Reddit part: how much empathy an answer to a post shows, by three mechanisms.

Paper: arXiv 2009.08441. Licence: University of Washington; research, non-commercial, with attribution.

Three csv files with the same pairs in the same order, columns `sp_id, rp_id, seeker_post, response_post,
level, rationales`: `emotional-reactions-reddit.csv`, `interpretations-reddit.csv`,
`explorations-reddit.csv`. A folder joins the three row by row; a single file gives its own labels.

| source | becomes |
|---|---|
| `seeker_post`, `response_post` | two turns, of `seeker` and `responder`, as in the first file |
| `level` 0, 1, 2 | labels `epitome.er`, `epitome.ip`, `epitome.ex` of the answer |
| `rationales` | `meta["rationales"][<scheme>]` of the answer: the spans between `|` |
| `sp_id`, `rp_id` | id `epitome:<sp_id>_<rp_id>`, `meta["pair"]` |

Pitfalls: some pairs occur two or three times, with other levels or spans: the second has the id `...#2`.
The files differ in blanks, and here and there in words; `meta["differs_in"]` names the files whose text
is not the one kept. Spans are not always verbatim parts of the answer. Split by `meta["pair"]`.
Sensitive text.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, Speaker, Turn
from skillofmind.data.corpora.csv_rows import csv_rows
from skillofmind.data.corpora.folder import files_of
from skillofmind.data.corpora.rows import Row, dialogues
from skillofmind.data.jsonl import Rejected

_SCHEMES = {
    "emotional-reactions": "epitome.er",
    "interpretations": "epitome.ip",
    "explorations": "epitome.ex",
}
_COLUMNS = ("sp_id", "rp_id", "seeker_post", "response_post", "level", "rationales")


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the pairs of one file, or of a folder's files joined.

    Raises:
        DataError: a file is missing, unreadable, not csv or lacks a column.
    """
    seen: dict[str, int] = {}
    patterns = [f"{name}*.csv" for name in _SCHEMES]
    files = files_of(path, *patterns) if path.is_dir() else files_of(path)
    yield from dialogues(files[:1], lambda _: _joined(files), lambda row: _dialogue(row, seen))


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the header."""
    header = head.partition(b"\n")[0]
    return all(name in header for name in (b"sp_id", b"rp_id", b"seeker_post", b"rationales"))


def _joined(files: Sequence[Path]) -> Iterator[Row | Rejected]:
    """Yield the rows of the files side by side; every rejected row is told."""
    for found in zip_longest(*(csv_rows(path, *_COLUMNS) for path in files)):
        rows = [row for row in found if isinstance(row, Row)]
        yield from (row for row in found if isinstance(row, Rejected))
        if rows:
            value = {"rows": rows, "files": len(files)}
            yield Row(rows[0].path, rows[0].line, rows[0].line, value)


def _dialogue(row: Row, seen: dict[str, int]) -> Dialogue | Rejected:
    rows: list[Row] = row.value["rows"]
    pairs = {(found.value["sp_id"], found.value["rp_id"]) for found in rows}
    if len(rows) < row.value["files"] or len(pairs) > 1:
        return row.rejected("the files hold different pairs here; keep their rows in the same order.")
    first = rows[0].value
    if not first["seeker_post"].strip() or not first["response_post"].strip():
        return row.rejected("the post or the answer is empty; both need text.")
    pair = f"{first['sp_id']}_{first['rp_id']}"
    seen[pair] = seen.get(pair, 0) + 1
    times = f"#{seen[pair]}" if seen[pair] > 1 else ""
    texts = ("seeker_post", "response_post")
    differs = [found.path.name for found in rows if any(found.value[t] != first[t] for t in texts)]
    return Dialogue(
        turns=(Turn("seeker", first["seeker_post"]), _answer(rows)),
        id=f"epitome:{pair}{times}",
        speakers=(
            Speaker("seeker", role="seeker", human=True),
            Speaker("responder", role="peer supporter", human=True),
        ),
        corpus="epitome",
        lang="en",
        licence="University of Washington; research, non-commercial, with attribution",
        scenario="peer support",
        meta={"pair": pair, **({"differs_in": differs} if differs else {})},
    )


def _answer(rows: list[Row]) -> Turn:
    labels = tuple(Label(_scheme(found.path), found.value["level"]) for found in rows)
    spans = {
        _scheme(found.path): [span for span in found.value["rationales"].split("|") if span.strip()]
        for found in rows
    }
    told = {scheme: found for scheme, found in spans.items() if found}
    answer = Turn("responder", rows[0].value["response_post"], labels=labels)
    return msgspec.structs.replace(answer, meta={"rationales": told}) if told else answer


def _scheme(path: Path) -> str:
    return next((s for name, s in _SCHEMES.items() if path.name.startswith(name)), "epitome.level")
