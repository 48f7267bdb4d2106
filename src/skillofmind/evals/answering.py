"""Ways to ask an item: a function from `Item` to `Answer`.

    ask = plan_asker(EmbeddedPlanner())
    answer = await ask(item)

Tokens are counted where the model behind the planner is `counted`: what its calls take goes to the item that
is being asked, however many items are in work at once.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from skillofmind.core.completion import Completion, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.seams import Model, Planner
from skillofmind.evals.records import Answer, Item
from skillofmind.models.wrapped import wrapped

Ask = Callable[[Item], Awaitable[Answer]]
"""How an item is asked; a failure comes back as an answer with `error`."""

_USAGES: ContextVar[list[Usage] | None] = ContextVar("skillofmind.evals.usages", default=None)


def plan_asker(planner: Planner) -> Ask:
    """Return what asks `planner` to plan the reply of an item's dialogue."""

    async def ask(item: Item) -> Answer:
        with usage_of_calls() as usages:
            plan = await planner.plan(item.dialogue)
        usage = sum(usages, Usage())
        if plan.error is not None:
            return Answer(usage=usage, error=plan.error)
        return Answer(plan=plan, usage=usage)

    return ask


def counted(model: Model) -> Model:
    """Return `model` with the tokens of its calls noted in the innermost `usage_of_calls` around them."""

    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        completion = await model.generate(conversation, sampling)
        usages = _USAGES.get()
        if usages is not None:
            usages.append(completion.usage)
        return completion

    return wrapped(model, generate)


@contextmanager
def usage_of_calls() -> Iterator[list[Usage]]:
    """Give the list that gets the usage of every call of a `counted` model inside the block."""
    usages: list[Usage] = []
    token = _USAGES.set(usages)
    try:
        yield usages
    finally:
        _USAGES.reset(token)
