"""Put a plan into replies: as a field of a JSON body, or on a chunk of a stream.

A reply is taken apart at its top level only; every other byte stays. What is not a JSON object or not a
stream of events goes through as it came.
"""

import re
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.plan import Plan
from skillofmind.mind.inject import Inject
from skillofmind.serve.request import FIELD
from skillofmind.serve.thinking.planning import Thought

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENDING = re.compile(rb'"finish_reason"\s*:\s*"|"choices"\s*:\s*\[\s*\]')
_DONE = re.compile(rb"data:\s*\[DONE\]")


class _Tokens(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _WithUsage(msgspec.Struct):
    usage: _Tokens | None = None


_USAGE = msgspec.json.Decoder(_WithUsage)


class Report(NamedTuple):
    """What a reply says about its plan.

    Attributes:
        thought: what came of planning.
        inject: what of the plan the model was to see.
    """

    thought: Thought
    inject: Inject

    def field(self, usage: msgspec.Raw | None = None, seconds: float | None = None) -> dict[str, Any]:
        """Return our field of a reply.

        Args:
            usage: tokens of the answer, as the upstream told them.
            seconds: that the answer took; `None` where it has only begun.
        """
        thought = self.thought
        taken = {"plan": round(thought.seconds, 6)}
        if seconds is not None:
            taken["answer"] = round(seconds, 6)
        return {
            "plan": None if thought.plan is None else plan_json(thought.plan),
            "inject": self.inject,
            "planned": not thought.reason,
            "reason": thought.reason,
            "seconds": taken,
            "usage": {"plan": usage_json(thought.usage), "answer": usage},
        }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values, with every field but an error that there is none."""
    shown = {
        "explanation": plan.explanation,
        "skill": plan.skill,
        "skill_raw": plan.skill_raw,
        "valid": plan.valid,
        "confidence": plan.confidence,
        "alternatives": [{"skill": one.skill, "confidence": one.confidence} for one in plan.alternatives],
        "evidence": plan.evidence,
        "planner": plan.planner,
        "responder": plan.responder,
    }
    return shown if plan.error is None else {**shown, "error": plan.error}


def usage_json(usage: Usage) -> dict[str, int]:
    """Return tokens as the protocol writes them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def usage_in(body: bytes) -> Usage:
    """Return the tokens that a reply counts; none where it does not say."""
    try:
        found = _USAGE.decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Usage()
    return Usage() if found is None else Usage(found.prompt_tokens, found.completion_tokens)


def attach(body: bytes, report: Report, seconds: float) -> bytes:
    """Return the JSON body of an answer with the plan in it and the usage of all calls."""
    try:
        fields: dict[str, Any] = dict(_FIELDS.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    return msgspec.json.encode(_with_field(fields, report, seconds))


def _with_field(fields: dict[str, Any], report: Report, seconds: float | None) -> dict[str, Any]:
    usage = fields.get("usage")
    if usage is not None and report.thought.usage != Usage():
        fields["usage"] = _summed(usage, report.thought.usage)
    fields[FIELD] = report.field(usage, seconds)
    return fields


def _summed(usage: msgspec.Raw, more: Usage) -> Any:
    try:
        found = msgspec.json.decode(usage, type=dict[str, msgspec.Raw] | None)
        counted = msgspec.json.decode(usage, type=_Tokens | None)
    except msgspec.DecodeError:
        return usage
    if found is None or counted is None:
        return usage
    return {**found, **usage_json(Usage(counted.prompt_tokens, counted.completion_tokens) + more)}


class PlanStream:
    """A stream of events on its way through, with our field put on its last chunk.

    An event that may be the last chunk is held back until the next one tells; all others pass at once, as
    they came.
    """

    def __init__(self, report: Report, identity: str, created: int, model: str) -> None:
        """Begin a stream.

        Args:
            report: what to put in.
            identity: id of chunks that the upstream did not send.
            created: Unix time of those.
            model: that those name.
        """
        self._report = report
        self._head = {
            "id": identity,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
            "choices": [],
        }
        self._rest = b""
        self._held = b""
        self._attached = False
        self.usage = Usage()

    def first(self) -> bytes:
        """Return an event with the plan, to be sent before the answer."""
        return _event({**self._head, FIELD: self._report.field()})

    def feed(self, data: bytes, seconds: float) -> bytes:
        """Return what goes out after `data` came in, `seconds` after the upstream was asked."""
        *events, self._rest = _split(self._rest + data if self._rest else data)
        return b"".join([self._next(event, seconds) for event in events])

    def finish(self, seconds: float) -> bytes:
        """Return what is still to go out after the last byte came in."""
        held, rest, self._held, self._rest = self._held, self._rest, b"", b""
        return (self._with_plan(held, seconds) if held else b"") + rest

    def at_boundary(self) -> bool:
        """Say whether everything that went out ends with a whole event."""
        return not self._rest

    def _next(self, event: bytes, seconds: float) -> bytes:
        held, self._held = self._held, b""
        if not self._attached and _DONE.match(event):
            chunk = self._with_plan(held, seconds) if held else self._own(seconds)
            return chunk + event
        if not self._attached and _ENDING.search(event):
            self._held = event
            return held
        return held + event

    def _with_plan(self, event: bytes, seconds: float) -> bytes:
        try:
            fields: dict[str, Any] = dict(_FIELDS.decode(_data(event)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return event
        self._attached = True
        self.usage = usage_in(_data(event))
        return _event(_with_field(fields, self._report, seconds))

    def _own(self, seconds: float) -> bytes:
        self._attached = True
        return _event({**self._head, FIELD: self._report.field(None, seconds)})


_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def _split(data: bytes) -> list[bytes]:
    """Return the whole events in `data`, each with the blank line that ends it, and what is left."""
    pieces, start = [], 0
    for end in _END.finditer(data):
        pieces.append(data[start : end.end()])
        start = end.end()
    return [*pieces, data[start:]]


def _data(event: bytes) -> bytes:
    lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines)


def _event(chunk: dict[str, Any]) -> bytes:
    return event(msgspec.json.encode(chunk))


def event(body: bytes) -> bytes:
    """Return JSON as an event of a stream."""
    return b"data: " + body + b"\n\n"
