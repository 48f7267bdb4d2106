"""What the loopback server says when nothing goes wrong: bodies and chunks of the OpenAI chat protocol."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

Reply = Callable[[dict[str, Any]], str | dict[str, Any]]
"""From a request body to the text of the answer, or to a whole message (`content`, `tool_calls`, ...).

It is called once for every sample, in the server's thread."""

_PIECE = re.compile(r"\S+\s*|\s+")


def completion(reply: Reply, model: str, body: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the body of the answer to request `number`, `n` samples and `max_tokens` honoured."""
    choices = [_choice(reply(body), body, index) for index in range(body.get("n", 1))]
    prompt = sum(len(words_of(message.get("content"))) for message in body["messages"])
    written = sum(len(words_of(choice["message"]["content"])) for choice in choices)
    usage = {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": model}
    return {**head, "choices": choices, "usage": usage}


def words_of(content: Any) -> list[str]:
    """Split text, or the text of parts, into words with the white space that follows."""
    if isinstance(content, list):
        return [word for part in content for word in words_of(part.get("text"))]
    return _PIECE.findall(content or "")


def _choice(reply: str | dict[str, Any], body: dict[str, Any], index: int) -> dict[str, Any]:
    message = {"content": reply} if isinstance(reply, str) else {"content": None, **reply}
    words, most = words_of(message["content"]), body.get("max_tokens", body.get("max_completion_tokens"))
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    if most is not None and len(words) > most:
        words, reason = words[:most], "length"
        message["content"] = "".join(words)
    choice = {"index": index, "message": {"role": "assistant", **message}, "finish_reason": reason}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": [_logprob(place, word) for place, word in enumerate(words)]}
    return choice


def _logprob(place: int, word: str) -> dict[str, Any]:
    """Token number i of every answer has the log-probability -(i + 1) / 8."""
    return {"token": word, "logprob": -(place + 1) / 8, "top_logprobs": []}


def chunks(answer: dict[str, Any], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a stream: role, pieces, finish reason for every choice; then the usage."""
    head = {name: answer[name] for name in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    for choice in answer["choices"]:
        for delta in _deltas(choice["message"]):
            yield head | {"choices": [_chunk_choice(choice, delta)]}
        last = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        yield head | {"choices": [last]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": answer["usage"]}


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rest = {name: message[name] for name in message if name not in ("role", "content", "tool_calls")}
    yield {"role": "assistant", "content": "", **rest}
    for place, word in enumerate(words_of(message["content"])):
        yield {"content": word, "place": place}
    for place, call in enumerate(message.get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        function = {**call["function"], "arguments": ""}
        yield {"tool_calls": [{**call, "index": place, "function": function}]}
        for start in range(0, len(arguments), 4):
            piece = {"arguments": arguments[start : start + 4]}
            yield {"tool_calls": [{"index": place, "function": piece}]}


def _chunk_choice(choice: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    place = delta.pop("place", None)
    body: dict[str, Any] = {"index": choice["index"], "delta": delta, "finish_reason": None}
    with suppress(KeyError):
        logprob = None if place is None else choice["logprobs"]["content"][place]
        body["logprobs"] = None if logprob is None else {"content": [logprob]}
    return body
