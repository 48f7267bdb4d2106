import pytest

from skillofmind.core.errors import ModelBusy, ModelError, RequestRejected
from skillofmind.core.seams import StreamingModel
from skillofmind.models.retried import retried
from skillofmind.run.retry import RetryPolicy
from tests.models.fakes import HELLO, Counting, Streaming


class FakeTime:
    """A clock that only waits move."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_the_completion_says_how_many_tries_and_how_long_it_took() -> None:
    time = FakeTime()
    seen: list[ModelError] = []
    errors = [ModelBusy("a", retry_after=2.0), ModelBusy("b", retry_after=3.0)]
    model = retried(
        Counting(*errors), sleep=time.sleep, clock=time.clock, random=lambda: 0.0, on_retry=seen.append
    )
    completion = await model.generate(HELLO)
    assert (completion.text, completion.attempts, completion.seconds) == ("sample 0", 3, 5.0)
    assert seen == errors


async def test_a_success_at_once_is_unchanged() -> None:
    assert await retried(Counting()).generate(HELLO) == await Counting().generate(HELLO)


async def test_the_error_says_how_many_tries_were_made() -> None:
    time = FakeTime()
    inner = Counting(*(ModelBusy("busy") for _ in range(9)))
    with pytest.raises(ModelBusy) as caught:
        await retried(inner, RetryPolicy(retries=2), sleep=time.sleep).generate(HELLO)
    assert (caught.value.attempts, len(inner.asked)) == (3, 3)


async def test_a_stream_is_tried_again_before_its_first_piece() -> None:
    time = FakeTime()
    inner = Streaming(ModelBusy("a"), ModelBusy("b"))
    model = retried(inner, sleep=time.sleep)
    assert isinstance(model, StreamingModel)
    assert [delta.text async for delta in model.stream(HELLO)] == ["a", "b", "c"]
    assert (inner.opened, inner.closed) == (3, 3)


async def test_a_stream_is_not_tried_again_after_its_first_piece() -> None:
    time = FakeTime()
    inner = Streaming(late=ModelBusy("cut"))
    model = retried(inner, sleep=time.sleep)
    assert isinstance(model, StreamingModel)
    stream = model.stream(HELLO)
    assert (await anext(stream)).text == "a"
    with pytest.raises(ModelBusy, match="cut"):
        await anext(stream)
    assert (inner.opened, inner.closed) == (1, 1)


async def test_a_stream_that_is_refused_for_good_is_not_tried_again() -> None:
    inner = Streaming(RequestRejected("no"))
    model = retried(inner)
    assert isinstance(model, StreamingModel)
    with pytest.raises(RequestRejected):
        await anext(model.stream(HELLO))
    assert inner.opened == 1
