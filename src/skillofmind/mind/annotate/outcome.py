"""What became of a row: annotations that are kept, or the reason why there are none."""

from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Asked, Unusable, Verdict
from skillofmind.mind.annotate.filters import Checked, Duplicates, Filters, Flag, Known, judge, known
from skillofmind.mind.annotate.reply import Draft

Reason = Unusable | Flag
"""Why a row is rejected: no usable reply, teachers that do not agree, or a quality filter."""


class Outcome(Record, frozen=True):
    """What became of a row.

    Attributes:
        checked: every whole draft of the reply that counts, with the filters' flags.
        reason: why no annotation is kept, or `None`.
        detail: the same as a sentence.
        chosen_by: whose annotations these are.
        skills: the first skill of teacher and second teacher, where both were usable.
    """

    checked: tuple[Checked, ...] = ()
    reason: Reason | None = None
    detail: str = ""
    chosen_by: Asked = "teacher"
    skills: tuple[str, str] | None = None

    def kept(self) -> tuple[Draft, ...]:
        """Return the annotations that passed every filter."""
        return tuple(one.draft for one in self.checked if not one.flags) if self.reason is None else ()


def settle(
    instance: Instance, verdict: Verdict, filters: Filters, lang: str = "", seen: Duplicates | None = None
) -> Outcome:
    """Return what became of a row.

    Args:
        instance: the row.
        verdict: what its answers come to.
        filters: thresholds of the quality filters.
        lang: language of the annotations.
        seen: explanations of earlier rows; without it duplicates are not looked for.
    """
    counted = verdict.second if verdict.chosen_by == "second" else verdict.first
    drafts = [] if counted is None else [draft for draft in counted.drafts if draft.is_whole()]
    facts = known(instance, lang)
    checked = tuple(_checked(facts, draft, filters, seen) for draft in drafts)
    skills = _first_skills(verdict)
    if verdict.reason is not None:
        return Outcome(checked, verdict.reason, verdict.detail, verdict.chosen_by, skills)
    if any(not one.flags for one in checked):
        return Outcome(checked, None, "", verdict.chosen_by, skills)
    flagged = next(one for one in checked if one.draft.skill is not None)
    detail = ", ".join(f"{name} {value:.3g}" for name, value in flagged.measures.items())
    return Outcome(checked, flagged.flags[0], detail, verdict.chosen_by, skills)


def _checked(facts: Known, draft: Draft, filters: Filters, seen: Duplicates | None) -> Checked:
    found = judge(facts, draft, filters)
    is_double = seen is not None and not found.flags and seen.seen(draft.explanation)
    return Checked(draft, ("duplicate_explanation",), found.measures) if is_double else found


def _first_skills(verdict: Verdict) -> tuple[str, str] | None:
    if verdict.second is None or not (verdict.first.usable() and verdict.second.usable()):
        return None
    first, second = verdict.first.usable()[0].skill, verdict.second.usable()[0].skill
    return (first or "", second or "")
