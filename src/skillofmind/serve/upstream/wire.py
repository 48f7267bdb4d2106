"""Completions and deltas as the JSON of the OpenAI protocol: the way back of `models.openai_wire`.

For every completion `decode_completion(encode_completion(c))` is `c`, apart from what never travels: how
often and how long it was tried.
"""

from typing import Any

from skillofmind.core.completion import Completion, Delta, Sample, StopReason, TokenLogprob, Usage
from skillofmind.core.conversation import ToolCall

_CHOICE = "choice"


def encode_completion(completion: Completion, identity: str, created: int, model: str) -> dict[str, Any]:
    """Return the body of a chat completion.

    Args:
        completion: the answer.
        identity: id where the model gave none.
        created: Unix time where the model gave none.
        model: name that the client knows.
    """
    extra = dict(completion.extra)
    details = extra.pop("usage", {})
    return {
        "id": completion.id or identity,
        "object": "chat.completion",
        "created": created,
        "model": model or completion.model,
        "choices": [_choice(index, sample) for index, sample in enumerate(completion.samples)],
        "usage": {**details, **_usage(completion.usage)},
        **extra,
    }


def _choice(index: int, sample: Sample) -> dict[str, Any]:
    extra = dict(sample.extra)
    further = extra.pop(_CHOICE, {})
    message: dict[str, Any] = {"role": "assistant", "content": sample.text, **extra}
    if sample.tool_calls:
        message["content"] = sample.text or None
        message["tool_calls"] = [_call(call) for call in sample.tool_calls]
    choice: dict[str, Any] = {"index": index, "message": message, "finish_reason": _reason(sample.stop)}
    if sample.tokens is not None:
        choice["logprobs"] = {"content": [_token(token) for token in sample.tokens]}
    return {**choice, **further}


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _token(token: TokenLogprob) -> dict[str, Any]:
    top = [{"token": text, "logprob": logprob} for text, logprob in token.top]
    return {"token": token.token, "logprob": token.logprob, "top_logprobs": top}


def _reason(stop: StopReason) -> str:
    """Return the finish reason; what the protocol has no word for counts as a plain end."""
    return stop if stop in ("stop", "length", "tool_calls", "content_filter") else "stop"


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


class ChunkHead:
    """What all chunks of a stream have in common."""

    def __init__(self, identity: str, created: int, model: str) -> None:
        self._head = {
            "id": identity,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }

    def role(self, index: int) -> dict[str, Any]:
        """Return the chunk that begins sample `index`."""
        return self._chunk(index, {"role": "assistant", "content": ""}, None)

    def delta(self, delta: Delta) -> dict[str, Any] | None:
        """Return the chunk for a delta; `None` where it has nothing but usage."""
        piece: dict[str, Any] = {"content": delta.text} if delta.text else {}
        if delta.tool_call is not None:
            piece["tool_calls"] = [_call_piece(*delta.tool_call)]
        if not piece and delta.stop is None:
            return None
        return self._chunk(delta.index, piece, None if delta.stop is None else _reason(delta.stop))

    def usage(self, usage: Usage) -> dict[str, Any]:
        """Return the chunk that ends a stream whose client asked for usage."""
        return {**self._head, "choices": [], "usage": _usage(usage)}

    def _chunk(self, index: int, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
        return {**self._head, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def _call_piece(position: int, identity: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    call = {"index": position, "id": identity, "type": "function"} if identity else {"index": position}
    return {**call, "function": function}
