"""Open the planner of a server: in this process, or a model behind HTTP whose calls are counted.

Opening reaches for nothing: a planner's server that is down costs plans, not answers, so it does not keep
this server from starting either.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from skillofmind.core.completion import Usage
from skillofmind.core.seams import Model, Planner
from skillofmind.core.trace import Call
from skillofmind.models.http_address import read_address
from skillofmind.run.budget import Limits, Meter
from skillofmind.serve.settings import ASK_A_MODEL, Settings, planner_place

_CALLS: ContextVar[list[Call] | None] = ContextVar("calls", default=None)


@contextmanager
def counted() -> Iterator[list[Call]]:
    """Collect the model calls that planning makes in this block, failed and cancelled ones too."""
    calls: list[Call] = []
    token = _CALLS.set(calls)
    try:
        yield calls
    finally:
        _CALLS.reset(token)


def usage_of(calls: list[Call]) -> Usage:
    """Return the tokens of `calls`."""
    return sum((call.usage for call in calls), Usage())


def counting(model: Model) -> Model:
    """Return `model` with its calls counted by the `counted` block that they are made in."""
    from skillofmind.models.metered import metered

    def note(call: Call) -> None:
        calls = _CALLS.get()
        if calls is not None:
            calls.append(call)

    return metered(model, Meter(Limits()), note)


async def _nothing() -> None:
    """Nothing is open."""


class Opened(NamedTuple):
    """A planner, and what closes the connections of the running event loop that it opened."""

    planner: Planner
    close: Callable[[], Awaitable[None]] = _nothing


def open_planner(settings: Settings, upstream_key: str | None = None, own_key: str | None = None) -> Opened:
    """Return the planner that `settings` name.

    Args:
        settings: of the server.
        upstream_key: key of the upstream, which a planner's model on the same server gets too.
        own_key: key of a planner's model on another server.

    Raises:
        ConfigurationError: an address or a key cannot be used.
        MissingExtra: the encoder planner needs `skillofmind[embed]`.
    """
    if settings.planner.kind in ASK_A_MODEL:
        return _asking(settings, upstream_key, own_key)
    if settings.planner.kind == "encoder":
        from skillofmind.mind.encoded.planner import EncoderPlanner

        return Opened(EncoderPlanner())
    from skillofmind.mind.embedded.planner import EmbeddedPlanner

    return Opened(EmbeddedPlanner())


def _asking(settings: Settings, upstream_key: str | None, own_key: str | None) -> Opened:
    from skillofmind.models.http import HttpModel, Timeouts

    name, place = planner_place(settings)
    same = bool(settings.upstream) and _host(place) == _host(settings.upstream)
    # The time limit of planning ends a call first, so one try is all that fits.
    timeout = Timeouts(connect=settings.connect_timeout, total=2 * settings.plan_timeout)
    served = HttpModel(name, place, upstream_key if same else own_key, timeout=timeout)
    model = counting(served)
    if settings.planner.kind == "prompted":
        from skillofmind.mind.prompted import PromptedPlanner

        return Opened(PromptedPlanner(model), served.close)
    from skillofmind.mind.weights import WeightsPlanner

    return Opened(WeightsPlanner(model), served.close)


def _host(base_url: str) -> str:
    return "/".join(read_address(base_url).shown.split("/")[:3])
