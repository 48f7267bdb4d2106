"""`som data validate`: what is wrong in files of dialogues, with file, line and kind."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillofmind.cli.data.source import watched
from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.validate import ERRORS, WARNINGS, Problem, Validation, validate

_EPILOG = """\
errors:
{errors}
warnings:
{warnings}

examples:
  som data validate corpus.jsonl
  som data validate corpora/ --limit 0 --json > problems.jsonl
  som data validate annotated.jsonl --schemes labels.json --strict

--schemes names a JSON file with the labels of each scheme: {{"esconv.strategy": ["Question", "Others"]}}.

exit: 0 no errors; 1 errors, or warnings with --strict; 2 nothing could be checked.
"""


def _kinds(kinds: dict[str, str]) -> str:
    return "\n".join(f"  {kind:<16} {what}" for kind, what in kinds.items())


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """Options of `som data validate`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    schemes: Path | None = option(None, "JSON file with the labels of each scheme", value="FILE")
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    limit: int = option(20, "problems to print; 0 prints all", value="N")
    strict: bool = option(False, "exit with 1 for warnings, too")
    json: bool = option(False, "print one JSON line a problem, and at the end one with the counts")


def run(argv: Sequence[str]) -> int:
    """Run `som data validate`."""
    epilog = _EPILOG.format(errors=_kinds(ERRORS), warnings=_kinds(WARNINGS))
    options = parse(ValidateOptions, "som data validate", "Name what is wrong.", argv, epilog=epilog)
    if options.limit < 0:
        raise ConfigurationError(f"--limit {options.limit} must be 0 or more.")
    checks = _checks(options)
    shown = total = 0
    for problems in watched(validate(options.files, options.format or None, checks), "validate"):
        for problem in problems:
            total += 1
            if not options.limit or shown < options.limit:
                shown += 1
                _print(problem, as_json=options.json)
    _summarise(checks, total - shown, as_json=options.json)
    return 1 if checks.errors() or (options.strict and checks.counts) else 0


def _checks(options: ValidateOptions) -> Validation:
    from skillofmind.mind.taxonomy import load_taxonomy

    return Validation(_schemes(options.schemes), set(load_taxonomy(options.taxonomy).names()))


def _schemes(path: Path | None) -> dict[str, list[str]]:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}; write an object of lists of labels.") from error


def _print(problem: Problem, *, as_json: bool) -> None:
    text = msgspec.json.encode(problem).decode() if as_json else printable(str(problem))
    sys.stdout.write(text + "\n")


def _summarise(checks: Validation, more: int, *, as_json: bool) -> None:
    counts = dict(checks.counts.most_common())
    if as_json:
        summary = {"dialogues": checks.dialogues, "errors": checks.errors(), "counts": counts}
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        return
    if more:
        sys.stdout.write(f"... and {more} more; --limit 0 prints all.\n")
    said = ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "no problems"
    sys.stdout.write(f"{checks.dialogues} dialogues: {said}\n")
