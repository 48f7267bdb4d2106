"""Writing reports: a page, Markdown and JSON, each whole or not at all."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.records import Case, Difference, Summary
from skillofmind.evals.report.markdown import markdown
from skillofmind.evals.report.page import page
from skillofmind.evals.report.rows import joined
from skillofmind.run.atomic import write_atomic

Format = Literal["html", "md", "json"]
"""What a report can be written as; also the end of its file's name."""

FORMATS: tuple[Format, ...] = get_args(Format)
"""All of them."""

Run = tuple[str, Summary, Iterable[Case]]
"""A run to report: its name, its numbers, and its cases."""


def write_report(
    path: Path,
    runs: Sequence[Run],
    formats: Sequence[Format] = ("html", "md"),
    between: Sequence[Difference] = (),
) -> tuple[Path, ...]:
    """Write the report of one run, or of several side by side; equal runs give equal bytes.

    Args:
        path: a file whose name ends in a format writes that one alone; else a folder, made if need be, for
            `report.html`, `report.md` and `report.json`.
        runs: the first one is what later ones are compared with.
        formats: which files to write into a folder.
        between: differences between the runs, such as `evals.summary.compared` finds.

    Returns:
        what was written.

    Raises:
        ConfigurationError: no runs, or two of one name.
        StorageError: the disk said no.
    """
    _check(runs)
    alone = path.suffix.removeprefix(".").lower()
    targets = {alone: path} if alone in FORMATS else {one: path / f"report.{one}" for one in formats}
    names, summaries = [name for name, _, _ in runs], [summary for _, summary, _ in runs]
    texts = {
        "html": lambda: page(names, summaries, between, joined([cases for _, _, cases in runs])).encode(),
        "md": lambda: markdown(names, summaries, between).encode(),
        "json": lambda: as_json(names, summaries, between),
    }
    for kind, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, texts[kind]())
    return tuple(targets.values())


def as_json(names: Sequence[str], summaries: Sequence[Summary], between: Sequence[Difference]) -> bytes:
    """Return the summary of one run as it is; of several, all of them with their differences."""
    found: Any = summaries[0]
    if len(names) > 1:
        named = [{"name": name, "summary": one} for name, one in zip(names, summaries, strict=True)]
        found = {"runs": named, "differences": between}
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _check(runs: Sequence[Run]) -> None:
    names = [name for name, _, _ in runs]
    if not names:
        raise ConfigurationError("a report needs at least one run; name one.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"two runs are called {twice!r}; give each a name of its own.")
