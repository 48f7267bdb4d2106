"""A model that asks no more often than the server allows: so many requests and tokens a minute.

A `Pace` spreads calls evenly, first come first served. With R requests a minute, calls are
60 / (0.97 R) seconds apart: the 3 % are head-room, so that a network which delays some calls by up to a
second more than others still brings no more than R into any 60 seconds at the server. Tokens are
known only afterwards, so each call reserves an estimate, which `settle` corrects:

- calls are spaced by their tokens, as by their number; a correction moves the next call;
- and what was sent in the last 61 seconds, true counts where they are known and estimates elsewhere, never
  passes T less a margin for calls that will turn out larger: six deviations (root mean square of what calls
  used *beyond* their estimates) times the square root of the calls under way, at most a quarter of T.

So the limit of requests holds always, and that of tokens as long as calls under way are of the kind seen
before; a limit only some ten calls wide, with a few calls many times larger than the rest, can be passed by
one or two percent. 97 % of a limit are used, and about 80 % of such a narrow one. A call that is larger than
the whole limit goes alone.

`paced` makes the estimates: prompt tokens are the characters of the request times a running ratio (one
token per 3 characters at first), completion tokens a running mean (`max_tokens`, or 256, at first).

    gate, pace = Gate(ceiling=64), Pace(RateLimit(requests=500, tokens=200_000))
    model = retried(metered(paced(limited(http, gate), pace, gate=gate), meter))

*Outside* `limited`, so that no slot is held while a call waits for its turn. The first in line also waits
until the gate is open before its turn counts. Otherwise the calls that were let go while the gate was
closed (`Retry-After`) would leave it all at once. *Inside* `retried`, `metered` and `cached`: every try has
its turn, a limit on time cuts the wait for it, and answers from the cache need none.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from skillofmind.core.completion import Completion, Delta, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ConfigurationError, ModelError
from skillofmind.core.record import Record
from skillofmind.core.seams import Model, StreamingModel
from skillofmind.models.limited import limited
from skillofmind.models.wrapped import closing, wrapped
from skillofmind.run.concurrency import Gate

_MINUTE = 60.0
_WINDOW_SECONDS = _MINUTE + 1.0
_USED_SHARE = 0.97
# What a late timer or a correction left unused may be caught up: little for requests, whose head-room has
# to cover it; more for tokens, which are counted apart from that.
_REQUEST_CATCH_UP = 0.1
_TOKEN_CATCH_UP = 1.0
_DEVIATIONS = 6.0
# Of the limit; a few calls that are far too large must not bring a small limit to a halt.
_LARGEST_MARGIN = 0.25
_MEMORY = 100
# Large excesses are rare, and must not be forgotten between two of them.
_EXCESS_MEMORY = 500
_FIRST_GUESS_WEIGHT = 8
# Below this a wait may be lost in rounding, and would never end.
_SHORTEST_WAIT = 1e-6
_CHARACTERS_PER_TOKEN = 3.0
_COMPLETION_TOKENS = 256


class RateLimit(Record, frozen=True):
    """The most that a server takes in any 60 seconds; `None` is no limit.

    Attributes:
        requests: at least 1; fractions are cut off.
        tokens: tokens in plus tokens out, at least 1.
    """

    requests: float | None = None
    tokens: float | None = None


class Reserved:
    """What `Pace.admit` reserved for one call.

    Attributes:
        tokens: the estimate; after `Pace.settle` the true count.
        sent_at: time of the turn.
        is_settled: whether the count is the true one.
        is_recent: whether it still counts in the sliding minute.
    """

    __slots__ = ("is_recent", "is_settled", "sent_at", "tokens")

    def __init__(self, tokens: int, sent_at: float) -> None:
        self.tokens = tokens
        self.sent_at = sent_at
        self.is_settled = False
        self.is_recent = True


class Pace:
    """Gives calls their turns; for one event loop."""

    def __init__(
        self,
        limit: RateLimit,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin with nothing sent.

        Args:
            limit: requests and tokens a minute.
            clock: monotonic seconds.
            sleep: waits.

        Raises:
            ConfigurationError: a limit is below 1.
        """
        for name, value in msgspec.structs.asdict(limit).items():
            if value is not None and not value >= 1:
                raise ConfigurationError(
                    f"a rate of {name}={value!r} a minute is below 1; use 1 or more, or leave it out"
                )
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()
        requests = math.floor(limit.requests) if limit.requests is not None else None
        self._interval = _MINUTE / (_USED_SHARE * requests) if requests is not None else 0.0
        self._next = -math.inf
        self._tokens = _TokenWindow(limit.tokens) if limit.tokens is not None else None

    async def admit(self, tokens: int = 0, ready: Callable[[], Awaitable[None]] | None = None) -> Reserved:
        """Wait for a turn; a call that is cancelled here has used none.

        Args:
            tokens: estimate of tokens in plus tokens out.
            ready: awaited by the first in line before its turn counts, for whatever else it needs.

        Returns:
            What `settle` takes once the true count is known.
        """
        async with self._turn:
            await self._wait(tokens, ready)
            now = self._clock()
            self._next = max(self._next, now - _REQUEST_CATCH_UP) + self._interval
            reserved = Reserved(tokens, now)
            if self._tokens is not None:
                self._tokens.take(reserved)
            return reserved

    def settle(self, reserved: Reserved, used: int) -> None:
        """Say how many tokens an admitted call used; the second time changes nothing."""
        if reserved.is_settled:
            return
        if self._tokens is not None:
            self._tokens.correct(reserved, used - reserved.tokens)
        reserved.tokens = used
        reserved.is_settled = True

    async def _wait(self, tokens: int, ready: Callable[[], Awaitable[None]] | None) -> None:
        while True:
            if (wait := self._seconds_to_wait(tokens)) > _SHORTEST_WAIT:
                await self._sleep(wait)
                continue
            if ready is None:
                return
            await ready()
            # A correction that came in the meantime may have moved the turn.
            if self._seconds_to_wait(tokens) <= _SHORTEST_WAIT:
                return

    def _seconds_to_wait(self, tokens: int) -> float:
        now = self._clock()
        free_at = self._next
        if self._tokens is not None:
            free_at = max(free_at, self._tokens.free_at(tokens, now))
        return free_at - now


class _TokenWindow:
    """The tokens of the last 61 seconds, and when there is room for more."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._seconds_per_token = _MINUTE / (_USED_SHARE * limit)
        self._next = -math.inf
        self._recent: deque[Reserved] = deque()
        self._held = 0
        self._unsettled = 0
        self._excess = _RunningMean(0.0, memory=_EXCESS_MEMORY)

    def free_at(self, tokens: int, now: float) -> float:
        """Return the time at which a call of so many tokens may be sent; past times mean now."""
        self._forget(now)
        deviation = math.sqrt(self._excess.value * (self._unsettled + 1))
        margin = min(_DEVIATIONS * deviation, _LARGEST_MARGIN * self._limit)
        missing = self._held + tokens + margin - self._limit
        free_at = self._next
        for reserved in self._recent:
            if missing <= 0:
                break
            missing -= reserved.tokens
            free_at = max(free_at, reserved.sent_at + _WINDOW_SECONDS)
        return free_at

    def take(self, reserved: Reserved) -> None:
        begin = max(self._next, reserved.sent_at - _TOKEN_CATCH_UP)
        self._next = begin + reserved.tokens * self._seconds_per_token
        self._recent.append(reserved)
        self._held += reserved.tokens
        self._unsettled += 1

    def correct(self, reserved: Reserved, change: int) -> None:
        self._next += change * self._seconds_per_token
        self._excess.update(max(0, change) ** 2)
        if reserved.is_recent:
            self._held += change
            self._unsettled -= 1

    def _forget(self, now: float) -> None:
        # In the same words as `free_at`, so that rounding cannot make the two disagree.
        while self._recent and self._recent[0].sent_at + _WINDOW_SECONDS <= now + _SHORTEST_WAIT:
            oldest = self._recent.popleft()
            oldest.is_recent = False
            self._held -= oldest.tokens
            self._unsettled -= not oldest.is_settled


class _RunningMean:
    """The mean of about the last `memory` numbers; the first guess counts as `weight` of them."""

    def __init__(self, first: float, weight: int = _FIRST_GUESS_WEIGHT, memory: int = _MEMORY) -> None:
        self.value = first
        self._count = weight
        self._memory = memory

    def update(self, number: float) -> None:
        self._count = min(self._count + 1, self._memory)
        self.value += (number - self.value) / self._count


class _Estimator:
    """Guesses the tokens of a call from those before it."""

    def __init__(self) -> None:
        self._per_character = _RunningMean(1.0 / _CHARACTERS_PER_TOKEN)
        self._per_sample: _RunningMean | None = None

    def prompt(self, conversation: Conversation) -> int:
        return math.ceil(self._per_character.value * _characters(conversation))

    def completion(self, sampling: Sampling) -> int:
        if self._per_sample is None:
            self._per_sample = _RunningMean(float(sampling.max_tokens or _COMPLETION_TOKENS))
        expected = min(self._per_sample.value, sampling.max_tokens or math.inf)
        return math.ceil(expected * sampling.n)

    def learn(self, conversation: Conversation, sampling: Sampling, usage: Usage) -> None:
        characters = _characters(conversation)
        if characters:
            self._per_character.update(usage.prompt_tokens / characters)
        if self._per_sample is not None:
            self._per_sample.update(usage.completion_tokens / sampling.n)


def _characters(conversation: Conversation) -> int:
    """Count the characters of texts, tool calls and tools; pictures are left to the running ratio."""
    count = len(msgspec.json.encode(conversation.tools)) if conversation.tools else 0
    for message in conversation.messages:
        count += len(message.text()) + sum(len(call.arguments) for call in message.tool_calls)
    return count


def within_limits(model: Model, at_once: int, rate: RateLimit) -> Model:
    """Return a served model that has at most `at_once` calls in flight and keeps to `rate`, if there is one.

    Args:
        model: answers.
        at_once: most calls in flight; fewer while the server says so.
        rate: the most that the server takes in a minute.
    """
    gate = Gate(at_once)
    held = limited(model, gate)
    return held if rate == RateLimit() else paced(held, Pace(rate), gate=gate)


def paced(model: Model, pace: Pace, *, gate: Gate | None = None) -> Model:
    """Return `model` with every call in its turn.

    A call whose usage is known settles with it. One that the server refused (a status of 400 or more)
    counts with its prompt; one that was cancelled, cut or timed out, or whose usage the server does not
    tell, keeps its whole estimate.

    Args:
        model: answers.
        pace: gives turns; may be shared by several models behind one limit.
        gate: the gate of the `limited` model inside, where there is one; no turn is used up while it is
            closed or full.
    """
    estimator = _Estimator()

    async def pass_gate() -> None:
        if gate is not None:
            async with gate.slot():
                return

    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        prompt = estimator.prompt(conversation)
        reserved = await pace.admit(prompt + estimator.completion(sampling), pass_gate)
        try:
            completion = await model.generate(conversation, sampling)
        except ModelError as error:
            _settle_refused(pace, reserved, prompt, error)
            raise
        settle(reserved, conversation, sampling, completion.usage)
        return completion

    async def stream(
        inner: StreamingModel, conversation: Conversation, sampling: Sampling
    ) -> AsyncIterator[Delta]:
        prompt = estimator.prompt(conversation)
        reserved = await pace.admit(prompt + estimator.completion(sampling), pass_gate)
        async with closing(inner.stream(conversation, sampling)) as deltas:
            try:
                async for delta in deltas:
                    if delta.usage is not None:
                        settle(reserved, conversation, sampling, delta.usage)
                    yield delta
            except ModelError as error:
                _settle_refused(pace, reserved, prompt, error)
                raise

    def settle(reserved: Reserved, conversation: Conversation, sampling: Sampling, usage: Usage) -> None:
        if usage.total_tokens:
            estimator.learn(conversation, sampling, usage)
            pace.settle(reserved, usage.total_tokens)

    return wrapped(model, generate, stream)


def _settle_refused(pace: Pace, reserved: Reserved, prompt: int, error: ModelError) -> None:
    if error.status is not None and error.status >= 400:
        pace.settle(reserved, prompt)
