"""The seven seams, and the planner: the whole surface that parts of the library see of one another.

*Whatever answers is a `Model`, and whatever improves an answer wraps a `Model`.* The planner, caching,
budgets, retries, voting and search all go from Model to Model, so they nest.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Delta, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.core.trace import Score, Step, Trace


class Capabilities(Record, frozen=True):
    """What a model can do; nothing is probed by trying and nothing is assumed.

    Attributes:
        n: several samples in one request.
        logprobs: log-probabilities of sampled tokens.
        seed: repeatable sampling.
        tools: tool calls.
        stream: `stream` besides `generate`.
        system_role: a system message is honoured.
        json_schema: `response_format` with a schema is honoured.
        continue_assistant: a trailing assistant message is continued.
        images: `image_url` parts are seen.
        hidden_states: activations can be read.
    """

    n: bool = False
    logprobs: bool = False
    seed: bool = False
    tools: bool = False
    stream: bool = False
    system_role: bool = True
    json_schema: bool = False
    continue_assistant: bool = False
    images: bool = False
    hidden_states: bool = False


@runtime_checkable
class Model(Protocol):
    """Anything that answers."""

    @property
    def identity(self) -> str:
        """Stable name of model and place, part of cache keys and traces; never contains a secret."""

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do."""

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        """Answer the conversation.

        Raises:
            ModelError: the call failed; `retryable` says whether to try again.
        """


@runtime_checkable
class StreamingModel(Model, Protocol):
    """A model that can also answer piece by piece; closing the iterator cancels the generation."""

    def stream(
        self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING
    ) -> AsyncIterator[Delta]:
        """Yield the answer in pieces."""


class Planner(Protocol):
    """Thinks about how to answer."""

    @property
    def identity(self) -> str:
        """Stable name of planner, weights and prompt; part of cache keys and of the plan."""

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan the reply of `dialogue.next_speaker()`; a failure comes back as a Plan with `error`."""


class Policy(Protocol):
    """A model that can be trained: four verbs."""

    def logprobs(self, batch: Any) -> Any:
        """Return token log-probabilities of a batch."""

    def sample(self, prompts: Sequence[Conversation], sampling: Sampling) -> Sequence[Completion]:
        """Sample answers with the current weights."""

    def update(self, batch: Any, loss: Callable[..., Any]) -> dict[str, float]:
        """Take one optimiser step and return its metrics."""

    def save(self, path: Path) -> None:
        """Write everything needed to go on exactly."""

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""


class Strategy(Protocol):
    """A way to reach an answer with one or more calls."""

    async def __call__(self, model: Model, conversation: Conversation) -> Trace:
        """Answer `conversation` by means of `model` (a metered handle)."""


class Scorer(Protocol):
    """How good an output is; the same object is an evaluation metric and an RL reward."""

    async def __call__(self, sample: Dialogue, output: str) -> Score:
        """Judge `output` as the reply to `sample`."""


class Env(Protocol):
    """A task of several turns, used once."""

    def observe(self) -> str:
        """Return the first observation."""

    async def step(self, action: str) -> Step:
        """Act."""


Transform = Callable[[Model], Model]
"""Model -> Model: caching, metering, retrying, planner injection, quantisation."""


class Store(Protocol):
    """Keyed records that are only ever appended."""

    def append(self, key: str, value: Any) -> None:
        """Write one record; it is on disk when this returns (see the store's sync policy)."""

    def read(self) -> Iterator[tuple[str, Any]]:
        """Yield all records in the order written."""

    def has(self, key: str) -> bool:
        """Say whether `key` was written."""
