"""The endpoints of the Batch API: files, batches, and their contents.

Every method tries again what may succeed later. To create a batch twice would cost twice, and a request
whose answer was lost may have created one. So before `create` tries again it looks through the server's list
for the batch that has its file and metadata; a caller who was killed in between does the same with `find`.

*Covered*: lost and cut answers, time-outs, 429 and 5xx, a list that is late by about a second.
*Not covered*: a server that shows a new batch in its list only much later.
"""

import asyncio
import random as random_numbers
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote

from skillofmind.core.errors import (
    ConfigurationError,
    MalformedResponse,
    ModelError,
    RateLimited,
    RequestRejected,
    StorageError,
)
from skillofmind.models.http_connection import (
    LARGEST_BODY,
    HttpConnection,
    Timeouts,
    json_bytes,
    json_object,
    read_body,
)
from skillofmind.models.openai_batch.batches import Batch, decode_batch, metadata_of
from skillofmind.models.openai_batch.lines import ENDPOINT
from skillofmind.models.openai_wire.fields import Reader
from skillofmind.run.atomic import replacing
from skillofmind.run.retry import DEFAULT_POLICY, RetryPolicy, retrying

T = TypeVar("T")

LARGEST_FILE = 4 * 2**30
"""Bytes of a downloaded file beyond which it is refused."""

SLOWEST = 128 * 2**10
"""Bytes a second: a transfer that is slower for its whole length is given up."""

_PAGE = 100
_SETTLE = 1.0
_LOST_POLLS = 20
_GROWTH = 1.2


class _Page(NamedTuple):
    """One page of the list of batches; `last` is the id after which the next one begins, if there is one."""

    batches: list[dict[str, Any]]
    last: str | None


class BatchClient:
    """Batches of one server; holds open connections until `close()`, one pool for each event loop."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: Timeouts = Timeouts(),  # noqa: B008 - immutable
        headers: Mapping[str, str] | None = None,
        policy: RetryPolicy = DEFAULT_POLICY,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random_numbers.random,
        on_retry: Callable[[ModelError], None] | None = None,
    ) -> None:
        """Name a server; no connection is made before the first call.

        Args:
            base_url: like `https://host/v1`; credentials and query as for `HttpModel`.
            api_key: sent as bearer token; `None` sends none.
            timeout: longest waits; transfers of files get more in all, a second for every 128 KiB.
            headers: further headers of every request.
            policy: how often and how patiently each request is tried again.
            sleep: waits.
            random: a number in [0, 1), for the length of waits.
            on_retry: gets each error that is followed by another try.

        Raises:
            ConfigurationError: the URL, the key or a header cannot be used.
        """
        self._connection = HttpConnection("batches", base_url, api_key, timeout=timeout, headers=headers)
        self._policy, self._sleep, self._random, self._on_retry = policy, sleep, random, on_retry

    def __repr__(self) -> str:
        return f"BatchClient({self._connection.shown!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections of the running event loop; a later call opens new ones."""
        await self._connection.close()

    async def upload(self, path: Path) -> str:
        """Send a file of requests, in constant memory, and return its id.

        After a lost answer the file is sent again; the first copy then stays on the server unused.

        Raises:
            StorageError: the file cannot be read.
            ModelError: the last try failed.
        """
        return await self._retrying(lambda: self._upload(path))

    async def create(
        self, file_id: str, *, endpoint: str = ENDPOINT, window: str = "24h", metadata: Mapping[str, str]
    ) -> Batch:
        """Create the batch of an uploaded file, once.

        Args:
            file_id: what `upload` gave.
            endpoint: where the requests go; the same as in the lines of the file.
            window: time for the whole batch.
            metadata: names it for `find`; at least one entry.

        Raises:
            ConfigurationError: there is no metadata.
            ModelError: the last try failed, and the batch is not in the server's list, or the list cannot be
                had; then see by `find` whether there is one before you call this again.
        """
        if not metadata:
            raise ConfigurationError("metadata is empty; give the batch a name that `find` can look for")
        sent = {"input_file_id": file_id, "endpoint": endpoint, "completion_window": window}
        body = json_bytes({**sent, "metadata": dict(metadata)}, f"the batch of {file_id!r}")
        uncertain = False

        async def once() -> Batch:
            nonlocal uncertain
            if uncertain and (found := await self._settled(metadata, file_id)) is not None:
                return found
            try:
                return await self._batch("POST", "batches", body)
            except ModelError as error:
                uncertain = uncertain or (error.retryable and not isinstance(error, RateLimited))
                raise

        try:
            return await self._retrying(once)
        except ModelError:
            found = await self._settled(metadata, file_id) if uncertain else None
            if found is None:
                raise
            return found

    async def find(self, metadata: Mapping[str, str]) -> Batch | None:
        """Return the newest batch whose metadata contain these, or `None`.

        Raises:
            ModelError: the last try for a page of the list failed.
        """
        return await self._find(metadata)

    async def retrieve(self, batch_id: str) -> Batch:
        """Return the state of a batch.

        Raises:
            ModelError: the last try failed.
        """
        return await self._retrying(lambda: self._batch("GET", f"batches/{_part(batch_id)}"))

    async def cancel(self, batch_id: str) -> Batch:
        """Ask the server to stop; what is answered already stays, the end may take minutes.

        Raises:
            RequestRejected: among others, the batch has ended otherwise.
            ModelError: the last try failed.
        """
        try:
            return await self._retrying(
                partial(self._batch, "POST", f"batches/{_part(batch_id)}/cancel", b"{}")
            )
        except RequestRejected:
            # A try whose answer was lost has done it already.
            batch = await self.retrieve(batch_id)
            if batch.status not in ("cancelling", "cancelled"):
                raise
            return batch

    async def wait(
        self,
        batch_id: str,
        *,
        poll: float = 10.0,
        cap: float = 60.0,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        on_poll: Callable[[Batch], None] | None = None,
    ) -> Batch:
        """Ask for the state of a batch until it has ended, and return the last one.

        An outage is waited out: only the 20th failed poll in a row is an error.

        Args:
            batch_id: which.
            poll: seconds between the first two polls; each later pause is longer by a fifth.
            cap: seconds; no pause is longer, unless the server asks for it.
            sleep: waits between the polls; `None` is that of the client.
            on_poll: gets every state that comes.

        Raises:
            ModelError: the server refuses, or does not answer for 20 polls.
        """
        lost, wanted, pause = 0, 0.0, sleep or self._sleep
        while True:
            try:
                batch = await self._batch("GET", f"batches/{_part(batch_id)}")
            except ModelError as error:
                lost += 1
                if not error.retryable or lost >= _LOST_POLLS:
                    raise
                wanted = error.retry_after or 0.0
            else:
                lost, wanted = 0, 0.0
                if on_poll is not None:
                    on_poll(batch)
                if batch.ended:
                    return batch
            await pause(max(min(poll, cap), wanted))
            poll = min(poll * _GROWTH, cap)

    async def download(self, file_id: str, path: Path) -> None:
        """Make the content of a file the content of `path`, in constant memory.

        Raises:
            StorageError: the disk said no; `path` is as it was.
            RequestRejected: among others, the file is larger than `LARGEST_FILE`.
            ModelError: the last try failed; `path` is as it was.
        """
        await self._retrying(lambda: self._download(file_id, path))

    async def delete_file(self, file_id: str) -> None:
        """Delete a file on the server; one that is not there is deleted.

        Raises:
            ModelError: the last try failed.
        """
        try:
            await self._retrying(lambda: self._object("DELETE", f"files/{_part(file_id)}"))
        except RequestRejected as error:
            if error.status != 404:
                raise

    async def _retrying(self, call: Callable[[], Awaitable[T]]) -> T:
        done = await retrying(
            call, self._policy, sleep=self._sleep, random=self._random, on_retry=self._on_retry
        )
        return done.result

    async def _object(
        self, method: str, endpoint: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        async with self._connection.open(method, endpoint, body, query=query) as response:
            return json_object(await read_body(response, LARGEST_BODY), f"the answer of {endpoint}")

    async def _batch(self, method: str, endpoint: str, body: bytes | None = None) -> Batch:
        return decode_batch(await self._object(method, endpoint, body), self._connection.secrets)

    async def _upload(self, path: Path) -> str:
        import aiohttp

        try:
            file = path.open("rb")
        except OSError as error:
            raise StorageError(f"cannot read {str(path)!r}: {error.strerror}; check the path") from error
        with file:
            form = aiohttp.FormData()
            form.add_field("purpose", "batch")
            form.add_field("file", file, filename=path.name, content_type="application/jsonl")
            more_time = path.stat().st_size / SLOWEST
            async with self._connection.open("POST", "files", form, more_time=more_time) as response:
                body = json_object(await read_body(response, LARGEST_BODY), "the answer of files")
        return Reader(body, "file", MalformedResponse).text("id")

    async def _download(self, file_id: str, path: Path) -> None:
        silence, more_time = self._connection.timeout.first_byte, LARGEST_FILE / SLOWEST
        where, size = f"files/{_part(file_id)}/content", 0
        async with self._connection.open("GET", where, silence=silence, more_time=more_time) as response:
            with replacing(path) as write:
                async for piece in response.content.iter_any():
                    size += len(piece)
                    if size > LARGEST_FILE:
                        raise RequestRejected(f"the file {file_id!r} is larger than {LARGEST_FILE} bytes")
                    write(piece)

    async def _settled(self, metadata: Mapping[str, str], file_id: str) -> Batch | None:
        """Look for a batch that may just have been created; a list can be late by a moment."""
        await self._sleep(_SETTLE)
        return await self._find(metadata, file_id)

    async def _find(self, metadata: Mapping[str, str], file_id: str | None = None) -> Batch | None:
        after, seen = "", set[str]()
        while True:
            page = await self._retrying(partial(self._page, after))
            for body in page.batches:
                if _matches(body, metadata, file_id):
                    return decode_batch(body, self._connection.secrets)
            if page.last is None:
                return None
            after = page.last
            if after in seen:
                raise MalformedResponse(f"the list of batches repeats itself after {after!r}; is it paged?")
            seen.add(after)

    async def _page(self, after: str) -> _Page:
        query = {"limit": str(_PAGE)} | ({"after": after} if after else {})
        body = await self._object("GET", "batches", query=query)
        reader = Reader(body, "list", MalformedResponse)
        if not isinstance(body.get("data"), list):
            raise reader.wrong("data", "a list")
        batches = reader.children("data")
        more = bool(batches) and (reader.maybe_flag("has_more") or False)
        return _Page([batch.body for batch in batches], batches[-1].text("id") if more else None)


def _matches(body: dict[str, Any], metadata: Mapping[str, str], file_id: str | None) -> bool:
    """Say whether a listed batch has the metadata, and the file where one is given.

    Only `create` gives one: a failed batch of another file may well carry the same metadata.
    """
    has = metadata_of(body)
    named = all(has.get(name) == value for name, value in metadata.items())
    return named and file_id in (None, body.get("input_file_id"))


def _part(identity: str) -> str:
    """Return an id as a part of a path, so that it cannot name another place of the server."""
    if not identity.strip("."):
        raise RequestRejected(f"{identity!r} is not the id of a file or batch")
    return quote(identity, safe="")
