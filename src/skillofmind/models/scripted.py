"""A model that says what a script says: for tests, demos and the far end of offline examples.

    model = ScriptedModel(["Hello", RateLimited("slow down"), "Bye"])
    model = ScriptedModel(lambda conversation, sampling: conversation.messages[-1].text().upper())

A list is used up item by item, a function is called once for every sample. Words (with the white space that
follows) stand for tokens: `max_tokens` counts them, `stream` sends them one by one, and the usage sums them.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from skillofmind.core.completion import (
    DEFAULT_SAMPLING,
    Completion,
    Delta,
    Sample,
    Sampling,
    StopReason,
    Usage,
)
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Capabilities
from skillofmind.models.sampled_apart import single

Reply = str | Completion
Script = Sequence[Reply | BaseException] | Callable[[Conversation, Sampling], Reply]

_WORD = re.compile(r"\S+\s*|\s+")
_CAPABILITIES = Capabilities(
    n=True, seed=True, tools=True, stream=True, json_schema=True, continue_assistant=True, images=True
)


class Call(NamedTuple):
    """One call that a scripted model received."""

    conversation: Conversation
    sampling: Sampling


class ScriptedModel:
    """A deterministic model.

    Attributes:
        calls: every call so far, failed ones included.
    """

    def __init__(
        self, reply: Script, *, name: str = "scripted", capabilities: Capabilities = _CAPABILITIES
    ) -> None:
        """Script a model.

        Args:
            reply: texts, completions and exceptions to use in order, one for every sample; or a function
                that is called with `n=1` (and `seed + i` for sample i where there is a seed). A completion
                answers the whole request as it is.
            name: the identity.
            capabilities: what the model says it can do.
        """
        self._reply = reply
        self._used = 0
        self._name = name
        self._capabilities = capabilities
        self.calls: list[Call] = []

    def __repr__(self) -> str:
        return f"ScriptedModel({self._name!r}, {len(self.calls)} calls)"

    @property
    def identity(self) -> str:
        """The name it was given."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it was told that it can do."""
        return self._capabilities

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        """Answer with the next items of the script.

        Raises:
            ConfigurationError: the script has no item left.
            BaseException: the item is this exception.
        """
        self.calls.append(Call(conversation, sampling))
        samples = []
        for index in range(sampling.n):
            reply = self._next(conversation, single(sampling, index))
            if isinstance(reply, Completion):
                return reply
            samples.append(_sample(reply, sampling))
        words = sum(len(_WORD.findall(sample.text)) for sample in samples)
        asked = sum(len(_WORD.findall(message.text())) for message in conversation.messages)
        return Completion(tuple(samples), Usage(asked, words), self._name)

    async def stream(
        self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING
    ) -> AsyncIterator[Delta]:
        """Yield the answer word by word, samples one after the other; the last piece has the usage.

        Raises:
            ConfigurationError: the script has no item left.
            BaseException: the item is this exception.
        """
        answer = await self.generate(conversation, sampling)
        for index, sample in enumerate(answer.samples):
            for word in _WORD.findall(sample.text):
                yield Delta(word, index)
            for place, call in enumerate(sample.tool_calls):
                yield Delta(index=index, tool_call=(place, call.id, call.name, call.arguments))
            last = index == len(answer.samples) - 1
            yield Delta(index=index, stop=sample.stop, usage=answer.usage if last else None)

    def _next(self, conversation: Conversation, sampling: Sampling) -> Reply:
        if callable(self._reply):
            return self._reply(conversation, sampling)
        if self._used >= len(self._reply):
            count = len(self._reply)
            raise ConfigurationError(
                f"the script of {self._name!r} has {count} items and all are used; add more"
            )
        item = self._reply[self._used]
        self._used += 1
        if isinstance(item, BaseException):
            raise item
        return item


def _sample(text: str, sampling: Sampling) -> Sample:
    reason: StopReason = "stop"
    words = _WORD.findall(text)
    if sampling.max_tokens is not None and len(words) > sampling.max_tokens:
        text, reason = "".join(words[: sampling.max_tokens]), "length"
    ends = [place for stop in sampling.stop if (place := text.find(stop)) >= 0]
    return Sample(text[: min(ends)], "stop") if ends else Sample(text, reason)
