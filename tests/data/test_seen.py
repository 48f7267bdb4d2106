from hypothesis import given
from hypothesis import strategies as st

from skillofmind.data.seen import Seen


@given(st.lists(st.text(max_size=3)))
def test_it_tells_new_from_old_as_a_set_does(keys: list[str]) -> None:
    seen, expected = Seen(), set[str]()
    for key in keys:
        assert seen.add(key) == (key not in expected)
        expected.add(key)
    assert len(seen) == len(expected)


def test_it_grows_and_forgets_nothing() -> None:
    seen = Seen()
    assert all(seen.add(f"id {number}") for number in range(20_000))
    assert not any(seen.add(f"id {number}") for number in range(20_000))
    assert len(seen) == 20_000


def test_half_a_character_is_a_key_like_any_other() -> None:
    seen = Seen()
    assert [seen.add("\ud800"), seen.add("\ud800")] == [True, False]
