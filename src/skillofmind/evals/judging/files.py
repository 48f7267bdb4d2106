"""The run of the judges: a folder inside the run whose replies are judged.

Replies that failed at first and came later make new questions. A question that was answered never changes:
the reply in it is settled. So new questions may join a run that goes on, which for other items is refused.
"""

from collections.abc import Sequence
from pathlib import Path

from skillofmind.core.errors import RunMismatch
from skillofmind.evals.files import ITEMS, discard_derived, is_run, read_items
from skillofmind.evals.records import Item
from skillofmind.run.atomic import storage_errors

FOLDER = "judges"
"""Name of the folder inside the run."""


def admit_questions(path: Path, questions: Sequence[Item]) -> None:
    """Make room for further questions in a run of judges; called while its folder is held.

    Raises:
        RunMismatch: a question with the same key says something else than before.
        DataError: the questions of before cannot be read.
        StorageError: the disk said no.
    """
    if not is_run(path):
        return
    before = list(read_items(path))
    if before == list(questions):
        return
    now = {one.key: one for one in questions}
    changed = [one.key for one in before if one.key in now and now[one.key] != one]
    if changed:
        raise RunMismatch(
            f"{str(path)!r} holds another question {changed[0]!r}; its replies or wording changed since. "
            "Use another folder, or remove this one to ask the judges again."
        )
    discard_derived(path)
    with storage_errors(path / ITEMS):
        (path / ITEMS).unlink()
