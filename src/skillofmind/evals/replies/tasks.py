"""Tasks that ask for a reply: the last turn of a dialogue, in as many arms as are compared.

| task | dialogues | context | target |
|---|---|---|---|
| `reply.dailydialog` | DailyDialog test, even length | one sentence, the same for all | last turn |
| `reply.empathetic_dialogues` | EmpatheticDialogues test, even length | situation and feeling | last turn |
| `reply.prosocial` | ProsocialDialog test, or its samples in DialogStudio | rules of thumb | last turn |
| `reply.own` | any files of dialogues with two turns or more | as in the files | last turn |

With even length and two people who take turns, it is always the one who did not begin who answers: in
EmpatheticDialogues the listener. The published evaluation code takes the same dialogues.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.corpora.daily import dailydialog
from skillofmind.data.corpora.feeling import empathetic_dialogues
from skillofmind.data.corpora.norms import prosocial
from skillofmind.data.corpora.studio import dialogstudio
from skillofmind.data.formats import read_any
from skillofmind.data.jsonl import Rejected
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.replies.panel import Panel
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.asking import asked

Arm = Literal["none", "skill", "explanation", "both"]
"""What of the plan the agent is shown."""

ARMS: tuple[Arm, ...] = get_args(Arm)
"""All arms; the first one is what others are compared with."""

OWN = "reply.own"
"""Task of the user's own files."""

DAILY_CONTEXT = "Two people talk about something of everyday life."
"""Context of DailyDialog, which says nothing of its people."""

_WHOLE, _SAMPLES = "prosocial_dialog", "dialogstudio_samples"


class Source(NamedTuple):
    """Where a task's dialogues come from.

    Attributes:
        about: what is asked.
        corpus: the corpus's folder in the data folder.
        read: the data folder -> dialogues; their last turn is the target.
    """

    about: str
    corpus: str
    read: Callable[[Path], Iterator[Dialogue]]


def reply_task(name: str, panel: Panel, own: Sequence[Path] = (), data: Path | None = None) -> Task:
    """Return a task.

    Args:
        name: one of `SOURCES`, or `OWN`.
        panel: how replies are scored.
        own: files of dialogues, for `OWN`.
        data: the data folder, where it is known: ProsocialDialog may be there in one of two forms.

    Raises:
        ConfigurationError: there is no such task, or `OWN` without files.
    """
    if name == OWN:
        if not own:
            raise ConfigurationError(f"the task {OWN!r} has no files; name some.")
        source = Source("Say the last turn of the dialogues in the files.", "", lambda _: _own(own))
    elif name in SOURCES:
        source = SOURCES[name]
    else:
        raise ConfigurationError(f"{name!r} is no task for replies; there are {', '.join(SOURCES)}, {OWN}.")
    return Task(
        name,
        source.about,
        "reply",
        _corpus(source, data),
        partial(reply_items, name, source.read),
        panel.score,
        panel.measures,
        panel.tables,
        slices=("corpus", "lang", "turns"),
        embedded=panel.score,
    )


def reply_items(name: str, read: Callable[[Path], Iterator[Dialogue]], data: Path) -> Iterator[Item]:
    """Yield an item for each dialogue, without arm.

    Raises:
        DataError: the corpus is missing or unreadable.
    """
    for one in read(data):
        if len(one.turns) > 1 and one.turns[-1].text.strip():
            last = len(one.turns) - 1
            yield asked(name, one.before(last), last, Gold(reply=one.turns[last].text))


def with_arms(items: Iterable[Item], arms: Sequence[str]) -> list[Item]:
    """Return every item in every arm: all of the first arm, then all of the next.

    Raises:
        ConfigurationError: an arm is unknown or named twice, or there is none.
    """
    for arm in arms:
        if arm not in ARMS:
            raise ConfigurationError(f"{arm!r} is no arm; there are {', '.join(ARMS)}.")
    if not arms or len(set(arms)) < len(arms):
        raise ConfigurationError(f"arms {', '.join(arms)!r}: name at least one, and each once.")
    return [msgspec.structs.replace(item, arm=arm) for arm, item in product(arms, list(items))]


def _daily(data: Path) -> Iterator[Dialogue]:
    for one in _even(dailydialog.read(data / "dailydialog"), "test"):
        yield msgspec.structs.replace(one, context=SocialContext(text=DAILY_CONTEXT))


def _empathetic(data: Path) -> Iterator[Dialogue]:
    return _even(empathetic_dialogues.read(data / "empathetic_dialogues"), "test")


def _prosocial(data: Path) -> Iterator[Dialogue]:
    if (data / _WHOLE).exists():
        return _even(prosocial.read(data / _WHOLE), "test")
    return _even(dialogstudio.read(data / _SAMPLES / "Prosocial.converted_examples.json"), None)


def _corpus(source: Source, data: Path | None) -> str:
    """Return the folder that has to be there."""
    samples = source.corpus == _WHOLE and data is not None and not (data / _WHOLE).exists()
    return _SAMPLES if samples else source.corpus


def _even(found: Iterable[Dialogue | Rejected], split: str | None) -> Iterator[Dialogue]:
    for one in found:
        if isinstance(one, Dialogue) and len(one.turns) % 2 == 0 and split in (None, one.split):
            yield one


def _own(files: Sequence[Path]) -> Iterator[Dialogue]:
    for one in read_any(files):
        if isinstance(one, Rejected):
            raise DataError(str(one))
        yield one


SOURCES = {
    "reply.dailydialog": Source("Say the last turn of everyday talks.", "dailydialog", _daily),
    "reply.empathetic_dialogues": Source(
        "Say what the listener says last to somebody who tells of a feeling.",
        "empathetic_dialogues",
        _empathetic,
    ),
    "reply.prosocial": Source("Answer a problematic remark.", _WHOLE, _prosocial),
}
"""Name of a task -> where its dialogues come from."""
