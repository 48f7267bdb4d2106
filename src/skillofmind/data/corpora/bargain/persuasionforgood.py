"""PersuasionForGood: one asks the other to give to a charity (arXiv 1906.06725).

Form: a folder with `full_dialog.csv` and `full_info.csv`, `300_dialog.csv` and `300_info.csv`, or one of the
two dialogue files (its info file is looked for beside it). Licence: Apache 2.0.

    B2            the id; consecutive rows with the same one are a dialogue
    Unit          a sentence: a turn of its own, as in the paper and the Thanos data
    Turn          turn meta: sentences of one speaker with equal `meta.turn` were sent together
    B4            who: 0 persuader, 1 persuadee
    er_label_1, er_label_2   labels `persuasionforgood.persuader`, rank 1 and 2
    ee_label_1, ee_label_2   labels `persuasionforgood.persuadee`, rank 1 and 2
    neg, neu, pos            turn meta.sentiment
    info: age.x, sex.x, race.x, edu.x, marital.x, employment.x, income.x, religion.x, ideology.x
                             the speaker's attributes, without `.x`
    info: other `.x` columns meta.scores by role (personality, morals, values, decision style)
    info: B3, B7             meta.users by role, meta.exchanges
    info: B6, B5             meta.outcome.donation, .intended_donation by role, in dollars

Pitfalls: the 300 annotated dialogues are among the 1,017. A folder yields them once, with labels; their rows
in `full_dialog.csv` come out as one `Rejected` a dialogue that says so. Rows of an info file without a
dialogue are not dialogues and not counted.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.data.corpora.csv_rows import csv_rows
from skillofmind.data.corpora.folder import columns_of, files_of, plain_name
from skillofmind.data.corpora.rows import Row, usable
from skillofmind.data.jsonl import Rejected

LICENCE = "Apache-2.0"
_ROLES = {"0": "persuader", "1": "persuadee"}
_LABELS = {"er": "persuasionforgood.persuader", "ee": "persuasionforgood.persuadee"}
_TRAITS = ("age", "sex", "race", "edu", "marital", "employment", "income", "religion", "ideology")
_NEEDED = ("Unit", "Turn", "B4", "B2")

Info = dict[str, dict[str, dict[str, str]]]
"""Dialogue id -> role -> row of the info file."""


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a dialogue file, or of the folder.

    Raises:
        DataError: nothing can be read there.
    """
    annotated: set[str] = set()
    for file in files_of(path, "**/300_dialog.csv", "**/full_dialog.csv"):
        info, faults = _info(file)
        yield from faults
        for result in _dialogues(file, info, annotated):
            yield result
            if path.is_dir() and plain_name(file).startswith("300") and isinstance(result, Dialogue):
                annotated.add(result.id)


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the columns are those of a dialogue file."""
    return set(_NEEDED) <= set(columns_of(head))


def _info(file: Path) -> tuple[Info, list[Rejected]]:
    """Return what the info file beside a dialogue file says, and its rows that cannot be read."""
    beside = file.with_name(file.name.replace("dialog", "info"))
    if beside == file or not beside.is_file():
        return {}, []
    info: Info = {}
    faults: list[Rejected] = []
    for row in csv_rows(beside, "B2", "B4"):
        if isinstance(row, Rejected):
            faults.append(row)
        elif row.value["B4"] in _ROLES:
            info.setdefault(row.value["B2"], {})[_ROLES[row.value["B4"]]] = row.value
        else:
            faults.append(row.rejected(f"B4 is {row.value['B4']!r}; 0 is the persuader, 1 the persuadee."))
    return info, faults


def _dialogues(file: Path, info: Info, known: set[str]) -> Iterator[Dialogue | Rejected]:
    open_: list[Row] = []
    for row in csv_rows(file, *_NEEDED):
        if isinstance(row, Rejected):
            yield row
            continue
        if open_ and open_[0].value["B2"] != row.value["B2"]:
            yield from _from_rows(open_, info, known)
            open_ = []
        open_.append(row)
    if open_:
        yield from _from_rows(open_, info, known)


def _from_rows(rows: list[Row], info: Info, known: set[str]) -> Iterator[Dialogue | Rejected]:
    name: str = rows[0].value["B2"]
    if f"persuasionforgood:{name}" in known:
        yield rows[0].rejected(f"the {len(rows)} rows of {name!r} stand, with labels, in 300_dialog.csv.")
        return
    results = [_turn(row) for row in rows]
    yield from (result for result in results if isinstance(result, Rejected))
    turns = tuple(result for result in results if isinstance(result, Turn))
    if turns:
        yield usable(_dialogue(name, turns, info.get(name, {})), rows[0])


def _turn(row: Row) -> Turn | Rejected:
    cells: dict[str, str] = row.value
    if cells["B4"] not in _ROLES:
        return row.rejected(f"B4 is {cells['B4']!r}; 0 is the persuader, 1 the persuadee.")
    if not cells["Turn"].isdecimal() or not cells["Unit"].strip():
        return row.rejected("the sentence or the number of its turn is missing; fetch the file again.")
    meta: dict[str, Any] = {"turn": int(cells["Turn"])}
    sentiment = {name: cells[name] for name in ("neg", "neu", "pos") if cells.get(name)}
    if sentiment:
        meta["sentiment"] = sentiment
    return Turn(_ROLES[cells["B4"]], cells["Unit"], labels=tuple(_labels(cells)), meta=meta)


def _labels(cells: dict[str, str]) -> Iterator[Label]:
    for side, scheme in _LABELS.items():
        for rank in (1, 2):
            value = cells.get(f"{side}_label_{rank}", "")
            if value:
                yield Label(scheme, value, rank=rank)


def _dialogue(name: str, turns: tuple[Turn, ...], info: dict[str, dict[str, str]]) -> Dialogue:
    return Dialogue(
        turns=turns,
        context=SocialContext(
            roles="The persuader asks the persuadee to give money to a children's charity."
        ),
        id=f"persuasionforgood:{name}",
        speakers=tuple(_speaker(role, info.get(role, {})) for role in _ROLES.values()),
        corpus="persuasionforgood",
        lang="en",
        licence=LICENCE,
        scenario="persuasion",
        meta=_meta(info),
    )


def _speaker(role: str, row: dict[str, str]) -> Speaker:
    traits = {trait: row[f"{trait}.x"] for trait in _TRAITS if row.get(f"{trait}.x")}
    return Speaker(role, role=role, human=True, attributes=traits)


def _meta(info: dict[str, dict[str, str]]) -> dict[str, Any]:
    if not info:
        return {}
    scores = {
        role: {name.removesuffix(".x"): value for name, value in row.items() if _is_score(name) and value}
        for role, row in info.items()
    }
    outcome = {"donation": _by_role(info, "B6"), "intended_donation": _by_role(info, "B5")}
    meta = {
        "users": _by_role(info, "B3"),
        "exchanges": next(iter(_by_role(info, "B7").values()), None),
        "scores": {role: found for role, found in scores.items() if found},
        "outcome": {name: value for name, value in outcome.items() if value},
    }
    return {name: value for name, value in meta.items() if value}


def _is_score(name: str) -> bool:
    return name.endswith(".x") and name.removesuffix(".x") not in _TRAITS


def _by_role(info: dict[str, dict[str, str]], column: str) -> dict[str, str]:
    return {role: row[column] for role, row in info.items() if row.get(column)}


def sentences_joined(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Return the turns with the sentences of one speaker and one `meta.turn` joined by blanks.

    Labels are kept in order; `meta.sentences` counts what was joined.
    """
    joined: list[Turn] = []
    for turn in turns:
        last = joined[-1] if joined else None
        if last and (last.speaker, last.meta.get("turn")) == (turn.speaker, turn.meta.get("turn")):
            meta = last.meta | {"sentences": last.meta.get("sentences", 1) + 1}
            text = f"{last.text} {turn.text}"
            joined[-1] = msgspec.structs.replace(last, text=text, labels=last.labels + turn.labels, meta=meta)
        else:
            joined.append(turn)
    return tuple(joined)
