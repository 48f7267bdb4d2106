"""An audit as text for a terminal: the verdicts, the rows behind them, then the numbers by topic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from skillofmind.data.duplicates import Pair
from skillofmind.mind.audit.composition import LONG, SHORT
from skillofmind.mind.audit.finding import Finding, Verdict
from skillofmind.mind.audit.labels import LabelAgreement
from skillofmind.mind.audit.likeness.copies import LISTED_FROM
from skillofmind.mind.audit.likeness.nearest import ALIKE, Likeness
from skillofmind.mind.audit.likeness.runs import RUN, Run
from skillofmind.mind.audit.people import Spread
from skillofmind.mind.audit.report import Against, Audit
from skillofmind.mind.audit.variety import Variety
from skillofmind.scorers.agreement import Agreement

_SHOWN = 5


def as_text(audit: Audit, limit: int = 10) -> str:
    """Return the report; of each check at most `limit` rows are listed (0 lists all)."""
    parts = {
        "checks": _checks(audit.verdicts),
        "rows to look at": _rows(audit.findings, limit),
        "composition": _composition(audit),
        "label agreement (Cohen's kappa, 95 % interval)": _agreement(audit.agreement),
        "copies": _copies(audit),
        "leaks (means over turns with a counterfactual)": _leaks(audit),
        "diversity (equal number of tokens in a language)": map(variety_line, audit.variety),
        "people": _people(audit),
    }
    lines = []
    for title, part in parts.items():
        lines += [title, *(f"  {line}" for line in part), ""]
    said = "fit for use by the hard checks" if audit.passed() else "not fit for use: a hard check failed"
    return "\n".join([*lines, said]) + "\n"


def _checks(verdicts: Sequence[Verdict]) -> Iterator[str]:
    width = max((len(verdict.check) for verdict in verdicts), default=0)
    for verdict in verdicts:
        said = "ok" if verdict.passed() else "FAIL" if verdict.hard else "look"
        yield f"{said:<4}  {verdict.check:<{width}}  {verdict.count:>6,}  {verdict.what}"


def _rows(findings: Iterable[Finding], limit: int) -> Iterator[str]:
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    for check, rows in by_check.items():
        shown = rows[:limit] if limit else rows
        for row in shown:
            place = f"{row.id} turn {row.turn}" if row.turn else row.id
            yield f"{check}: {place}: {row.why}"
        if len(rows) > len(shown):
            yield f"{check}: ... and {len(rows) - len(shown):,} more; --limit 0 lists all."


def _composition(audit: Audit) -> Iterator[str]:
    found = audit.composition
    yield f"{found.dialogues:,} dialogues, {found.turns:,} turns, {found.annotated:,} annotated"
    usual = f"{found.usual_length:,} dialogues of {SHORT} to {LONG} turns"
    yield f"{usual}; speakers alternate strictly in {found.alternating:,}"
    yield f"languages: {listed(found.languages)}; annotated turns: {listed(found.annotated_languages)}"
    yield f"splits: {listed(found.splits)}; annotated turns: {listed(found.annotated_splits)}"
    yield f"scenarios: {listed(found.scenarios)}"
    yield f"categories: {listed(found.categories)}"
    yield f"skills: {listed(found.skills)}"
    if found.rarest:
        yield f"rarest skill: {found.rarest} ({found.skills[found.rarest]})"


def listed(counts: Mapping[str, int], most: int = 0) -> str:
    """Return `name number` of the first `most` counts, of all for 0."""
    rows = list(counts.items())
    return ", ".join(f"{name} {count:,}" for name, count in (rows[:most] if most else rows)) or "none"


def _agreement(found: LabelAgreement | None) -> Iterator[str]:
    if found is None:
        yield "no turn has labels of both annotators"
        return
    yield f"{found.turns:,} turns with both labels, {found.missing:,} without"
    yield f"skills {kappa(found.skills)}; categories {kappa(found.categories)}"
    yield f"first label among the second annotator's choices: {percent(found.in_choices)}"
    yield (
        f"{found.differ:,} differ: settled for the first {found.settled_first:,}, for the second "
        f"{found.settled_second:,}, for another {found.settled_other:,}, not settled {found.unsettled:,}"
    )
    tables = {
        "language": found.by_language,
        "category": found.by_category,
        "within": found.within_category,
        "skill": found.by_skill,
    }
    for title, table in tables.items():
        for name, value in sorted(table.items(), key=lambda item: -(item[1].value or 0)):
            yield f"{title} {name}: {kappa(value)}"
    pairs = (f"{pair.one} / {pair.other} {pair.turns}" for pair in found.confusions)
    yield f"exchanged most: {', '.join(pairs)}"


def kappa(found: Agreement) -> str:
    """Return kappa with its interval and the number of items."""
    if found.value is None:
        return f"undefined ({found.items:,} turns)"
    between = (
        f", {found.low:.3f} to {found.high:.3f}" if found.low is not None and found.high is not None else ""
    )
    return f"{found.value:.3f}{between} ({found.items:,} turns, {percent(found.observed)} equal)"


def percent(share: float | None) -> str:
    """Return a share as percent with one decimal, or `-`."""
    return "-" if share is None else f"{100 * share:.1f} %"


def _copies(audit: Audit) -> Iterator[str]:
    within = audit.copies
    yield f"within: {within.duplicates:,} near-duplicate pairs; {within.meant:,} pairs that are meant"
    yield from _nearest(within.nearest)
    yield from _runs(audit.runs, audit.longest)
    yield from _meaning(audit.meaning)
    for other in audit.against:
        yield from _between(other)


def _between(other: Against) -> Iterator[str]:
    rejected = f" ({other.rejected:,} rows or files are none)" if other.rejected else ""
    copied = f"{other.copies.duplicates:,} near-duplicate pairs"
    yield f"{other.corpus}: {other.dialogues:,} dialogues{rejected}; {copied}"
    yield from _nearest(other.copies.nearest)
    yield from _runs(other.runs, other.longest)
    yield from _meaning(other.meaning)


def _nearest(pairs: Sequence[Pair]) -> Iterator[str]:
    if not pairs:
        yield f"  no pair with Jaccard {LISTED_FROM} or above"
    for pair in pairs[:_SHOWN]:
        yield f"  Jaccard {pair.jaccard:.3f}: {pair.first} and {pair.second}"


def _meaning(found: Likeness | None) -> Iterator[str]:
    if found is None:
        return
    quantiles = ", ".join(f"{share} {value:.3f}" for share, value in found.quantiles.items()) or "none"
    yield (
        f"  by meaning: {found.ours:,} of ours with {found.others:,}, {found.unread:,} in other languages "
        f"not compared; {found.alike:,} at {ALIKE} or above; quantiles of the nearest: {quantiles}"
    )
    for near in found.nearest[:_SHOWN]:
        yield f"  likeness {near.cosine:.3f}: {near.first} and {near.second}"


def _runs(count: int, longest: Sequence[Run]) -> Iterator[str]:
    if not count:
        yield f"  no common run of {RUN} words"
        return
    yield f"  {count:,} pairs with a common run of {RUN} words or more, the longest:"
    for run in longest[:_SHOWN]:
        yield f"    {run.words} words, {run.first} and {run.second}: {run.text}"


def _leaks(audit: Audit) -> Iterator[str]:
    found = audit.leakage
    yield f"{found.controlled:,} of {found.turns:,} annotated turns have a counterfactual"
    yield (
        f"novel reply words in the explanation {number(found.leak_gold)}, of the counterfactual "
        f"{number(found.leak_counterfactual)}; new reply words in the context less the counterfactual's "
        f"{number(found.context_leak)}"
    )
    yield f"reply and counterfactual: F1 {number(found.close)}, length ratio {number(found.length_ratio)}"


def number(value: float | None) -> str:
    """Return a number with three decimals, or `-`."""
    return "-" if value is None else f"{value:.3f}"


def variety_line(row: Variety) -> str:
    """Return the measures of one corpus on one line."""
    distinct = " ".join(f"distinct-{order} {value:.3f}" for order, value in row.distinct.items())
    return (
        f"{row.lang or '?'} {row.corpus or 'this corpus'}: {distinct} over {row.tokens:,} tokens; self-BLEU "
        f"{number(row.self_bleu)}; {row.words:.1f} words a turn ({row.turns:,} turns)"
    )


def _people(audit: Audit) -> Iterator[str]:
    found = audit.people
    for lang, names in found.names.items():
        yield f"names, {lang}: {spread_line(names)}"
    yield f"speakers called by a label: {found.generic:,}"
    yield f"roles: {spread_line(found.roles)}"
    yield f"gender stated in role or attributes: {listed(found.gendered)}"
    yield f"gender stated in relationships: {listed(found.relationships)}; pronouns: {listed(found.pronouns)}"
    yield f"ages: {listed(found.ages)}"
    yield f"places: {spread_line(found.places)}"


def spread_line(found: Spread) -> str:
    """Return how values are spread on one line."""
    return (
        f"{found.distinct:,} different of {found.total:,}, ten commonest {percent(found.top_share)}, "
        f"evenness {number(found.evenness)}: {listed(found.top, 8)}"
    )
