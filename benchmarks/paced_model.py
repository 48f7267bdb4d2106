"""A simulated language model behind HTTP: it reads prompts and writes tokens at fixed rates.

Every dialogue carries `(case N)`. The model finds the last N in a request and writes what the script has for
that case: a plan where the request asks for the planner's model, else an answer. Time is that of a server
which does one thing per request: first the prompt, then token by token.

    first token   = prompt tokens / 2,000 s + 1 / 50 s
    each further  = 1 / 50 s

Tokens are counted as UTF-8 bytes divided by four, rounded up, for prompts and answers alike.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.chat_server import STREAM_HEAD, Timed, chunk, completion, event, http, wants_stream

PLANNER = "planner"
"""Name of the planner's model."""

PROMPT_TOKENS_PER_S = 2000.0
TOKENS_PER_S = 50.0
_CASE = re.compile(rb"\(case (\d+)\)")


class Told(NamedTuple):
    """What is written for one case: the plan, and the answer."""

    plan: str
    answer: str


class Paced(NamedTuple):
    """The script of a simulated model.

    Attributes:
        told: by case.
        speed: how many times faster than the rates above.
    """

    told: tuple[Told, ...]
    speed: float = 1.0

    def reply(self, body: bytes) -> Timed:
        """Return what is written, with the times of its tokens."""
        asked = json.loads(body)
        case = int(_CASE.findall(body)[-1])
        text = self.told[case].plan if asked["model"] == PLANNER else self.told[case].answer
        prompt = prompt_tokens(asked["messages"])
        pieces = list(tokens_of(text))
        times = [self._after(prompt, number + 1) for number in range(len(pieces))]
        counted = (prompt, len(pieces))
        if not wants_stream(body):
            return ((times[-1], http(completion(text, counted))),)
        head = STREAM_HEAD + chunk(event({"role": "assistant", "content": ""}))
        words = [(when, chunk(event({"content": one}))) for when, one in zip(times, pieces, strict=True)]
        end = chunk(event({}, "stop", counted)) + chunk(b"data: [DONE]\n\n") + chunk(b"")
        # The head comes with the first token: a server says nothing while it reads the prompt.
        return [(times[0], head), *words, (times[-1], end)]

    def _after(self, prompt: int, written: int) -> float:
        return (prompt / PROMPT_TOKENS_PER_S + written / TOKENS_PER_S) / self.speed


def tokens_of(text: str) -> Iterator[str]:
    """Yield a text in as many pieces as it is said to have tokens."""
    count = token_count(text)
    for number in range(count):
        yield text[len(text) * number // count : len(text) * (number + 1) // count]


def token_count(text: str) -> int:
    """Return how many tokens a text is said to have."""
    return max(1, -(-len(text.encode()) // 4))


def prompt_tokens(messages: list[dict[str, Any]]) -> int:
    """Return how many tokens the messages are said to have."""
    return sum(token_count(_text(message["content"])) for message in messages)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])
