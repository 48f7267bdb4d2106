"""`som annotate`: a teacher model writes skill-of-mind annotations of dialogues."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillofmind.cli.annotate.asking import read_asking
from skillofmind.cli.annotate.rows import Rows
from skillofmind.cli.annotate.show import show_estimate, show_report
from skillofmind.cli.annotate.teachers import cast, opened
from skillofmind.cli.data.source import pairs
from skillofmind.cli.main import interrupted
from skillofmind.cli.opening import KEY_VARIABLE, draining, run_draining
from skillofmind.cli.options import argument, check_least, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError
from skillofmind.mind.annotate.course import Course
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.annotate.request import wording
from skillofmind.mind.dataset.annotate import Annotated
from skillofmind.mind.dataset.estimate import rough_estimate
from skillofmind.mind.dataset.files import Finish
from skillofmind.mind.dataset.rows import Maker
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.run.budget import Meter

_EPILOG = """\
input: dialogues in any format that `som data formats` lists, whose targets --select chooses, or targets
that `som data select` wrote. OUT is a run directory: the same command goes on where it was, whatever
ended it, and asks again only rows that got no answer.

examples:
  som annotate corpus.jsonl runs/teach --teacher NAME --base-url http://127.0.0.1:8000/v1
  som annotate corpus.jsonl runs/teach --teacher NAME --base-url URL --prices prices.toml --dry-run 50
  som annotate corpus.jsonl runs/teach --teacher NAME --base-url URL --prices prices.toml --limits money=20
  som annotate corpus.jsonl runs/teach --teacher NAME --base-url URL --limits rpm=500,tpm=200000,at_once=128
  som annotate corpus.jsonl runs/teach --teacher NAME --base-url URL --mode batch:rows=5000
  som annotate targets.jsonl runs/teach --teacher NAME --base-url URL --second OTHER,JUDGE

modes: live; batch, the provider's Batch API (rows=10000 a batch, poll=10 seconds between two looks); ray,
many machines (workers=2, and address=auto or address=MACHINE:6379 to join a cluster; Ray is started here
without it).

limits: at_once=64 rows in work, fewer when the server says so; seconds=120 for one call; the others are off.

filters: leak=0.3, leak_units=3, close=0.7, shortest=0.5, longest=2, slack=4, first_person=1, duplicates=1;
0 switches one off. They are applied to the answers that are there: other ones ask nobody.

prices.toml: currency = "USD", and for each model ["NAME"] with prompt = 0.5 and completion = 1.5 per
million tokens, and batch = 0.5 where the Batch API has its own factor.

files in OUT: annotated.jsonl, rejected.jsonl (reason and raw replies), provenance.jsonl, report.json,
README.md (the dataset card); annotated.parquet with the extra `data`. Then: som review OUT, som export OUT.

exit: 0 all rows annotated or rejected with a reason; 1 some got no answer, or a limit was reached;
2 nothing done; 130 interrupted.
"""


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """Options of `som annotate`."""

    files: tuple[Path, ...] = argument("IN", "files, folders or patterns of dialogues, or of targets")
    out: Path = argument("OUT", "run directory; the same command resumes it")
    teacher: str = option("", "the model that annotates", value="NAME")
    base_url: str = option("", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1", value="URL")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the API key", value="VARIABLE")
    second: str = option(
        "",
        "a second teacher for every row, and after a comma the judge where they disagree (else the teacher)",
        value="NAME[@URL]",
    )
    mode: str = option(
        "live", "how to ask: live, batch or ray, and settings as in batch:rows=500", value="MODE"
    )
    limits: str = option(
        "", "rpm, tpm (a minute), calls, money (in all), at_once, seconds (a call)", value="NAME=N,..."
    )
    prices: Path | None = option(None, "price table", value="FILE")
    dry_run: int | None = option(None, "ask N rows only and estimate the cost of all; 0 asks none", value="N")
    select: str = option(
        "thanos", "which turns of dialogues; `som data select --how list` names all", value="NAME"
    )
    lang: str = option("", "language of the annotations; that of each dialogue without it", value="CODE")
    template: Path | None = option(None, "other prompt wording", value="FILE")
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    filters: str = option(
        "", "other thresholds, such as leak=0.4,close=0.8; may change later", value="NAME=N,..."
    )
    cache: Path | None = option(None, "keep answers in this file, for other runs, too", value="FILE")
    json: bool = option(False, "print the report, or the estimate, as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som annotate`."""
    text = "Let a teacher model annotate dialogues with skills and explanations."
    options = parse(AnnotateOptions, "som annotate", text, argv, epilog=_EPILOG)
    _check(options)
    return run_draining(_annotate(options))


def _check(options: AnnotateOptions) -> None:
    if not options.teacher or not options.base_url:
        missing = "--teacher NAME" if not options.teacher else "--base-url URL"
        raise ConfigurationError(f"{missing} is missing: name the model that annotates and where it is.")
    check_least("--dry-run", options.dry_run, 0)
    if any(str(path) == "-" for path in options.files):
        raise ConfigurationError("IN has to be read more than once, not '-'; save it to a file first.")


async def _annotate(options: AnnotateOptions) -> int:
    from skillofmind.mind.dataset.annotate import annotate

    asking = read_asking(options.mode, options.limits, options.api_key_env, options.cache)
    if asking.limits.money is not None and options.prices is None:
        raise ConfigurationError("--limits money needs --prices FILE; write one, or limit the calls.")
    rows = Rows(options.files, options.select)
    course = _course(options)
    found = cast(options.teacher, options.base_url, options.second, options.prices, asking.mode)
    maker = Maker(found.names(), course.words.identity, course.sampling)
    finish = Finish(_filters(options.filters), maker, found.prices, found.currency)
    if options.dry_run == 0:
        return show_estimate(rough_estimate(rows, course, finish), options.json)
    meter = Meter(asking.limits, "per call" if found.prices else None)
    async with opened(found, asking, meter) as way, draining() as stop:
        made = await annotate(
            rows,
            options.out,
            way,
            course,
            finish,
            teachers=found.identities(),
            meter=meter,
            stop=stop,
            sample=options.dry_run,
            quiet=False,
        )
    return _end(options, made)


def _course(options: AnnotateOptions) -> "Course":
    taxonomy = load_taxonomy(options.taxonomy)
    words = wording(load_template(options.template).annotate, taxonomy, options.lang)
    return Course(words, Normaliser(taxonomy), second=bool(options.second))


def _filters(text: str) -> Filters:
    """Read `leak=0.4,close=0.8`."""
    found = pairs(text, "--filters") if text else {}
    known = {field.name: type(field.default) for field in msgspec.structs.fields(Filters)}
    for name in found:
        if name not in known:
            raise ConfigurationError(f"--filters {name!r} is no threshold; there are {', '.join(known)}.")
    return Filters(**{name: known[name](value) for name, value in found.items()})


def _end(options: AnnotateOptions, made: Annotated) -> int:
    """Show what came out and return the exit code."""
    if made.ended.why == "interrupted":
        if made.ended.detail:
            sys.stderr.write(f"som: {made.ended.detail}.\n")
        return interrupted()
    if made.estimate is not None:
        show_estimate(made.estimate, options.json)
    if made.report is not None:
        show_report(made.report, options.out, options.json)
    if made.ended.why != "done":
        sys.stderr.write(f"som: {printable(made.ended.detail)}; what was finished is kept.\n")
        return 1
    lost = made.report.rejected.get("no_answer", 0) if made.report else 0
    if lost:
        sys.stderr.write(f"som: {lost} rows got no answer; the same command asks them again.\n")
    return 1 if lost else 0
