import asyncio
import socket
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from skillofmind.core.completion import Completion, Delta, Sampling, TokenLogprob, Usage
from skillofmind.core.conversation import Conversation, Message, Part, Tool, ToolCall
from skillofmind.core.errors import (
    AuthenticationFailed,
    ConfigurationError,
    MalformedResponse,
    ModelBusy,
    ModelError,
    ModelTimeout,
    ModelUnreachable,
    RateLimited,
    RequestRejected,
)
from skillofmind.core.seams import Capabilities, StreamingModel
from skillofmind.models import http
from skillofmind.models.http import SERVER_CAPABILITIES, HttpModel, Timeouts
from skillofmind.models.openai_wire import assemble
from tests import upstream
from tests.upstream import Fault, Upstream

KEY = "key-hush-0123456789"
HELLO = Conversation(messages=(Message(role="user", content="Hello out there"),))
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"place": "here"}'}}
SHORT = Timeouts(connect=0.15, first_byte=0.15, total=0.15)
Ask = Callable[..., Any]


async def generate(model: HttpModel, sampling: Sampling = Sampling()) -> Completion:  # noqa: B008
    return await model.generate(HELLO, sampling)


async def stream(model: HttpModel, sampling: Sampling = Sampling()) -> Completion:  # noqa: B008
    return assemble([delta async for delta in model.stream(HELLO, sampling)])


BOTH = pytest.mark.parametrize("ask", [generate, stream])


async def failure(server: Upstream, ask: Ask, **options: Any) -> ModelError:
    """Return the error of one call, having checked that it took one request and shows no key."""
    async with HttpModel("tiny", server.base_url, KEY, **options) as model:
        with pytest.raises(ModelError) as caught:
            await ask(model)
    assert server.counts.received == 1
    assert "hush" not in "".join(traceback.format_exception(caught.value))
    return caught.value


@BOTH
@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (upstream.rate_limit(2), RateLimited, "status 429: 'too many requests'; slow down"),
        (upstream.status(500), ModelBusy, "status 500: 'scripted fault'"),
        (upstream.status(503, retry_after=1), ModelBusy, "status 503"),
        (upstream.status(400, message=f"bad {KEY}"), RequestRejected, "status 400: 'bad ***'"),
        (upstream.status(404), RequestRejected, "check the model name and the base URL"),
        (
            upstream.status(302, headers=(("Location", "http://127.0.0.1:1/"),)),
            RequestRejected,
            "redirects are not followed",
        ),
        (upstream.cut(), MalformedResponse, "was cut off"),
        (upstream.broken_json(), MalformedResponse, "is not a JSON object but '{\"choices\": ['"),
    ],
)
async def test_each_fault_is_its_error(ask: Ask, fault: Fault, kind: type[ModelError], words: str) -> None:
    with Upstream(faults=[fault]) as server:
        error = await failure(server, ask)
    assert type(error) is kind
    assert words in str(error)
    waits = {429: 2.0, 503: 1.0}
    assert error.retry_after == waits.get(fault.code)
    assert error.status == (fault.code if fault.kind == "status" else None)


async def test_a_web_page_is_not_an_answer() -> None:
    with Upstream(faults=[upstream.html()]) as server:
        error = await failure(server, generate)
    assert isinstance(error, MalformedResponse)
    assert "'<html>Sign in</html>'; is base_url right?" in str(error)


@pytest.mark.parametrize("fault", [upstream.html(), upstream.unfinished()])
async def test_a_stream_without_end_is_malformed(fault: Fault) -> None:
    with Upstream(faults=[fault]) as server:
        error = await failure(server, stream)
    assert isinstance(error, MalformedResponse)
    assert "ended without a finish reason or [DONE]" in str(error)


async def test_an_error_with_status_200_is_an_error_without_the_key() -> None:
    with Upstream(faults=[upstream.status(200, message=f"bad {KEY}")]) as server:
        error = await failure(server, generate)
    assert isinstance(error, ModelBusy)
    assert "in place of an answer: 'bad ***'" in str(error)


async def test_an_answer_without_choices_is_malformed() -> None:
    with Upstream(faults=[upstream.unfinished()]) as server:
        error = await failure(server, generate)
    assert isinstance(error, MalformedResponse)
    assert "response.choices is missing" in str(error)


@BOTH
@pytest.mark.parametrize("fault", [upstream.hang(), upstream.stall()])
async def test_a_server_that_hangs_is_a_timeout(ask: Ask, fault: Fault) -> None:
    with Upstream(faults=[fault]) as server:
        error = await failure(server, ask, timeout=SHORT)
        assert isinstance(error, ModelTimeout)
        assert "0.15 s; raise the" in str(error)
        assert await server.reached(lambda counts: counts.disconnects == 1)


async def test_silence_in_a_stream_is_a_timeout() -> None:
    timeout = Timeouts(first_byte=0.1)
    with Upstream(faults=[upstream.stall()]) as server:
        error = await failure(server, stream, timeout=timeout)
    assert isinstance(error, ModelTimeout)
    assert "was silent for 0.1 s" in str(error)


async def test_a_slow_plain_answer_is_not_silence() -> None:
    with Upstream(latency=0.15) as server:
        async with HttpModel("tiny", server.base_url, timeout=Timeouts(first_byte=0.05)) as model:
            assert (await generate(model)).text == "Hello out there"


@BOTH
@pytest.mark.parametrize("fault", [upstream.drip(0.01), upstream.wrong_type(), upstream.latency(0.02), None])
async def test_a_slow_or_oddly_labelled_answer_is_an_answer(ask: Ask, fault: Fault | None) -> None:
    with Upstream(faults=[fault]) as server:
        async with HttpModel("tiny", server.base_url) as model:
            answer = await ask(model)
    assert answer.text == "Hello out there"
    assert answer.stop == "stop"
    assert answer.usage == Usage(3, 3)
    assert answer.model == "scripted"
    assert answer.id == "chatcmpl-0"
    assert server.counts.completed == 1


@BOTH
async def test_a_wrong_key_is_refused_without_being_shown(ask: Ask) -> None:
    with Upstream(key="another") as server:
        error = await failure(server, ask)
    assert isinstance(error, AuthenticationFailed)
    assert "Incorrect API key provided: ***" in str(error)


async def test_the_right_key_and_further_headers_are_sent() -> None:
    with Upstream(key=KEY) as server:
        async with HttpModel("tiny", server.base_url, KEY, headers={"X-Team": "blue"}) as model:
            await generate(model)
            assert await model.list_models() == ("scripted",)
    (request,) = server.requests
    assert request.headers["x-team"] == "blue"
    assert request.body == {"model": "tiny", "messages": [{"role": "user", "content": "Hello out there"}]}


async def test_a_missing_key_sends_no_authorization() -> None:
    with Upstream() as server:
        async with HttpModel("tiny", server.base_url) as model:
            await generate(model)
    assert "authorization" not in server.requests[0].headers


async def test_user_and_password_of_the_url_are_sent_but_not_shown() -> None:
    with Upstream() as server:
        url = server.base_url.replace("//", "//ann:hushhush@") + "?key=hush-hush"
        async with HttpModel("tiny", url) as model:
            await generate(model)
            assert "hush" not in repr(model) + model.identity
    assert server.requests[0].headers["authorization"] == "Basic YW5uOmh1c2hodXNo"
    assert server.requests[0].path == "/v1/chat/completions?key=hush-hush"


@BOTH
async def test_an_unreachable_port_says_so(ask: Ask) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with HttpModel("tiny", url, KEY) as model:
            with pytest.raises(ModelUnreachable, match="is the server running") as caught:
                await ask(model)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


async def test_an_unknown_host_says_so() -> None:
    async with HttpModel("tiny", "http://nowhere.invalid") as model:
        with pytest.raises(ModelUnreachable, match=r"http://nowhere\.invalid/v1 .*is the server running"):
            await generate(model)


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve connections with `talk`, yield the address, and see every connection to its end."""
    ends: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(end := asyncio.Event())
        await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        end.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*[end.wait() for end in ends])


async def test_a_connection_closed_before_the_answer_is_unreachable() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with raw_server(hang_up) as url, HttpModel("tiny", url) as model:
        with pytest.raises(ModelUnreachable, match="cannot be reached"):
            await generate(model)


def test_the_key_is_shown_nowhere() -> None:
    model = HttpModel("tiny", "http://host/v1", KEY)
    assert repr(model) == "HttpModel('tiny', 'http://host/v1')"
    assert model.identity == "http:tiny@http://host/v1"
    assert isinstance(model, StreamingModel)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_url": "host"}, "base_url 'host' is not"),
        ({"base_url": "http://h", "api_key": "hush hush"}, "the API key has white space"),
        ({"base_url": "http://h", "api_key": "hush\n"}, "the API key has white space"),
        ({"base_url": "http://a:hush@h", "api_key": "hush"}, "not both"),
        ({"base_url": "http://h", "headers": {"X-Key": "hush\r\nX: 1"}}, "header 'X-Key' has characters"),
    ],
)
def test_wrong_settings_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        HttpModel("tiny", **options)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("conversation", "sampling", "lacking"),
    [
        (Conversation(HELLO.messages, tools=(Tool("find"),)), Sampling(), "tools"),
        (HELLO, Sampling(logprobs=True), "logprobs"),
        (Conversation(HELLO.messages, response_format={"type": "json_schema"}), Sampling(), "json_schema"),
        (Conversation((Message("user", (Part("image_url", image_url="data:,"),)),)), Sampling(), "images"),
    ],
)
async def test_a_missing_capability_is_refused_before_any_call(
    conversation: Conversation, sampling: Sampling, lacking: str
) -> None:
    with Upstream() as server:
        async with HttpModel("tiny", server.base_url, capabilities=Capabilities(stream=True)) as model:
            with pytest.raises(RequestRejected, match=f"lacks {lacking},"):
                await model.generate(conversation, sampling)
            with pytest.raises(RequestRejected, match=f"lacks {lacking},"):
                await anext(model.stream(conversation, sampling))
        async with HttpModel("tiny", server.base_url, capabilities=Capabilities()) as model:
            with pytest.raises(RequestRejected, match="does not stream"):
                await anext(model.stream(HELLO))
            with pytest.raises(RequestRejected, match="n is 0"):
                await model.generate(HELLO, Sampling(n=0))
    assert server.counts.received == 0


@pytest.mark.parametrize("extra", [{"user": object()}, {"user": "\ud800"}])
async def test_a_request_that_is_not_json_is_refused_before_any_call(extra: dict[str, Any]) -> None:
    with Upstream() as server:
        async with HttpModel("tiny", server.base_url) as model:
            with pytest.raises(RequestRejected, match="is not JSON"):
                await model.generate(HELLO, Sampling(extra=extra))
    assert server.counts.received == 0


async def test_a_seed_is_sent_only_where_it_is_honoured() -> None:
    with Upstream() as server:
        for capabilities in (SERVER_CAPABILITIES, Capabilities()):
            async with HttpModel("tiny", server.base_url, capabilities=capabilities) as model:
                await model.generate(HELLO, Sampling(seed=3, max_tokens=5))
        async with HttpModel("tiny", server.base_url, max_tokens_field="max_completion_tokens") as model:
            await model.generate(HELLO, Sampling(max_tokens=5))
    assert [request.body.get("seed") for request in server.requests] == [3, None, None]
    assert [request.body.get("max_completion_tokens") for request in server.requests] == [None, None, 5]


def seeded(body: dict[str, Any]) -> str:
    return f"seed {body.get('seed')}"


@BOTH
async def test_several_samples_are_asked_for_one_by_one(ask: Ask) -> None:
    with Upstream(reply=seeded, latency=0.01) as server:
        async with HttpModel("tiny", server.base_url) as model:
            assert model.capabilities.n
            answer = await ask(model, Sampling(n=3, seed=5))
    assert [sample.text for sample in answer.samples] == ["seed 5", "seed 6", "seed 7"]
    assert [sample.stop for sample in answer.samples] == ["stop"] * 3
    assert answer.usage == Usage(9, 6)
    assert server.counts.received == 3
    assert server.counts.most_active == 3
    assert all("n" not in request.body for request in server.requests)


@BOTH
async def test_several_samples_are_asked_for_at_once_where_the_server_can(ask: Ask) -> None:
    capabilities = Capabilities(n=True, stream=True)
    with Upstream() as server:
        async with HttpModel("tiny", server.base_url, capabilities=capabilities) as model:
            answer = await ask(model, Sampling(n=3))
    assert len(answer.samples) == 3
    assert server.counts.received == 1
    assert server.requests[0].body["n"] == 3


@BOTH
async def test_the_first_failure_ends_all_samples(ask: Ask) -> None:
    with Upstream(faults=[upstream.hang(), upstream.rate_limit(), upstream.hang()]) as server:
        async with HttpModel("tiny", server.base_url) as model:
            with pytest.raises(RateLimited):
                await ask(model, Sampling(n=3))
            assert await server.reached(lambda counts: counts.disconnects == 2)


async def test_a_stream_is_the_answer_in_pieces() -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        return {"content": "Let me look ü\n\nnow", "tool_calls": [CALL, {**CALL, "id": "c2"}], "mood": "calm"}

    sampling = Sampling(logprobs=True)
    with Upstream(reply=reply) as server:
        async with HttpModel("tiny", server.base_url) as model:
            plain = await model.generate(HELLO, sampling)
            deltas = [delta async for delta in model.stream(HELLO, sampling)]
    assert assemble(deltas).samples == plain.samples
    assert assemble(deltas).usage == plain.usage
    assert assemble(deltas).extra == plain.extra == {"created": 1}
    assert plain.text == "Let me look ü\n\nnow"
    assert plain.stop == "tool_calls"
    assert plain.tool_calls[1] == ToolCall("c2", "find", '{"place": "here"}')
    assert plain.samples[0].tokens is not None
    assert plain.samples[0].tokens[0] == TokenLogprob("Let ", -0.125)
    assert plain.samples[0].extra == {"mood": "calm"}
    assert [delta.text for delta in deltas if delta.text] == ["Let ", "me ", "look ", "ü\n\n", "now"]


async def first(pieces: AsyncIterator[Delta]) -> Delta:
    async for delta in pieces:
        return delta
    raise AssertionError("no piece came")


@pytest.mark.parametrize("samples", [1, 2])
async def test_closing_a_stream_closes_its_connection(samples: int) -> None:
    with Upstream(faults=[upstream.stall()] * samples) as server:
        async with HttpModel("tiny", server.base_url) as model:
            pieces = model.stream(HELLO, Sampling(n=samples))
            await first(pieces)
            assert server.counts.disconnects == 0
            await pieces.aclose()  # type: ignore[attr-defined]
            assert await server.reached(lambda counts: counts.disconnects == samples)


@BOTH
async def test_cancelling_a_call_closes_its_connection(ask: Ask) -> None:
    with Upstream(faults=[upstream.hang()]) as server:
        async with HttpModel("tiny", server.base_url) as model:
            task = asyncio.ensure_future(ask(model))
            while server.counts.received == 0:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await server.reached(lambda counts: counts.disconnects == 1)
            assert (await generate(model)).text == "Hello out there"


async def test_two_hundred_calls_run_in_parallel() -> None:
    with Upstream(latency=0.15) as server:
        async with HttpModel("tiny", server.base_url) as model:
            talks = [Conversation((Message("user", f"talk {index}"),)) for index in range(200)]
            answers = await asyncio.gather(*[model.generate(talk) for talk in talks])
    assert [answer.text for answer in answers] == [f"talk {index}" for index in range(200)]
    assert server.counts.received == server.counts.completed == 200
    assert server.counts.most_active == 200


async def test_finished_calls_share_a_connection() -> None:
    with Upstream() as server:
        async with HttpModel("tiny", server.base_url) as model:
            for _ in range(3):
                await generate(model)
                await stream(model)
            assert len(server._connections) == 1


@pytest.mark.parametrize(("pause", "connections"), [(0.02, 1), (5.0, 2)])
async def test_a_late_end_after_done_is_waited_for_briefly(pause: float, connections: int) -> None:
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r")[0]))
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                data = b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n'
                writer.write(b"%x\r\n%s\r\n" % (len(data), data))
                if reader.at_eof() or await _closed_within(reader, pause):
                    break
                writer.write(b"0\r\n\r\n")

    async with raw_server(serve) as url, HttpModel("tiny", url) as model:
        start = time.monotonic()
        assert [(await stream(model)).text for _ in range(2)] == ["Hi", "Hi"]
        assert time.monotonic() - start < 2
    assert served == connections


async def _closed_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Wait; say whether the client hung up meanwhile."""
    waiting = asyncio.ensure_future(reader.read(1))
    done, _ = await asyncio.wait([waiting], timeout=seconds)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return bool(done)


async def test_a_closed_model_opens_again() -> None:
    with Upstream() as server:
        model = HttpModel("tiny", server.base_url)
        for _ in range(2):
            await generate(model)
            await model.close()
    assert server.counts.completed == 2


def test_a_model_serves_several_event_loops() -> None:
    async def once() -> str:
        async with model:
            return (await generate(model)).text

    with Upstream() as server:
        model = HttpModel("tiny", server.base_url)
        assert [asyncio.run(once()) for _ in range(2)] == ["Hello out there"] * 2


@BOTH
async def test_an_answer_that_is_too_large_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY", 1000)
    with Upstream(reply=lambda body: "x" * 100_000) as server:
        error = await failure(server, ask)
    assert isinstance(error, MalformedResponse)
    assert "is larger than 1000 bytes" in str(error)


async def test_text_with_fences_and_newlines_survives() -> None:
    text = "data: [DONE]\n\n\r\ndata: {}\n\u2028 ü"
    with Upstream(reply=lambda body: text) as server:
        async with HttpModel("tiny", server.base_url) as model:
            assert (await generate(model)).text == (await stream(model)).text == text
