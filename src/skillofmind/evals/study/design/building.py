"""From texts to a study: its settings, and one task for each pair of systems or each system."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.evals.study.design.checks import default_checks, make_checks
from skillofmind.evals.study.design.drawing import shuffled
from skillofmind.evals.study.design.material import Gathered
from skillofmind.evals.study.design.wording import CONSENT, SCALES, Wording, criteria_of, instructions_of
from skillofmind.evals.study.records import Kind, Material, Study, Task

AUTOMATIC = -1
"""Checks: as many as the tasks of a rater ask for."""


class Design(Record, frozen=True):
    """How a study is to be.

    Attributes:
        kind: pairs or ratings.
        criteria: names; empty for all of the subject.
        points: of the scale, 4 or 5; a wording may bring a scale of its own.
        ties: whether a pair may be "about the same".
        raters: how many people share the tasks.
        overlap: people who see each task; 0 for all.
        checks: attention checks of each rater, a multiple of 4; `AUTOMATIC` for 1 in 12.
        limit: most items, drawn by the seed; 0 for all.
        seed: of everything that is drawn.
    """

    kind: Kind = "pairs"
    criteria: tuple[str, ...] = ()
    points: int = 4
    ties: bool = True
    raters: int = 2
    overlap: int = 0
    checks: int = AUTOMATIC
    limit: int = 0
    seed: int = 0


def build(found: Gathered, design: Design, wording: Wording, title: str) -> tuple[Study, tuple[Task, ...]]:
    """Return a study and its tasks, checks last.

    Raises:
        ConfigurationError: a pair needs a second system, or the design contradicts itself.
    """
    _check(found, design, wording)
    study = Study(
        title=wording.title or title,
        kind=design.kind,
        subject=found.subject,
        systems=found.systems,
        criteria=criteria_of(found.subject, design.criteria, wording),
        scale=(wording.scale or SCALES[design.points]) if design.kind == "ratings" else (),
        ties=design.ties and design.kind == "pairs",
        raters=design.raters,
        overlap=design.overlap or design.raters,
        seed=design.seed,
        consent=wording.consent or CONSENT,
        instructions=wording.instructions or instructions_of(design.kind, found.subject),
    )
    material = found.material
    if design.limit and design.limit < len(material):
        drawn = {one.id for one in shuffled(material, study.seed, "limit")[: design.limit]}
        material = tuple(one for one in material if one.id in drawn)
    real = [task for one in material for task in _tasks(study, one)]
    numbered = [_numbered(task, number) for number, task in enumerate(real)]
    each = round(len(real) * study.overlap / study.raters)
    checks = default_checks(each) if design.checks == AUTOMATIC else design.checks
    return study, (*numbered, *make_checks(study, material, checks))


def names_in_texts(found: Gathered) -> tuple[str, ...]:
    """Return systems whose name occurs in a text, which would give them away."""
    texts = [text.text.casefold() for one in found.material for text in one.texts.values()]
    return tuple(
        name for name in found.systems if len(name) > 2 and any(name.casefold() in text for text in texts)
    )


def _tasks(study: Study, one: Material) -> list[Task]:
    group = one.dialogue.id or one.id
    if study.kind == "ratings":
        return [Task("", one.id, group, one.dialogue, name, "", (one.texts[name],)) for name in study.systems]
    return [
        Task("", one.id, group, one.dialogue, *pair, (one.texts[pair[0]], one.texts[pair[1]]))
        for pair in combinations(study.systems, 2)
    ]


def _numbered(task: Task, number: int) -> Task:
    from msgspec.structs import replace

    return replace(task, key=f"t{number}")


def _check(found: Gathered, design: Design, wording: Wording) -> None:
    if design.kind == "pairs" and len(found.systems) < 2:
        raise ConfigurationError(
            f"a comparison needs two systems and there is only {found.systems[0]!r}; add a source, or take "
            "--kind ratings."
        )
    if design.raters < 1:
        raise ConfigurationError(f"--raters {design.raters} must be at least 1.")
    if not 0 <= design.overlap <= design.raters:
        raise ConfigurationError(
            f"--overlap {design.overlap} must be 1 to {design.raters}, the raters; 0 is all of them."
        )
    points: Sequence[str] | None = wording.scale or SCALES.get(design.points)
    if design.kind == "ratings" and (points is None or len(points) not in range(3, 10)):
        raise ConfigurationError(
            "a scale needs 3 to 9 points; take --points 4 or 5, or a `scale` in the wording."
        )


def title_of(folder: Path) -> str:
    """Return the title of a study without one: the name of its folder."""
    return folder.resolve().name.replace("-", " ").replace("_", " ") or "Study"
