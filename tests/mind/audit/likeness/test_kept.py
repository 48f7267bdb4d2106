from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillofmind.mind.audit.likeness.kept import KeptVectors


class Lengths:
    """Encodes a text by its length and counts the calls."""

    size = 2

    def __init__(self, identity: str = "lengths") -> None:
        self.identity = identity
        self.calls: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def test_a_chunk_is_encoded_once(tmp_path: Path) -> None:
    encoder = Lengths()
    first = KeptVectors(encoder, tmp_path)(["a", "bcd"])
    again = KeptVectors(encoder, tmp_path)(["a", "bcd"])
    assert first.tolist() == again.tolist() == [[1, 1], [3, 1]]
    assert encoder.calls == [["a", "bcd"]]


def test_other_texts_and_other_encoders_have_their_own(tmp_path: Path) -> None:
    encoder, other = Lengths(), Lengths("other")
    for texts in (["ab", "c"], ["a", "bc"], ["ab"]):
        KeptVectors(encoder, tmp_path)(texts)
    KeptVectors(other, tmp_path)(["ab", "c"])
    assert (len(encoder.calls), len(other.calls)) == (3, 1)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    encoder = Lengths()
    KeptVectors(encoder, tmp_path)(["a"])
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:-3], b"junk", np.ones(3).tobytes()):
        file.write_bytes(damaged)
        assert KeptVectors(encoder, tmp_path)(["a"]).tolist() == [[1, 1]]
        assert file.read_bytes() == whole
    assert len(encoder.calls) == 5
