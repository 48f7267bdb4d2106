import asyncio
import hashlib
import traceback
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.completion import Sampling, Usage
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import (
    AuthenticationFailed,
    ConfigurationError,
    MalformedResponse,
    ModelBusy,
    ModelError,
    ModelTimeout,
    RateLimited,
    RequestRejected,
    StorageError,
)
from skillofmind.models.http import HttpModel, Timeouts
from skillofmind.models.openai_batch import (
    Batch,
    BatchClient,
    BatchCounts,
    BatchLine,
    LineError,
    client,
    read_lines,
    request_line,
)
from skillofmind.run.retry import RetryPolicy
from tests import upstream
from tests.upstream import Fault
from tests.upstream_batches import (
    BatchFault,
    BatchUpstream,
    Done,
    Endpoint,
    RowFault,
    done,
    row_expired,
    row_half_text,
    row_missing,
    row_no_choices,
    row_status,
    row_torn,
)

KEY = "key-hush-0123456789"
NAME = {"run": "r1", "part": "0"}
SHORT = Timeouts(connect=0.3, first_byte=0.3, total=0.3)


async def quickly(seconds: float) -> None:
    await asyncio.sleep(0.001)


def client_of(server: BatchUpstream, **options: Any) -> BatchClient:
    return BatchClient(server.base_url, KEY, **{"sleep": quickly, **options})


def ask(text: str) -> Conversation:
    return Conversation(messages=(Message(role="user", content=text),))


def write_rows(path: Path, *texts: str) -> Path:
    rows = enumerate(texts)
    path.write_bytes(b"".join(request_line(f"row-{i}", "tiny", ask(text), Sampling()) for i, text in rows))
    return path


async def run_batch(server: BatchUpstream, folder: Path, *texts: str) -> tuple[Batch, dict[str, BatchLine]]:
    """Send texts through a batch; return its end and its lines by id."""
    async with client_of(server) as batches:
        file = await batches.upload(write_rows(folder / "rows.jsonl", *texts))
        created = await batches.create(file, metadata=NAME)
        batch = await batches.wait(created.id)
        found: dict[str, BatchLine] = {}
        for result in filter(None, (batch.output_file, batch.error_file)):
            await batches.download(result, folder / "answers.jsonl")
            found |= {line.custom_id: line for line in read_lines(folder / "answers.jsonl")}
    return batch, found


@contextmanager
def failing(kind: type[ModelError], words: str | None = None) -> Iterator[None]:
    """Check that the block fails with this very class, and that no line of its trace shows the key."""
    with pytest.raises(kind, match=words) as caught:
        yield
    assert type(caught.value) is kind
    assert "hush" not in "".join(traceback.format_exception(caught.value))


async def test_a_batch_answers_what_chat_answers(tmp_path: Path) -> None:
    with BatchUpstream(key=KEY, delay=0.02) as server:
        batch, found = await run_batch(server, tmp_path, "one two", "drei")
        async with HttpModel("tiny", server.base_url, KEY) as model:
            live = await model.generate(ask("one two"))
    assert [*found] == ["row-1", "row-0"]
    answer = found["row-0"].completion
    assert answer is not None
    assert msgspec.structs.replace(answer, id=live.id) == live
    assert (answer.text, answer.usage, answer.id) == ("one two", Usage(2, 2), "chatcmpl-0")
    assert batch == Batch(
        id="batch_0",
        status="completed",
        input_file="file-1",
        output_file="file-output-batch_0",
        counts=BatchCounts(2, 2, 0),
        metadata=NAME,
        expires_at=86_400,
    )
    counts = server.counts
    assert (counts.files, counts.batches, counts.rows, counts.rows_answered) == (1, 1, 2, 2)
    assert (counts.received, counts.completed, counts.prompt_tokens) == (1, 3, 5)
    assert all(call.request.headers["authorization"] == f"Bearer {KEY}" for call in server.calls)


async def test_the_file_arrives_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "rüben.jsonl"
    path.write_bytes(b"--boundary\r\n\r\n\x00\xff\r\n" * 999)
    with BatchUpstream() as server:
        async with client_of(server) as batches:
            file = await batches.upload(path)
            await batches.download(file, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()
    assert server.calls[0].request.headers["content-type"].startswith("multipart/form-data; boundary=")


CREATED_BUT_LOST = [upstream.cut(), upstream.status(500), upstream.hang(), upstream.broken_json()]


@pytest.mark.parametrize("fault", CREATED_BUT_LOST)
async def test_a_batch_whose_answer_was_lost_is_not_created_again(fault: Fault, tmp_path: Path) -> None:
    with BatchUpstream(endpoint_faults={"create": [done(fault)]}) as server:
        async with client_of(server, timeout=SHORT) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            batch = await batches.create(file, metadata=NAME)
    assert (batch.id, batch.metadata) == ("batch_0", NAME)
    assert (server.called("create"), server.called("list"), server.counts.batches) == (1, 1, 1)


@pytest.mark.parametrize("fault", [upstream.cut(), upstream.status(500), upstream.hang(), upstream.html()])
async def test_a_batch_whose_request_was_lost_is_created(fault: Fault, tmp_path: Path) -> None:
    with BatchUpstream(endpoint_faults={"create": [fault, fault]}) as server:
        async with client_of(server, timeout=SHORT) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            batch = await batches.create(file, metadata=NAME)
    assert batch.id == "batch_0"
    assert (server.called("create"), server.called("list"), server.counts.batches) == (3, 2, 1)


async def test_a_refused_rate_needs_no_search(tmp_path: Path) -> None:
    with BatchUpstream(endpoint_faults={"create": [upstream.rate_limit(), upstream.rate_limit()]}) as server:
        async with client_of(server) as batches:
            await batches.create(await batches.upload(write_rows(tmp_path / "rows", "one")), metadata=NAME)
    assert (server.called("create"), server.called("list"), server.counts.batches) == (3, 0, 1)


async def test_the_search_after_a_lost_answer_survives_faults_of_its_own(tmp_path: Path) -> None:
    faults: dict[Endpoint, list[Fault | Done | None]] = {
        "create": [done(upstream.cut())],
        "list": [*[upstream.status(500)] * 3, upstream.rate_limit(), upstream.cut()],
    }
    with BatchUpstream(endpoint_faults=faults) as server:
        async with client_of(server, policy=RetryPolicy(retries=2)) as batches:
            batch = await batches.create(
                await batches.upload(write_rows(tmp_path / "rows", "one")), metadata=NAME
            )
    assert (batch.id, server.called("create"), server.called("list")) == ("batch_0", 1, 6)


async def test_the_last_try_is_searched_for_too(tmp_path: Path) -> None:
    with BatchUpstream(endpoint_faults={"create": [upstream.cut(), done(upstream.cut())]}) as server:
        async with client_of(server, policy=RetryPolicy(retries=1)) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            assert (await batches.create(file, metadata=NAME)).id == "batch_0"
    assert (server.called("create"), server.called("list")) == (2, 2)


async def test_nothing_is_tried_again_where_the_list_cannot_be_had(tmp_path: Path) -> None:
    faults: dict[Endpoint, list[Fault | Done | None]] = {
        "create": [done(upstream.cut())],
        "list": [upstream.status(404)] * 9,
    }
    with BatchUpstream(endpoint_faults=faults) as server:
        async with client_of(server) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            with failing(RequestRejected, "status 404"):
                await batches.create(file, metadata=NAME)
    assert (server.called("create"), server.counts.batches) == (1, 1)


async def test_an_older_batch_of_the_same_name_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    with BatchUpstream(endpoint_faults={"create": [None, upstream.cut()]}) as server:
        async with client_of(server) as batches:
            path = write_rows(tmp_path / "rows", "one")
            old = await batches.create(await batches.upload(path), metadata=NAME)
            new = await batches.create(await batches.upload(path), metadata=NAME)
    assert (old.id, new.id, server.called("create")) == ("batch_0", "batch_1", 3)


async def test_the_newest_batch_of_a_name_is_found_on_any_page(tmp_path: Path) -> None:
    with BatchUpstream(page=2) as server:
        async with client_of(server) as batches:
            assert await batches.find(NAME) is None
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            for run in ("a", "b", "a", "c", "d", "e"):
                await batches.create(file, metadata={"run": run, "part": "0"})
            before = server.called("list")
            found = [await batches.find({"run": run}) for run in ("a", "b", "e", "x")]
    assert [batch and batch.id for batch in found] == ["batch_2", "batch_1", "batch_5", None]
    assert server.called("list") - before == 2 + 3 + 1 + 3
    assert server.calls[-1].request.path == "/v1/batches?limit=100&after=batch_2"


async def test_a_list_that_repeats_itself_ends() -> None:
    body = msgspec.json.encode({"data": [{"id": "b", "metadata": None}], "has_more": True})

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with BatchClient(url) as batches:
            with failing(MalformedResponse, "repeats itself after 'b'"):
                await batches.find(NAME)


async def test_a_batch_needs_a_name() -> None:
    with BatchUpstream() as server:
        async with client_of(server) as batches:
            with pytest.raises(ConfigurationError, match="metadata is empty"):
                await batches.create("file-1", metadata={})
    assert server.calls == []


async def test_a_later_client_goes_on_by_id_or_name(tmp_path: Path) -> None:
    with BatchUpstream(delay=0.05) as server:
        async with client_of(server) as first:
            created = await first.create(
                await first.upload(write_rows(tmp_path / "rows", "one")), metadata=NAME
            )
        assert created.status == "validating"
        async with client_of(server) as second:
            found = await second.find(NAME)
            assert found is not None
            assert (await second.wait(found.id)).status == "completed"
            assert (await second.retrieve(created.id)).counts == BatchCounts(1, 1, 0)
    assert server.counts.batches == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (row_status(429), LineError("RateLimited", "status 429: 'scripted fault'", 429, True)),
        (row_status(500), LineError("ModelBusy", "status 500: 'scripted fault'", 500, True)),
        (row_status(400), LineError("RequestRejected", "status 400: 'scripted fault'", 400)),
        (row_expired(), LineError("batch_expired", "not executed: batch_expired.", None, True)),
        (row_no_choices(), LineError("MalformedResponse", "response.choices is missing", None, True)),
    ],
)
async def test_a_row_without_answer_says_why(fault: RowFault, expected: LineError, tmp_path: Path) -> None:
    with BatchUpstream(row_faults=[None, fault]) as server:
        batch, found = await run_batch(server, tmp_path, "one", "two", "three")
    error = found["row-1"].error
    assert error is not None
    assert expected.message in error.message
    assert msgspec.structs.replace(error, message=expected.message) == expected
    assert found["row-1"].completion is None
    assert [found[name].error for name in ("row-0", "row-2")] == [None, None]
    assert (batch.error_file is None) == (fault.kind == "no_choices")
    assert server.counts.rows_answered == 2


async def test_missing_torn_and_halved_rows_cost_only_themselves(tmp_path: Path) -> None:
    with BatchUpstream(row_faults=[row_missing(), row_torn(), row_half_text()]) as server:
        batch, found = await run_batch(server, tmp_path, "one", "two", "three four", "five")
    assert sorted(found) == ["", "row-2", "row-3"]
    assert found[""].error is not None
    assert (found[""].error.kind, found[""].error.retryable) == ("MalformedResponse", True)
    assert [found[name].completion.text for name in ("row-2", "row-3")] == ["three", "five"]  # type: ignore[union-attr]
    assert batch.counts == BatchCounts(4, 3, 0)


async def test_a_batch_whose_rows_all_fail_has_no_output_file(tmp_path: Path) -> None:
    with BatchUpstream(row_faults=lambda number: row_status(500)) as server:
        batch, found = await run_batch(server, tmp_path, "one", "two")
    assert (batch.status, batch.output_file, batch.counts) == ("completed", None, BatchCounts(2, 0, 2))
    assert len(found) == 2


async def test_an_expired_batch_keeps_what_came_in_time(tmp_path: Path) -> None:
    with BatchUpstream(batch_faults=[BatchFault("expired", share=0.5)]) as server:
        batch, found = await run_batch(server, tmp_path, "a", "b", "c", "d")
    assert (batch.status, batch.counts) == ("expired", BatchCounts(4, 2, 2))
    assert sorted(name for name, line in found.items() if line.completion) == ["row-0", "row-1"]
    kinds = {line.error.kind for line in found.values() if line.error}
    assert kinds == {"batch_expired"}


async def test_a_failed_batch_says_why_without_the_key(tmp_path: Path) -> None:
    with BatchUpstream(batch_faults=[BatchFault("failed", f"no quota for {KEY}")]) as server:
        batch, found = await run_batch(server, tmp_path, "a")
    assert (batch.status, found) == ("failed", {})
    assert batch.errors == ("line 1: no quota for *** (invalid_input)",)


async def test_a_cancelled_batch_ends_as_such(tmp_path: Path) -> None:
    with BatchUpstream(delay=60) as server:
        async with client_of(server) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            batch = await batches.create(file, metadata=NAME)
            assert (await batches.cancel(batch.id)).status == "cancelling"
            ended = await batches.wait(batch.id)
            assert (ended.status, ended.counts) == ("cancelled", BatchCounts(1, 0, 1))
            assert ended.error_file is not None
            await batches.download(ended.error_file, tmp_path / "errors")
            assert await batches.cancel(batch.id) == ended
            server.batches[batch.id]["status"] = "completed"
            with failing(RequestRejected, "Cannot cancel a batch with status 'completed'"):
                await batches.cancel(batch.id)
    (line,) = read_lines(tmp_path / "errors")
    assert line.error is not None
    assert (line.custom_id, line.error.kind) == ("row-0", "batch_cancelled")


async def test_a_batch_whose_cancelling_was_answered_by_nobody_is_cancelled(tmp_path: Path) -> None:
    with BatchUpstream(delay=60, endpoint_faults={"cancel": [done(upstream.cut())]}) as server:
        async with client_of(server) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            batch = await batches.create(file, metadata=NAME)
            assert (await batches.cancel(batch.id)).status == "cancelled"
    assert server.called("cancel") == 2


async def test_waiting_polls_ever_more_slowly_and_outlives_an_outage(tmp_path: Path) -> None:
    pauses: list[float] = []
    seen: list[str] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            server.batches["batch_0"]["status"] = "completed"

    outage = [None, None, upstream.status(500), upstream.rate_limit(90), upstream.cut(), upstream.html()]
    with BatchUpstream(delay=60, endpoint_faults={"retrieve": outage}) as server:
        async with client_of(server) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            batch = await batches.create(file, metadata=NAME)
            on_poll: Callable[[Batch], None] = lambda batch: seen.append(batch.status)  # noqa: E731
            await batches.wait(batch.id, poll=10, cap=20, sleep=sleep, on_poll=on_poll)
    assert pauses == pytest.approx([10, 12, 14.4, 90, 20, 20, 20])
    assert (len(seen), seen[-1]) == (4, "completed")
    assert server.called("retrieve") == 8


async def test_waiting_ends_after_twenty_lost_polls_or_a_refusal() -> None:
    faults = [upstream.status(503)] * 99
    with BatchUpstream(endpoint_faults={"retrieve": faults}) as server:
        async with client_of(server) as batches:
            with failing(ModelBusy):
                await batches.wait("batch_0")
    assert server.called("retrieve") == 20
    with BatchUpstream() as server:
        async with client_of(server) as batches:
            with failing(RequestRejected, "no such object: batch_0"):
                await batches.wait("batch_0")
    assert server.called("retrieve") == 1


Step = Callable[[BatchClient, Path], Awaitable[object]]
STEPS: dict[Endpoint, Step] = {
    "upload": lambda batches, path: batches.upload(path),
    "create": lambda batches, path: batches.create("file-1", metadata=NAME),
    "list": lambda batches, path: batches.find(NAME),
    "retrieve": lambda batches, path: batches.retrieve("batch_0"),
    "cancel": lambda batches, path: batches.cancel("batch_0"),
    "content": lambda batches, path: batches.download("file-1", path),
    "delete": lambda batches, path: batches.delete_file("file-1"),
}


@pytest.mark.parametrize("endpoint", STEPS)
async def test_every_endpoint_outlives_passing_faults(endpoint: Endpoint, tmp_path: Path) -> None:
    faults = [upstream.status(500), upstream.rate_limit(), upstream.cut(), upstream.hang()]
    path, retries = write_rows(tmp_path / "rows", "one"), list[ModelError]()
    with BatchUpstream(delay=60) as server:
        async with client_of(server, timeout=SHORT, on_retry=retries.append) as batches:
            await batches.create(await batches.upload(path), metadata={"run": "other"})
            server.endpoint_faults = {endpoint: [*[None] * server.called(endpoint), *faults]}
            before = server.called(endpoint)
            await STEPS[endpoint](batches, path)
    assert server.called(endpoint) - before == 5
    assert len(retries) == 4


@pytest.mark.parametrize("endpoint", STEPS)
async def test_a_wrong_key_is_refused_at_once_and_never_shown(endpoint: Endpoint, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows", "one")
    with BatchUpstream(key="another") as server:
        async with client_of(server) as batches:
            with failing(AuthenticationFailed, r"Incorrect API key provided: \*\*\*"):
                await STEPS[endpoint](batches, path)
    assert [call.endpoint for call in server.calls] == [endpoint]
    assert server.counts.rejected == 1


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (upstream.status(302, headers=(("Location", "http://127.0.0.1:1/"),)), RequestRejected),
        (upstream.status(500, message=f"bad {KEY}"), ModelBusy),
        (upstream.rate_limit(), RateLimited),
        (upstream.hang(), ModelTimeout),
    ],
)
async def test_every_lasting_fault_is_its_error(
    endpoint: Endpoint, fault: Fault, kind: type[ModelError], tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "rows", "one")
    with BatchUpstream(endpoint_faults={endpoint: [fault] * 9}) as server:
        server.files["file-1"] = path.read_bytes()
        timeout = Timeouts(connect=0.2, first_byte=0.05, total=0.05)
        async with client_of(server, timeout=timeout, policy=RetryPolicy(retries=0)) as batches:
            with failing(kind):
                await STEPS[endpoint](batches, path)
    assert server.called(endpoint) == 1


def test_the_key_is_shown_nowhere() -> None:
    assert repr(BatchClient("http://ann:hush@host/v1?key=hush-hush")) == "BatchClient('http://host/v1')"


@pytest.mark.parametrize("identity", ["..", ".", ""])
async def test_an_id_that_names_another_place_is_refused(identity: str, tmp_path: Path) -> None:
    with BatchUpstream() as server:
        async with client_of(server) as batches:
            with failing(RequestRejected, "is not the id"):
                await batches.retrieve(identity)
            with failing(RequestRejected, "no such object: a/../b"):
                await batches.retrieve("a/../b")
    assert [call.request.path for call in server.calls] == ["/v1/batches/a%2F..%2Fb"]


async def test_a_cut_download_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    path.write_bytes(b"old")
    with BatchUpstream(endpoint_faults={"content": [upstream.cut()] * 2}) as server:
        server.files["file-1"] = b"x" * 500_000
        async with client_of(server, policy=RetryPolicy(retries=1)) as batches:
            with failing(MalformedResponse, "was cut off"):
                await batches.download("file-1", path)
            assert path.read_bytes() == b"old"
            await batches.download("file-1", path)
    assert path.read_bytes() == b"x" * 500_000
    assert [entry.name for entry in tmp_path.iterdir()] == ["answers"]


async def test_a_download_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST_FILE", 1000)
    with BatchUpstream() as server:
        server.files["file-1"] = b"x" * 1001
        async with client_of(server) as batches:
            with failing(RequestRejected, "larger than 1000 bytes"):
                await batches.download("file-1", tmp_path / "answers")
    assert server.called("content") == 1
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_says_no_is_not_taken_for_the_network(tmp_path: Path) -> None:
    with BatchUpstream() as server:
        server.files["file-1"] = b"x"
        async with client_of(server) as batches:
            with pytest.raises(StorageError, match="the folder does not exist"):
                await batches.download("file-1", tmp_path / "nowhere" / "answers")
            with pytest.raises(StorageError, match=r"cannot read .*nowhere"):
                await batches.upload(tmp_path / "nowhere")
    assert server.called("content") == 1


async def test_deleting_a_file_twice_is_deleting_it(tmp_path: Path) -> None:
    with BatchUpstream() as server:
        server.files["file-1"] = b"x"
        async with client_of(server) as batches:
            for _ in range(2):
                await batches.delete_file("file-1")
    assert server.files == {}


async def test_thirty_megabytes_are_sent_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with path.open("wb") as file:
        for number in range(480):
            file.write(number.to_bytes(2) * 2**15)
    received: list[tuple[int, str]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
        form = len(await reader.readuntil(b"filename="))
        form += len(await reader.readuntil(b"\r\n\r\n"))
        digest, left = hashlib.sha256(), path.stat().st_size
        while left:
            piece = await reader.read(min(left, 2**16))
            digest.update(piece)
            left -= len(piece)
        await reader.readexactly(length - form - path.stat().st_size)
        received.append((length, digest.hexdigest()))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"id": "f7"}')
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with BatchClient(url) as batches:
            tracemalloc.start()
            assert await batches.upload(path) == "f7"
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    ((length, digest),) = received
    assert path.stat().st_size == 480 * 2**16 > 30e6
    assert 0 < length - path.stat().st_size < 1000
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert peak < 5e6


async def test_an_unknown_status_is_an_error(tmp_path: Path) -> None:
    with BatchUpstream(delay=60) as server:
        async with client_of(server) as batches:
            file = await batches.upload(write_rows(tmp_path / "rows", "one"))
            await batches.create(file, metadata=NAME)
            server.batches["batch_0"]["status"] = "dreaming"
            with failing(MalformedResponse, "batch.status must be one of validating, .* 'dreaming'"):
                await batches.retrieve("batch_0")
            with failing(MalformedResponse, "dreaming"):
                await batches.find(NAME)
