import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.run.keys import KeyIndex

# Any code point, lone surrogates too: a log can be asked for any string.
_KEYS = st.text(max_size=2) | st.integers(0, 40).map(str)
_VALUES = st.integers(0, 2**63 - 1)
_STEPS = st.lists(st.tuples(st.sampled_from(["set", "get", "setdefault"]), _KEYS, _VALUES), max_size=200)


@given(_STEPS)
def test_it_behaves_as_a_dict(steps: list[tuple[str, str, int]]) -> None:
    index = KeyIndex()
    model: dict[str, int] = {}
    for step, key, value in steps:
        if step == "set":
            index[key] = model[key] = value
        elif step == "setdefault":
            assert index.setdefault(key, value) == model.setdefault(key, value)
        else:
            assert (key in index) == (key in model)
        assert len(index) == len(model)
    assert all(index[key] == value for key, value in model.items())


def test_every_key_is_found_at_every_size() -> None:
    index = KeyIndex()
    # 256 shards of 4 slots grow again and again within these.
    for count in range(20_000):
        assert str(count) not in index
        index[str(count)] = count
        assert len(index) == count + 1
        assert index[str(count // 2)] == count // 2
    assert [index[str(i)] for i in range(20_000)] == list(range(20_000))
    assert "20000" not in index


def test_an_unknown_key_is_a_key_error() -> None:
    index = KeyIndex()
    index["a"] = 1
    with pytest.raises(KeyError, match="b"):
        index["b"]


@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_value_that_does_not_fit_changes_nothing(value: int) -> None:
    index = KeyIndex()
    index["a"] = 7
    for key in ("a", "b"):
        with pytest.raises(OverflowError):
            index[key] = value
    with pytest.raises(OverflowError):
        index.setdefault("b", value)
    assert (index["a"], "b" in index, len(index)) == (7, False, 1)


def test_the_smallest_and_the_largest_value_come_back() -> None:
    index = KeyIndex()
    index["least"], index["most"], index[""] = 0, 2**63 - 1, 5
    assert (index["least"], index["most"], index[""]) == (0, 2**63 - 1, 5)
    assert index.setdefault("least", 9) == 0


def test_strings_that_strict_utf8_refuses_are_keys_too() -> None:
    index = KeyIndex()
    index["\ud800"] = 1
    index["\ud801"] = 2
    assert (index["\ud800"], index["\ud801"], "?" in index) == (1, 2, False)


def test_it_takes_less_than_70_bytes_a_key_while_it_grows() -> None:
    tracemalloc.start()
    try:
        index = KeyIndex()
        before = tracemalloc.get_traced_memory()[0]
        for count in range(1, 40_001):
            index[f"corpus/dialogue-{count}#7"] = count
            if count % 2_000 == 0:
                assert tracemalloc.get_traced_memory()[1] - before < 70 * count
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
