"""DialogStudio: many corpora in one form (arXiv 2307.10172); here seven of them.

Form: a JSON object of `<corpus>--<split>--<n>` -> row (the repository's `converted_examples.json`), or rows
with `new dialog id` (`Salesforce/dialogstudio`, where the three `original ...` fields are JSON strings).
Licence: of each corpus.

Every row is put back into its corpus's own form and read by that corpus's reader, so that ids, context,
speakers and labels are the same as from the original files:

    CaSiNo, ConvAI2, Empathetic, MULTIWOZ2_2, Prosocial, SODA, wizard_of_wikipedia

    log[].user utterance, .system response   turns; "" means that nobody spoke
    original dialog info                     fields of the dialogue
    original user/system side information    fields of the turn
    new dialog id                            meta.dialogstudio; its middle part is the split

Left out, as DialogStudio made it from the dialogue: `dialog history`, `prompt`, `external knowledge`, `dst`,
`intent`. Pitfalls: CaSiNo's deals stand apart in `results` and come last here; the situation of
EmpatheticDialogues is not there; a row of another corpus is rejected by name.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.corpora.bargain import casino
from skillofmind.data.corpora.feeling import empathetic_dialogues
from skillofmind.data.corpora.folder import files_of, keys_of
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.knowledge import wizard_of_wikipedia
from skillofmind.data.corpora.norms import prosocial
from skillofmind.data.corpora.rows import Row, Shape, converted, shaped
from skillofmind.data.corpora.story import soda
from skillofmind.data.corpora.studio import wild_chats
from skillofmind.data.corpora.task import multiwoz
from skillofmind.data.jsonl import Rejected

Results = Iterator[Dialogue | Rejected]


class Exchange(Shape, frozen=True):
    """One item of `log`."""

    user: str = msgspec.field(name="user utterance", default="")
    system: str = msgspec.field(name="system response", default="")
    user_side: dict[str, Any] | str = msgspec.field(name="original user side information", default="")
    system_side: dict[str, Any] | str = msgspec.field(name="original system side information", default="")


class Talk(Shape, frozen=True):
    """One row."""

    log: list[Exchange]
    info: dict[str, Any] | str = msgspec.field(name="original dialog info", default="")
    original_id: str | int | None = msgspec.field(name="original dialog id", default=None)
    new_id: str = msgspec.field(name="new dialog id", default="")


class Said(msgspec.Struct, frozen=True):
    """One utterance: whose (`user` or `system`), its text and what stands beside it."""

    side: str
    text: str
    info: dict[str, Any]


class Opened(msgspec.Struct, frozen=True):
    """One row with its JSON strings decoded and the silent sides left out."""

    id: str
    original_id: str | int | None
    info: dict[str, Any]
    said: list[Said]


def read(path: Path) -> Results:
    """Yield the dialogues of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(
        path, "**/*converted_examples.json", "**/train*.json", "**/val*.json", "**/test*.json", "**/*.jsonl"
    ):
        for row in json_rows(file):
            yield from [row] if isinstance(row, Rejected) else _dialogues(file, row)


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has DialogStudio's fields, by itself or under its name."""
    named = b'"original dialog info"' in head and any("--" in key for key in keys_of(head))
    return named or {"original dialog info", "new dialog id"} <= keys_of(head)


def _dialogues(file: Path, row: Row) -> Results:
    talk = shaped(row, Talk)
    opened = talk if isinstance(talk, Rejected) else _opened(talk, row)
    if isinstance(opened, Rejected):
        yield opened
        return
    corpus, _, rest = opened.id.partition("--")
    restore = _CORPORA.get(corpus.upper())
    if restore is None:
        yield row.rejected(
            f"no reader for the corpus of {opened.id!r}; known are {', '.join(sorted(_CORPORA))}."
        )
        return
    # The readers learn the split from the file's name.
    named = file.with_name(f"{rest.partition('--')[0] or 'rows'}.json")
    for result in restore(named, opened, row):
        yield result if isinstance(result, Rejected) else _marked(result, opened.id)


def _marked(dialogue: Dialogue, name: str) -> Dialogue:
    return msgspec.structs.replace(dialogue, meta=dialogue.meta | {"dialogstudio": name})


def _opened(talk: Talk, row: Row) -> Opened | Rejected:
    try:
        info = _fields(talk.info)
        said = [
            Said(side, text, _fields(told))
            for item in talk.log
            for side, text, told in (
                ("user", item.user, item.user_side),
                ("system", item.system, item.system_side),
            )
            if text
        ]
    except (msgspec.MsgspecError, RecursionError) as error:
        return row.rejected(f"a field that holds JSON cannot be read: {error}; fetch the file again.")
    if not said:
        return row.rejected("the dialogue has no turns; give at least one.")
    return Opened(row.key or talk.new_id, talk.original_id, info, said)


def _fields(value: dict[str, Any] | str) -> dict[str, Any]:
    """Return a field that is an object, or a JSON string of one; "" is an empty one."""
    if isinstance(value, dict):
        return value
    return msgspec.json.decode(value, type=dict[str, Any]) if value.strip() else {}


def _again(row: Row, value: dict[str, Any]) -> Row:
    return msgspec.structs.replace(row, value=value, key="")


def _soda(file: Path, found: Opened, row: Row) -> Results:
    value = {**found.info, "dialogue": [said.text for said in found.said]}
    yield from converted([_again(row, value)], soda.Story, partial(soda.conversation, file))


def _casino(file: Path, found: Opened, row: Row) -> Results:
    logs = [
        {
            "text": said.text,
            "id": said.info.get("speaker") or said.info.get("speakere"),
            "task_data": said.info,
        }
        for said in found.said
    ]
    info = {name: value for name, value in found.info.items() if name != "results"}
    value = {
        **info,
        "dialogue_id": found.original_id,
        "chat_logs": [*logs, *_listed(found.info.get("results"))],
    }
    yield from converted([_again(row, value)], casino.Talk, partial(casino.conversation, file))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _multiwoz(file: Path, found: Opened, row: Row) -> Results:
    turns = [
        {"turn_id": str(index), "speaker": said.side.upper(), "utterance": said.text, **said.info}
        for index, said in enumerate(found.said)
    ]
    value = {**found.info, "dialogue_id": found.original_id, "turns": turns}
    yield from converted([_again(row, value)], multiwoz.Talk, partial(multiwoz.conversation, file, {}))


def _wizard(file: Path, found: Opened, row: Row) -> Results:
    names = {"user": "Apprentice", "system": "Wizard"}
    dialog = [{"speaker": names[said.side], **said.info, "text": said.text} for said in found.said]
    yield from converted(
        [_again(row, {**found.info, "dialog": dialog})],
        wizard_of_wikipedia.Talk,
        partial(wizard_of_wikipedia.conversation, file.with_name(f"dialogstudio-{file.name}")),
    )


def _prosocial(file: Path, found: Opened, row: Row) -> Results:
    pairs = list(zip(found.said[::2], found.said[1::2], strict=False))
    if any((user.side, system.side) != ("user", "system") for user, system in pairs) or len(found.said) % 2:
        yield row.rejected("A and B do not take turns; a row of ProsocialDialog is a remark and its answer.")
        return
    value = [{**user.info, "context": user.text, "response": system.text} for user, system in pairs]
    yield from prosocial.gathered(file, iter([msgspec.structs.replace(row, value=value)]))


def _empathetic(file: Path, found: Opened, row: Row) -> Results:
    name = str(found.original_id or found.id)
    rows: list[Row | Rejected] = [
        _again(
            row,
            {**found.info, **said.info, "conv_id": name, "utterance_idx": index, "utterance": said.text},
        )
        for index, said in enumerate(found.said, 1)
    ]
    yield from empathetic_dialogues.gathered(file, iter(rows))


def _convai2(file: Path, found: Opened, row: Row) -> Results:
    dialog = [{**said.info, "text": said.text} for said in found.said]
    value = {"dialog_id": found.original_id, **found.info, "dialog": dialog}
    yield from converted([_again(row, value)], wild_chats.Chat, partial(wild_chats.conversation, file))


_CORPORA: dict[str, Callable[[Path, Opened, Row], Results]] = {
    "CASINO": _casino,
    "CONVAI2": _convai2,
    "EMPATHETIC": _empathetic,
    "MULTIWOZ2_2": _multiwoz,
    "PROSOCIAL": _prosocial,
    "SODA": _soda,
    "SODA_PROCESSED": _soda,
    "WIZARD_OF_WIKIPEDIA": _wizard,
}
"""First part of a row's name, in capitals -> what reads it."""
