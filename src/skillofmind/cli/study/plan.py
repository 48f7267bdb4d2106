"""`som study plan`: the size of a study before it is made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skillofmind.cli.options import option, parse
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.evals.study.planning import Assumptions, Needed, StudyPlan

_EPILOG = """\
An effect is a win rate against 50 %, or with --kind ratings a difference in points. Ties decide nothing.
Several raters of an item are worth fewer than as many items, the more alike they vote (--alike). Several
questions share alpha. Needs the extra `eval`.

examples:
  som study plan
  som study plan --effect 0.6 --raters 6 --overlap 3 --criteria 7
  som study plan --items 100 --raters 3
  som study plan --kind ratings --effect 0.3 --deviation 1.2
"""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of `som study plan`."""

    kind: Literal["pairs", "ratings"] = option("pairs", "compare two texts, or rate one at a time")
    effect: float | None = option(None, "the effect to be seen; the usual ones by default", value="X")
    items: int = option(0, "items that there are; the usual numbers by default", value="N")
    raters: int = option(1, "people who share the items", value="N")
    overlap: int = option(0, "raters of each item; 0 for all", value="K")
    alike: float = option(0.3, "how alike raters of one item vote, 0 to 1", value="RHO")
    ties: float = option(0.0, "share of votes for neither", value="SHARE")
    criteria: int = option(1, "questions that are tested", value="N")
    deviation: float = option(1.0, "standard deviation of rating differences, in points", value="X")
    alpha: float = option(0.05, "rate of false finds, two-sided")
    power: float = option(0.8, "rate of finds")
    seconds: float = option(40.0, "time of one page")
    json: bool = option(False, "print JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som study plan`."""
    options = parse(PlanOptions, "som study plan", "Plan the size of a study.", argv, epilog=_EPILOG)
    from skillofmind.cli.study.extra import require_eval

    require_eval()
    from skillofmind.evals.study.planning import plan

    if options.items < 0:
        raise ConfigurationError(f"--items {options.items} must be at least 1.")
    effects = () if options.effect is None else (options.effect,)
    found = plan(_assumptions(options), effects, (options.items,) if options.items else ())
    if options.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        # Who asks for one thing is not told the table of the other.
        with_needed = options.effect is not None or not options.items
        with_seen = options.items > 0 or options.effect is None
        sys.stdout.write(_told(found, with_needed=with_needed, with_seen=with_seen))
    return 0


def _assumptions(options: PlanOptions) -> "Assumptions":
    from skillofmind.evals.study.planning import Assumptions

    return Assumptions(
        kind=options.kind,
        overlap=options.overlap or options.raters,
        raters=options.raters,
        alike=options.alike,
        ties=options.ties,
        criteria=options.criteria,
        deviation=options.deviation,
        alpha=options.alpha,
        power=options.power,
        seconds=options.seconds,
    )


def _told(found: "StudyPlan", *, with_needed: bool, with_seen: bool) -> str:
    given = found.assumptions
    what = "win rate" if given.kind == "pairs" else "difference"
    lines = [
        f"alpha {given.alpha:g}, two-sided, for {_count(given.criteria, 'question')} together; "
        f"power {given.power:g}; {_count(given.raters, 'rater')}, {given.overlap} for each item"
    ]
    if with_needed:
        lines += ["", f"{what:>12} {'items':>8} {'votes':>8} {'hours a rater':>14}"]
        lines += [_line(given, one) for one in found.needed]
    if with_seen:
        lines += ["", f"{'items':>12} {'smallest ' + what + ' seen':>28} {'hours a rater':>14}"]
        lines += [
            f"{one.items:>12,} {_effect(given, one):>28} {one.minutes / 60:>14.1f}" for one in found.seen
        ]
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _line(given: "Assumptions", one: "Needed") -> str:
    return f"{_effect(given, one):>12} {one.items:>8,} {one.votes:>8,} {one.minutes / 60:>14.1f}"


def _effect(given: "Assumptions", one: "Needed") -> str:
    if one.effect is None:
        return "none"
    return f"{one.effect:.1%}" if given.kind == "pairs" else f"{one.effect:.2f} points"
