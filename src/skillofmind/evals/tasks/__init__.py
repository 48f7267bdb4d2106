"""What a planner can be asked: human-labelled corpora, the package's dialogues, and published wrappers.

    task("esconv").items(Path("corpora"))        # items of corpora/esconv
    annotated_task(Path("mine.jsonl"))           # one's own annotations

Nothing is read before items are asked for. Names ending in `.official` keep known faults of the published
evaluation code, for comparison; names ending in `.weak` hold labels that hint at a skill only.
"""

from difflib import get_close_matches

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.annotated import annotated_task, starter
from skillofmind.evals.tasks.asking import asked
from skillofmind.evals.tasks.blended_skill_talk import bst, bst_official
from skillofmind.evals.tasks.coverage import coverage_note, label_notes
from skillofmind.evals.tasks.labelled import SOURCES
from skillofmind.evals.tasks.left_out import leave_one_source_out
from skillofmind.evals.tasks.next_skill import next_skill
from skillofmind.evals.tasks.photochat import photochat, photochat_official
from skillofmind.evals.tasks.prosocial import prosocial, prosocial_official, prosocial_rules

__all__ = [
    "TASKS",
    "annotated_task",
    "asked",
    "coverage_note",
    "label_notes",
    "leave_one_source_out",
    "task",
]

TASKS: dict[str, Task] = {
    one.name: one
    for one in (
        starter(),
        *map(next_skill, SOURCES),
        bst(),
        bst_official(),
        prosocial(),
        prosocial_rules(),
        prosocial_official(),
        photochat(),
        photochat_official(),
    )
}
"""Name -> task, in the order of reports."""


def task(name: str) -> Task:
    """Return the task of this name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in TASKS:
        near = get_close_matches(name, TASKS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(TASKS)}."
        raise ConfigurationError(f"task {name!r} is unknown; {hint}")
    return TASKS[name]
