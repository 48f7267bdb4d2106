"""Responses of the OpenAI chat protocol as records.

Choices come back in the order of their `index`. Unknown fields of a message go to `Sample.extra`, unknown
fields of its choice to `Sample.extra["choice"]`, unknown fields of the response to `Completion.extra`, and
the details of the usage to `Completion.extra["usage"]`.
"""

from typing import Any

from skillofmind.core.completion import Completion, Sample, StopReason, TokenLogprob, Usage
from skillofmind.core.errors import MalformedResponse, ModelBusy, ModelError
from skillofmind.models.openai_wire.faults import error_from_status, server_message
from skillofmind.models.openai_wire.fields import Reader
from skillofmind.models.openai_wire.requests import decode_call

STOP_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
}
"""Finish reasons of the wire, some of them of servers that have their own names; all others are `unknown`."""

RESPONSE_FIELDS = frozenset({"choices", "usage", "model", "id", "object"})
_MESSAGE = frozenset({"role", "content", "tool_calls"})
CHOICE_FIELDS = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
_USAGE = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})


def decode_completion(body: dict[str, Any]) -> Completion:
    """Read the body of a chat completion.

    Raises:
        MalformedResponse: a field is missing or of the wrong type.
        ModelError: the body is an error in spite of its status 200.
    """
    reader = Reader(body, "response", MalformedResponse)
    refuse_error_body(body)
    choices = reader.children("choices")
    if not choices:
        raise reader.wrong("choices", "a list with at least one choice")
    usage = reader.maybe_child("usage")
    return Completion(
        samples=tuple(_sample(choice) for choice in _in_order(choices)),
        usage=Usage() if usage is None else decode_usage(usage),
        model=reader.maybe_text("model") or "",
        id=reader.maybe_text("id") or "",
        extra=response_extra(reader, usage),
    )


def refuse_error_body(body: dict[str, Any]) -> None:
    """Raise what a body says that holds `error` in place of choices; some gateways send it with status 200.

    Raises:
        ModelError: the error, by its `code` where that is a status, else `ModelBusy`.
    """
    error = body.get("error")
    if error is None or body.get("choices"):
        return
    raise _error_in_body(error, body)


def _error_in_body(error: Any, body: dict[str, Any]) -> ModelError:
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code <= 599:
        return error_from_status(code, {}, server_message(body))
    return ModelBusy(f"the server reported an error in place of an answer: {server_message(body)!r}")


def decode_usage(reader: Reader) -> Usage:
    """Read token counts; a count that is missing is 0."""
    prompt = reader.maybe_count("prompt_tokens")
    return Usage(prompt or 0, reader.maybe_count("completion_tokens") or 0)


def response_extra(reader: Reader, usage: Reader | None) -> dict[str, Any]:
    """Return the fields of a response (or chunk) that a `Completion` has no place for."""
    extra = reader.rest(RESPONSE_FIELDS)
    details = {} if usage is None else usage.rest(_USAGE)
    return {**extra, "usage": details} if details else extra


def _in_order(choices: list[Reader]) -> list[Reader]:
    places: dict[int, Reader] = {}
    for position, choice in enumerate(choices):
        index = choice.maybe_count("index")
        index = position if index is None else index
        if index in places:
            raise choice.fault(f"{choice.where}.index {index} occurs twice")
        places[index] = choice
    return [places[index] for index in sorted(places)]


def _sample(choice: Reader) -> Sample:
    message = choice.child("message")
    extra = message.rest(_MESSAGE)
    if others := choice_extra(choice):
        extra["choice"] = others
    return Sample(
        text=_text(message),
        stop=decode_stop(choice) or "unknown",
        tool_calls=tuple(decode_call(call) for call in message.children("tool_calls")),
        tokens=decode_tokens(choice),
        extra=extra,
    )


def choice_extra(choice: Reader) -> dict[str, Any]:
    """Return the fields of a choice that have no place elsewhere, an unknown finish reason among them."""
    extra = choice.rest(CHOICE_FIELDS)
    reason = choice.body.get("finish_reason")
    return extra if reason is None or reason in STOP_REASONS else {**extra, "finish_reason": reason}


def decode_stop(choice: Reader) -> StopReason | None:
    """Return why the choice ended, or `None` where it has not."""
    reason = choice.maybe_text("finish_reason")
    return None if reason is None else STOP_REASONS.get(reason, "unknown")


def _text(message: Reader) -> str:
    """Return the text; some servers send it as a list of text parts."""
    content = message.body.get("content")
    if isinstance(content, list):
        return "".join(part.maybe_text("text") or "" for part in message.children("content"))
    return message.maybe_text("content") or ""


def decode_tokens(choice: Reader) -> tuple[TokenLogprob, ...] | None:
    """Return the log-probabilities of a choice, or `None` where it has none."""
    logprobs = choice.maybe_child("logprobs")
    if logprobs is None or logprobs.body.get("content") is None:
        return None
    return tuple(_token(entry) for entry in logprobs.children("content"))


def _token(entry: Reader) -> TokenLogprob:
    top = tuple((other.text("token"), other.number("logprob")) for other in entry.children("top_logprobs"))
    return TokenLogprob(entry.text("token"), entry.number("logprob"), top=top)
