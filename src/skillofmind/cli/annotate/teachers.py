"""The models of `som annotate`: who is asked, at which server, at what price, and in which way."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from skillofmind.cli.annotate.asking import Asking, Mode
from skillofmind.cli.opening import KEY_VARIABLE, api_key, check_reachable
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Model
from skillofmind.mind.annotate.batch import batch
from skillofmind.mind.annotate.course import Asked
from skillofmind.mind.annotate.job import Way
from skillofmind.mind.annotate.live import live
from skillofmind.mind.annotate.spread.asker import Access, Served
from skillofmind.mind.annotate.spread.on_ray import ray_workers
from skillofmind.mind.annotate.spread.way import spread
from skillofmind.models.cached import cached
from skillofmind.models.http import HttpModel, Timeouts
from skillofmind.models.metered import metered
from skillofmind.models.openai_batch import BatchClient
from skillofmind.models.paced import RateLimit, within_limits
from skillofmind.models.retried import retried
from skillofmind.run.budget import Meter, Prices, load_prices
from skillofmind.run.cache import Cache


class Server(NamedTuple):
    """A model at a server."""

    name: str
    base_url: str


class Cast(NamedTuple):
    """Who is asked.

    Attributes:
        servers: role -> model at its server.
        prices: role -> price of its tokens, where a table was given.
        currency: of the prices.
    """

    servers: dict[Asked, Server]
    prices: dict[Asked, Prices]
    currency: str

    def names(self) -> dict[Asked, str]:
        """Return role -> name of the model, for the data."""
        return {asked: server.name for asked, server in self.servers.items()}

    def identities(self) -> dict[Asked, str]:
        """Return role -> name and place of the model, which a resumed run has to keep."""
        return {asked: f"{one.name} at {_shown(one.base_url)}" for asked, one in self.servers.items()}


def cast(teacher: str, base_url: str, second: str, prices: Path | None, mode: Mode) -> Cast:
    """Say who is asked.

    Args:
        teacher: name of the model.
        base_url: where it is, and where models without an address of their own are.
        second: the second teacher and, after a comma, the judge, each as `NAME` or `NAME@URL`; or "".
        prices: price table.
        mode: decides which prices count.

    Raises:
        ConfigurationError: `second` is written otherwise, or a model has no price in the table.
        DataError: the price table cannot be read.
    """
    servers: dict[Asked, Server] = {"teacher": Server(teacher, base_url)}
    if second:
        other, comma, judge = second.partition(",")
        servers["second"] = _server(other, base_url)
        servers["judge"] = _server(judge, base_url) if comma else servers["teacher"]
    if prices is None:
        return Cast(servers, {}, "")
    table = load_prices(prices)
    known = {asked: table.of(server.name, batch=mode == "batch") for asked, server in servers.items()}
    return Cast(servers, known, table.currency)


@asynccontextmanager
async def opened(found: Cast, asking: Asking, meter: Meter) -> AsyncIterator[Way]:
    """Open the servers and return the way to ask them.

    Raises:
        ConfigurationError: a key is named that is not set, or a URL cannot be used.
        ModelError: a server cannot be reached or refuses the key.
    """
    async with AsyncExitStack() as stack:
        if asking.mode == "batch":
            yield await _batch_way(found, asking, stack)
        elif asking.mode == "ray":
            yield await _ray_way(found, asking, stack)
        else:
            yield await _live_way(found, asking, meter, stack)


async def _live_way(found: Cast, asking: Asking, meter: Meter, stack: AsyncExitStack) -> Way:
    cache = None if asking.cache is None else stack.enter_context(Cache(asking.cache))
    models: dict[Server, Model] = {}
    by_role: dict[Asked, Model] = {}
    for asked, server in found.servers.items():
        if server not in models:
            models[server] = await _asked(server, asking, stack)
        model = retried(metered(models[server], meter, prices=found.prices.get(asked)))
        by_role[asked] = model if cache is None else cached(model, cache)
    return live(by_role, concurrency=asking.at_once)


async def _batch_way(found: Cast, asking: Asking, stack: AsyncExitStack) -> Way:
    clients: dict[str, BatchClient] = {}
    for server in found.servers.values():
        if server.base_url not in clients:
            key = api_key(asking.api_key_env)
            client = BatchClient(server.base_url, key, timeout=_timeouts(asking))
            clients[server.base_url] = await stack.enter_async_context(client)
    rows, poll = asking.settings["rows"], asking.settings["poll"]
    by_role = {asked: clients[server.base_url] for asked, server in found.servers.items()}
    return batch(by_role, found.names(), found.prices, most=int(rows), poll=poll)


async def _ray_way(found: Cast, asking: Asking, stack: AsyncExitStack) -> Way:
    workers = int(asking.settings["workers"])
    access = _access(found, asking, workers)
    if not asking.address:
        # Machines of a cluster may see other servers, and have another key, than this one.
        for server in set(found.servers.values()):
            async with _http(server, asking) as model:
                await check_reachable(model)
    sys.stderr.write(f"som: {'joining' if asking.address else 'starting'} ray.\n")
    sys.stderr.flush()
    hire = stack.enter_context(ray_workers(workers, asking.address))
    return spread(hire, access, found.prices, workers=workers)


def _access(found: Cast, asking: Asking, workers: int) -> Access:
    """Return the share of one worker.

    Raises:
        ConfigurationError: it would be less than one call at once, or one a minute.
    """
    shares = {"at_once": asking.at_once, "rpm": asking.rate.requests, "tpm": asking.rate.tokens}
    for name, amount in shares.items():
        if amount is not None and amount < workers:
            raise ConfigurationError(f"--limits {name}={amount:g} is too little for {workers} workers.")
    requests, tokens = (
        None if rate is None else rate / workers for rate in (asking.rate.requests, asking.rate.tokens)
    )
    return Access(
        {asked: Served(server.name, server.base_url) for asked, server in found.servers.items()},
        concurrency=asking.at_once // workers,
        key_variable=asking.api_key_env,
        key_needed=asking.api_key_env != KEY_VARIABLE,
        timeout=asking.seconds,
        rates=RateLimit(requests, tokens),
    )


async def _asked(server: Server, asking: Asking, stack: AsyncExitStack) -> Model:
    model = await stack.enter_async_context(_http(server, asking))
    await check_reachable(model)
    return within_limits(model, asking.at_once, asking.rate)


def _http(server: Server, asking: Asking) -> HttpModel:
    key = api_key(asking.api_key_env)
    return HttpModel(server.name, server.base_url, key, timeout=_timeouts(asking))


def _timeouts(asking: Asking) -> Timeouts:
    return Timeouts(first_byte=asking.seconds, total=asking.seconds)


def _server(text: str, base_url: str) -> Server:
    name, at, url = text.strip().partition("@http")
    if not name.strip():
        raise ConfigurationError(f"--second {text!r} names no model; write NAME or NAME@URL, then ,JUDGE.")
    return Server(name, f"http{url}" if at else base_url)


def _shown(base_url: str) -> str:
    from skillofmind.models.http_address import read_address

    return read_address(base_url).shown
