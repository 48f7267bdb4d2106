"""The state of a batch, read from the JSON in which every endpoint of the Batch API gives it."""

from collections.abc import Collection
from typing import Any, Literal, cast, get_args

from skillofmind.core.errors import MalformedResponse
from skillofmind.core.record import Record
from skillofmind.models.openai_wire.faults import server_message
from skillofmind.models.openai_wire.fields import Reader

BatchStatus = Literal[
    "validating", "in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled"
]
"""The first four change by themselves, the last four stay."""

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


class BatchCounts(Record, frozen=True):
    """Requests of a batch: all, answered, and failed; zeros until the server has read the file."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class Batch(Record, frozen=True):
    """What a server says about one batch.

    Attributes:
        id: the server's name for it.
        status: where it stands.
        input_file: id of the file of requests.
        output_file: id of the file of answers, once there is one; a batch that expired or was cancelled has
            the answers that came in time, one whose requests all failed has none.
        error_file: id of the file of failed requests, where some failed.
        counts: how many requests are done.
        errors: why the batch as a whole failed, such as a line of its file that is no request.
        metadata: what the batch was created with.
        expires_at: Unix time in seconds after which the rest is not answered.
    """

    id: str
    status: BatchStatus
    input_file: str = ""
    output_file: str | None = None
    error_file: str | None = None
    counts: BatchCounts = BatchCounts()
    errors: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    expires_at: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the status stays as it is."""
        return self.status in _ENDED


def decode_batch(body: dict[str, Any], secrets: Collection[str] = ()) -> Batch:
    """Read a batch; `secrets` are struck out of its errors.

    Raises:
        MalformedResponse: a field is missing or of the wrong type.
    """
    reader = Reader(body, "batch", MalformedResponse)
    status = reader.text("status").lower()
    if status not in get_args(BatchStatus):
        raise reader.wrong("status", f"one of {', '.join(get_args(BatchStatus))}")
    errors = reader.maybe_child("errors")
    return Batch(
        id=reader.text("id"),
        status=cast(BatchStatus, status),
        input_file=reader.maybe_text("input_file_id") or "",
        output_file=reader.maybe_text("output_file_id") or None,
        error_file=reader.maybe_text("error_file_id") or None,
        counts=_counts(reader.maybe_child("request_counts")),
        errors=() if errors is None else tuple(_error(each, secrets) for each in errors.children("data")),
        metadata=metadata_of(body),
        expires_at=reader.maybe_count("expires_at"),
    )


def metadata_of(body: dict[str, Any]) -> dict[str, str]:
    """Return the metadata of a batch; values that are not text, which nobody can have sent, are left out."""
    sent = body.get("metadata")
    pairs = sent.items() if isinstance(sent, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}


def _counts(reader: Reader | None) -> BatchCounts:
    if reader is None:
        return BatchCounts()
    return BatchCounts(*[reader.maybe_count(name) or 0 for name in ("total", "completed", "failed")])


def _error(reader: Reader, secrets: Collection[str]) -> str:
    line, code = reader.maybe_count("line"), reader.maybe_text("code")
    said = server_message(reader.body, secrets)
    return "".join((f"line {line}: " if line is not None else "", said, f" ({code})" if code else ""))
