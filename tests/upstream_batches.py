"""The loopback server of `tests.upstream` with OpenAI's Batch API next to its chat, on the same port.

    with BatchUpstream(reply=lambda body: "Hello", delay=0.1, row_faults=[row_status(429), None]) as server:
        client = BatchClient(server.base_url)
        ...
    assert (server.counts.batches, server.counts.rows, server.counts.rows_answered) == (1, 2, 1)

The rows of a batch are answered by the same `reply` as chat requests, `delay` seconds after its creation, and
written in reverse order. Faults are planned on three levels, each entry for one thing in order of arrival:

- `row_faults`: rows, counted over all batches, so that a row that is sent again meets the next entry;
- `batch_faults`: batches;
- `endpoint_faults`: for each endpoint, its calls. A fault stands for a request that was lost before the
  server did anything; wrapped in `done`, for a request that was carried out and whose answer was lost.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tests.upstream import Fault, Received, Upstream, error_response, plain_response, status, wrong_key
from tests.upstream_answers import completion

Endpoint = Literal["upload", "content", "delete", "create", "list", "retrieve", "cancel"]

_PATH = re.compile(r"/(files|batches)(?:/([^/]+))?(?:/(content|cancel))?$")
_ENDPOINTS: dict[tuple[str, str, bool, str | None], Endpoint] = {
    ("POST", "files", False, None): "upload",
    ("GET", "files", True, "content"): "content",
    ("DELETE", "files", True, None): "delete",
    ("POST", "batches", False, None): "create",
    ("GET", "batches", False, None): "list",
    ("GET", "batches", True, None): "retrieve",
    ("POST", "batches", True, "cancel"): "cancel",
}
_ENDED = ("completed", "failed", "expired", "cancelled")
_DAY = 86_400


class Done(NamedTuple):
    """A fault after the request was carried out."""

    fault: Fault


def done(fault: Fault) -> Done:
    """Carry the request out, then play `fault` in place of the right answer."""
    return Done(fault)


class RowFault(NamedTuple):
    """What goes wrong with one row; made by the functions below."""

    kind: Literal["status", "expired", "missing", "torn", "half_text", "no_choices"]
    code: int = 200


def row_status(code: int) -> RowFault:
    """Put the row into the error file with this status."""
    return RowFault("status", code)


def row_expired() -> RowFault:
    """Put the row into the error file as not answered in time."""
    return RowFault("expired")


def row_missing() -> RowFault:
    """Put the row into neither file."""
    return RowFault("missing")


def row_torn() -> RowFault:
    """Write the first half of the row's output line only."""
    return RowFault("torn")


def row_half_text() -> RowFault:
    """Answer with the first half of the reply, so that a reply that is JSON no longer is."""
    return RowFault("half_text")


def row_no_choices() -> RowFault:
    """Answer with status 200 and a body without choices."""
    return RowFault("no_choices")


class BatchFault(NamedTuple):
    """What goes wrong with one batch: it fails with `message`, or expires with a `share` of its rows done."""

    kind: Literal["failed", "expired"]
    message: str = ""
    share: float = 0.5


class Call(NamedTuple):
    """One request to an endpoint of the Batch API."""

    endpoint: Endpoint
    request: Received


RowPlan = Sequence[RowFault | None] | Callable[[int], RowFault | None]


@dataclass
class BatchUpstream(Upstream):
    """The server; files and batches stay as long as it runs.

    Attributes:
        delay: seconds from the creation of a batch to its end.
        page: most batches on a page of the list, whatever the client asks for.
        row_faults: what goes wrong with which row.
        batch_faults: what goes wrong with which batch.
        endpoint_faults: what goes wrong with which call of which endpoint.
        calls: requests to the Batch API in order of arrival.
        files: contents by id, those of answers and errors included.
        batches: states by id in order of creation, as they are sent.
    """

    delay: float = 0.0
    page: int = 100
    row_faults: RowPlan = ()
    batch_faults: Sequence[BatchFault | None] = ()
    endpoint_faults: Mapping[Endpoint, Sequence[Fault | Done | None]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)

    def called(self, endpoint: Endpoint) -> int:
        """Return how often an endpoint was called."""
        return sum(call.endpoint == endpoint for call in self.calls)

    def answer_apart(
        self, request: Received, transport: asyncio.Transport
    ) -> Coroutine[Any, Any, bytes | None] | None:
        found = _PATH.search(request.path.partition("?")[0])
        if found is None:
            return None
        kind, identity, action = found.groups()
        endpoint = _ENDPOINTS.get((request.method, kind, identity is not None, action))
        return None if endpoint is None else self._call(Call(endpoint, request), identity or "", transport)

    async def _call(self, call: Call, identity: str, transport: asyncio.Transport) -> bytes | None:
        number = self.called(call.endpoint)
        self.calls.append(call)
        if (refusal := wrong_key(self, call.request)) is not None:
            self.counts.rejected += 1
            return refusal
        plan = self.endpoint_faults.get(call.endpoint, ())
        planned = plan[number] if number < len(plan) else None
        if planned is None:
            return self._carry_out(call, unquote(identity))
        self.counts.faults += 1
        fault = planned.fault if isinstance(planned, Done) else planned
        acts = isinstance(planned, Done) or _harmless(call, fault)
        whole = self._carry_out(call, unquote(identity)) if acts else plain_response(b"{}")
        return await _spoilt(whole, fault, transport)

    def _carry_out(self, call: Call, identity: str) -> bytes:
        known = self.files if call.endpoint in ("content", "delete") else self.batches
        if identity and identity not in known:
            return _refused(404, f"no such object: {identity}")
        match call.endpoint:
            case "upload":
                return self._upload(call.request)
            case "content":
                return plain_response(self.files[identity], media="application/octet-stream")
            case "delete":
                del self.files[identity]
                return _json({"id": identity, "object": "file", "deleted": True})
            case "create":
                return self._create(call.request.body)
            case "list":
                return self._list(parse_qs(urlsplit(call.request.path).query))
            case "retrieve":
                return _json(self.batches[identity])
            case "cancel":
                return self._cancel(self.batches[identity])

    def _upload(self, request: Received) -> bytes:
        fields = _form(request)
        if fields.get("purpose") != b"batch" or "file" not in fields:
            return _refused(400, "purpose must be 'batch', and there must be a file")
        self.counts.files += 1
        identity = f"file-{self.counts.files}"
        self.files[identity] = fields["file"]
        return _json({"id": identity, "object": "file", "bytes": len(fields["file"]), "purpose": "batch"})

    def _create(self, body: dict[str, Any]) -> bytes:
        if body["input_file_id"] not in self.files:
            return _refused(400, f"no such file: {body['input_file_id']}")
        number = self.counts.batches
        self.counts.batches += 1
        given = ("endpoint", "input_file_id", "completion_window", "metadata")
        batch: dict[str, Any] = {
            "id": f"batch_{number}",
            "object": "batch",
            **{name: body.get(name) for name in given},
            "status": "validating",
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
            "created_at": number,
            "expires_at": number + _DAY,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        self.batches[batch["id"]] = batch
        answer = _json(batch)
        self._loop.call_later(self.delay / 2, self._begin, batch)
        self._loop.call_later(self.delay, self._process, batch, number)
        return answer

    def _begin(self, batch: dict[str, Any]) -> None:
        if batch["status"] == "validating":
            batch["status"] = "in_progress"
            total = len(self.files[batch["input_file_id"]].splitlines())
            batch["request_counts"] = {"total": total, "completed": 0, "failed": 0}

    def _list(self, query: dict[str, list[str]]) -> bytes:
        newest = list(reversed(self.batches.values()))
        after, limit = query.get("after", [""])[0], int(query.get("limit", ["20"])[0])
        start = [batch["id"] for batch in newest].index(after) + 1 if after else 0
        stop = start + min(limit, self.page)
        return _json({"object": "list", "data": newest[start:stop], "has_more": stop < len(newest)})

    def _cancel(self, batch: dict[str, Any]) -> bytes:
        if batch["status"] in _ENDED:
            return _refused(400, f"Cannot cancel a batch with status '{batch['status']}'.")
        batch["status"] = "cancelling"
        rows = [msgspec.json.decode(line) for line in self.files[batch["input_file_id"]].splitlines()]
        lost = [_unanswered(row, "batch_cancelled") for row in rows]
        self._loop.call_soon(self._end, batch, "cancelled", [], lost)
        return _json(batch)

    def _process(self, batch: dict[str, Any], number: int) -> None:
        if batch["status"] == "cancelling" or batch["status"] in _ENDED:
            return
        fault = self.batch_faults[number] if number < len(self.batch_faults) else None
        try:
            rows = _rows(self.files[batch["input_file_id"]])
        except (ValueError, msgspec.DecodeError) as error:
            fault, rows = BatchFault("failed", str(error)), []
        if fault is not None and fault.kind == "failed":
            reason = {"code": "invalid_input", "message": fault.message, "param": None, "line": 1}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [reason]}}
            return
        in_time = len(rows) if fault is None else int(len(rows) * fault.share)
        outputs, errors = self._answer_rows(rows[:in_time])
        errors += [_unanswered(row, "batch_expired") for row in rows[in_time:]]
        self.counts.rows += len(rows) - in_time
        self._end(batch, "completed" if fault is None else "expired", outputs, errors)

    def _answer_rows(self, rows: list[dict[str, Any]]) -> tuple[list[bytes], list[bytes]]:
        outputs: list[bytes] = []
        errors: list[bytes] = []
        for row in rows:
            number = self.counts.rows
            self.counts.rows += 1
            fault = self._row_fault(number)
            if fault is not None and fault.kind == "expired":
                errors.append(_unanswered(row, "batch_expired"))
            elif fault is not None and fault.kind == "status":
                errors.append(_answered(row, fault.code, _error_body("scripted fault")))
            elif fault is None or fault.kind != "missing":
                code, body = self._row_body(row["body"], number, fault)
                line = _answered(row, code, body)
                torn = fault is not None and fault.kind == "torn"
                (outputs if code == 200 else errors).append(line[: len(line) // 2] if torn else line)
        return outputs, errors

    def _row_fault(self, number: int) -> RowFault | None:
        if callable(self.row_faults):
            return self.row_faults(number)
        return self.row_faults[number] if number < len(self.row_faults) else None

    def _row_body(
        self, body: dict[str, Any], number: int, fault: RowFault | None
    ) -> tuple[int, dict[str, Any]]:
        """Return status and body; a right answer and half a text are counted."""
        kind = None if fault is None else fault.kind
        try:
            answer = completion(self.reply, self.model, body, number)
        except Exception as error:
            self.failures.append(error)
            return 500, _error_body(f"the reply function failed: {error!r}")
        if kind == "no_choices":
            return 200, {"object": "chat.completion"}
        if kind == "half_text":
            message = answer["choices"][0]["message"]
            message["content"] = message["content"][: len(message["content"]) // 2]
        if kind in (None, "half_text"):
            self.counts.rows_answered += 1
            self.counts.add_answer(answer["usage"])
        return 200, answer

    def _end(self, batch: dict[str, Any], end: str, outputs: list[bytes], errors: list[bytes]) -> None:
        for name, lines in (("output", outputs), ("error", errors)):
            if lines:
                batch[f"{name}_file_id"] = f"file-{name}-{batch['id']}"
                self.files[f"file-{name}-{batch['id']}"] = _joined(lines)
        total = len(self.files[batch["input_file_id"]].splitlines())
        batch["request_counts"] = {"total": total, "completed": len(outputs), "failed": len(errors)}
        batch["status"] = end


def _harmless(call: Call, fault: Fault) -> bool:
    """Say whether a request may be carried out under a fault that stands for a lost request."""
    return call.request.method == "GET" or fault.kind in ("latency", "drip", "wrong_type")


async def _spoilt(whole: bytes, fault: Fault, transport: asyncio.Transport) -> bytes | None:
    """Return the response as `fault` leaves it; `None` hangs up."""
    await asyncio.sleep(fault.seconds)
    head, _, body = whole.partition(b"\r\n\r\n")
    match fault.kind:
        case "status":
            return error_response(fault)
        case "html":
            return plain_response(b"<html>Sign in</html>", media="text/html")
        case "hang":
            await asyncio.Event().wait()
        case "cut" | "stall":
            transport.write(head + b"\r\n\r\n" + body[: len(body) // 2])
            if fault.kind == "stall":
                await asyncio.Event().wait()
            return None
        case "broken_json":
            return plain_response(body[: len(body) // 2])
        case "unfinished":
            return plain_response(b"{}")
    return whole


def _form(request: Received) -> dict[str, bytes]:
    """Return the fields of a multipart form."""
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    fields = {}
    for part in (b"\r\n" + request.form).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'[ ;]name="([^"]*)"', head)
        assert name is not None
        fields[name[1].decode()] = content
    return fields


def _rows(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of an input file.

    Raises:
        ValueError: a line is no request, or an id comes twice.
    """
    rows = [msgspec.json.decode(line) for line in content.splitlines()]
    for row in rows:
        if set(row) != {"custom_id", "method", "url", "body"} or row["method"] != "POST":
            raise ValueError(f"not a request: {sorted(row)}")
    if len({row["custom_id"] for row in rows}) < len(rows):
        raise ValueError("a custom_id comes twice")
    return rows


def _answered(row: dict[str, Any], code: int, body: dict[str, Any]) -> bytes:
    response = {"status_code": code, "request_id": f"req-{row['custom_id']}", "body": body}
    return _line(row, response, None)


def _unanswered(row: dict[str, Any], code: str) -> bytes:
    return _line(row, None, {"code": code, "message": f"This request was not executed: {code}."})


def _line(row: dict[str, Any], response: dict[str, Any] | None, error: dict[str, str] | None) -> bytes:
    head = {"id": f"batch_req_{row['custom_id']}", "custom_id": row["custom_id"]}
    return msgspec.json.encode({**head, "response": response, "error": error})


def _joined(lines: Iterable[bytes]) -> bytes:
    """Return a file of the lines, the last one first: a server may answer in any order."""
    return b"".join(line + b"\n" for line in reversed(list(lines)))


def _error_body(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "scripted", "param": None, "code": None}}


def _refused(code: int, message: str) -> bytes:
    return error_response(status(code, message=message))


def _json(body: dict[str, Any]) -> bytes:
    return plain_response(msgspec.json.encode(body))
