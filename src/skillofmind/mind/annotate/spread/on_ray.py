"""Workers on Ray: on this machine, or on those of a cluster.

    with ray_workers(4) as hire:                          # starts Ray here, and ends it
        way = spread(hire, access, prices, workers=4)
    with ray_workers(40, "auto") as hire:                 # joins the cluster that this machine is part of
        ...

A worker that dies takes down what it had in work and nothing else; the driver starts another. On a driver's
end, Ray ends its workers.

Covered:

- rows, answers and the brief cross between processes as JSON, which is checked against its types;
- API keys are not sent: a worker reads its own from the environment of its machine;
- a Ray started here takes only calls with a token that is made for this run and kept in the environment of
  its processes (Ray 2.52 and later);
- no usage statistics, no dashboard; a Ray started here writes into a folder of its own, removed at the end,
  and into shared memory.

Not covered:

- Ray itself sends code with cloudpickle: whoever reaches the ports of a cluster can run code on it. They
  must not be open to other networks. Older versions of Ray have no token;
- dialogues and answers cross the cluster's network unencrypted unless Ray is set up with TLS;
- user name and password in a base URL are sent to the workers; use a key instead;
- a worker that is cut off and not dead may finish what it had in work, which is then paid for twice;
- a worker that is started in place of another knows nothing of the minute before, and may pass a rate by
  what the lost one had sent.
"""

import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import Any

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.mind.annotate.spread.asker import Asker
from skillofmind.mind.annotate.spread.way import Hire, Hired, WorkerLost

_MEGABYTE = 1 << 20
# Messages are a few kilobytes, and small ones do not go through the object store at all.
_OBJECT_STORE = 100 * _MEGABYTE
# What Ray adds to the folder for its sockets; the system takes no longer path than 107 bytes.
_LONGEST_FOLDER = 107 - len("/session_2000-01-01_00-00-00_000000_0000000/sockets/plasma_store.0")
_CONNECT_SECONDS = 5.0
_QUIET = {"log_to_driver": False, "logging_level": logging.CRITICAL}


@contextmanager
def ray_workers(workers: int, address: str = "") -> Iterator[Hire]:
    """Start Ray on this machine, or join a cluster; takes some seconds and blocks.

    To be entered in the main thread, before handlers of signals are set: Ray sets one for SIGTERM.

    Args:
        workers: processes that will be hired.
        address: of the cluster, or `auto` for the one of this machine; "" starts Ray here.

    Raises:
        MissingExtra: Ray is not installed.
        ConfigurationError: Ray cannot be started here, there is no such cluster, or it has fewer processors
            than workers.
    """
    with _environment(private=not address), tempfile.TemporaryDirectory(prefix="som-ray-") as folder:
        ray = _import_ray()
        try:
            if address:
                _join(ray, address)
            else:
                _start(ray, workers, folder)
            _check_processors(ray, workers, address)
            yield _hiring(ray)
        finally:
            ray.shutdown()


def _start(ray: Any, workers: int, folder: str) -> None:
    if len(folder.encode()) > _LONGEST_FOLDER:
        raise ConfigurationError(
            f"{folder!r} is too long a path for Ray's sockets; set TMPDIR to a short one."
        )
    try:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE,
            _temp_dir=folder,
            **_QUIET,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigurationError(f"Ray could not be started: {_first_line(error)}.") from error


def _join(ray: Any, address: str) -> None:
    said = "name HOST:PORT of its head, or `auto` on one of its machines"
    host, _, port = address.rpartition(":")
    if address != "auto" and not (host and port.isdigit()):
        raise ConfigurationError(f"{address!r} is no address of a Ray cluster; {said}.")
    try:
        if address != "auto":
            # Ray itself tries for minutes.
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
        ray.init(address=address, **_QUIET)
    except (OSError, RuntimeError, ValueError, OverflowError) as error:
        why = _first_line(error)
        raise ConfigurationError(f"there is no Ray cluster at {address!r} ({why}); {said}.") from error


class _RayWorker:
    """A worker as the driver sees it."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    async def answer(self, shard: bytes) -> AsyncIterator[bytes]:
        try:
            async for reference in self._actor.answer.remote(shard):
                yield await reference
        except self._ray.exceptions.RayError as error:
            raise WorkerLost(_why(self._ray, error)) from None

    async def taken(self, key: str) -> None:
        # Nobody waits for it; where the worker is gone, `answer` says so.
        self._actor.taken.remote(key)

    async def stop(self) -> None:
        with suppress(self._ray.exceptions.RayError):
            await self._actor.stop.remote()

    async def close(self) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._actor)


def _hiring(ray: Any) -> Hire:
    # No restarts and retries by Ray: which rows are asked again is the dealer's to say.
    options = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
    remote = ray.remote(**options)(Asker)

    async def hire(brief: bytes) -> Hired:
        actor = remote.remote(brief)
        try:
            await actor.ready.remote()
        except ray.exceptions.RayError as error:
            raise WorkerLost(_why(ray, error)) from None
        except BaseException:
            # It may still be waiting for a processor.
            ray.kill(actor)
            raise
        return _RayWorker(ray, actor)

    return hire


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("many workers need Ray: pip install 'skillofmind[ray]'.") from error
    return ray


@contextmanager
def _environment(private: bool) -> Iterator[None]:
    """Set what Ray reads when it is imported and started, and put it back."""
    wanted = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_IGNORE_UNHANDLED_ERRORS": "1"}
    if private and "RAY_AUTH_MODE" not in os.environ:
        # Without this, Ray keeps a token in the home directory, for all its clusters.
        wanted |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token_hex(32)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _check_processors(ray: Any, workers: int, address: str) -> None:
    found = int(ray.cluster_resources().get("CPU", 0))
    if found < workers:
        raise ConfigurationError(
            f"the Ray cluster {address!r} has {found} processors, fewer than {workers} workers; "
            "ask for fewer, or start more nodes."
        )


def _why(ray: Any, error: Any) -> str:
    """Return why a worker is lost; an exception in its own code is the cause, below a longer text."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return repr(error.cause)
    return _first_line(error)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
