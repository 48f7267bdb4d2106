"""Ask a judge a question: its raw text is the answer, read later, so that reading otherwise asks nobody."""

from collections.abc import Mapping

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Model
from skillofmind.evals.answering import Ask
from skillofmind.evals.judging.questions import place_of
from skillofmind.evals.records import Answer, Item

JUDGE_SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
"""How judges are sampled: without chance, and with room for thinking aloud."""


def judge_asker(judges: Mapping[str, Model], sampling: Sampling = JUDGE_SAMPLING) -> Ask:
    """Return what asks the judge that a question names.

    Args:
        judges: name -> model.
        sampling: of every verdict.

    Raises (when asked):
        ConfigurationError: the question names another judge.
        ModelError: the call failed.
    """

    async def ask(item: Item) -> Answer:
        name = place_of(item).judge
        if name not in judges:
            raise ConfigurationError(
                f"the question {item.id!r} is for a judge that is not there; name it with --judge."
            )
        system, prompt = item.dialogue.context.text or "", item.dialogue.turns[0].text
        if judges[name].capabilities.system_role:
            conversation = Conversation((Message("system", system), Message("user", prompt)))
        else:
            conversation = Conversation((Message("user", f"{system}\n\n{prompt}"),))
        completion = await judges[name].generate(conversation, sampling)
        return Answer(reply=completion.text, usage=completion.usage)

    return ask
