"""`som review`: people check what the teacher wrote, in the terminal or in a browser."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from skillofmind.cli.options import argument, check_least, option, parse
from skillofmind.core.errors import ConfigurationError
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

_EPILOG = """\
Every decision is appended to OUT/reviews.jsonl at once; the same command goes on where you were. Reviewers
with the same --seed see the same rows. With --reason NAME (or `any`) you see rejected rows; accept means
that the rejection was right. `som export` leaves out what reviewers reject and takes over their edits.

keys: a accept   e edit   r reject   s skip   b back   ? help   q quit

examples:
  som review runs/teach --reviewer ana
  som review runs/teach --reviewer ana --web
  som review runs/teach --reviewer ben --skill "Reflective Listening" --n 30
  som review runs/teach --reviewer ben --reason leak
  som review runs/teach --reviewer ben --blind
  som review runs/teach --agreement
"""


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """Options of `som review`."""

    out: Path = argument("OUT", "run directory of `som annotate`")
    reviewer: str = option("", "your name, as it is to stand in the reviews", value="NAME")
    n: int = option(50, "how many annotations to draw")
    seed: int = option(0, "of the draw; the same seed draws the same rows")
    skill: str = option("", "annotations with this skill only", value="NAME")
    reason: str = option("", "rejected rows with this reason; any for all reasons")
    blind: bool = option(False, "choose the skill yourself before you see the teacher's")
    web: bool = option(False, "review in a browser on this machine")
    port: int = option(0, "of the page; 0 takes a free one")
    agreement: bool = option(False, "show how often the teacher is right and how far reviewers agree")
    json: bool = option(False, "print the agreement as JSON")
    taxonomy: Path | None = option(None, "taxonomy of the run, if not the packaged one", value="FILE")


def run(argv: Sequence[str]) -> int:
    """Run `som review`."""
    options = parse(ReviewOptions, "som review", "Check what the teacher wrote.", argv, epilog=_EPILOG)
    taxonomy = load_taxonomy(options.taxonomy)
    if not options.out.is_dir():
        raise ConfigurationError(f"{str(options.out)!r} is no folder; name the OUT of `som annotate`.")
    if options.agreement:
        return _agreement(options)
    _check(options)
    return _review(options, taxonomy)


def _agreement(options: ReviewOptions) -> int:
    from skillofmind.cli.review.show import show_agreement
    from skillofmind.mind.dataset.reviewed import agreement

    found = agreement(options.out)
    if options.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        show_agreement(found)
    return 0


def _check(options: ReviewOptions) -> None:
    from skillofmind.mind.dataset.review import check_reviewer

    if not options.reviewer:
        raise ConfigurationError("--reviewer NAME is missing: say who reviews.")
    check_reviewer(options.reviewer)
    check_least("--n", options.n, 1)
    if not 0 <= options.port < 65536:
        raise ConfigurationError(f"--port {options.port} must be 0 to 65535.")
    if options.skill and options.reason:
        raise ConfigurationError("--skill and --reason exclude each other: rejected rows have no skill.")
    if options.json:
        raise ConfigurationError("--json goes with --agreement.")


def _review(options: ReviewOptions, taxonomy: Taxonomy) -> int:
    from skillofmind.cli.review.desk import Desk, Drawing

    drawing = Drawing(options.out, options.n, options.seed)
    desk = Desk(drawing, options.reviewer, taxonomy, _now, blind=options.blind)
    skill, reason = _skill(options.skill, taxonomy), options.reason or None
    if options.web:
        from skillofmind.cli.review.web import serve

        return serve(desk, skill, reason, options.port)
    from skillofmind.cli.review.terminal import review

    return review(desk, drawing.items(skill, reason))


def _skill(name: str, taxonomy: Taxonomy) -> str | None:
    if not name:
        return None
    found = Normaliser(taxonomy)(name)
    if found.skill is None:
        raise ConfigurationError(
            f"--skill {name!r} is no skill; `som skills` lists the {len(taxonomy.skills)}."
        )
    return found.skill


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
