r"""The lines of a batch's files: requests in, answers and errors out.

    with path.open("wb") as file:
        for row in rows:
            file.write(request_line(row.id, "gpt-4o", row.conversation, sampling))

A line of the output or error file is one `BatchLine`. A line that is torn or foreign is one too, with an
error and without an id, so that one bad line costs one answer and not all.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from skillofmind.core.completion import Completion, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import MalformedResponse, ModelError, StorageError
from skillofmind.core.record import Record
from skillofmind.models.http_connection import LARGEST_BODY, json_bytes, json_object
from skillofmind.models.openai_wire import (
    MaxTokensField,
    decode_completion,
    encode_request,
    error_from_status,
)
from skillofmind.models.openai_wire.faults import server_message
from skillofmind.models.openai_wire.fields import Reader

ENDPOINT = "/v1/chat/completions"
"""Where the requests of a batch go."""

MOST_REQUESTS = 50_000
"""Requests that OpenAI takes in one file."""

MOST_BYTES = 200_000_000
"""Bytes that OpenAI takes in one file."""


class LineError(Record, frozen=True):
    """Why one request of a batch has no answer.

    Attributes:
        kind: name of the error class that a live call has for the same failure (`RateLimited`), or the
            server's own code where the request was never made (`batch_expired`, `batch_cancelled`).
        message: one sentence.
        status: the HTTP status, where there was one.
        retryable: whether the same request may succeed in another batch.
    """

    kind: str
    message: str
    status: int | None = None
    retryable: bool = False


class BatchLine(Record, frozen=True):
    """The end of one request: exactly one of `completion` and `error` is set.

    Attributes:
        custom_id: the id of the request; empty where the line does not say.
        completion: the answer.
        error: why there is none.
    """

    custom_id: str
    completion: Completion | None = None
    error: LineError | None = None


def request_line(
    custom_id: str,
    model: str,
    conversation: Conversation,
    sampling: Sampling,
    *,
    max_tokens_field: MaxTokensField = "max_tokens",
) -> bytes:
    r"""Return the line, its `\n` included, whose body is what `HttpModel` sends for the same request.

    Args:
        custom_id: comes back with the answer; no two lines of a file may have the same.
        model: the server's name for the model.
        conversation: what to answer.
        sampling: how.
        max_tokens_field: the server's name for the limit on new tokens.

    Raises:
        RequestRejected: a value of the request is not JSON.
    """
    body = encode_request(model, conversation, sampling, stream=False, max_tokens_field=max_tokens_field)
    line = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}
    return json_bytes(line, f"the request {custom_id!r}") + b"\n"


def read_lines(path: Path, *, secrets: Collection[str] = ()) -> Iterator[BatchLine]:
    """Yield the lines of an output or error file in their order, which need not be that of the requests.

    Args:
        path: the file, read line by line.
        secrets: strings that must not appear in a message.

    Raises:
        StorageError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in _bounded(file):
                if line.strip():
                    yield _read(line, secrets)
    except OSError as error:
        raise StorageError(f"cannot read {str(path)!r}: {error.strerror}; check the path") from error


def _bounded(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long only the beginning, which is no JSON."""
    while line := file.readline(LARGEST_BODY):
        yield line
        while len(line) == LARGEST_BODY and not line.endswith(b"\n"):
            line = file.readline(LARGEST_BODY)


def _read(line: bytes, secrets: Collection[str]) -> BatchLine:
    custom_id = ""
    try:
        body = json_object(line, "a line of the batch's file", "send its request again")
        reader = Reader(body, "line", MalformedResponse)
        custom_id = reader.maybe_text("custom_id") or ""
        outcome = _outcome(reader, secrets)
    except ModelError as error:
        kind, message = type(error).__name__, server_message(str(error), secrets)
        outcome = LineError(kind, message, error.status, error.retryable)
    if isinstance(outcome, LineError):
        return BatchLine(custom_id, error=outcome)
    return BatchLine(custom_id, outcome)


def _outcome(reader: Reader, secrets: Collection[str]) -> Completion | LineError:
    response = reader.maybe_child("response")
    if response is None:
        return _unanswered(reader.child("error"), secrets)
    status, body = response.maybe_count("status_code"), response.body.get("body")
    if status is None:
        raise response.wrong("status_code", "a status")
    if status != 200:
        raise error_from_status(status, {}, _text(body), secrets=secrets)
    return decode_completion(response.child("body").body)


def _unanswered(error: Reader, secrets: Collection[str]) -> LineError:
    """Read why a request was not made. Whatever the code, nobody has refused it: it may succeed later."""
    code = error.maybe_text("code") or "ModelBusy"
    return LineError(code, server_message(error.body, secrets), retryable=True)


def _text(body: Any) -> str:
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()
