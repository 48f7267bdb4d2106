import hashlib
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Turn
from skillofmind.core.identity import canonical_json, file_fingerprint, fingerprint

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(VALUES)
def test_the_order_of_keys_does_not_count_and_nothing_is_lost(value: Any) -> None:
    assert canonical_json(value) == canonical_json(reordered(value))
    assert json.loads(canonical_json(value)) == value


def test_the_fingerprint_is_the_sha_256_of_the_canonical_json() -> None:
    expected = hashlib.sha256(b'{"a":[1,null],"b":"\xc3\xa9"}').hexdigest()
    assert fingerprint({"b": "é", "a": [1, None]}) == expected
    assert fingerprint(Turn("A", "x")) == fingerprint({"text": "x", "speaker": "A"})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"x" * 3_000_000)
    assert file_fingerprint(file) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
