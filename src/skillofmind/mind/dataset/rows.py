"""Annotated and rejected rows as dialogues of ours, and where each of them comes from.

A row is one `Dialogue` that ends with the turn that was annotated; `meta` says which dialogue it was cut
from (`dialogue`, `index`), what it must stay with in a split (`group`), and how the annotation was made
(`annotation`). Nothing in it depends on when it was made or how often a call was tried: that is the row's
`Provenance`, in a file of its own, so that an interrupted run ends in the same bytes as one that was not.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from skillofmind.core.completion import Sampling, Usage
from skillofmind.core.dialogue import Annotation, Dialogue, Label
from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.data.split import group_of
from skillofmind.mind.annotate.course import ASKED, Answer, Asked
from skillofmind.mind.annotate.outcome import Outcome
from skillofmind.run.budget import Prices

SCHEME = "skillofmind.skill"
"""Label scheme of what each of two teachers said about a turn."""


class Maker(Record, frozen=True):
    """Who annotates, and how.

    Attributes:
        names: the model that is asked -> its name in the data.
        prompt: hash of wording, taxonomy and language.
        sampling: settings of the teachers.
    """

    names: dict[Asked, str]
    prompt: str
    sampling: Sampling = Sampling()


class Provenance(Record, frozen=True):
    """When and at what cost a row was made.

    Attributes:
        id: of the row.
        time: ISO 8601, of the last answer.
        seconds: wall time of all its requests.
        answers: requests that were answered or failed for good.
        attempts: calls, failed ones included.
        usage: tokens.
        money: their price, where prices are known.
        cached: answers that the cache gave.
        reason: why the row was rejected, or `None`.
    """

    id: str
    time: str = ""
    seconds: float = 0.0
    answers: int = 0
    attempts: int = 0
    usage: Usage = Usage()
    money: float | None = None
    cached: int = 0
    reason: str | None = None


def annotated_row(
    instance: Instance, outcome: Outcome, answers: tuple[Answer, ...], maker: Maker
) -> Dialogue:
    """Return the row with its annotations on its last turn."""
    annotator = maker.names[outcome.chosen_by]
    annotations = tuple(
        Annotation(draft.skill or "", draft.explanation, draft.counterfactual, annotator)
        for draft in outcome.kept()
    )
    made = {"annotation": _made(outcome, answers, maker)}
    return _row(instance, annotations, _labels(outcome, maker), made)


def rejected_row(instance: Instance, outcome: Outcome, answers: tuple[Answer, ...], maker: Maker) -> Dialogue:
    """Return the row without annotations; `meta.rejected` has the reason and every reply verbatim."""
    rejected = {
        "reason": outcome.reason,
        "detail": outcome.detail,
        "replies": [{"role": answer.role, "text": answer.text} for answer in answers if answer.error is None],
        **_made(outcome, answers, maker),
    }
    return _row(instance, (), _labels(outcome, maker), {"rejected": rejected})


def provenance(
    instance: Instance, outcome: Outcome, answers: tuple[Answer, ...], prices: Mapping[Asked, Prices]
) -> Provenance:
    """Return when and at what cost the row was made."""
    money = [prices[ASKED[one.role]].cost(one.usage) for one in answers if ASKED[one.role] in prices]
    return Provenance(
        instance.id,
        answers[-1].time if answers else "",
        round(sum(answer.seconds for answer in answers), 3),
        len(answers),
        sum(answer.attempts for answer in answers),
        sum((answer.usage for answer in answers), Usage()),
        sum(money) if money else None,
        sum(answer.cached for answer in answers),
        outcome.reason,
    )


def _row(
    instance: Instance, annotations: tuple[Annotation, ...], labels: tuple[Label, ...], made: dict[str, Any]
) -> Dialogue:
    context, target = instance.context, instance.target
    last = msgspec.structs.replace(target, annotations=annotations, labels=(*target.labels, *labels))
    # What the source says of itself as a group, a pair or an episode is already in the name of the group.
    meta = {
        **context.meta,
        "dialogue": context.id,
        "index": instance.index,
        "group": group_of(context),
        **made,
    }
    return msgspec.structs.replace(
        context, turns=(*context.turns, last), id=instance.id, responder=None, meta=meta
    )


def _labels(outcome: Outcome, maker: Maker) -> tuple[Label, ...]:
    if outcome.skills is None:
        return ()
    first, second = outcome.skills
    return (
        Label(SCHEME, first, maker.names["teacher"]),
        Label(SCHEME, second, maker.names["second"]),
    )


def _made(outcome: Outcome, answers: tuple[Answer, ...], maker: Maker) -> dict[str, Any]:
    mine = [one for one in answers if ASKED[one.role] == outcome.chosen_by and one.error is None]
    found: dict[str, Any] = {
        "teacher": maker.names[outcome.chosen_by],
        "prompt": maker.prompt,
        "sampling": msgspec.to_builtins(maker.sampling),
    }
    if mine:
        found |= {"model": mine[-1].model, "request": mine[-1].request}
    dropped = [
        {"skill": one.draft.skill_raw, "flags": list(one.flags)} for one in outcome.checked if one.flags
    ]
    return {**found, "dropped": dropped} if dropped else found
