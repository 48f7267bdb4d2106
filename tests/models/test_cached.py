from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from skillofmind.core.completion import Completion, Sample, Sampling, TokenLogprob, Usage
from skillofmind.core.conversation import Conversation, Message, ToolCall
from skillofmind.core.errors import ModelBusy
from skillofmind.core.seams import StreamingModel
from skillofmind.models.cached import cached
from skillofmind.models.wrapped import request_fingerprint
from skillofmind.run.cache import Cache, cache_key
from tests.models.fakes import HELLO, Counting, Streaming


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "c.sqlite") as cache:
        yield cache


async def test_a_hit_costs_nothing_and_says_so(cache: Cache) -> None:
    inner = Counting()
    model = cached(inner, cache)
    first = await model.generate(HELLO)
    again = await model.generate(HELLO)
    assert (first.cached, first.usage) == (False, Usage(10, 1))
    assert again == Completion((Sample("sample 0", "stop"),), model="counting-1", cached=True)
    assert len(inner.asked) == 1


async def test_only_the_missing_samples_are_asked_for(cache: Cache) -> None:
    inner = Counting()
    model = cached(inner, cache)
    await model.generate(HELLO, Sampling(temperature=1.0, n=2))
    more = await model.generate(HELLO, Sampling(temperature=1.0, n=5))
    assert [sample.text for sample in more.samples] == [f"sample {i}" for i in range(5)]
    assert (more.cached, more.usage) == (False, Usage(10, 3))
    assert [sampling.n for sampling in inner.asked] == [2, 3]
    fewer = await model.generate(HELLO, Sampling(temperature=1.0, n=3))
    assert [sample.text for sample in fewer.samples] == ["sample 0", "sample 1", "sample 2"]
    assert fewer.cached


async def test_further_samples_of_a_seeded_request_get_another_seed(cache: Cache) -> None:
    inner = Counting()
    model = cached(inner, cache)
    await model.generate(HELLO, Sampling(seed=7, n=2))
    await model.generate(HELLO, Sampling(seed=7, n=3))
    assert [(sampling.seed, sampling.n) for sampling in inner.asked] == [(7, 2), (9, 1)]


async def test_another_request_or_model_is_another_entry(cache: Cache) -> None:
    inner = Counting()
    model = cached(inner, cache)
    await model.generate(HELLO)
    await model.generate(HELLO, Sampling(temperature=0.5))
    await model.generate(Conversation((Message("user", "bye"),)))
    inner.identity = "other"
    await model.generate(HELLO)
    assert len(inner.asked) == 4


async def test_samples_come_back_whole(cache: Cache) -> None:
    sample = Sample(
        "text",
        "tool_calls",
        (ToolCall("1", "f", "{}"),),
        (TokenLogprob("t", -0.5, 3, (("u", -1.0),)),),
        {"refusal": None},
    )

    class Rich(Counting):
        async def generate(self, conversation: Conversation, sampling: Sampling = Sampling()) -> Completion:  # noqa: B008
            return Completion((sample,))

    model = cached(Rich(), cache)
    await model.generate(HELLO)
    again = await model.generate(HELLO)
    assert again.samples == (sample,)
    assert again.cached


async def test_failures_are_not_kept(cache: Cache) -> None:
    model = cached(Counting(ModelBusy("busy")), cache)
    with pytest.raises(ModelBusy):
        await model.generate(HELLO)
    assert (await model.generate(HELLO)).text == "sample 0"


async def test_cancelled_samples_are_not_kept(cache: Cache) -> None:
    class Cancelled(Counting):
        async def generate(self, conversation: Conversation, sampling: Sampling = Sampling()) -> Completion:  # noqa: B008
            return Completion((Sample("ha", "cancelled"),))

    await cached(Cancelled(), cache).generate(HELLO)
    assert len(cache) == 0


async def test_fewer_samples_than_asked_for_are_kept_as_they_came(cache: Cache) -> None:
    class Meagre(Counting):
        async def generate(self, conversation: Conversation, sampling: Sampling = Sampling()) -> Completion:  # noqa: B008
            return await super().generate(conversation, msgspec.structs.replace(sampling, n=1))

    model = cached(Meagre(), cache)
    assert len((await model.generate(HELLO, Sampling(n=3))).samples) == 1
    assert [s.text for s in (await model.generate(HELLO, Sampling(n=3))).samples] == ["sample 0", "sample 1"]


async def test_an_entry_that_cannot_be_understood_is_replaced(cache: Cache) -> None:
    key = cache_key("counting", request_fingerprint(HELLO, Sampling()), 0)
    cache.put(key, b'{"from": "the future"}')
    model = cached(Counting(), cache)
    assert (await model.generate(HELLO)).text == "sample 0"
    assert (await model.generate(HELLO)).cached


def test_a_cached_model_does_not_stream(cache: Cache) -> None:
    model = cached(Streaming(), cache)
    assert not isinstance(model, StreamingModel)
    assert not model.capabilities.stream
