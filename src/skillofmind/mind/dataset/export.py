"""Training data from an annotation run, in the three forms that trainers read.

    datasets     data/<split>-00000-of-00001.parquet, one row a target: what `datasets.load_dataset` reads
    sft          <split>.jsonl, TRL's prompt and completion: teach a planner; one row an annotation
    preference   <split>.jsonl, TRL's prompt, chosen and rejected: the real reply against the counterfactual

Each form comes with README.md (the card) and export.json (what was written, and from what). Rows are read
twice: once to count and to check everything, once to write; nothing is held in memory but a group of rows.
The same run and options give the same bytes. Splits follow the groups of `data.split`, so no dialogue, and
nothing that belongs to it, is in two of them.

    export(Path("runs/teach"), Path("planner-data"), "sft", {"train": 0.9, "test": 0.1})
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError, MissingExtra
from skillofmind.core.record import Record
from skillofmind.data.split import group_of, split_of
from skillofmind.mind.dataset.card import CARD, Shelf, card
from skillofmind.mind.dataset.examples import Shape, preference_rows, sft_rows
from skillofmind.mind.dataset.files import ANNOTATED, REPORT, Finish
from skillofmind.mind.dataset.licences import restricted
from skillofmind.mind.dataset.parquet import encoded, has_parquet, provenances, read_annotated, records
from skillofmind.mind.dataset.report import Report, joined_licences
from skillofmind.run.atomic import storage_errors, write_atomic, write_parts_atomic

Form = Literal["datasets", "sft", "preference"]
"""What to make of the annotations."""

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""Share of the groups for each split, unless others are asked for."""

MARK = "export.json"
"""Says that a folder is an export, and which files in it are."""

SHARD_ROWS = 50_000
"""Most rows of one Parquet file."""

SHARD_BYTES = 1 << 30
"""A Parquet file ends at so many bytes of rows as JSON; compressed it is far smaller."""

_SPLIT = re.compile(r"[A-Za-z0-9_]+")
_OURS = re.compile(r"README\.md|[A-Za-z0-9_]+\.jsonl|data/[A-Za-z0-9_]+-\d{5}-of-\d{5}\.parquet")
_TEMPORARY = re.compile(r"\..*\.tmp")
_TOLD: dict[Form, str] = {
    "datasets": "One row is one target turn with all before it, its annotations, and how they were made.",
    "sft": "One row is one annotation: `prompt` asks a planner, `completion` is explanation and skill.",
    "preference": "One row is one annotation: `chosen` is the real reply, `rejected` the counterfactual.",
}

_encode = msgspec.json.Encoder().encode


class Exported(Record, frozen=True):
    """What was written; the content of export.json.

    Attributes:
        form: of the rows.
        rows: split -> rows in its files.
        targets: split -> annotated turns that they come from.
        skipped: annotations without what the form needs: an explanation, or a counterfactual that differs.
        skills: skill -> annotations, the commonest first.
        licences: corpus -> licence of its text.
        restricted: those of them that forbid commercial use or do not say clearly that they allow it.
        options: what decided the rows.
        files: everything that was written, but for this record.
    """

    form: Form
    rows: dict[str, int]
    targets: dict[str, int]
    skipped: int
    skills: dict[str, int]
    licences: dict[str, str]
    restricted: dict[str, str]
    options: dict[str, Any]
    files: tuple[str, ...]


class Plan(NamedTuple):
    """What there is to write, known before anything is written."""

    rows: dict[str, int]
    targets: dict[str, int]
    shards: dict[str, int]
    skipped: int
    skills: dict[str, int]
    licences: dict[str, str]


class _Placed(NamedTuple):
    """A row with its place."""

    split: str
    shard: int
    row: Dialogue


def export(
    run: Path,
    folder: Path,
    form: Form,
    shares: Mapping[str, float] | None = None,
    *,
    seed: int = 0,
    limit: int | None = None,
    reviewed: bool = False,
    shape: Shape | None = None,
) -> Exported:
    """Write the annotations of a run as training data.

    Args:
        run: a run directory of `annotate`.
        folder: an export of before, which is replaced, or a folder that is empty or missing.
        form: what to make of them.
        shares: split -> share of the groups, sum 1; `SHARES` without it.
        seed: of the splits.
        limit: take the first so many rows of the run only.
        reviewed: leave out rows that a reviewer rejected, and take what a reviewer edited.
        shape: wording and form of prompts; the package's without it.

    Raises:
        ConfigurationError: shares, limit or a split name cannot be, or `folder` holds something else.
        DataError: `run` is no annotation run, or a row of it cannot be used.
        MissingExtra: `datasets` without `pyarrow`.
        StorageError: the disk said no.
    """
    shares = SHARES if shares is None else shares
    shape = shape or Shape()
    _check(form, shares, limit)
    report = read_report(run)
    before = _held(folder)

    def placed() -> Iterator[_Placed]:
        return _sharded(islice(_rows(run, reviewed), limit), shares, seed)

    plan = _planned(placed(), form, shape, shares)
    files = _files(form, plan)
    made = Exported(
        form=form,
        rows=plan.rows,
        targets=plan.targets,
        skipped=plan.skipped,
        skills=plan.skills,
        licences=plan.licences,
        restricted=restricted(plan.licences),
        options={
            "shares": dict(shares), "seed": seed, "limit": limit, "reviewed": reviewed, **shape.options(form)
        },
        files=(CARD, *(file for found in files.values() for file in found)),
    )  # fmt: skip
    _refuse_foreign(folder, before, made.files)
    text = card(report, _finish(report), _shelf(form, plan, files))
    _write(folder, made, before, _parts(run, form, shape, plan, placed), text)
    return made


def read_report(run: Path) -> Report:
    """Return the counts of an annotation run.

    Raises:
        DataError: the folder is no annotation run, or its files were not written yet.
    """
    for name in (REPORT, ANNOTATED):
        if not (run / name).is_file():
            raise DataError(
                f"{str(run)!r} holds no {name}; give the OUT of `som annotate`, after it ran to its end."
            )
    try:
        report = msgspec.json.decode((run / REPORT).read_bytes(), type=Report)
    except OSError as error:
        raise DataError(f"{run / REPORT}: cannot be read ({error.strerror}); check the path.") from error
    except msgspec.DecodeError as error:
        raise DataError(
            f"{run / REPORT}: not the report of an annotation run ({error}); give the OUT of `som annotate`."
        ) from error
    if report.maker is None or report.filters is None:
        raise DataError(f"{run / REPORT}: does not say who annotated; run the same `som annotate` again.")
    return report


def _check(form: Form, shares: Mapping[str, float], limit: int | None) -> None:
    for name in shares:
        if not _SPLIT.fullmatch(name):
            raise ConfigurationError(f"split {name!r} may hold letters, digits and '_' only; rename it.")
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit {limit!r} must be at least 1.")
    if form == "datasets" and not has_parquet():
        raise MissingExtra("datasets are Parquet files; run: pip install 'skillofmind[data]'.")


def _rows(run: Path, reviewed: bool) -> Iterator[Dialogue]:
    rows = read_annotated(run)
    if not reviewed:
        return rows
    from skillofmind.mind.dataset.review import apply_reviews

    return apply_reviews(rows, run)


def _sharded(rows: Iterable[Dialogue], shares: Mapping[str, float], seed: int) -> Iterator[_Placed]:
    """Yield rows with their split and the number of its shard; the same each time."""
    shards: Counter[str] = Counter()
    held: dict[str, tuple[int, int]] = {}
    for row in rows:
        # The group of the dialogue that a row was cut from: that of `som data split`, across corpora, too.
        name = split_of(str(row.meta.get("group") or group_of(row)), shares, seed)
        count, size = held.get(name, (0, 0))
        if count >= SHARD_ROWS or size >= SHARD_BYTES:
            shards[name] += 1
            count = size = 0
        held[name] = (count + 1, size + len(_encode(row)))
        yield _Placed(name, shards[name], row)


def _planned(placed: Iterable[_Placed], form: Form, shape: Shape, shares: Mapping[str, float]) -> Plan:
    rows, targets, shards = (dict.fromkeys(shares, 0) for _ in range(3))
    skills: Counter[str] = Counter()
    licences: dict[str, set[str]] = {}
    skipped = 0
    for name, shard, row in placed:
        annotations = row.turns[-1].annotations
        made = [one.skill for one in annotations]
        if form != "datasets":
            made = [one["skill"] for one in _examples(row, form, shape)]
        rows[name] += 1 if form == "datasets" else len(made)
        skipped += len(annotations) - len(made)
        targets[name] += 1
        shards[name] = shard + 1
        skills.update(made)
        licences.setdefault(row.corpus, set()).add(row.licence)
    if not sum(targets.values()):
        raise DataError("there is no annotated row to export; annotate more, or reject less in the review.")
    if not sum(rows.values()):
        raise DataError(
            f"none of {skipped} annotations has what {form} rows need (an explanation, for preference rows a "
            "counterfactual that is not the reply itself); export them as datasets."
        )
    joined = {corpus: joined_licences(found) for corpus, found in sorted(licences.items())}
    return Plan(rows, targets, shards, skipped, dict(skills.most_common()), joined)


def _examples(row: Dialogue, form: Form, shape: Shape) -> Iterator[dict[str, Any]]:
    return sft_rows(row, shape) if form == "sft" else preference_rows(row, shape)


def _files(form: Form, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return split -> its files; a Parquet split without a row has none."""
    if form != "datasets":
        return {name: (f"{name}.jsonl",) for name in plan.rows}
    return {
        name: tuple(_shard(name, number, shards) for number in range(shards))
        for name, shards in plan.shards.items()
    }


def _shard(name: str, number: int, shards: int) -> str:
    return f"data/{name}-{number:05d}-of-{shards:05d}.parquet"


def _shelf(form: Form, plan: Plan, files: Mapping[str, tuple[str, ...]]) -> Shelf:
    # A split without a row has no features that could be read from its files.
    filled = {name: found for name, found in files.items() if plan.rows[name]}
    return Shelf(filled, plan.rows, plan.licences, _TOLD[form])


def _finish(report: Report) -> Finish:
    if report.filters is None or report.maker is None:
        raise DataError("the report does not say who annotated; run the same `som annotate` again.")
    return Finish(report.filters, report.maker, currency=report.currency)


def _parts(
    run: Path, form: Form, shape: Shape, plan: Plan, placed: Callable[[], Iterator[_Placed]]
) -> Iterator[tuple[str, bytes]]:
    """Yield (file, bytes) of all files of the splits, in pieces.

    Raises:
        DataError: the run was written anew since the rows were counted.
    """
    written = dict.fromkeys(plan.targets, 0)

    def counted(name: str | None = None) -> Iterator[_Placed]:
        for one in placed():
            if name in (None, one.split):
                written[one.split] += 1
                yield one

    if form == "datasets":
        for name, shards in plan.shards.items():
            if shards:
                yield from _parquet_parts(run, name, shards, counted)
    else:
        yield from ((f"{name}.jsonl", b"") for name in plan.rows)
        for name, _, row in counted():
            for example in _examples(row, form, shape):
                yield f"{name}.jsonl", _encode(example) + b"\n"
    if written != plan.targets:
        raise DataError(f"{run / ANNOTATED}: it changed while it was read; run the same export again.")


def _parquet_parts(
    run: Path, name: str, shards: int, counted: Callable[[str], Iterator[_Placed]]
) -> Iterator[tuple[str, bytes]]:
    # Splits are read one after the other: a Parquet file takes its rows in one go.
    made = provenances(run)
    for number, placed in groupby(counted(name), key=lambda one: one.shard):
        for chunk in encoded(records((one.row for one in placed), made)):
            yield _shard(name, number, shards), chunk


def _held(folder: Path) -> tuple[str, ...]:
    """Return the files of an earlier export in `folder`.

    Raises:
        ConfigurationError: it is no folder, or holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{str(folder)!r} is a file; name a folder.")
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if not [name for name in names if not _TEMPORARY.fullmatch(name)]:
        return ()
    try:
        before = msgspec.json.decode((folder / MARK).read_bytes(), type=Exported)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(
            f"{str(folder)!r} is not empty, and no {MARK} says that it is an export; name another folder."
        ) from error
    # Whoever wrote the record, only what can be a file of ours is ever replaced or removed.
    return tuple(file for file in before.files if _OURS.fullmatch(file))


def _refuse_foreign(folder: Path, before: tuple[str, ...], files: tuple[str, ...]) -> None:
    for file in files:
        if file not in before and (folder / file).exists():
            raise ConfigurationError(f"{str(folder / file)!r} is not of an export; name another folder.")


def _write(
    folder: Path, made: Exported, before: tuple[str, ...], parts: Iterator[tuple[str, bytes]], text: str
) -> None:
    """Write everything, and remove what an earlier export left; a reader never sees half a file."""
    stale = tuple(file for file in before if file not in made.files)
    place = folder / "data" if made.form == "datasets" else folder
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)

    def lines() -> Iterator[tuple[str, bytes]]:
        for file, data in parts:
            yield file.removeprefix("data/"), data
        # The last thing before the files get their names: whatever ends this command, they are known as ours.
        _mark(folder, msgspec.structs.replace(made, files=(*made.files, *stale)))

    write_parts_atomic(place, lines())
    write_atomic(folder / CARD, text.encode())
    with storage_errors(folder):
        for file in stale:
            (folder / file).unlink(missing_ok=True)
        if made.form != "datasets" and (folder / "data").is_dir() and not any((folder / "data").iterdir()):
            (folder / "data").rmdir()
    _mark(folder, made)


def _mark(folder: Path, made: Exported) -> None:
    write_atomic(folder / MARK, msgspec.json.format(msgspec.json.encode(made)) + b"\n")
