"""A model whose answers are kept: the same request is paid for once.

The key is the model's identity, the request without its number of samples, and the index of the sample.
So five samples of a request that three were drawn of before cost two more, and sampling at a
temperature above 0 gives the same samples again, in the same order.

    model = cached(model, Cache(Path("answers.sqlite")))

Deliberate simplification: a cached model does not stream.
"""

from typing import NamedTuple

import msgspec

from skillofmind.core.completion import Completion, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.record import Record
from skillofmind.core.seams import Model
from skillofmind.models.wrapped import request_fingerprint, wrapped
from skillofmind.run.cache import Cache, cache_key


class _Kept(Record, frozen=True):
    """One sample as the cache holds it, with the model's own name for itself."""

    sample: Sample
    model: str = ""


class _Found(NamedTuple):
    kept: dict[int, _Kept]
    missing: list[int]


def cached(model: Model, cache: Cache) -> Model:
    """Return `model` with its samples kept in `cache`.

    A completion that came wholly from the cache has `cached` set and no usage; one that came partly from
    it has the usage of the part that was generated. Cancelled samples are not kept.

    Raises (on `generate`):
        StorageError: the cache cannot be used.
    """

    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        request = request_fingerprint(conversation, sampling)
        keys = [cache_key(model.identity, request, index) for index in range(sampling.n)]
        found = _look_up(cache, keys)
        if not found.missing:
            return _from_cache(found.kept)
        completion = await model.generate(conversation, _for_missing(sampling, found.missing))
        samples = {index: kept.sample for index, kept in found.kept.items()}
        for index, sample in zip(found.missing, completion.samples, strict=False):
            samples[index] = sample
            if sample.stop != "cancelled":
                cache.put(keys[index], msgspec.json.encode(_Kept(sample, completion.model)))
        in_order = tuple(samples[index] for index in sorted(samples))
        return msgspec.structs.replace(completion, samples=in_order)

    return wrapped(model, generate)


def _look_up(cache: Cache, keys: list[str]) -> _Found:
    kept: dict[int, _Kept] = {}
    for index, key in enumerate(keys):
        value = cache.get(key)
        if value is not None:
            try:
                kept[index] = msgspec.json.decode(value, type=_Kept)
            except ValueError:
                # Written by a version with other records: as good as absent, and soon replaced.
                continue
    return _Found(kept, [index for index in range(len(keys)) if index not in kept])


def _from_cache(kept: dict[int, _Kept]) -> Completion:
    return Completion(
        samples=tuple(kept[index].sample for index in sorted(kept)),
        usage=Usage(),
        model=kept[0].model,
        cached=True,
    )


def _for_missing(sampling: Sampling, missing: list[int]) -> Sampling:
    # With the caller's seed, the first missing sample would be the first kept one over again.
    seed = None if sampling.seed is None else sampling.seed + missing[0]
    return msgspec.structs.replace(sampling, n=len(missing), seed=seed)
