"""`som serve` and `som playground` as processes: start, share a port, drain, and start anew."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from skillofmind.serve.watch.metrics import value
from tests.cli.som import command, environment, som
from tests.serve.serving import Got, ask, chat, said
from tests.upstream import Upstream, drip


class Server:
    """A running `som serve`.

    Attributes:
        port: that it listens on.
        process: the one that was started.
        notice: what it said until it listened.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.notice = ""
        assert process.stdout is not None
        while "http://" not in self.notice:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            self.notice += line
        self.port = int(self.notice.rpartition("127.0.0.1:")[2].partition("/")[0])

    def end(self, seconds: float = 20.0) -> int:
        """Say that it should stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def children(self) -> list[int]:
        """Return the worker processes."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]


@contextmanager
def serving(*words: object, name: str = "serve", **env: str) -> Iterator[Server]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command(name, "--port", 0, *words), stdout=pipe, stderr=pipe, text=True, env=environment(**env)
    )
    try:
        yield Server(process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        process.kill()
        process.communicate()


def test_it_answers_offline_and_ends_when_told() -> None:
    with serving("--log", "-") as server:
        got = chat(server, {"messages": said()})
        page = ask(server, "/playground/api/info").json()
        assert server.end() == 0
        assert server.process.stderr is not None
        lines = [json.loads(line) for line in server.process.stderr.read().splitlines()]
    assert "stored" in server.notice
    assert got.json()["skillofmind"]["planned"] is True
    assert page["offline"] is True
    assert len(page["skills"]) == 39
    assert [line.get("event", line.get("status")) for line in lines] == [200, 200, "draining", "stopped"]


def test_the_playground_is_the_same_server() -> None:
    with serving(name="playground") as server:
        assert "/playground/" in server.notice
        assert chat(server, {"messages": said()}).json()["skillofmind"]["planned"] is True
        assert ask(server, "/playground").headers["location"] == "playground/"
        page = ask(server, "/playground/")
        assert page.status in (200, 503)
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert server.end() == 0


def test_keys_come_from_the_environment_and_go_nowhere(tmp_path: Path) -> None:
    log, keys = tmp_path / "log", {"SOM_SERVER_KEYS": "server-key-1,server-key-2", "UP": "upstream-key-1"}
    with (
        Upstream(key="upstream-key-1") as upstream,
        serving("--upstream", upstream.base_url, "--api-key-env", "UP", "--log", log, **keys) as server,
    ):
        good = chat(server, {"messages": said()}, {"Authorization": "Bearer server-key-2"})
        wrong = chat(server, {"messages": said()}, {"Authorization": "Bearer upstream-key-1"})
        arguments = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    assert (good.status, wrong.status) == (200, 401)
    assert upstream.requests[0].headers["authorization"] == "Bearer upstream-key-1"
    told = log.read_bytes() + arguments + good.body + wrong.body
    assert [key for key in ("server-key", "upstream-key") if key.encode() in told] == []


def test_workers_share_a_port_and_their_metrics_are_summed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        Upstream(reply=lambda _: "a b c") as upstream,
        serving("--upstream", upstream.base_url, "--workers", 2, "--log", log) as server,
    ):
        for _ in range(40):
            assert chat(server, {"messages": said()}).status == 200
        first, second = (ask(server, "/metrics").body.decode() for _ in range(2))
        assert len(server.children()) == 2
        assert server.end() == 0
    seen = {json.loads(line)["worker"] for line in log.read_text().splitlines()}
    assert seen == {0, 1}
    for text in (first, second):
        assert value(text, "plans_total", 'outcome="planned"') == 40
        assert value(text, "tokens_total", 'part="answer",kind="completion"') == 120
        assert value(text, "plan_seconds_count") == 40
        assert value(text, "request_seconds_bucket", 'le="+Inf"') == value(text, "request_seconds_count")


def test_a_worker_that_is_killed_is_started_anew_and_counters_do_not_fall() -> None:
    with (
        Upstream() as upstream,
        serving("--upstream", upstream.base_url, "--workers", 2, "--log", "") as server,
    ):
        for _ in range(10):
            assert chat(server, {"messages": said()}).status == 200
        before = server.children()
        os.kill(before[0], signal.SIGKILL)
        assert reached(lambda: len(server.children()) == 2 and set(server.children()) != set(before))
        for _ in range(10):
            assert retried(server).status == 200
        text = ask(server, "/metrics").body.decode()
        assert server.end() == 0
    assert value(text, "plans_total", 'outcome="planned"') == 20


def test_workers_end_when_their_parent_is_gone() -> None:
    with (
        Upstream() as upstream,
        serving("--upstream", upstream.base_url, "--workers", 2, "--log", "") as server,
    ):
        workers = server.children()
        server.process.kill()
        assert reached(lambda: not any(alive(pid) for pid in workers))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def reached(wanted: Any, seconds: float = 10.0) -> bool:
    """Wait until something holds; say whether it did in time."""
    end = time.monotonic() + seconds
    while not wanted():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def retried(server: Any, seconds: float = 20.0) -> Got:
    """Ask until a connection comes about."""
    end = time.monotonic() + seconds
    while True:
        try:
            return chat(server, {"messages": said()})
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("stream", [False, True])
def test_told_to_stop_it_finishes_what_it_has(workers: int, stream: bool) -> None:
    with (
        Upstream(reply=lambda _: "a b c d e f", faults=[drip(0.1)] * 4) as upstream,
        serving("--upstream", upstream.base_url, "--workers", workers, "--log", "") as server,
    ):
        found: list[Got] = []
        body = {"messages": said(), "stream": stream}
        threads = [threading.Thread(target=lambda: found.append(chat(server, body))) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert asyncio.run(upstream.reached(lambda counts: counts.received == 4, 5.0))
        assert server.end() == 0
        for thread in threads:
            thread.join(10)
        with pytest.raises(ConnectionRefusedError):
            chat(server, body)
    assert [got.status for got in found] == [200] * 4
    assert all(b"f" in got.body and (not stream or got.body.endswith(b"[DONE]\n\n")) for got in found)
    assert upstream.counts.completed == 4


def test_told_twice_it_ends_at_once() -> None:
    with (
        Upstream(latency=30.0) as upstream,
        serving("--upstream", upstream.base_url, "--log", "") as server,
    ):
        thread = threading.Thread(target=lambda: suppressed(lambda: chat(server, {"messages": said()})))
        thread.start()
        assert asyncio.run(upstream.reached(lambda counts: counts.received == 1, 5.0))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        start = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - start < 5.0
        thread.join(10)


def suppressed(call: Any) -> None:
    with suppress(OSError):
        call()


@pytest.mark.slow
def test_no_answer_is_lost_in_three_restarts_under_load() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answered: list[str] = []
    stop = threading.Event()

    class Place:
        pass

    place: Any = Place()
    place.port = port

    def load() -> None:
        while not stop.is_set():
            with suppress(OSError):
                got = chat(place, {"messages": said()})
                assert got.status == 200
                answered.append(got.json()["id"])

    with Upstream(latency=0.02) as upstream:
        threads = [threading.Thread(target=load) for _ in range(16)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            with serving(
                "--port", port, "--upstream", upstream.base_url, "--workers", 2, "--log", ""
            ) as server:
                count = len(answered)
                assert reached(lambda count=count: len(answered) > count + 100, 30.0)
                assert server.end() == 0
        stop.set()
        for thread in threads:
            thread.join(10)
        assert upstream.counts.received == upstream.counts.completed
    assert len(answered) == len(set(answered)) == upstream.counts.completed
    assert len(answered) > 300


@pytest.mark.slow
def test_two_thousand_connections_at_once_are_all_answered() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 10_000:
        pytest.skip(f"needs 10,000 open files; this system allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 10_000), hard))
    with (
        Upstream(reply=lambda _: "Hello", latency=2.0) as upstream,
        serving("--upstream", upstream.base_url, "--log", "") as server,
    ):
        statuses = asyncio.run(crowd(server.port, 2000))
        memory = resident(server.process.pid)
        left = value(ask(server, "/metrics").body.decode(), "in_flight")
    assert statuses == {200: 2000}
    assert upstream.counts.completed == 2000
    assert left == 1
    assert memory < 250


async def crowd(port: int, count: int) -> dict[int, int]:
    """Send so many requests, each on a connection of its own, all open at the same time."""
    data = json.dumps({"messages": said()}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
    lines = []
    for _ in range(count):
        lines.append(await asyncio.open_connection("127.0.0.1", port))
    for _, writer in lines:
        writer.write(head.encode() + data)
    found: dict[int, int] = {}
    for reader, writer in lines:
        code = int((await asyncio.wait_for(reader.readline(), 60)).split()[1])
        found[code] = found.get(code, 0) + 1
        writer.close()
    return found


def resident(pid: int) -> float:
    """Return the memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.slow
def test_memory_is_flat_after_the_first_thousand_requests(tmp_path: Path) -> None:
    with (
        Upstream(reply=lambda _: "Hello") as upstream,
        serving("--upstream", upstream.base_url, "--log", "", "--memory", tmp_path / "m.db") as server,
    ):
        asyncio.run(mixed_load(server.port, 1000))
        upstream.requests.clear()
        before = resident(server.process.pid)
        asyncio.run(mixed_load(server.port, 3000))
        after = resident(server.process.pid)
    assert after - before < 4.0


async def mixed_load(port: int, count: int) -> None:
    """Send requests one after the other: whole, streamed, left in the middle, and malformed."""
    async with aiohttp.ClientSession() as session:
        for number in range(count):
            field = {"user": f"u{number % 10}"}
            body = {"messages": said(f"I failed {number}"), "stream": number % 3 == 0, "skillofmind": field}
            data = b"{" if number % 50 == 0 else json.dumps(body).encode()
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", data=data) as response:
                if number % 21 == 0:
                    response.close()
                else:
                    await response.read()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_memory_that_is_no_database_is_named(tmp_path: Path, workers: int) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, and no database at all " * 100)
    done = som("serve", "--port", 0, "--workers", workers, "--log", "", "--memory", file)
    assert done.code == 2
    assert "file is not a database" in done.err
    assert str(file) in done.err


def test_profiles_are_shared_by_workers(tmp_path: Path) -> None:
    words = ("--workers", 2, "--log", "", "--memory", tmp_path / "m.db")
    with Upstream() as upstream, serving("--upstream", upstream.base_url, *words) as server:
        for _ in range(12):
            chat(server, {"messages": said(), "skillofmind": {"user": "ann"}})
        profile = ask(server, "/v1/skillofmind/users/ann").json()["profile"]
    assert profile["session"]["requests"] == 12


@pytest.mark.parametrize(
    ("words", "said_"),
    [
        (("--host", "0.0.0.0"), "--server-key-env"),
        (("--planner", "magic"), "--planner 'magic' is unknown"),
        (("--planner", "prompted"), "add --upstream URL"),
        (("--alias", "x"), "--alias 'x' is not NAME=MODEL:INJECT"),
        (("--model", "nowhere"), "is no folder with weights"),
        (("--upstream", "not a url"), "is not the address of a server"),
        (("--allow", "moon"), "--allow 'moon' is unknown"),
        (("--workers", "0"), "--workers 0 must be more than 0"),
        (("--port", "70000"), "--port 70000"),
        (("--log", "/none/x"), "--log '/none/x' cannot be written"),
        (("--server-key-env", "NONE_SUCH"), "--server-key-env 'NONE_SUCH' is not set"),
        (("--inject", "loud"), "invalid choice"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_2(words: tuple[str, ...], said_: str) -> None:
    done = som("serve", *words)
    assert done.code == 2
    assert said_ in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_taken_is_refused(workers: int) -> None:
    with serving("--workers", workers, "--log", "") as server:
        done = som("serve", "--port", server.port, "--workers", workers)
    assert done.code == 2
    assert "choose another --port" in done.err


def test_the_help_teaches() -> None:
    said_ = " ".join(som("serve", "--help").out.split())
    for words in (
        "base_url",
        "X-Skillofmind",
        "costs no answer",
        "SIGTERM",
        "/metrics",
        "SOM_PLANNER_KEY",
        "curl",
    ):
        assert words in said_, words
