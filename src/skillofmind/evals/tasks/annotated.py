"""Annotated dialogues as a task: those of the package (`starter`), or a user's own.

Every annotated turn but a first one is asked. Its annotations' skills are the right ones, in their order and
as the taxonomy spells them; a name outside the taxonomy stays as it is written. The first annotation with an
explanation gives it, and its counterfactual. As in the published evaluation, accuracy is of rows with one
skill (`slices["skills"]`); rows with several are ranked.

A plan is scored by its skill and by its explanation, which is compared with the annotation's and held against
the reply and the counterfactual one. The numbers of the skill come first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from skillofmind.core.dialogue import Annotation, Dialogue
from skillofmind.data.formats import read_any
from skillofmind.data.read import accepted
from skillofmind.evals.measure import Measure
from skillofmind.evals.measures.explanation import explanation_measures, score_explanation
from skillofmind.evals.measures.skill import score_skill, skill_measures, skill_tables
from skillofmind.evals.records import Answer, Case, Gold, Item
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.asking import asked
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.scorers.embedding import NO_ENCODERS, Encoders


def starter() -> Task:
    """Make the task of the package's own annotated dialogues, test part."""

    def items(data: Path) -> Iterator[Item]:
        return items_of("starter", (one for one in starter_dialogues() if one.split == "test"))

    return _task("starter", "Skill of the next turn in the dialogues of the package (test part).", items)


def annotated_task(path: Path, *, split: str | None = None, name: str = "annotated") -> Task:
    """Make a task of annotated dialogues in a file or folder of any format that keeps annotations.

    Args:
        path: JSONL dialogues, what an annotation run wrote, or an export with one row a target.
        split: only dialogues of this split; all by default.
        name: of the task.

    Raises:
        DataError: by `items`, naming file and line of a row that cannot be read.
    """

    def items(data: Path) -> Iterator[Item]:
        found = accepted(read_any((path,)))
        return items_of(name, (one for one in found if split in (None, one.split)))

    return _task(name, "Skill of the next turn in annotated dialogues.", items)


def _task(name: str, about: str, items: Callable[[Path], Iterator[Item]]) -> Task:
    return Task(
        name,
        about,
        "plan",
        "",
        items,
        score_annotated,
        annotated_measures,
        skill_tables,
        ("skills", "lang", "turns"),
        embedded=score_annotated,
    )


def score_annotated(item: Item, answer: Answer, encoders: Encoders = NO_ENCODERS) -> dict[str, float | None]:
    """Return the scores of skill and explanation; all `None` where planning failed.

    Args:
        item: the question.
        answer: with the plan.
        encoders: that explanations are compared by, too.

    Raises:
        ConfigurationError: the gold has a class, and the item's slices name no scheme with classes.
    """
    return score_skill(item, answer) | score_explanation(item, answer, encoders)


def annotated_measures(cases: Sequence[Case]) -> list[Measure]:
    """Return the measures of the skill, then those of the explanation; their names differ."""
    return [*skill_measures(cases), *explanation_measures(cases)]


def items_of(task: str, dialogues: Iterable[Dialogue]) -> Iterator[Item]:
    """Yield an item for every annotated turn but a first one."""
    normalise = Normaliser(load_taxonomy())
    for dialogue in dialogues:
        for index, turn in enumerate(dialogue.turns):
            if index and turn.annotations:
                yield _item(task, dialogue, index, turn.annotations, normalise)


def _item(
    task: str, dialogue: Dialogue, index: int, annotations: tuple[Annotation, ...], normalise: Normaliser
) -> Item:
    skills = tuple(dict.fromkeys(normalise(one.skill).skill or one.skill for one in annotations))
    told = next((one for one in annotations if one.explanation), annotations[0])
    gold = Gold(
        skills,
        explanation=told.explanation,
        counterfactual=told.counterfactual or "",
        reply=dialogue.turns[index].text,
    )
    return asked(task, dialogue.before(index), index, gold, skills="one" if len(skills) == 1 else "several")
