import socket
import time
from collections import Counter
from http.client import HTTPConnection
from typing import Any

import msgspec
import pytest

from tests import upstream
from tests.upstream import Counts, Upstream, seeded_faults

BODY = {"model": "m", "messages": [{"role": "user", "content": "one two"}]}


def post(connection: HTTPConnection, **fields: Any) -> tuple[int, Any]:
    connection.request("POST", "/v1/chat/completions", msgspec.json.encode({**BODY, **fields}))
    response = connection.getresponse()
    return response.status, msgspec.json.decode(response.read())


def test_answers_and_counts() -> None:
    with Upstream(faults=[None, upstream.status(500)]) as server:
        connection = HTTPConnection("127.0.0.1", server.port)
        code, answer = post(connection, n=2, max_tokens=1)
        assert code == 200
        assert [choice["message"]["content"] for choice in answer["choices"]] == ["one ", "one "]
        assert [choice["finish_reason"] for choice in answer["choices"]] == ["length"] * 2
        assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
        assert post(connection)[0] == 500
        assert post(connection)[0] == 200
        connection.close()
    expected = Counts(received=3, completed=2, faults=1, prompt_tokens=4, completion_tokens=4, most_active=1)
    assert server.counts == expected
    assert server.requests[0].body == {**BODY, "n": 2, "max_tokens": 1}


@pytest.mark.parametrize("stream", [False, True])
def test_a_failing_reply_is_a_500_and_kept(stream: bool) -> None:
    def reply(body: dict[str, Any]) -> str:
        raise KeyError("lost")

    with Upstream(reply=reply) as server:
        connection = HTTPConnection("127.0.0.1", server.port)
        code, answer = post(connection, stream=stream)
        connection.close()
    assert (code, answer["error"]["message"]) == (500, "the reply function failed: KeyError('lost')")
    assert [type(error) for error in server.failures] == [KeyError]


def test_seeded_faults_come_at_their_rates_and_repeat() -> None:
    rates = [(0.2, upstream.rate_limit()), (0.1, upstream.hang())]
    kinds = [None if (fault := seeded_faults(rates, 1)(i)) is None else fault.kind for i in range(2000)]
    assert kinds == [None if (f := seeded_faults(rates, 1)(i)) is None else f.kind for i in range(2000)]
    counts = Counter(kinds)
    assert 340 < counts["status"] < 460
    assert 150 < counts["hang"] < 250


def test_three_thousand_requests_take_less_than_a_cpu_second() -> None:
    body = msgspec.json.encode(BODY)
    request = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with Upstream() as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        start = time.process_time()
        for _ in range(3000):
            connection.sendall(request)
            assert connection.recv(65536)
        spent = time.process_time() - start
    assert server.counts.completed == 3000
    assert spent < 1.0
