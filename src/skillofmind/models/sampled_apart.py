"""Several samples from a model that gives one at a time: parallel calls, put together as one answer.

Sample i is asked for with `n=1` and, where there is a seed, with `seed + i`. The usage is the sum, and the
first failure cancels the other calls and is the failure of the whole.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.completion import Completion, Delta, Sampling, Usage

Generate = Callable[[Sampling], Awaitable[Completion]]
Stream = Callable[[Sampling], AsyncGenerator[Delta, None]]

# Pieces that may wait for a slow reader before the streams are held back.
_WAITING = 64


def single(sampling: Sampling, index: int) -> Sampling:
    """Return the settings that ask for sample `index` alone."""
    seed = None if sampling.seed is None else sampling.seed + index
    return msgspec.structs.replace(sampling, n=1, seed=seed)


async def generate_apart(generate: Generate, sampling: Sampling) -> Completion:
    """Return `sampling.n` samples from as many parallel calls.

    Raises:
        ModelError: the first failure among the calls.
    """
    calls = [asyncio.ensure_future(generate(single(sampling, index))) for index in range(sampling.n)]
    try:
        answers = await asyncio.gather(*calls)
    finally:
        await _cancel(calls)
    samples = tuple(sample for answer in answers for sample in answer.samples[:1])
    usage = sum((answer.usage for answer in answers), Usage())
    return msgspec.structs.replace(answers[0], samples=samples, usage=usage)


class _Piece(NamedTuple):
    """What a stream puts in the queue: a piece, a failure, or neither at its end."""

    place: int
    delta: Delta | None = None
    error: Exception | None = None


async def stream_apart(stream: Stream, sampling: Sampling) -> AsyncGenerator[Delta, None]:
    """Yield the pieces of `sampling.n` parallel streams as they come, then one piece with the usage.

    Raises:
        ModelError: the first failure among the streams.
    """
    queue: asyncio.Queue[_Piece] = asyncio.Queue(_WAITING)
    pumps = [
        asyncio.ensure_future(_pump(stream(single(sampling, index)), index, queue))
        for index in range(sampling.n)
    ]
    usages: dict[int, Usage] = {}
    try:
        running = sampling.n
        while running:
            piece = await queue.get()
            if piece.error is not None:
                raise piece.error
            if piece.delta is None:
                running -= 1
                continue
            usages[piece.place] = piece.delta.usage or usages.get(piece.place, Usage())
            if (delta := _moved(piece.delta, piece.place)) is not None:
                yield delta
    finally:
        await _cancel(pumps)
    usage = sum(usages.values(), Usage())
    yield Delta(usage=usage, raw={"choices": [], "usage": msgspec.to_builtins(usage)})


async def _pump(pieces: AsyncGenerator[Delta, None], index: int, queue: "asyncio.Queue[_Piece]") -> None:
    try:
        async with aclosing(pieces):
            async for delta in pieces:
                await queue.put(_Piece(index, delta))
    except Exception as error:
        await queue.put(_Piece(index, error=error))
    else:
        await queue.put(_Piece(index))


def _moved(delta: Delta, index: int) -> Delta | None:
    """Return the piece as one of sample `index` without its usage, or `None` if nothing else was in it."""
    raw: dict[str, Any] = {name: value for name, value in delta.raw.items() if name != "usage"}
    if "choices" in raw:
        raw["choices"] = [{**choice, "index": index} for choice in raw["choices"]]
    moved = Delta(delta.text, index, delta.tool_call, delta.stop, raw=raw)
    empty = not (delta.text or delta.tool_call or delta.stop or raw.get("choices"))
    return None if empty else moved


async def _cancel(calls: "Sequence[asyncio.Future[Any]]") -> None:
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
