"""Open what a server needs: who answers and plans before processes part, files and pools in each one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from skillofmind.core.errors import ConfigurationError
from skillofmind.serve.answer import Room
from skillofmind.serve.app import App, Watch
from skillofmind.serve.keys import Keys
from skillofmind.serve.memory import Memory
from skillofmind.serve.playground.page import Page
from skillofmind.serve.settings import Settings, check
from skillofmind.serve.thinking.planners import Opened, open_planner
from skillofmind.serve.thinking.planning import Planning
from skillofmind.serve.upstream.answered import Upstream
from skillofmind.serve.upstream.in_process import InProcess
from skillofmind.serve.upstream.relay import Relay
from skillofmind.serve.watch.metrics import Metrics
from skillofmind.serve.watch.traces import Log

OFFLINE_NAME = "starter-replies"
"""Name of the offline responder."""


class Service(NamedTuple):
    """A server that is ready to run: settings, who plans, who answers, and whose requests are taken."""

    settings: Settings
    planner: Opened
    upstream: Upstream
    keys: Keys


def service(
    settings: Settings,
    *,
    keys: tuple[str, ...] = (),
    upstream_key: str | None = None,
    planner_key: str | None = None,
) -> Service:
    """Check the settings and open who plans and who answers.

    Args:
        settings: what the server is told.
        keys: that clients need one of.
        upstream_key: key of the upstream.
        planner_key: key of a planner's model on another server.

    Raises:
        ConfigurationError: the settings contradict one another, or something cannot be opened.
    """
    check(settings, keys=bool(keys))
    upstream = open_upstream(settings, upstream_key)
    planner = open_planner(settings, upstream_key, planner_key)
    if upstream.offline:
        settings = _named(settings)
    return Service(settings, planner, upstream, Keys(keys))


def _named(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, model=OFFLINE_NAME)


def open_upstream(settings: Settings, key: str | None = None) -> Upstream:
    """Return who answers.

    Raises:
        ConfigurationError: the address is none, or the folder has no weights.
    """
    if settings.upstream:
        return Relay(settings.upstream, key, connect_timeout=settings.connect_timeout)
    if not settings.model:
        return offline_upstream()
    if not Path(settings.model).is_dir():
        raise ConfigurationError(
            f"--model {settings.model!r} is no folder with weights; name one, or add --upstream URL."
        )
    if settings.workers > 1:
        raise ConfigurationError("--workers must be 1 with weights in this process; leave it out.")
    from skillofmind.models.local import LocalModel
    from skillofmind.models.local.loading import quiet_libraries

    quiet_libraries()
    model = LocalModel(Path(settings.model))
    return InProcess(model, settings.model, close=model.close)


def offline_upstream() -> Upstream:
    """Return the responder that answers with stored replies."""
    from skillofmind.mind.starter import starter_dialogues
    from skillofmind.models.retrieval import RetrievalModel, replies_in

    return InProcess(RetrievalModel(replies_in(starter_dialogues())), OFFLINE_NAME, offline=True)


@asynccontextmanager
async def opened(service: Service, metrics: Metrics, worker: int) -> AsyncIterator[App]:
    """Open what one process needs, for the running event loop.

    Raises:
        ConfigurationError: the log or the file of profiles cannot be opened.
    """
    settings = service.settings
    log = Log(settings.log, worker)
    memory = Memory(settings.memory) if settings.memory else None
    room = Room(settings, Planning(service.planner.planner), service.upstream, memory)
    await service.upstream.start()
    try:
        yield App(room, service.keys, Watch(log, metrics.row(worker), metrics), Page())
    finally:
        await service.upstream.close()
        await service.planner.close()
        if memory is not None:
            memory.close()
        log.close()
