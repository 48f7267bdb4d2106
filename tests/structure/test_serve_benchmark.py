"""The benchmark of the server measures what it says: equal answers, all requests, whole process trees."""

import http.server
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from benchmarks.chat_load import Load, generating
from benchmarks.chat_server import TEXT, Fixed, serving, streamed, whole
from benchmarks.running import free_port, post, running
from benchmarks.serve import (
    OFF,
    PLANNED,
    Arm,
    Case,
    Cell,
    Place,
    aims,
    arms_of,
    cases,
    cell,
    check_equal_answers,
    command,
    environment,
    figures,
    options_of,
    percentiles,
    possible,
    requests,
    started,
    takes,
    words_in_stream,
)

DIRECT = Arm("direct")
BODY = b'{"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}'


def a_cell(number: float) -> Cell:
    return Cell(10, 100.0, number, *(number,) * 6, 0.1, 0.1)


class Closing(http.server.BaseHTTPRequestHandler):
    """Answers in the old way: one answer, then the end of the connection."""

    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Refusing(Closing):
    status = 503


@contextmanager
def old_server(handler: type[Closing]) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_upstream_says_the_same_whole_and_as_a_stream() -> None:
    with serving(Fixed()) as server:
        status, body = post(server.port, BODY)
        assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, TEXT)
        _, stream = post(server.port, BODY.replace(b"{", b'{"stream": true, ', 1))
        assert words_in_stream(stream) == TEXT
        assert stream.count(b"data: {") == len(streamed()) - 1 == 16
        assert server.seen().requests == 2
        assert server.seen().requests == 0


def test_every_request_of_the_generator_reaches_the_server_and_bodies_take_turns() -> None:
    with serving(Fixed()) as server, generating() as generator:
        for stream in (b"", b'"stream":true,'):
            body = BODY.replace(b"{", b"{" + stream, 1)
            generator.ready(Load(server.port, (body, body + b" "), 3, 0.05))
            server.seen()
            done = generator.go()
            assert done.failed == 0
            assert len(done.taken) == len(done.first) == server.seen().requests >= 3
            assert all(0 < first <= taken for first, taken in zip(done.first, done.taken, strict=True))


def test_a_server_that_closes_after_each_answer_gets_a_new_connection_each_time() -> None:
    with old_server(Closing) as port, generating() as generator:
        generator.ready(Load(port, (BODY,), 2, 0.1))
        done = generator.go()
    assert done.failed == 0
    assert len(done.taken) >= 4


def test_refused_requests_count_as_failed() -> None:
    with old_server(Refusing) as port, generating() as generator:
        generator.ready(Load(port, (BODY,), 1, 0.0, warm=False))
        done = generator.go()
    assert (done.failed, len(done.taken)) == (1, 1)


def test_a_generator_that_cannot_connect_does_not_keep_the_benchmark_waiting() -> None:
    with generating() as generator, pytest.raises(EOFError):
        generator.ready(Load(free_port(), (BODY,), 1, 0.0))


def test_a_delay_is_waited_for() -> None:
    with serving(Fixed(0.05)) as server, generating() as generator:
        generator.ready(Load(server.port, (BODY,), 1, 0.0, warm=False))
        assert 0.05 <= generator.go().taken[0] < 5


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    words = [sys.executable, "-S", "-c", "import sys; sys.exit('no such luck')"]
    with (
        pytest.raises(RuntimeError, match="no such luck"),
        running(words, os.environ, tmp_path, free_port(), BODY),
    ):
        pass


def test_cpu_and_memory_are_those_of_the_whole_tree(tmp_path: Path) -> None:
    port = free_port()
    burn = (
        "import time\nx = bytearray(b'x') * (50 << 20)\n"
        "while time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    )
    code = (
        "import http.server, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-S', '-c', {burn!r}],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.read(1)\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        f"http.server.HTTPServer(('127.0.0.1', {port}), H).serve_forever()\n"
    )
    with running([sys.executable, "-c", code], os.environ, tmp_path, port, BODY) as server:
        assert 0.3 <= server.start_cpu < 5
        assert server.start_wall >= 0.3
        peak = server.memory()
        assert 50 < peak.largest_mb < peak.together_mb
        assert not server.ended()


def test_every_request_ends_with_the_user_and_only_optillm_has_a_prefix() -> None:
    found = [json.loads(body) for body in requests(DIRECT, stream=True)]
    assert len({json.dumps(one) for one in found}) == 48
    assert {one["messages"][-1]["role"] for one in found} == {"user"}
    assert all(one["stream"] for one in found)
    assert json.loads(requests(Arm("optillm"), stream=False)[0])["model"] == "none-tiny"
    assert "stream" not in json.loads(requests(DIRECT, stream=False)[0])


def test_only_the_slowest_arm_leaves_out_the_most_clients() -> None:
    assert len(cases()) == 9
    assert [case.name for case in cases() if not takes(Arm("optillm"), case)] == [
        "128 clients, whole",
        "128 clients, stream",
    ]
    assert all(takes(arm, case) for arm in arms_of(None, None) for case in cases())


def test_the_peers_are_arms_only_with_their_environments(tmp_path: Path) -> None:
    names = [arm.name for arm in arms_of(None, None)]
    assert names == ["direct", OFF, f"{OFF}, 2 workers", PLANNED, f"{PLANNED}, 2 workers"]
    assert [arm.name for arm in arms_of(tmp_path, tmp_path)][5:] == ["litellm", "optillm"]


def test_each_arm_is_started_as_its_page_says(tmp_path: Path) -> None:
    litellm, optillm = arms_of(tmp_path, tmp_path)[5:]
    words = command(litellm, "http://x/v1", 81, tmp_path)
    assert words[0] == str(tmp_path / "bin" / "litellm")
    config = json.loads(Path(words[2]).read_text("utf-8"))
    assert config["model_list"][0]["litellm_params"]["api_base"] == "http://x/v1"
    assert environment(litellm, tmp_path)["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert command(optillm, "http://x/v1", 81, tmp_path)[-2:] == ["--approach", "none"]
    assert "PYTHONPATH" not in environment(optillm, tmp_path)
    ours = command(Arm(PLANNED, 2, "both"), "http://x/v1", 81, tmp_path)
    assert ours[ours.index("--workers") + 1] == "2"


def test_percentiles_are_milliseconds() -> None:
    assert percentiles([0.002]) == (2, 2, 2)
    p10, p50, p95 = percentiles([n / 1000 for n in range(101)])
    assert (round(p10, 6), round(p50, 6), round(p95, 6)) == (10, 50, 95)


def test_what_an_arm_adds_is_taken_round_by_round() -> None:
    found = figures([a_cell(5), a_cell(9), a_cell(7)], [a_cell(1), a_cell(2), a_cell(1)])
    assert found["added_p50_ms"]["median"] == 6
    assert found["added_first_byte_p95_ms"]["median"] == 6
    assert found["cpu_ms"] == {"median": 7, "q1": 6, "q3": 8, "n": 3}
    assert found["requests"] == 30


def test_an_aim_is_met_or_it_is_not() -> None:
    direct, cheap, dear = [a_cell(0.1)] * 2, [a_cell(0.5)] * 2, [a_cell(9)] * 2
    arms = {OFF: cheap, f"{OFF}, 2 workers": cheap, PLANNED: dear, f"{PLANNED}, 2 workers": dear}
    found = {
        case.name: {name: figures(cells, direct) for name, cells in (arms | {"litellm": dear}).items()}
        for case in cases()
    }
    memory = {name: {"peak_mb": {"largest_process": 60.0}} for name in (*arms, "litellm")}
    made = aims(found, memory)
    assert made["pass-through, CPU-ms, 1 client"] == {"measured": 0.5, "aim": "at most 1", "met": True}
    assert made["embedded planning, ms added (median), 1 client"]["met"] is False
    assert made["pass-through, requests/s, 2 workers"]["met"] is False
    assert made["times less CPU than LiteLLM, 32 clients"]["measured"] == 18
    assert possible(found)[OFF] == 4000


def test_too_few_rounds_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert options_of([]).rounds == 5
    with pytest.raises(SystemExit):
        options_of(["--rounds", "1"])
    assert "gives no quartiles" in capsys.readouterr().err


@pytest.mark.slow
def test_our_arms_do_equal_work_and_are_measured() -> None:
    arms = [DIRECT, Arm(OFF, 1, "off"), Arm(PLANNED, 1, "both")]
    with (
        serving(Fixed()) as upstream,
        generating() as generator,
        started(arms, upstream.base_url) as servers,
    ):
        place = Place(upstream, generator, servers)
        assert check_equal_answers(arms, place)["same_words"]
        for arm in arms:
            found = cell(arm, Case(8, True), place, 0.3)
            assert found.requests >= 8
            assert (found.cpu_ms > 0) is (arm is not DIRECT)


@pytest.mark.slow
def test_an_arm_that_changes_bytes_is_refused() -> None:
    arms = [DIRECT, Arm(PLANNED, 1, "both")]
    with (
        serving(Fixed()) as upstream,
        generating() as generator,
        started(arms, upstream.base_url) as servers,
    ):
        place = Place(upstream, generator, servers)
        with pytest.raises(ValueError, match="changes the bytes"):
            check_equal_answers([Arm(PLANNED, 1, "off")], place)
        assert whole().startswith(b"HTTP/1.1 200")
