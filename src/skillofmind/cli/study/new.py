"""`som study new`: from texts to a study folder."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable

if TYPE_CHECKING:
    from skillofmind.evals.study.design.building import Design
    from skillofmind.evals.study.design.material import Gathered
    from skillofmind.evals.study.records import Study, Task

_EPILOG = """\
A SOURCE is a file or a run of `som eval`, as PATH or NAME=PATH. Lines of a file hold `id`, `dialogue` (what
comes before) and `reply`, or `replies` {system: text}; to judge thoughts, `plan` {skill, explanation}, or
`plans`. Sources are joined by id. Raters never see the names of the systems.

The same sources and options give the same study, byte for byte. --wording says in TOML what raters read:
title, consent, instructions, scale = [...], and [criteria.NAME] with pair, rating and about.

examples:
  som study new studies/one thanos=runs/thanos plain=runs/plain --raters 3
  som study new studies/two replies.jsonl --raters 6 --overlap 3 --criteria empathy,overall
  som study new studies/three plans.jsonl --kind ratings --points 5
"""


@dataclass(frozen=True, slots=True)
class NewOptions:
    """Options of `som study new`."""

    study: Path = argument("STUDY", "folder to make")
    source: tuple[str, ...] = argument("SOURCE", "where the texts come from")
    kind: Literal["pairs", "ratings"] = option("pairs", "compare two texts, or rate one at a time")
    criteria: str = option("", "which questions, by commas; all that fit by default", value="NAME,...")
    points: int = option(4, "points of the rating scale: 4 or 5")
    no_ties: bool = option(False, "a pair cannot be about the same")
    raters: int = option(2, "how many people share the tasks")
    overlap: int = option(0, "people who judge each task; 0 for all", value="K")
    checks: int = option(-1, "attention checks of each rater: 0, 4, 8, ...; -1 for one in 12")
    limit: int = option(0, "most items, drawn at random; 0 for all", value="N")
    seed: int = option(0, "of orders, sides, shares and checks")
    title: str = option("", "what raters see at the top; the name of the folder by default")
    wording: Path | None = option(None, "what raters read, if not the packaged English", value="FILE")


def run(argv: Sequence[str]) -> int:
    """Run `som study new`."""
    options = parse(NewOptions, "som study new", "Build a study.", argv, epilog=_EPILOG)
    from skillofmind.evals.study import folder
    from skillofmind.evals.study.design import building, material, wording

    found = material.gather([material.source(word) for word in options.source])
    title = options.title or building.title_of(options.study)
    read = wording.read_wording(options.wording)
    study, tasks = building.build(found, _design(options), read, title)
    before = folder.create(options.study, study, tasks)
    sys.stdout.write(_told(options.study, found, study, tasks, before=before))
    for name in building.names_in_texts(found):
        sys.stderr.write(f"som: the name {printable(repr(name))} occurs in a text, so raters may guess.\n")
    return 0


def _design(options: NewOptions) -> "Design":
    from skillofmind.evals.study.design.building import Design

    return Design(
        kind=options.kind,
        criteria=tuple(name.strip() for name in options.criteria.split(",") if name.strip()),
        points=options.points,
        ties=not options.no_ties,
        raters=options.raters,
        overlap=options.overlap,
        checks=options.checks,
        limit=options.limit,
        seed=options.seed,
    )


def _told(path: Path, found: "Gathered", study: "Study", tasks: Sequence["Task"], *, before: bool) -> str:
    from skillofmind.evals.study.design.sheets import sheets

    checks = sum(task.sort != "real" for task in tasks)
    sizes = sorted({len(sheet.tasks) for sheet in sheets(study, tasks)})
    each = " or ".join(map(str, sizes))
    lines = [
        f"{'There already' if before else 'Made'}: {printable(str(path))}",
        f"  {len({task.item for task in tasks})} items, {len(study.systems)} systems "
        f"({printable(', '.join(study.systems))}), {len(tasks) - checks} tasks, {checks} checks",
        f"  {len(study.criteria)} questions: {', '.join(one.name for one in study.criteria)}",
        f"  {study.raters} raters, {study.overlap} for each task, {each} pages for each rater",
    ]
    if found.missing:
        lines.append(f"  {found.missing} items left out, as not every system answered them")
    lines.append(f"Next: som study serve {printable(str(path))} --rater NAME ...")
    return "\n".join(lines) + "\n"
