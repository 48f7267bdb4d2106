from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.mind.audit.likeness.nearest import (
    ALIKE,
    PIECE,
    Meanings,
    Near,
    likeness,
    pieces,
    vectors_of,
)

Floats = NDArray[np.float32]


def letters(texts: Sequence[str]) -> Floats:
    """Encode a text by how often it has a, b and c, at length 1."""
    counts = np.array([[text.count(letter) for letter in "abc"] for text in texts], dtype=np.float32)
    return np.asarray(counts / np.maximum(np.linalg.norm(counts, axis=1), 1e-9)[:, None], dtype=np.float32)


def said(id: str, *texts: str, lang: str = "en", pair: str | None = None) -> Dialogue:
    turns = tuple(Turn("XY"[n % 2], text) for n, text in enumerate(texts))
    return Dialogue(turns, id=id, lang=lang, meta={"pair": pair} if pair else {})


class TestPieces:
    def test_whole_turns_go_together_up_to_the_limit(self) -> None:
        turns = [" ".join(["w"] * size) for size in (PIECE - 1, 1, 1, PIECE + 5, 0, 2)]
        assert [len(piece.split()) for piece in pieces(said("a", *turns))] == [PIECE, 1, PIECE + 5, 2]

    @given(st.lists(st.integers(0, 2 * PIECE), max_size=12))
    def test_no_word_is_lost(self, sizes: list[int]) -> None:
        numbers = iter(range(10**6))
        turns = [" ".join(str(next(numbers)) for _ in range(size)) for size in sizes]
        found = [word for piece in pieces(said("a", *turns)) for word in piece.split()]
        assert found == [word for turn in turns for word in turn.split()]


def test_likeness_is_the_mean_of_the_best_matches_by_hand() -> None:
    ours, others = np.eye(3, dtype=np.float32)[[0, 1, 2]], np.eye(3, dtype=np.float32)[[0, 1, 0]]
    found = likeness(ours, [["a", "b"], ["c"]], others, [["a", "b"], ["a"]])
    assert found.tolist() == [[1.0, 0.5], [0.0, 0.0]]


class TestSearch:
    def test_the_nearest_of_all_that_passed_is_kept(self) -> None:
        search = Meanings([said("own:1", "aab"), said("own:2", "c")], letters).search()
        for other in (said("b:1", "b"), said("b:2", "aabb"), said("b:3", "a")):
            search.add(other)
        found = search.found()
        assert (found.ours, found.others, found.unread, found.alike) == (2, 3, 0, 1)
        assert found.nearest == (Near("own:1", "b:2", 0.9487), Near("own:2", "b:1", 0.0))
        assert found.quantiles == pytest.approx(
            {"0.5": 0.4743, "0.95": 0.9013, "0.99": 0.9392, "1": 0.9487}, abs=1e-4
        )
        [row] = found.findings("alike_other", " of b")
        assert (row.check, row.id, row.why) == (
            "alike_other",
            "own:1",
            "tells the same as 'b:2' of b (0.95).",
        )

    def test_chunks_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours = [said(f"own:{n}", "a" * n + "b" * (9 - n)) for n in range(10)]
        others = [said(f"b:{n}", "a" * n + "c" * (7 - n), "b") for n in range(8)]
        found = []
        for size in (1, 3, 512):
            monkeypatch.setattr("skillofmind.mind.audit.likeness.nearest._CHUNK", size)
            search = Meanings(ours, letters).search()
            for other in others:
                search.add(other)
            found.append(search.found())
        assert found[0] == found[1] == found[2]

    def test_other_languages_are_counted_and_not_compared(self) -> None:
        search = Meanings([said("own:1", "a"), said("own:2", "a", lang="ko")], letters).search()
        for other in (said("b:1", "a", lang="de"), said("b:2", "b", lang="en-GB"), said("b:3", "", "")):
            search.add(other)
        found = search.found()
        assert (found.ours, found.others, found.unread) == (1, 1, 2)
        assert found.nearest == (Near("own:1", "b:2", 0.0),)

    def test_nothing_to_look_in_gives_nothing(self) -> None:
        found = Meanings([said("own:1", "a")], letters).search().found()
        assert (found.ours, found.nearest, found.quantiles) == (1, (), {})
        assert Meanings([], letters).within().ours == 0


class TestWithin:
    def test_a_row_is_not_compared_with_itself_or_its_pair(self) -> None:
        rows = [said("1", "a"), said("2", "ab", pair="p"), said("3", "ab", pair="p"), said("4", "c")]
        found = Meanings(rows, letters).within()
        assert found.alike == 0
        assert [(near.first, near.second) for near in found.nearest][:3] == [
            ("1", "2"),
            ("2", "1"),
            ("3", "1"),
        ]
        assert max(near.cosine for near in found.nearest) == pytest.approx(0.5**0.5, abs=1e-4)

    def test_a_dialogue_in_other_words_is_alike(self) -> None:
        found = Meanings([said("1", "a b"), said("2", "b a a"), said("3", "c")], letters).within()
        assert [near.first for near in found.nearest if near.cosine >= ALIKE] == ["1", "2"]
        assert found.alike == 2


def test_a_missing_vector_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="1 vectors for 2 texts"):
        vectors_of(["a", "b"], lambda texts: np.ones((1, 3), dtype=np.float32))
