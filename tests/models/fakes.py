"""Models that do as they are told, for tests of wrappers."""

import asyncio
from collections.abc import AsyncIterator

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Delta, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import ModelError
from skillofmind.core.seams import Capabilities

HELLO = Conversation((Message("user", "hello"),))


class Counting:
    """Answers `sample <number>`, numbered over all calls; first raises the errors it is given."""

    identity = "counting"
    capabilities = Capabilities(n=True, seed=True, stream=False)

    def __init__(self, *errors: ModelError, seconds: float = 0.0) -> None:
        self.errors = list(errors)
        self.seconds = seconds
        self.asked: list[Sampling] = []
        self.drawn = 0

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        self.asked.append(sampling)
        await asyncio.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        samples = []
        for _ in range(sampling.n):
            samples.append(Sample(f"sample {self.drawn}", "stop"))
            self.drawn += 1
        return Completion(tuple(samples), Usage(10, sampling.n), model="counting-1")


class Streaming(Counting):
    """Streams `a`, `b`, `c`; can fail before or after the first piece."""

    capabilities = Capabilities(n=True, seed=True, stream=True)

    def __init__(self, *errors: ModelError, late: ModelError | None = None, seconds: float = 0.0) -> None:
        super().__init__(*errors, seconds=seconds)
        self.late = late
        self.opened = 0
        self.closed = 0

    async def stream(
        self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING
    ) -> AsyncIterator[Delta]:
        self.opened += 1
        try:
            if self.errors:
                raise self.errors.pop(0)
            yield Delta("a")
            await asyncio.sleep(self.seconds)
            if self.late is not None:
                raise self.late
            yield Delta("b")
            yield Delta("c", stop="stop", usage=Usage(10, 3))
        finally:
            self.closed += 1
