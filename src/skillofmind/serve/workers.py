"""Processes: start them on one port, start a lost one anew, and end them without losing an answer.

    serve -> one process:   open, listen, answer, drain
          -> several:       fork each, watch, pass SIGTERM on, wait

Told to stop (SIGTERM, or Ctrl-C), a process takes no further connections, finishes what it has for at most
`drain` seconds, and ends; told again, it ends at once. The kernel shares connections among the processes
(SO_REUSEPORT). A process whose parent is gone drains as well.
"""

import asyncio
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from skillofmind.core.errors import ConfigurationError, SkillOfMindError
from skillofmind.serve.app import http_server
from skillofmind.serve.opening import Service, opened
from skillofmind.serve.watch.metrics import Metrics

_BACKLOG = 2048
_SHORT_LIFE = 5.0
_GRACE = 0.1
_LONGEST_PAUSE = 10.0
_ENDING = (signal.SIGTERM, signal.SIGINT)


def serve(service: Service, ready: Callable[[str], None]) -> int:
    """Serve until told to stop; return an exit code.

    Args:
        service: what to run.
        ready: is called with the address once all processes listen.

    Raises:
        ConfigurationError: the address is taken, or a file cannot be opened.
    """
    settings = service.settings
    _raise_file_limit()
    metrics = Metrics(settings.workers)
    with _bound(settings.host, settings.port, shared=settings.workers > 1) as listening:
        address = _shown(listening)
        if settings.workers == 1:
            return asyncio.run(work(service, metrics, 0, listening, lambda: ready(address)))
        return _Supervisor(service, metrics, listening).run(lambda: ready(address))


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind the address; with `shared`, others of this user may bind it as well from then on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound alone first: a second server on the port by mistake would take half of the requests.
        if shared and port:
            with socket.socket(family, socket.SOCK_STREAM) as alone:
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind((host, port))
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port."
        ) from error
    return listening


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _raise_file_limit() -> None:
    """Allow as many connections as the system allows this user."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65_536
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def work(
    service: Service, metrics: Metrics, worker: int, listening: socket.socket, ready: Callable[[], None]
) -> int:
    """Run one process: open, listen, answer until told to stop, drain."""
    async with opened(service, metrics, worker) as app:
        runner = web.ServerRunner(http_server(app), shutdown_timeout=service.settings.drain)
        await runner.setup()
        stop = _stop_on_signal()
        await web.SockSite(runner, listening, backlog=_BACKLOG).start()
        ready()
        await stop.wait()
        app.draining = True
        app.log.event("draining")
        drained = asyncio.ensure_future(_drained(runner))
        stop.clear()
        again = asyncio.ensure_future(stop.wait())
        await asyncio.wait({drained, again}, return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        drained.cancel()
        app.log.event("stopped")
    return 0


async def _drained(runner: web.ServerRunner) -> None:
    """Take no more connections, let those that have just come send their request, and finish all."""
    for site in list(runner.sites):
        await site.stop()
    # aiohttp drops what comes on a connection that it closes before its task has begun; the client of it
    # would then wait for as long as draining may take.
    await asyncio.sleep(_GRACE)
    await runner.cleanup()


def _stop_on_signal() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, stop.set)
    return stop


class _Supervisor:
    """Keeps the processes of a server alive."""

    def __init__(self, service: Service, metrics: Metrics, bound: socket.socket) -> None:
        self._service = service
        self._metrics = metrics
        self._bound = bound
        self._alive: dict[int, tuple[int, float]] = {}
        self._short_lives = 0
        self._ready_read, self._ready_write = os.pipe()
        self._parent_read, self._parent_write = os.pipe()

    def run(self, ready: Callable[[], None]) -> int:
        """Watch the processes until told to stop; return an exit code."""
        watched = {*_ENDING, signal.SIGCHLD}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        try:
            for worker in range(self._service.settings.workers):
                self._fork(worker)
            if not self._all_ready():
                return self._end(2)
            ready()
            while True:
                number = signal.sigwait(watched)
                if number in _ENDING:
                    return self._end(0)
                self._start_lost_ones()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _fork(self, worker: int) -> None:
        pid = os.fork()
        if pid:
            self._alive[pid] = (worker, time.monotonic())
            return
        # From here on in the new process, which must not return into the code of its parent.
        code = 70
        try:
            os.close(self._parent_write)
            code = self._child(worker)
        except SkillOfMindError as error:
            # Nobody above hears of it.
            sys.stderr.write(f"som: {error}\n")
            code = 2
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _child(self, worker: int) -> int:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_ENDING, signal.SIGCHLD})
        host, port = self._bound.getsockname()[:2]
        listening = _bound_again(host, port)
        self._bound.close()

        async def working() -> int:
            asyncio.get_running_loop().add_reader(self._parent_read, _drain_orphan, self._parent_read)
            return await work(self._service, self._metrics, worker, listening, self._said_ready)

        return asyncio.run(working())

    def _said_ready(self) -> None:
        os.write(self._ready_write, b"r")

    def _all_ready(self) -> bool:
        """Wait until each process listens; say no where one ended before."""
        os.set_blocking(self._ready_read, False)
        count = 0
        while count < self._service.settings.workers:
            with suppress(BlockingIOError):
                count += len(os.read(self._ready_read, 64))
            if self._reap():
                return False
            time.sleep(0.01)
        return True

    def _reap(self) -> list[int]:
        """Return the numbers of the processes that have ended."""
        lost = []
        while self._alive:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            worker, born = self._alive.pop(pid, (-1, 0.0))
            if worker >= 0:
                self._short_lives = self._short_lives + 1 if time.monotonic() - born < _SHORT_LIFE else 0
                lost.append(worker)
        return lost

    def _start_lost_ones(self) -> None:
        for worker in self._reap():
            # One that ends at once, again and again, must not take the machine with it.
            time.sleep(min(_LONGEST_PAUSE, 0.1 * 2**self._short_lives) if self._short_lives else 0.0)
            self._fork(worker)

    def _end(self, code: int) -> int:
        self._tell(signal.SIGTERM)
        end = time.monotonic() + self._service.settings.drain + 5.0
        while self._alive and time.monotonic() < end:
            number = signal.sigtimedwait({*_ENDING, signal.SIGCHLD}, 0.5)
            self._reap()
            if number is not None and number.si_signo in _ENDING:
                self._tell(signal.SIGTERM)
        self._tell(signal.SIGKILL)
        return code

    def _tell(self, number: signal.Signals) -> None:
        for pid in self._alive:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _bound_again(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((host, port))
    return listening


def _drain_orphan(pipe: int) -> None:
    """The parent is gone: end as if it had said so."""
    asyncio.get_running_loop().remove_reader(pipe)
    os.kill(os.getpid(), signal.SIGTERM)
