"""Requests as bytes: sizes, keys, hosts, and heads that two programs could read in two ways."""

import hmac
import json
import re
import socket
from types import SimpleNamespace

import pytest

from skillofmind.serve.keys import Keys
from tests.serve.recorder import Recorder, json_response
from tests.serve.serving import FixedPlanner, Serving, ask, chat, said
from tests.upstream import Upstream

BODY = b'{"messages":[{"role":"user","content":"Hi"}]}'


def raw(server: Serving, request: bytes, seconds: float = 5.0) -> list[tuple[int, bytes]]:
    """Send bytes as they are; return status and body of every response until the server hangs up or waits."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), seconds) as line:
        line.sendall(request)
        line.settimeout(0.3)
        try:
            while piece := line.recv(65536):
                received += piece
        except (TimeoutError, ConnectionResetError):
            received += b""
    heads = list(re.finditer(rb"HTTP/1\.[01] (\d{3}) ", received))
    return [(int(head[1]), received[head.start() :]) for head in heads]


def request(*headers: str, body: bytes = BODY, path: str = "/v1/chat/completions") -> bytes:
    """Return the bytes of a request with exactly these headers besides the host."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


LENGTH = f"Content-Length: {len(BODY)}"
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "bytes_",
    [
        request(LENGTH, "Content-Length: 5"),
        request("Content-Length: 5", LENGTH),
        request(LENGTH, "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
        request("Transfer-Encoding: chunked", LENGTH, body=b"0\r\n\r\n" + SMUGGLED),
        request("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + SMUGGLED),
        request("Transfer-Encoding: xchunked", LENGTH),
        request(f"Content-Length: +{len(BODY)}"),
        request(f"Content-Length: {len(BODY)}, {len(BODY)}"),
        request(f"Content-Length : {len(BODY)}"),
        request("Content-Length: -1"),
        request(LENGTH, "X-Bad\x00Name: 1"),
        request(LENGTH, "X-Fold: a\r\n b"),
        request(LENGTH, "X-Ctl: a\x01b"),
        request("Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n0\r\n\r\n"),
        request("Transfer-Encoding: chunked", body=b"5;x=\x00\r\nabcde\r\n0\r\n\r\n"),
        b"POST /v1/chat/completions HTTP/1.1\nHost: localhost\n\n" + SMUGGLED,
        b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not http at all\r\n\r\n",
    ],
)
def test_a_head_with_two_readings_is_refused_and_nothing_behind_it_is_read(bytes_: bytes) -> None:
    with (
        Recorder([json_response(b"{}")]) as upstream,
        Serving(upstream.base_url, inject="off", keys=["server-key-aaaaaaaa"]) as server,
    ):
        found = raw(
            server, bytes_.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer server-key-aaaaaaaa\r\n\r\n", 1)
        )
    # Refused, or read in the one way that no other program can read differently; never two answers.
    assert [code for code, _ in found] in ([400], [])
    assert upstream.bodies == []
    assert all(b"server-key-aaaaaaaa" not in body for _, body in found)


def test_an_honest_chunked_body_is_read() -> None:
    half = len(BODY) // 2
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (half, BODY[:half], len(BODY) - half, BODY[half:])
    with Recorder([json_response(b"{}")]) as upstream, Serving(upstream.base_url, inject="off") as server:
        found = raw(server, request("Transfer-Encoding: chunked", body=chunked))
    assert [code for code, _ in found] == [200]
    assert upstream.bodies == [BODY]
    assert b"transfer-encoding" not in upstream.heads[0].lower()


def test_two_requests_on_one_connection_are_two() -> None:
    with Recorder([json_response(b"{}")]) as upstream, Serving(upstream.base_url, inject="off") as server:
        found = raw(server, request(LENGTH) * 2)
    assert [code for code, _ in found] == [200, 200]
    assert upstream.bodies == [BODY, BODY]


def test_ten_megabytes_come_through_and_more_do_not() -> None:
    limit = 10 * 2**20
    room = limit - len(b'{"messages":[{"role":"user","content":""}]}')
    full = b'{"messages":[{"role":"user","content":"%s"}]}' % (b"x" * room)
    with Recorder([json_response(b'{"choices":[]}')]) as upstream, Serving(upstream.base_url) as server:
        whole = chat(server, full)
        over = chat(server, full + b" ")
    assert len(full) == limit
    assert (whole.status, whole.headers["x-skillofmind"][:7]) == (200, "planned")
    assert len(upstream.bodies) == 1
    assert b"x" * room in upstream.bodies[0]
    assert (over.status, over.json()["error"]["code"]) == (413, "too_large")


def test_a_body_that_does_not_say_how_long_it_is_has_the_same_limit() -> None:
    piece = b"x" * 60_000
    chunked = (b"%x\r\n%s\r\n" % (len(piece), piece)) * 2 + b"0\r\n\r\n"
    with Upstream() as upstream, Serving(upstream.base_url, body_limit=100_000) as server:
        found = raw(server, request("Transfer-Encoding: chunked", body=chunked))
    assert found[0][0] == 413
    assert json.loads(found[0][1].partition(b"\r\n\r\n")[2])["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b'{"messages":[}',
        b"\xff\xfe",
        b'{"a":1}{"b":2}',
        b"[" * 100_000,
        b'{"a":' * 5000,
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/skillofmind/plan"])
def test_what_is_no_json_object_is_a_400(body: bytes, path: str) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        got = ask(server, path, body)
    error = got.json()["error"]
    assert (got.status, error["type"], error["code"]) == (400, "invalid_request_error", "invalid_json")
    assert set(error) == {"message", "type", "param", "code"}
    assert upstream.counts.received == 0


@pytest.mark.parametrize(
    "messages",
    [None, 3, [], [3], [{"role": "user"}], [{"role": "user", "content": {"a": 1}}], [{"content": "x"}]],
)
def test_messages_that_no_planner_can_read_go_to_the_upstream_as_they_are(messages: object) -> None:
    with Recorder([json_response(b'{"ok":1}')]) as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"messages": messages})
    assert (got.status, got.body) == (200, b'{"ok":1}')
    assert got.headers["x-skillofmind"] == "unplanned; reason=turn"
    assert json.loads(upstream.bodies[0]) == {"messages": messages}


KEY, OTHER = "server-key-aaaaaaaa", "server-key-bbbbbbbb"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer wrong-key-aaaaaaaa", 401),
        (f"Bearer {KEY}x", 401),
        (f"Bearer {KEY[:-1]}", 401),
        (f"Basic {KEY}", 401),
        (KEY, 401),
        (f"Bearer {KEY},{OTHER}", 401),
        (f"Bearer {KEY}", 200),
        (f"bearer  {OTHER}", 200),
    ],
)
def test_a_wrong_or_missing_key_is_a_401(sent: str | None, expected: int) -> None:
    headers = {} if sent is None else {"Authorization": sent}
    with Upstream() as upstream, Serving(upstream.base_url, keys=[KEY, OTHER]) as server:
        got = chat(server, {"messages": said()}, headers)
        listed = ask(server, "/v1/models", headers=headers)
        told = ask(server, "/metrics", headers=headers)
        health = ask(server, "/health")
    assert (got.status, listed.status, told.status, health.status) == (expected, expected, expected, 200)
    assert upstream.counts.received == (expected == 200)
    if expected == 401:
        assert got.json()["error"]["code"] == "invalid_api_key"
        assert got.headers["www-authenticate"] == "Bearer"


def test_every_key_is_compared_each_time_by_a_comparison_without_an_early_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def counting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    keys = Keys(["first-key", "second-key", "third-key"])
    monkeypatch.setattr("skillofmind.serve.keys.hmac", SimpleNamespace(compare_digest=counting))
    answers = [keys.accept(f"Bearer {sent}") for sent in ("first-key", "third-key", "none")]
    assert answers == [True, True, False]
    assert len(compared) == 9
    assert {len(side) for pair in compared for side in pair} == {32}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1:8600"])
def test_without_keys_only_names_of_this_machine_are_served(host: str) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"messages": said()}, {"Host": host})
        page = ask(server, "/health", headers={"Host": host})
    assert (got.status, page.status, upstream.counts.received) == (403, 403, 0)


def test_with_keys_a_balancers_name_is_served() -> None:
    with Upstream() as upstream, Serving(upstream.base_url, keys=[KEY]) as server:
        headers = {"Host": "agents.example", "Authorization": f"Bearer {KEY}"}
        assert chat(server, {"messages": said()}, headers).status == 200


@pytest.mark.parametrize(
    ("origin", "expected"), [("http://evil.example", 403), ("null", 403), ("", 403), (None, 200)]
)
def test_other_sites_are_refused(origin: str | None, expected: int) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        headers = {} if origin is None else {"Origin": origin}
        assert chat(server, {"messages": said()}, headers).status == expected
        own = {"Origin": f"http://127.0.0.1:{server.port}"}
        assert chat(server, {"messages": said()}, own).status == 200


def test_a_request_chooses_only_where_the_server_allows_it() -> None:
    header, field = {"X-Skillofmind-Inject": "off"}, {"skillofmind": {"inject": "off"}}
    with Upstream() as upstream:
        with Serving(upstream.base_url, allow=()) as server:
            closed = [chat(server, {"messages": said()}, header), chat(server, {"messages": said(), **field})]
        with Serving(upstream.base_url, allow=("header",)) as server:
            half = [chat(server, {"messages": said()}, header), chat(server, {"messages": said(), **field})]
        with Serving(upstream.base_url) as server:
            opened = [chat(server, {"messages": said()}, header), chat(server, {"messages": said(), **field})]
            wrong = chat(server, {"messages": said()}, {"X-Skillofmind-Inject": "loud"})
    assert [got.status for got in closed] == [400, 400]
    assert {got.json()["error"]["code"] for got in closed} == {"not_allowed"}
    assert [got.status for got in half] == [200, 400]
    assert [got.headers["x-skillofmind"] for got in opened] == ["unplanned; reason=off"] * 2
    assert (wrong.status, wrong.json()["error"]["param"]) == (400, "X-Skillofmind-Inject")


@pytest.mark.parametrize(
    "field",
    [
        3,
        {"inject": "loud"},
        {"unknown": 1},
        {"context": {"mood": "x"}},
        {"context": 3},
        {"user": "ann"},
        {"explanation": "Alone."},
        {"stream_plan": "yes"},
    ],
)
def test_a_wrong_field_is_a_400_that_names_it(field: object) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"messages": said(), "skillofmind": field})
    assert got.status == 400
    assert got.json()["error"]["param"].startswith("skillofmind")
    assert upstream.counts.received == 0


@pytest.mark.parametrize(
    ("value", "expected"), [("0", 400), ("-1", 400), ("x", 400), ("nan", 400), ("9999", 200)]
)
def test_a_deadline_must_be_a_number_and_is_bounded(value: str, expected: int) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        assert chat(server, {"messages": said()}, {"X-Deadline-Seconds": value}).status == expected


def test_planning_leaves_half_of_a_short_deadline_for_the_answer() -> None:
    planner = FixedPlanner(seconds=5.0)
    with Upstream(reply=lambda _: "ok") as upstream, Serving(upstream.base_url, planner=planner) as server:
        got = chat(server, {"messages": said()}, {"X-Deadline-Seconds": "0.4"})
    assert (got.status, got.headers["x-skillofmind"]) == (200, "unplanned; reason=late")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("PUT", "/health", 405),
        ("OPTIONS", "/v1/chat/completions", 405),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/", 404),
        ("GET", "/v1/../health", 404),
        ("GET", "/playground/../keys.py", 404),
        ("GET", "/playground/%2e%2e/keys.py", 404),
    ],
)
def test_other_paths_and_methods_are_errors_of_the_protocol(method: str, path: str, expected: int) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        got = ask(server, path, None if method != "POST" else {}, method=method)
    assert got.status == expected
    assert set(got.json()["error"]) == {"message", "type", "param", "code"}
    assert got.headers["x-request-id"]


def test_a_client_that_waits_to_send_its_body_is_told_to_go_on() -> None:
    with Recorder([json_response(b"{}")]) as upstream, Serving(upstream.base_url, inject="off") as server:
        found = raw(server, request(LENGTH, "Expect: 100-continue"))
        other = raw(server, request(LENGTH, "Expect: the-unexpected"))
    assert [code for code, _ in found] == [100, 200]
    assert other[0][0] == 417


def test_a_compressed_body_is_refused() -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        assert chat(server, {"messages": said()}, {"Content-Encoding": "gzip"}).status == 415


def test_the_id_of_a_request_is_the_clients_where_it_is_harmless() -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        kept = chat(server, {"messages": said()}, {"X-Request-Id": "trace-1.2_3"})
        made = chat(server, {"messages": said()}, {"X-Request-Id": 'x"; y' * 30})
    assert kept.headers["x-request-id"] == "trace-1.2_3"
    assert re.fullmatch(r"[0-9a-f]{16}", made.headers["x-request-id"])
    assert made.headers["server"] == "skillofmind"
