"""What the labels of some tasks do not say: skills that no label tests, and labels that nobody knows.

Both are notes for a report. They are of people's labels: dialogues that were annotated with skills by name
(`starter`, one's own) test whatever they hold.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue, Label
from skillofmind.data.corpora.persona import blended_skill_talk
from skillofmind.data.formats import read_any
from skillofmind.data.labels import LabelMap, load_label_map
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.labelled import SOURCES, folder_of, mapped
from skillofmind.mind.taxonomy import load_taxonomy

_CLASSED = {
    "bst": blended_skill_talk.CHOSEN,
    "bst.official": blended_skill_talk.CHOSEN,
    "prosocial": "prosocial.safety_label",
    "prosocial.rules": "prosocial.safety_label",
    "prosocial.official": "prosocial.safety_label",
}
_NAMED = {"photochat": frozenset({"Image-Sharing"}), "photochat.official": frozenset({"Image-Sharing"})}


class Tested(NamedTuple):
    """Skills by how labels test them.

    Attributes:
        named: a label stands for this very skill.
        classed: a label stands for a class of skills that this one is in.
        weak: a label hints at it.
    """

    named: frozenset[str] = frozenset()
    classed: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


def tested_by(name: str, table: LabelMap) -> Tested:
    """Return the skills that the labels of a task can test."""
    source = SOURCES.get(name)
    if source is not None:
        skills = _in_classes(source.schemes[0], table) if source.by_class else mapped(source, table)
        return Tested(weak=skills) if source.strengths == ("weak",) else Tested(named=skills)
    if name in _CLASSED:
        return Tested(classed=_in_classes(_CLASSED[name], table))
    return Tested(named=_NAMED.get(name, frozenset()))


def _in_classes(scheme: str, table: LabelMap) -> frozenset[str]:
    found = table.scheme(scheme)
    return frozenset(skill for skills in found.classes.values() for skill in skills) if found else frozenset()


def coverage_note(tasks: Iterable[Task]) -> str:
    """Return one sentence on the skills that people's labels of these tasks test badly or not at all."""
    table = load_label_map()
    found = [tested_by(one.name, table) for one in tasks]
    named = frozenset[str]().union(*(one.named for one in found))
    classed = frozenset[str]().union(*(one.classed for one in found)) - named
    weak = frozenset[str]().union(*(one.weak for one in found)) - named - classed
    names = load_taxonomy().names()
    none = frozenset(names) - named - classed - weak
    told = [
        f"{what}: {', '.join(name for name in names if name in skills)}"
        for what, skills in (
            ("tested by no label", none),
            ("only as one of a class", classed),
            ("only by weak labels", weak),
        )
        if skills
    ]
    return (
        f"Skills, by people's labels: {'; '.join(told)}." if told else "Every skill has a label of its own."
    )


def label_notes(tasks: Iterable[Task], data: Path) -> tuple[str, ...]:
    """Return a sentence for each task whose corpus has labels that the label map does not know.

    Args:
        tasks: corpora that several of them share are read once for each.
        data: folder of the corpora.

    Raises:
        DataError: a corpus is not there.
    """
    table = load_label_map()
    return tuple(note for one in tasks if (note := _note(one.name, data, table)))


def _note(name: str, data: Path, table: LabelMap) -> str:
    unknown = table.report(_labels(name, data)).unmapped
    told = [
        f"{scheme} {value!r} ({count})"
        for scheme, values in unknown.items()
        for value, count in values.items()
    ]
    return f"{name}: left out, as the label map does not know them: {', '.join(told)}." if told else ""


def _labels(name: str, data: Path) -> Iterator[Label]:
    rows: Iterable[object] = ()
    schemes: tuple[str, ...] = ()
    if name in SOURCES:
        rows, schemes = SOURCES[name].read(data / folder_of(name)), SOURCES[name].schemes
    elif name in _CLASSED:
        folder = blended_skill_talk.__name__.rpartition(".")[2] if name.startswith("bst") else "prosocial"
        rows, schemes = read_any((data / folder,)), (_CLASSED[name],)
    for row in rows:
        for turn in row.turns if isinstance(row, Dialogue) else ():
            yield from (label for label in turn.labels if label.scheme in schemes)
