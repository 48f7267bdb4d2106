"""Tables of planned skills: every skill by itself, what is taken for what, unknown labels, confidence."""

from collections import Counter
from collections.abc import Iterator, Sequence

from skillofmind.evals.measure import estimates
from skillofmind.evals.measures.labels import Labels, by_label, encoded
from skillofmind.evals.measures.planned import guessed_class, planned
from skillofmind.evals.records import Case, Cell, Table
from skillofmind.scorers.calibration import reliability, risk_coverage

CONFUSIONS = 25
"""Most rows of a table of confusions."""

UNKNOWN = 50
"""Most rows of the table of unknown labels."""

LABEL = 60
"""Characters of an unknown label that are shown."""

NONE = "(none)"
"""Stands for the skill of an answer that names none."""

_COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)

_Pairs = list[tuple[str, str | None, str]]
"""Right label, guessed label and group of every case that counts."""


def skill_tables(cases: Sequence[Case]) -> tuple[Table, ...]:
    """Return what applies to these cases of one arm: skills, classes, confusions, unknown labels, confidence.

    Failed answers are left out.
    """
    skills, classes = _skill_pairs(cases), _class_pairs(cases)
    found = list[Table]()
    for what, pairs in (("skill", skills), ("class", classes)):
        found += [_by_label(what, pairs), _confusions(what, pairs)] if pairs else []
    unknown = _unknown(cases)
    found += [unknown] if unknown.rows else []
    return (*found, *_confidence(cases))


def _skill_pairs(cases: Sequence[Case]) -> _Pairs:
    return [
        (case.item.gold.skills[0], plan.skill, case.item.group)
        for case in cases
        if case.item.gold.skills and (plan := planned(case.answer))
    ]


def _class_pairs(cases: Sequence[Case]) -> _Pairs:
    return [
        (case.item.gold.label, guessed_class(case.item, plan), case.item.group)
        for case in cases
        if case.item.gold.label and (plan := planned(case.answer))
    ]


def _by_label(what: str, pairs: _Pairs) -> Table:
    labels = encoded([right for right, _, _ in pairs], [guess for _, guess, _ in pairs])
    rows = sorted(_rows(labels, [group for _, _, group in pairs]), key=lambda row: (-row[1], row[0]))
    return Table(
        f"By {what}",
        (what, "right", "guessed", "precision", "recall", "F1", "low", "high"),
        tuple(rows),
        f"right: cases whose right {what} it is; guessed: answers that name it; low, high: 95 % interval of "
        "F1, none where all resamples agree.",
    )


def _rows(labels: Labels, groups: Sequence[str]) -> Iterator[tuple[str, int, *tuple[Cell, ...]]]:
    measures = by_label(labels)
    every = estimates([one for three in measures.values() for one in three], groups)
    for place, name in enumerate(labels.names):
        precision, recall, f1 = every[3 * place : 3 * place + 3]
        # Resamples of a label that is never hit all say 0, which is no reason to be sure.
        ends = (f1.low, f1.high) if f1.low != f1.high else (None, None)
        yield name, recall.n, precision.n, precision.value, recall.value, f1.value, *ends


def _confusions(what: str, pairs: _Pairs) -> Table:
    of = Counter(right for right, _, _ in pairs)
    wrong = Counter((right, guess or NONE) for right, guess, _ in pairs if right != guess)
    rows = sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0]))
    return Table(
        f"Largest confusions by {what}",
        ("right", "guessed", "n", "share"),
        tuple((right, guess, n, n / of[right]) for (right, guess), n in rows[:CONFUSIONS]),
        f"share: of the cases whose right {what} it is. {len(rows)} pairs in all.",
    )


def _unknown(cases: Sequence[Case]) -> Table:
    said = Counter(
        _cut(plan.skill_raw)
        for case in cases
        if (plan := planned(case.answer)) and plan.skill is None and plan.skill_raw.strip()
    )
    rows = sorted(said.items(), key=lambda pair: (-pair[1], pair[0]))
    return Table(
        "Labels outside the taxonomy",
        ("label", "n"),
        tuple(rows[:UNKNOWN]),
        f"As written, the first {LABEL} characters. {len(rows)} different ones, {said.total()} answers.",
    )


def _cut(label: str) -> str:
    return " ".join(label.split())[:LABEL]


def _confidence(cases: Sequence[Case]) -> list[Table]:
    known = sorted(
        (sure, case.item.key, hit == 1)
        for case in cases
        if (sure := case.scores.get("confidence")) is not None
        and (hit := case.scores.get("class" if case.item.gold.label else "accuracy")) is not None
    )
    if not known:
        return []
    given, right = [one for one, _, _ in known], [hit for _, _, hit in known]
    bins = tuple((part.confidence, part.accuracy, part.size) for part in reliability(given, right))
    kept = tuple(
        (one.coverage, one.accuracy, one.threshold) for one in risk_coverage(given, right, _COVERAGES)
    )
    return [
        Table("Reliability", ("confidence", "accuracy", "n"), bins, "Bins of equal size."),
        Table(
            "When only the surest are answered",
            ("coverage", "accuracy", "confidence from"),
            kept,
            "coverage: share of the answers that are given.",
        ),
    ]
