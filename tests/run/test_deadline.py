import asyncio

import pytest

from skillofmind.core.errors import DeadlineExceeded
from skillofmind.run.deadline import within


async def _value() -> int:
    return 3


async def _forever() -> None:
    await asyncio.sleep(60)


async def _times_out() -> None:
    raise TimeoutError("own")


@pytest.mark.parametrize("seconds", [None, 5.0])
async def test_a_call_in_time_passes(seconds: float | None) -> None:
    assert await within(seconds, _value) == 3


async def test_a_late_call_is_cut() -> None:
    with pytest.raises(DeadlineExceeded, match=r"within the 0\.01 seconds left"):
        await within(0.01, _forever)


async def test_no_call_is_made_without_time() -> None:
    with pytest.raises(DeadlineExceeded, match="over before the call"):
        await within(0.0, _value)


async def test_a_time_out_of_the_call_itself_passes_unchanged() -> None:
    with pytest.raises(TimeoutError, match="own") as caught:
        await within(5.0, _times_out)
    assert not isinstance(caught.value, DeadlineExceeded)
