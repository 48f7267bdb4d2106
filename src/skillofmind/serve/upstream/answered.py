"""What an upstream gives back, whoever it is: a status, headers, and bytes, whole or piece by piece."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from skillofmind.core.plan import Plan

Headers = list[tuple[str, str]]


class Asking(NamedTuple):
    """One request to an upstream.

    Attributes:
        body: JSON bytes.
        headers: of the client, those that may be sent on.
        plan: what was planned, for an upstream in this process.
    """

    body: bytes
    headers: Headers
    plan: Plan | None = None


class Answered(Protocol):
    """A response whose head is there."""

    @property
    def status(self) -> int:
        """Status of HTTP."""

    @property
    def headers(self) -> Headers:
        """Headers that may be sent on."""

    @property
    def streams(self) -> bool:
        """Whether the body is a stream of events."""

    @property
    def plain(self) -> bool:
        """Whether the bytes are the content itself, not compressed."""

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            ModelError: it was cut.
        """

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            ModelError: it was cut.
        """


class Upstream(Protocol):
    """Whatever answers."""

    @property
    def system_role(self) -> bool:
        """Whether a system message is honoured."""

    @property
    def offline(self) -> bool:
        """Whether answers are stored replies."""

    async def start(self) -> None:
        """Open what one event loop needs."""

    async def close(self) -> None:
        """Close it."""

    def ask(self, asking: Asking) -> AbstractAsyncContextManager[Answered]:
        """Send a request; leaving the block early cancels it at the other end.

        Raises:
            SkillOfMindError: there is no answer; `refusal_of` says what a client is told.
        """

    async def models(self) -> list[dict[str, object]]:
        """Return the models that there are, as the protocol lists them.

        Raises:
            SkillOfMindError: they cannot be had.
        """
