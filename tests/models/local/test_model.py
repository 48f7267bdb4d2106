import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from skillofmind.core.completion import Completion, Sampling
from skillofmind.core.conversation import Conversation, Message, Tool
from skillofmind.core.errors import ConfigurationError, MissingExtra, RequestRejected
from skillofmind.core.seams import Model
from skillofmind.models.local import LocalModel, decoding, loading
from tests.models.local.tiny import save_tiny

GREEDY = Sampling(temperature=0.0, max_tokens=20, logprobs=True)
HOT = Sampling(temperature=1.0, max_tokens=20, seed=7, logprobs=True)


def talk(text: str) -> Conversation:
    return Conversation((Message("system", "Be kind."), Message("user", text)))


TALKS = [
    talk("Hi"),
    talk("What a lovely day! Shall we go out for a walk?"),
    talk("That sounds hard."),
    talk(""),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
async def model(folder: Path) -> AsyncIterator[LocalModel]:
    async with LocalModel(folder, device="cpu") as model:
        yield model


def texts(answers: list[Completion]) -> list[list[str]]:
    return [[sample.text for sample in answer.samples] for answer in answers]


def numbers(answer: Completion, sample: int = 0) -> list[int]:
    tokens = answer.samples[sample].tokens
    assert tokens is not None
    return [token.id for token in tokens if token.id is not None]


class Batches:
    """Spies on the sizes of the batches that are written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pause: float = 0.0) -> None:
        self.sizes: list[int] = []
        self._write = decoding.write
        self._pause = pause
        monkeypatch.setattr(decoding, "write", self)

    def __call__(self, network: Any, tokenizer: Any, jobs: Any, ends: Any) -> Any:
        self.sizes.append(len(jobs))
        time.sleep(self._pause)
        return self._write(network, tokenizer, jobs, ends)


@pytest.mark.parametrize("sampling", [GREEDY, HOT, msgspec.structs.replace(HOT, n=2, top_p=0.8)])
async def test_a_batch_gives_what_single_calls_give(
    model: LocalModel, sampling: Sampling, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = Batches(monkeypatch)
    alone = [await model.generate(conversation, sampling) for conversation in TALKS]
    assert max(batches.sizes) == sampling.n
    batches.sizes.clear()
    together = await model.generate_many(TALKS, sampling)
    assert max(batches.sizes) > sampling.n
    assert texts(together) == texts(alone)
    assert [answer.usage for answer in together] == [answer.usage for answer in alone]
    assert len(set(map(str, texts(alone)))) == len(TALKS)


async def test_greedy_equals_a_loop_by_hand(model: LocalModel) -> None:
    answer = await model.generate(TALKS[1], GREEDY)
    ids = model._encoder.prompt(TALKS[1])
    written: list[int] = []
    for _ in range(20):
        with torch.no_grad():
            number = int(model._network(torch.tensor([ids + written])).logits[0, -1].argmax())
        if number in model._ends:
            break
        written.append(number)
    assert numbers(answer) == written
    assert answer.text == model._tokenizer.decode(written, skip_special_tokens=True)


async def test_the_tokenizers_padding_side_changes_nothing(model: LocalModel, tmp_path: Path) -> None:
    save_tiny(tmp_path, padding_side="right")
    async with LocalModel(tmp_path, device="cpu") as other:
        assert texts(await other.generate_many(TALKS, HOT)) == texts(await model.generate_many(TALKS, HOT))


async def test_learned_positions_are_counted_from_the_first_real_token(tmp_path: Path) -> None:
    async with LocalModel(save_tiny(tmp_path, kind="gpt2"), device="cpu") as model:
        alone = [await model.generate(conversation, GREEDY) for conversation in TALKS]
        assert texts(await model.generate_many(TALKS, GREEDY)) == texts(alone)
        scored = await model.score(TALKS[1], numbers(alone[1]))
        assert alone[1].samples[0].tokens is not None
        logprobs = [token.logprob for token in alone[1].samples[0].tokens]
        assert logprobs == pytest.approx([token.logprob for token in scored], abs=1e-4)
        assert (await model.hidden_states(TALKS[0], 2)).shape[1] == 32


async def test_score_equals_a_log_softmax_by_hand(model: LocalModel) -> None:
    reply = "I am so sorry <|im_end|>"
    scored = await model.score(TALKS[0], reply)
    ids = [token.id for token in scored if token.id is not None]
    assert model._ends.isdisjoint(ids)
    assert "".join(token.token for token in scored) == reply
    prompt = model._encoder.prompt(TALKS[0])
    with torch.no_grad():
        logits = model._network(torch.tensor([prompt + ids])).logits[0].double().numpy()
    rows = logits[len(prompt) - 1 : -1]
    logp = (
        rows
        - np.log(np.exp(rows - rows.max(1, keepdims=True)).sum(1, keepdims=True))
        - rows.max(1, keepdims=True)
    )
    expected = [logp[place, number] for place, number in enumerate(ids)]
    assert [token.logprob for token in scored] == pytest.approx(expected, abs=1e-4)
    assert await model.score(TALKS[0], "") == ()


async def test_logprobs_of_generate_are_those_of_score(model: LocalModel) -> None:
    sampling = msgspec.structs.replace(HOT, temperature=1.7, top_p=0.9, n=2, top_logprobs=3)
    for conversation, answer in zip(TALKS, await model.generate_many(TALKS, sampling), strict=True):
        for index, sample in enumerate(answer.samples):
            assert sample.tokens is not None
            scored = await model.score(conversation, numbers(answer, index))
            logprobs = [token.logprob for token in sample.tokens]
            assert logprobs == pytest.approx([token.logprob for token in scored], abs=1e-4)
            assert all(len(token.top) == 3 for token in sample.tokens)
            assert all(token.top[0][1] >= max(token.logprob, token.top[1][1]) for token in sample.tokens)


async def test_a_seed_repeats_whatever_else_is_in_the_batch(model: LocalModel) -> None:
    alone = await model.generate(TALKS[0], HOT)
    others = [
        model.generate(other, Sampling(temperature=2.0, max_tokens=5 + i)) for i, other in enumerate(TALKS)
    ]
    crowd = await asyncio.gather(*others, model.generate(TALKS[0], HOT))
    assert crowd[-1].samples[0].text == alone.text
    assert numbers(crowd[-1]) == numbers(alone)
    assert (await model.generate(TALKS[0], msgspec.structs.replace(HOT, seed=8))).text != alone.text


async def test_samples_differ_and_have_following_seeds(model: LocalModel) -> None:
    three = await model.generate(TALKS[1], msgspec.structs.replace(HOT, n=3))
    assert len({sample.text for sample in three.samples}) == 3
    second = await model.generate(TALKS[1], msgspec.structs.replace(HOT, seed=8))
    assert second.text == three.samples[1].text


async def test_a_stop_string_ends_the_text_before_it(model: LocalModel) -> None:
    whole = await model.generate(TALKS[1], HOT)
    ids = numbers(whole)
    stop = whole.text[6:9]
    place = whole.text.find(stop)
    cut = await model.generate(TALKS[1], msgspec.structs.replace(HOT, stop=("no such words", stop)))
    assert cut.text == whole.text[:place]
    assert cut.stop == "stop"
    kept = numbers(cut)
    assert kept == ids[: len(kept)]
    assert model._tokenizer.decode(kept).startswith(cut.text)
    assert len(model._tokenizer.decode(kept[:-1])) < len(cut.text)
    assert len(kept) <= cut.usage.completion_tokens < whole.usage.completion_tokens


async def test_limits_are_kept(model: LocalModel) -> None:
    short = await model.generate(TALKS[1], msgspec.structs.replace(GREEDY, max_tokens=3))
    assert (short.stop, short.usage.completion_tokens, len(numbers(short))) == ("length", 3, 3)
    none = await model.generate(TALKS[1], msgspec.structs.replace(GREEDY, max_tokens=0))
    assert (none.text, none.stop, none.usage.completion_tokens) == ("", "length", 0)
    full = await model.generate(TALKS[1], Sampling(seed=1, max_tokens=10_000))
    assert full.usage.total_tokens <= 256
    with pytest.raises(RequestRejected, match="do not fit the context of 256"):
        await model.generate(talk("no way " * 300))
    with pytest.raises(RequestRejected, match="do not fit the context of 256"):
        await model.score(talk("Hi"), "no way " * 300)


async def test_an_end_token_ends_the_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with LocalModel(folder, device="cpu") as model:
        whole = numbers(await model.generate(TALKS[1], GREEDY))
        end = next(number for number in whole if number != whole[0])
        monkeypatch.setattr(model, "_ends", frozenset({end}))
        answer = await model.generate(TALKS[1], GREEDY)
    place = whole.index(end)
    assert (numbers(answer), answer.stop) == (whole[:place], "stop")
    assert answer.usage.completion_tokens == place + 1


async def test_calls_that_arrive_together_are_written_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = Batches(monkeypatch, pause=0.05)
    async with LocalModel(folder, device="cpu", max_batch=4) as model:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.002)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await asyncio.gather(*[model.generate(TALKS[index % 4], GREEDY) for index in range(9)])
        ticking.cancel()
    assert sum(batches.sizes) == 9
    assert len(batches.sizes) <= 4
    assert max(batches.sizes) == 4
    # The loop was free while the thread worked.
    assert ticks > 10


async def test_one_bad_call_does_not_spoil_its_batch(model: LocalModel) -> None:
    calls = [
        model.generate(TALKS[0], GREEDY),
        model.generate(talk("no way " * 300)),
        model.generate(TALKS[1], GREEDY),
    ]
    good, bad, other = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(bad, RequestRejected)
    assert isinstance(good, Completion)
    assert isinstance(other, Completion)


async def test_a_cancelled_call_stops_early(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with LocalModel(folder, device="cpu") as model:
        steps = 0
        forward = model._network.forward

        def slow(*args: Any, **options: Any) -> Any:
            nonlocal steps
            steps += 1
            time.sleep(0.005)
            return forward(*args, **options)

        monkeypatch.setattr(model._network, "forward", slow)
        monkeypatch.setattr(model, "_ends", frozenset())
        task = asyncio.create_task(model.generate(TALKS[0], Sampling(max_tokens=150)))
        while steps < 3:
            await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.generate(TALKS[0], Sampling(max_tokens=1))
    assert steps < 30


async def test_hidden_states_are_those_of_the_network(model: LocalModel) -> None:
    ids = torch.tensor([model._encoder.prompt(TALKS[0])])
    with torch.no_grad():
        expected = model._network(ids, output_hidden_states=True).hidden_states
    for layer in (0, 1, 2, -1):
        states = await model.hidden_states(TALKS[0], layer)
        assert states.shape == (ids.shape[1], 32)
        assert states.dtype == np.float32
        np.testing.assert_allclose(states, expected[layer][0].numpy(), atol=1e-6)
    with pytest.raises(ConfigurationError, match="layer 3 is not in -3 to 2"):
        await model.hidden_states(TALKS[0], 3)


async def test_what_the_model_lacks_is_refused(model: LocalModel) -> None:
    assert isinstance(model, Model)
    with pytest.raises(RequestRejected, match="neither tools"):
        await model.generate(Conversation(TALKS[0].messages, tools=(Tool("f"),)))
    for wrong in (Sampling(n=0), Sampling(temperature=-1.0), Sampling(top_p=0.0), Sampling(stop=("",))):
        with pytest.raises(RequestRejected, match="needed"):
            await model.generate(TALKS[0], wrong)


def test_the_identity_names_the_weights(folder: Path, tmp_path: Path) -> None:
    first = LocalModel(folder, device="cpu")
    assert first.identity == LocalModel(folder, device="cpu").identity
    assert first.identity.startswith("local:tiny@")
    assert first.identity.endswith("/float32")
    retrained = LocalModel(save_tiny(tmp_path / "tiny", seed=1), device="cpu")
    assert retrained.identity != first.identity
    assert LocalModel(folder, device="cpu", dtype="bfloat16").identity == first.identity.replace(
        "float32", "bfloat16"
    )


def test_missing_things_are_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="no model folder 'some/model'"):
        LocalModel("some/model")
    with pytest.raises(ConfigurationError, match=r"lacks config\.json or"):
        LocalModel(tmp_path)
    with pytest.raises(ConfigurationError, match="device 'teapot' is not to be had"):
        LocalModel(folder, device="teapot")
    with pytest.raises(ConfigurationError, match="dtype 'int8' is not"):
        LocalModel(folder, dtype="int8")
    with pytest.raises(ConfigurationError, match="max_batch is 0"):
        LocalModel(folder, max_batch=0)
    save_tiny(tmp_path / "mute", chat_template=None)
    with pytest.raises(ConfigurationError, match="has no chat template"):
        LocalModel(tmp_path / "mute", device="cpu")
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'skillofmind\[local\]'"):
        LocalModel(folder)


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, skillofmind.models.local, skillofmind.models.http; "
        "sys.exit(bool({'torch', 'transformers', 'aiohttp', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
