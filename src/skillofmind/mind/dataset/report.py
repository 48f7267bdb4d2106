"""What an annotation run made, counted in one pass: rows, reasons, skills, filters, agreement, cost."""

from collections import Counter
from collections.abc import Iterable, Mapping

from skillofmind.core.completion import Usage
from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Answer, Asked
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.annotate.ledger import Account
from skillofmind.mind.annotate.outcome import Outcome
from skillofmind.mind.dataset.rows import Maker
from skillofmind.run.budget import Prices
from skillofmind.scorers.agreement import Agreement, cohen_kappa, kappa_by_label

MOST_LABELS = 50
"""Out-of-vocabulary labels that a report lists, the commonest first."""

MOST_LICENCES = 10
"""Different licences that one corpus may be listed with; a corpus with more is not told apart any further."""


class Source(Record, frozen=True):
    """Rows of one corpus.

    Attributes:
        rows: rows at their end.
        annotated: rows with an annotation that is kept.
        licence: of the text, as the corpus states it; several ones, by name, with `; ` between them.
    """

    rows: int = 0
    annotated: int = 0
    licence: str = ""


class Cost(Record, frozen=True):
    """What one model was asked.

    Attributes:
        calls: attempts, failed ones included, cached answers not.
        usage: tokens.
        money: their price; `None` without prices.
    """

    calls: int = 0
    usage: Usage = Usage()
    money: float | None = None


class SecondTeacher(Record, frozen=True):
    """How two teachers agree on the first skill that each names.

    Attributes:
        agreement: Cohen's kappa over all skills.
        by_skill: one skill against the rest.
        shared: rows in which they share a skill, be it their first or not.
        judged: rows that went to the judge -> whose annotation was chosen.
    """

    agreement: Agreement
    by_skill: dict[str, Agreement]
    shared: int
    judged: dict[str, int]


class Report(Record, frozen=True):
    """The counts.

    Attributes:
        rows: rows of the input.
        unfinished: rows that were not asked to their end.
        annotated: rows with an annotation that is kept.
        rejected: reason -> rows.
        annotations: annotations that are kept.
        skills: skill -> annotations, the commonest first.
        per_row: annotations a row -> rows.
        corpora: corpus -> its rows.
        languages: code -> annotated rows.
        checked: whole drafts that the filters saw.
        flags: filter -> drafts that it flagged.
        measures: measure of the filters -> mean over all drafts that have it.
        oov: labels outside the taxonomy, verbatim -> count, the commonest first.
        second: how two teachers agree, where there was a second one.
        costs: the model that was asked -> calls, tokens and money.
        cached: answers that came from the cache.
        repairs: rows that needed a repair request.
        currency: of the money.
        maker: who annotated, and how.
        filters: thresholds that decided what is kept.
    """

    rows: int
    unfinished: int
    annotated: int
    rejected: dict[str, int]
    annotations: int
    skills: dict[str, int]
    per_row: dict[str, int]
    corpora: dict[str, Source]
    languages: dict[str, int]
    checked: int
    flags: dict[str, int]
    measures: dict[str, float]
    oov: dict[str, int]
    second: SecondTeacher | None
    costs: dict[Asked, Cost]
    cached: int
    repairs: int
    currency: str = ""
    maker: Maker | None = None
    filters: Filters | None = None

    def money(self) -> float | None:
        """Return the price of everything; `None` without prices."""
        known = [cost.money for cost in self.costs.values() if cost.money is not None]
        return sum(known) if known else None


class Tally:
    """Counts rows as they come."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.account = Account()
        self._rows = self._unfinished = self._annotated = self._annotations = self._checked = 0
        self._rejected: Counter[str] = Counter()
        self._skills: Counter[str] = Counter()
        self._per_row: Counter[int] = Counter()
        self._corpora: dict[str, list[int]] = {}
        self._licences: dict[str, set[str]] = {}
        self._languages: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._oov: Counter[str] = Counter()
        self._sums: dict[str, tuple[int, float]] = {}
        self._pairs: tuple[list[str], list[str]] = ([], [])
        self._shared = 0
        self._judged: Counter[str] = Counter()

    def unfinished(self, answers: tuple[Answer, ...]) -> None:
        """Count a row that is not at its end; what its answers cost counts."""
        self._rows += 1
        self._unfinished += 1
        self.account = self.account.plus(answers)

    def add(self, instance: Instance, outcome: Outcome, answers: tuple[Answer, ...], lang: str) -> None:
        """Count a row that is at its end."""
        kept = outcome.kept()
        self._rows += 1
        self._annotated += bool(kept)
        self._annotations += len(kept)
        self._skills.update(draft.skill or "" for draft in kept)
        self.account = self.account.plus(answers)
        if outcome.reason is None:
            self._per_row[len(kept)] += 1
            self._languages[lang] += 1
        else:
            self._rejected[outcome.reason] += 1
        counts = self._corpora.setdefault(instance.context.corpus, [0, 0])
        counts[0] += 1
        counts[1] += bool(kept)
        licences = self._licences.setdefault(instance.context.corpus, set())
        if len(licences) < MOST_LICENCES:
            licences.add(instance.context.licence)
        self._add_checked(outcome)
        self._add_pair(outcome, answers)

    def _add_checked(self, outcome: Outcome) -> None:
        self._checked += len(outcome.checked)
        for one in outcome.checked:
            self._flags.update(one.flags)
            if one.draft.skill is None:
                self._oov[one.draft.skill_raw] += 1
            for name, value in one.measures.items():
                count, total = self._sums.get(name, (0, 0.0))
                self._sums[name] = (count + 1, total + value)

    def _add_pair(self, outcome: Outcome, answers: tuple[Answer, ...]) -> None:
        if outcome.skills is None:
            return
        for side, skill in zip(self._pairs, outcome.skills, strict=True):
            side.append(skill)
        if any(answer.role == "judge" for answer in answers):
            self._judged[outcome.chosen_by if outcome.reason != "disagreement" else "neither"] += 1
        else:
            self._shared += 1

    def report(self, prices: Mapping[Asked, Prices], currency: str = "") -> Report:
        """Return the counts."""
        account = self.account
        return Report(
            rows=self._rows,
            unfinished=self._unfinished,
            annotated=self._annotated,
            rejected=dict(self._rejected.most_common()),
            annotations=self._annotations,
            skills=dict(self._skills.most_common()),
            per_row={str(count): rows for count, rows in sorted(self._per_row.items())},
            corpora={
                name: Source(rows, annotated, joined_licences(self._licences[name]))
                for name, (rows, annotated) in sorted(self._corpora.items())
            },
            languages=dict(self._languages.most_common()),
            checked=self._checked,
            flags=dict(self._flags.most_common()),
            measures={name: total / count for name, (count, total) in sorted(self._sums.items())},
            oov=dict(self._oov.most_common(MOST_LABELS)),
            second=self._second(),
            costs={asked: _cost(account, asked, prices) for asked in account.calls},
            cached=account.cached,
            repairs=account.repairs,
            currency=currency,
        )

    def _second(self) -> SecondTeacher | None:
        first, second = self._pairs
        if not first:
            return None
        return SecondTeacher(
            cohen_kappa(first, second), kappa_by_label(first, second), self._shared, dict(self._judged)
        )


def joined_licences(licences: Iterable[str]) -> str:
    """Return the licences of one corpus as one text; "" where none is stated at all."""
    stated = sorted(set(licences))
    return "; ".join(licence or "not stated" for licence in stated) if stated != [""] else ""


def _cost(account: Account, asked: Asked, prices: Mapping[Asked, Prices]) -> Cost:
    usage = account.usage[asked]
    return Cost(account.calls[asked], usage, prices[asked].cost(usage) if asked in prices else None)
