"""Ask an agent for a reply, with what its arm shows of the plan.

    ask = reply_asker(agent, planner, PlanBook(planner, run.log("plans")), sampling=Sampling(max_tokens=200))

1. The dialogue becomes a conversation in which the agent speaks for whoever speaks next.
2. In the arm `none` the agent answers it. In the others the plan of the item is looked up, or made and kept
   first; then the agent answers by way of `mind.inject.planned`, as it would behind `som serve`.
3. Conversation, sampling and budget are the same in all arms, and so is the plan.

A plan that failed is a failed item, which the next start asks again: an answer without the plan would count
as one with it. A planner that abstains, or names no skill of the taxonomy, is part of how it does: the
reply goes out unplanned, and `planned` counts it.
"""

import asyncio

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.core.seams import Model, Planner, Store
from skillofmind.evals.answering import Ask, usage_of_calls
from skillofmind.evals.records import Answer, Item
from skillofmind.mind.dataset.examples import response_messages
from skillofmind.mind.inject import Inject, judged, plan_block, planned
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, load_template

_INJECT: dict[str, Inject] = {"skill": "skill", "explanation": "explanation", "both": "both"}


class MadePlan(Record, frozen=True):
    """A plan, and the tokens that it took."""

    plan: Plan
    usage: Usage = Usage()


class PlanBook:
    """One plan for every item, whatever its arm.

    Plans are kept as soon as they are there, so a run that goes on shows later arms the plan that earlier
    ones were shown. Failed ones are not kept.
    """

    def __init__(self, planner: Planner, store: Store | None = None) -> None:
        """Read the plans that are there.

        Args:
            planner: makes those that are not.
            store: of the run; without it plans last as long as the book.

        Raises:
            DataError: the store holds something else.
        """
        self._planner = planner
        self._store = store
        self._made: dict[str, MadePlan] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        for key, value in store.read() if store is not None else ():
            self._made[key] = msgspec.convert(value, MadePlan)

    async def plan(self, item: Item) -> MadePlan:
        """Return the plan of an item; of askers that come at once, one plans and the others wait."""
        key = f"{item.task}/{item.id}"
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._made:
                with usage_of_calls() as usages:
                    plan = await self._planner.plan(item.dialogue)
                made = MadePlan(plan, sum(usages, Usage()))
                if plan.error is not None:
                    return made
                if self._store is not None:
                    self._store.append(key, made)
                self._made[key] = made
        return self._made[key]


def reply_asker(
    agent: Model,
    planner: Planner,
    book: PlanBook | None = None,
    *,
    sampling: Sampling = DEFAULT_SAMPLING,
    taxonomy: Taxonomy | None = None,
    template: Template | None = None,
) -> Ask:
    """Return what asks for the reply of an item in its arm.

    The tokens of an answer are those of the reply and of the plan that it was shown, as if its arm had been
    run alone.

    Args:
        agent: answers.
        planner: plans, in all arms but `none`.
        book: keeps the plans.
        sampling: of every reply.
        taxonomy: the planner's; the package's without it.
        template: wording of the plan; the package's without it.
    """
    book = book or PlanBook(planner)
    skills, wording = taxonomy or load_taxonomy(), template or load_template()

    async def ask(item: Item) -> Answer:
        conversation = Conversation(response_messages(item.dialogue))
        if item.arm == "none":
            completion = await agent.generate(conversation, sampling)
            return _answer(Answer(reply=completion.text.strip(), usage=completion.usage))
        inject = _INJECT[item.arm]
        made = await book.plan(item)
        if made.plan.error is not None:
            return Answer(usage=made.usage, error=made.plan.error)
        shown = judged(made.plan, skills).plan
        speaker = planned(agent, planner, inject=inject, taxonomy=skills, template=wording)
        completion = await speaker.generate(msgspec.structs.replace(conversation, plan=shown), sampling)
        return _answer(
            Answer(
                plan=shown,
                reply=completion.text.strip(),
                injected=plan_block(shown, inject, skills, wording) or "",
                usage=completion.usage + made.usage,
            )
        )

    return ask


def _answer(answer: Answer) -> Answer:
    if answer.reply:
        return answer
    return msgspec.structs.replace(answer, error="the agent said nothing.")
