"""The OpenAI chat protocol as pure functions between JSON values and records; no I/O.

- `requests`: conversations and sampling to request bodies and back.
- `answers`: response bodies to `Completion`.
- `streams`: bytes to server-sent events, chunks to `Delta`, deltas to `Completion`.
- `faults`: error statuses to the error tree.

Fields that we do not know stay in the `extra` of the record nearest to them, so nothing is lost on the way
through, with one exception: a tool call keeps its id, name and arguments only.
"""

from skillofmind.models.openai_wire.answers import decode_completion
from skillofmind.models.openai_wire.faults import error_from_status
from skillofmind.models.openai_wire.requests import (
    MaxTokensField,
    Request,
    decode_conversation,
    decode_message,
    decode_request,
    encode_conversation,
    encode_message,
    encode_request,
)
from skillofmind.models.openai_wire.streams import assemble, decode_chunk, sse_events

__all__ = [
    "MaxTokensField",
    "Request",
    "assemble",
    "decode_chunk",
    "decode_completion",
    "decode_conversation",
    "decode_message",
    "decode_request",
    "encode_conversation",
    "encode_message",
    "encode_request",
    "error_from_status",
    "sse_events",
]
