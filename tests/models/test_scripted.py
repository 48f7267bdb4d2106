import pytest

from skillofmind.core.completion import Completion, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation, Message, ToolCall
from skillofmind.core.errors import ConfigurationError, RateLimited
from skillofmind.core.seams import StreamingModel
from skillofmind.models.openai_wire import assemble
from skillofmind.models.scripted import Call, ScriptedModel

HELLO = Conversation(messages=(Message(role="user", content="Hello out there"),))


async def test_a_list_is_used_in_order_and_then_refused() -> None:
    ready = Completion(samples=(Sample("ready"),), model="other")
    model = ScriptedModel(["one", ready, RateLimited("wait"), "two"])
    assert (await model.generate(HELLO)).text == "one"
    assert await model.generate(HELLO) is ready
    with pytest.raises(RateLimited, match="wait"):
        await model.generate(HELLO)
    assert (await model.generate(HELLO, Sampling(seed=1))).text == "two"
    with pytest.raises(ConfigurationError, match="has 4 items and all are used"):
        await model.generate(HELLO)
    assert len(model.calls) == 5
    assert model.calls[3] == Call(HELLO, Sampling(seed=1))


async def test_a_function_is_called_for_every_sample() -> None:
    model = ScriptedModel(lambda conversation, sampling: f"{conversation.messages[0].text()} {sampling.seed}")
    answer = await model.generate(HELLO, Sampling(n=3, seed=4))
    assert [sample.text for sample in answer.samples] == [f"Hello out there {seed}" for seed in (4, 5, 6)]
    assert answer.usage == Usage(3, 12)
    assert len(model.calls) == 1


@pytest.mark.parametrize(
    ("sampling", "sample"),
    [
        (Sampling(), Sample("a b  c. d", "stop")),
        (Sampling(max_tokens=2), Sample("a b  ", "length")),
        (Sampling(max_tokens=4), Sample("a b  c. d", "stop")),
        (Sampling(stop=("d", ".")), Sample("a b  c", "stop")),
        (Sampling(stop=("b",), max_tokens=3), Sample("a ", "stop")),
    ],
)
async def test_limits_are_honoured(sampling: Sampling, sample: Sample) -> None:
    assert (await ScriptedModel(["a b  c. d"]).generate(HELLO, sampling)).samples == (sample,)


async def test_a_stream_is_the_answer_word_by_word() -> None:
    tools = Sample(stop="tool_calls", tool_calls=(ToolCall("c", "f", "{}"),))
    answer = Completion((Sample(" two  words", "stop"), tools), Usage(1, 2))
    model = ScriptedModel([answer])
    assert isinstance(model, StreamingModel)
    deltas = [delta async for delta in model.stream(HELLO)]
    assert [delta.text for delta in deltas] == [" ", "two  ", "words", "", "", ""]
    assert assemble(deltas) == answer
