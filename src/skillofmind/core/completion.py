"""How to sample, and what came back."""

from typing import Any, Literal

from skillofmind.core.conversation import ToolCall
from skillofmind.core.record import Record

StopReason = Literal["stop", "length", "tool_calls", "content_filter", "cancelled", "unknown"]


class Sampling(Record, frozen=True):
    """Settings of one generation; `None` leaves the model's own default.

    Attributes:
        temperature: 0 is greedy.
        top_p: nucleus mass in (0, 1].
        max_tokens: most new tokens.
        n: samples of the same request, at least 1.
        stop: strings that end the text; they are not part of it.
        seed: for repeatable sampling where the model can.
        logprobs: ask for the log-probability of every sampled token.
        top_logprobs: further candidates a position, 0 to 20.
        extra: further request fields, verbatim.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    n: int = 1
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    extra: dict[str, Any] = {}


DEFAULT_SAMPLING = Sampling()


class Usage(Record, frozen=True):
    """Tokens in and out, as counted by whoever generated."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens
        )

    @property
    def total_tokens(self) -> int:
        """Tokens in plus tokens out."""
        return self.prompt_tokens + self.completion_tokens


class TokenLogprob(Record, frozen=True):
    """A sampled token and its natural-log probability; `id` where the tokenizer is ours."""

    token: str
    logprob: float
    id: int | None = None
    top: tuple[tuple[str, float], ...] = ()


class Sample(Record, frozen=True):
    """One generated answer.

    Attributes:
        text: the answer; empty when there are only tool calls.
        stop: why it ended.
        tool_calls: calls the model asks for.
        tokens: sampled tokens with log-probabilities, where asked for and available.
        extra: other fields of the message, verbatim (refusals, provider reasoning, annotations).
    """

    text: str = ""
    stop: StopReason = "unknown"
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: tuple[TokenLogprob, ...] | None = None
    extra: dict[str, Any] = {}


class Completion(Record, frozen=True):
    """All samples of one request.

    Attributes:
        samples: at least one.
        usage: tokens of the whole request.
        model: the model's own name for itself.
        cached: whether it came from the cache, at no cost.
        attempts: calls it took, failed ones included.
        seconds: wall time from the first attempt to the end.
        id: the provider's id of the response.
        extra: other fields of the response, verbatim.
    """

    samples: tuple[Sample, ...]
    usage: Usage = Usage()
    model: str = ""
    cached: bool = False
    attempts: int = 1
    seconds: float = 0.0
    id: str = ""
    extra: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """Text of the first sample."""
        return self.samples[0].text

    @property
    def stop(self) -> StopReason:
        """Stop reason of the first sample."""
        return self.samples[0].stop

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Tool calls of the first sample."""
        return self.samples[0].tool_calls


class Delta(Record, frozen=True):
    """One piece of a streamed answer.

    Attributes:
        text: new text of sample `index`.
        index: which sample.
        tool_call: a piece of a tool call: (position, id or "", name or "", piece of the arguments).
        stop: set on the last piece of the sample.
        usage: set on the last piece of the stream where the model counts.
        raw: the chunk as it came, for proxies that pass it on.
    """

    text: str = ""
    index: int = 0
    tool_call: tuple[int, str, str, str] | None = None
    stop: StopReason | None = None
    usage: Usage | None = None
    raw: dict[str, Any] = {}
