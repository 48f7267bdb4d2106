"""ConvoKit corpora: a folder of utterances, speakers, conversations, metadata and an index.

Reading takes a folder or its `utterances.jsonl`, from version 1 (`users.json`, `root`, `user`) on.
Utterances of one conversation may stand apart: a first pass notes where they are (16 bytes each), the second
reads one conversation at a time. `speakers.json` and `conversations.json` are looked up in a temporary
database on disk. Turns are in the order of the file, or of their timestamps where all have one. Metadata of
an utterance, conversation and speaker become `meta` of turn and dialogue and `attributes` of the speaker.

Writing streams. The id of a dialogue is that of its conversation and of its first utterance; the others are
`<id>#<turn>`; a speaker is `<id>#<key>`, as our speakers live within one dialogue. Read and written alike:
texts, order, ids, speakers, `context.text` (as the conversation's metadata `context`); the rest is in the
metadata `skillofmind` of the conversation.
"""

import os
import secrets
import shutil
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.core.errors import DataError, StorageError
from skillofmind.data.exchange.chat import REST
from skillofmind.data.exchange.lookup import Lookup
from skillofmind.data.files import open_binary
from skillofmind.data.jsonl import Rejected, dialogue_fault
from skillofmind.data.seen import Seen
from skillofmind.run.atomic import storage_errors

Json = dict[str, Any]
UTTERANCES = "utterances.jsonl"
_CLASSES = {str: "<class 'str'>", dict: "<class 'dict'>", list: "<class 'list'>", bool: "<class 'bool'>"}


class _Where(msgspec.Struct):
    conversation_id: str | None = None
    root: str | None = None


class _Said(msgspec.Struct):
    id: str
    text: str | None = None
    speaker: str | None = None
    user: str | None = None
    conversation_id: str | None = None
    root: str | None = None
    reply_to: Any = msgspec.field(default=None, name="reply-to")
    timestamp: Any = None
    meta: Json | None = None


_WHERE = msgspec.json.Decoder(_Where)
_SAID = msgspec.json.Decoder(_Said)


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the conversations of a corpus, in the order of their first utterances.

    Raises:
        DataError: a file is missing or is not what it should be.
    """
    folder = path if path.is_dir() else path.parent
    places, bad = _places(folder)
    yield from bad
    with ExitStack() as stack:
        people = stack.enter_context(_table(folder, "speakers.json", "users.json"))
        conversations = stack.enter_context(_table(folder, "conversations.json"))
        file = stack.enter_context(open_binary(folder / UTTERANCES))
        for name, found in places.items():
            try:
                said = [_at(file, found[i], found[i + 1]) for i in range(0, len(found), 2)]
                dialogue = _dialogue(name, said, _meta_of(conversations.get(name)), people)
            except (msgspec.DecodeError, UnicodeDecodeError, DataError) as error:
                yield Rejected(UTTERANCES, found[1], f"conversation {name!r}: {error}")
                continue
            fault = dialogue_fault(dialogue)
            yield Rejected(UTTERANCES, found[1], fault) if fault else dialogue


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether `path` is a corpus folder or the utterances of one."""
    if path.is_dir():
        return (path / UTTERANCES).is_file()
    return path.name == UTTERANCES and b'"text"' in head and b'"id"' in head


def write(dialogues: Iterable[Dialogue], path: Path, *, plain: bool = False) -> None:
    """Write a corpus folder, whole or not at all, in constant memory (12 to 24 bytes an id).

    Raises:
        StorageError: the disk said no, or `path` is a folder with something in it.
        DataError: an id twice: conversations are told apart by it.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise StorageError(f"cannot write {str(path)!r}: it is there already; name a new folder.")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    with storage_errors(path):
        temporary.mkdir()
    try:
        _write_all(dialogues, temporary, path, plain=plain)
        with storage_errors(path):
            os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _table(folder: Path, *names: str) -> Lookup:
    """Open the first of the files that is there."""
    return Lookup(next((folder / name for name in names if (folder / name).exists()), None))


def _meta_of(value: Json) -> Json:
    inner = value.get("meta")
    return inner if isinstance(inner, dict) else value


def _places(folder: Path) -> "tuple[dict[str, array[int]], list[Rejected]]":
    """Return conversation -> offset, line, offset, line, ... of its utterances."""
    found: dict[str, array[int]] = {}
    bad, at = [], 0
    with open_binary(folder / UTTERANCES) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                name = _conversation(line)
                if isinstance(name, str):
                    found.setdefault(name, array("q")).extend((at, number))
                else:
                    bad.append(Rejected(UTTERANCES, number, str(name)))
            at += len(line)
    return found, bad


def _conversation(line: bytes) -> str | DataError:
    try:
        where = _WHERE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return DataError(f"not an utterance: {error}; write one JSON object a line.")
    name = where.conversation_id or where.root
    return name if name is not None else DataError("the utterance has no `conversation_id`; add it.")


def _at(file: BinaryIO, offset: int, line: int) -> _Said:
    file.seek(offset)
    try:
        return _SAID.decode(file.readline())
    except msgspec.DecodeError as error:
        raise DataError(f"line {line} is not an utterance: {error}; each needs `id` and `text`.") from error


def _dialogue(name: str, said: list[_Said], meta: Json, people: Lookup) -> Dialogue:
    times = [one.timestamp for one in said]
    if all(isinstance(time, int | float) and not isinstance(time, bool) for time in times):
        said = sorted(said, key=lambda one: one.timestamp)
    if REST in meta:
        return _with_rest(name, said, meta)
    turns = tuple(_turn(one) for one in said)
    known = {key: _meta_of(people.get(key)) for key in dict.fromkeys(turn.speaker for turn in turns)}
    context = meta.get("context")
    return Dialogue(
        turns,
        context=SocialContext(text=context if isinstance(context, str) else None),
        id=name,
        speakers=tuple(_speaker(key, found) for key, found in known.items() if found),
        meta={key: value for key, value in meta.items() if key != "context" or not isinstance(value, str)},
    )


def _turn(one: _Said) -> Turn:
    speaker = one.speaker or one.user
    if one.text is None or not speaker:
        raise DataError(f"utterance {one.id!r} has no text or no speaker.")
    others = {"id": one.id, "reply_to": one.reply_to, "timestamp": one.timestamp}
    return Turn(
        speaker, one.text, meta={**{k: v for k, v in others.items() if v is not None}, **(one.meta or {})}
    )


def _speaker(key: str, meta: Json) -> Speaker:
    facts = {k: v if isinstance(v, str) else msgspec.json.encode(v).decode() for k, v in meta.items()}
    return Speaker(key, attributes=facts)


def _with_rest(name: str, said: list[_Said], meta: Json) -> Dialogue:
    rest, context = meta[REST], meta.get("context")
    told = rest.get("turns") if isinstance(rest, dict) else None
    if not isinstance(told, list) or len(told) != len(said):
        raise DataError(f"the metadata `{REST}` does not describe its {len(said)} utterances; remove it.")
    facts = rest.get("context", {})
    return msgspec.convert(
        {
            **rest,
            "id": name,
            "context": facts if context is None else {**facts, "text": context},
            "turns": [
                {**one, "text": utterance.text or ""} for one, utterance in zip(told, said, strict=True)
            ],
        },
        Dialogue,
    )


def _write_all(dialogues: Iterable[Dialogue], folder: Path, target: Path, *, plain: bool) -> None:
    seen = Seen()
    with ExitStack() as open_files:
        with storage_errors(target):
            utterances = open_files.enter_context((folder / UTTERANCES).open("wb"))
            people = open_files.enter_context((folder / "speakers.json").open("wb"))
            conversations = open_files.enter_context((folder / "conversations.json").open("wb"))
        between = b"{"
        for dialogue in dialogues:
            if not seen.add(dialogue.id):
                raise DataError(f"two dialogues have the id {dialogue.id!r}; make ids unique first.")
            with storage_errors(target):
                utterances.writelines(_utterances(dialogue))
                people.write(between + _people(dialogue))
                conversations.write(between + _conversation_entry(dialogue, plain=plain))
            between = b",\n"
        with storage_errors(target):
            for file in (people, conversations):
                file.write(b"}\n" if len(seen) else b"{}\n")
            for file in (utterances, people, conversations):
                file.flush()
                os.fsync(file.fileno())
            (folder / "corpus.json").write_bytes(b"{}\n")
            (folder / "index.json").write_bytes(msgspec.json.encode(_index(plain=plain)) + b"\n")


def _utterances(dialogue: Dialogue) -> Iterator[bytes]:
    before: str | None = None
    for number, turn in enumerate(dialogue.turns):
        name = f"{dialogue.id}#{number}" if number else dialogue.id
        fields: Json = {
            "id": name,
            "conversation_id": dialogue.id,
            "text": turn.text,
            "speaker": f"{dialogue.id}#{turn.speaker}",
            "meta": {},
            "reply-to": before,
            "timestamp": None,
            "vectors": [],
        }
        yield msgspec.json.encode(fields) + b"\n"
        before = name


def _people(dialogue: Dialogue) -> bytes:
    known = {speaker.key: speaker for speaker in dialogue.speakers}
    entries = []
    for key in dict.fromkeys([*(turn.speaker for turn in dialogue.turns), *known]):
        speaker = known.get(key, Speaker(key))
        meta = {"key": key, "name": speaker.name or key, "role": speaker.role or "", **speaker.attributes}
        name = msgspec.json.encode(f"{dialogue.id}#{key}")
        entries.append(name + b": " + msgspec.json.encode({"meta": meta, "vectors": []}))
    return b",\n".join(entries)


def _conversation_entry(dialogue: Dialogue, *, plain: bool) -> bytes:
    meta: Json = {} if dialogue.context.text is None else {"context": dialogue.context.text}
    if not plain:
        context = msgspec.structs.replace(dialogue.context, text=None)
        rest = msgspec.to_builtins(msgspec.structs.replace(dialogue, turns=(), id="", context=context))
        turns = msgspec.to_builtins(dialogue.turns)
        meta[REST] = {**rest, "turns": [{k: v for k, v in turn.items() if k != "text"} for turn in turns]}
    name = msgspec.json.encode(dialogue.id)
    return name + b": " + msgspec.json.encode({"meta": meta, "vectors": []})


def _index(*, plain: bool) -> Json:
    text = [_CLASSES[str]]
    return {
        "utterances-index": {},
        "speakers-index": {"key": text, "name": text, "role": text},
        "conversations-index": {"context": text, **({} if plain else {REST: [_CLASSES[dict]]})},
        "overall-index": {},
        "version": 1,
        "vectors": [],
    }
