import builtins
import random
import time
from array import array
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.duplicates import (
    PERMUTATIONS,
    Pair,
    across_splits,
    clusters,
    duplicates_between,
    jaccard,
    minhash,
    near_duplicates,
    numpy_minhash,
    plain_minhash,
    rows_of_a_band,
    shingles,
)

VOCABULARY = [f"w{n}" for n in range(2000)]
HAN = [chr(code) for code in range(0x4E00, 0x5200)]


def said(words: list[str], id: str, joint: str = " ", turns: int = 10) -> Dialogue:
    size = max(1, -(-len(words) // turns))
    texts = [joint.join(words[n : n + size]) for n in range(0, len(words), size)]
    return Dialogue(tuple(Turn("AB"[n % 2], text) for n, text in enumerate(texts)), id=id)


def edited(words: list[str], share: float, random_: random.Random, vocabulary: list[str]) -> list[str]:
    return [random_.choice(vocabulary) if random_.random() < share else word for word in words]


def planted(
    count: int, share: float, seed: int, vocabulary: list[str] = VOCABULARY, joint: str = " "
) -> list[Dialogue]:
    """Make `count` dialogues and, of every second one, an edited copy."""
    random_ = random.Random(seed)
    found = []
    for n in range(count):
        words = random_.choices(vocabulary, k=random_.randint(60, 180))
        found.append(said(words, f"own:{n:05}", joint))
        if n % 2:
            found.append(said(edited(words, share, random_, vocabulary), f"copy:{n:05}", joint))
    return found


def brute_force(dialogues: list[Dialogue], threshold: float) -> set[tuple[str, str]]:
    sets = {one.id: shingles(one) for one in dialogues}
    return {(a, b) for a, b in combinations(sets, 2) if jaccard(sets[a], sets[b]) >= threshold}


def ids(pairs: list[Pair]) -> set[tuple[str, str]]:
    return {(pair.first, pair.second) for pair in pairs}


def test_shingles_are_five_words_without_case_marks_and_speakers() -> None:
    one = Dialogue((Turn("A", "One, two THREE!"), Turn("B", "four - five; six")))
    assert shingles(one) == {"one two three four five", "two three four five six"}


def test_shingles_are_five_characters_in_scripts_without_spaces() -> None:
    assert shingles(Dialogue((Turn("A", "我又没盯"), Turn("B", "着你看。")))) == {
        "我又没盯着",
        "又没盯着你",
        "没盯着你看",
    }
    assert shingles(Dialogue((Turn("A", "열쇠를 또 잃어버렸어 정말 큰일이야"),))) == {
        "열쇠를 또 잃어버렸어 정말 큰일이야"
    }


@pytest.mark.parametrize(
    ("text", "found"), [("", set()), ("...", set()), ("Hi!", {"hi"}), ("你好", {"你好"})]
)
def test_short_dialogues_are_one_shingle_or_none(text: str, found: set[str]) -> None:
    assert shingles(Dialogue((Turn("A", text),))) == found


@pytest.mark.parametrize(("threshold", "rows"), [(0.3, 1), (0.5, 2), (0.7, 4), (0.9, 8), (1.0, 128)])
def test_bands_find_what_stands_at_the_threshold(threshold: float, rows: int) -> None:
    assert rows_of_a_band(threshold) == rows


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50), st.integers(0, 9))
def test_plain_python_and_numpy_give_the_same_signature(hashes: list[int], seed: int) -> None:
    random_ = random.Random(seed)
    factors, terms = ([random_.getrandbits(64) for _ in range(PERMUTATIONS)] for _ in range(2))
    plain = plain_minhash(factors, terms)(array("Q", hashes))
    assert plain == numpy_minhash(factors, terms)(array("Q", hashes))
    assert len(plain) == PERMUTATIONS * 4


def test_long_dialogues_are_hashed_in_blocks_with_the_same_result() -> None:
    hashes = array("Q", [random.Random(1).getrandbits(64) for _ in range(5000)])
    assert numpy_minhash([3] * 128, [5] * 128)(hashes) == plain_minhash([3] * 128, [5] * 128)(hashes)


def test_signatures_agree_as_often_as_the_sets_are_similar() -> None:
    random_ = random.Random(1)
    pool = [random_.getrandbits(64) for _ in range(300)]
    one, other = array("Q", pool[:200]), array("Q", pool[50:250])
    hashers = [minhash(seed) for seed in range(40)]
    agree = [a == b for h in hashers for a, b in zip(array("I", h(one)), array("I", h(other)), strict=True)]
    # Jaccard 150 / 250 = 0.6; 5,120 places, standard deviation 0.007.
    assert sum(agree) / len(agree) == pytest.approx(0.6, abs=0.03)


def test_without_numpy_the_pairs_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    dialogues = planted(20, 0.02, 3)
    expected = list(near_duplicates(dialogues))
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "numpy":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert list(near_duplicates(dialogues)) == expected
    assert len(expected) > 5


@pytest.mark.parametrize(
    ("threshold", "share", "pairs"), [(0.5, 0.05, 90), (0.6, 0.05, 70), (0.7, 0.05, 10), (0.7, 0.02, 90)]
)
def test_planted_edits_are_found_as_by_brute_force(threshold: float, share: float, pairs: int) -> None:
    expected, found = 0, 0
    for seed in range(4):
        dialogues = planted(60, share, seed)
        true = brute_force(dialogues, threshold)
        expected += len(true)
        found += len(true & ids(list(near_duplicates(dialogues, threshold, seed))))
    assert expected >= pairs
    assert found >= expected - 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.01, 0.03, 0.05]), st.sampled_from(["words", "characters"]))
def test_every_pair_that_is_found_is_one_and_few_are_missed(seed: int, share: float, kind: str) -> None:
    vocabulary, joint = (VOCABULARY, " ") if kind == "words" else (HAN, "")
    dialogues = planted(16, share, seed, vocabulary, joint)
    expected = brute_force(dialogues, 0.7)
    pairs = list(near_duplicates(dialogues, 0.7))
    assert ids(pairs) <= expected
    assert len(ids(pairs)) >= len(expected) - 1
    assert len(ids(pairs)) == len(pairs)
    sets = {one.id: shingles(one) for one in dialogues}
    assert all(pair.jaccard == jaccard(sets[pair.first], sets[pair.second]) for pair in pairs)


def test_copies_are_paired_with_the_first_of_them() -> None:
    words = VOCABULARY[:80]
    rows = [said(words, f"own:{n}") for n in range(4)]
    assert list(near_duplicates(rows)) == [Pair("own:0", f"own:{n}", 1.0) for n in (1, 2, 3)]


def test_copies_that_only_resemble_another_dialogue_still_find_each_other() -> None:
    words = VOCABULARY[:400]
    rows = [said(words, "own:0"), *(said([*words, "more"], f"own:{n}") for n in (1, 2))]
    assert list(near_duplicates(rows, 1.0)) == [Pair("own:1", "own:2", 1.0)]


def test_a_thousand_copies_and_silent_dialogues_cost_little() -> None:
    rows = [
        *(said(["hello"], f"own:{n}") for n in range(1000)),
        *(said(["..."], f"silent:{n}") for n in range(1000)),
    ]
    assert len(list(near_duplicates(rows))) == 999


def test_different_dialogues_are_no_pair() -> None:
    assert list(near_duplicates(planted(200, 1.0, 5))) == []


def test_clusters_join_pairs() -> None:
    pairs = [Pair("b", "c", 0.9), Pair("x", "y", 1.0), Pair("a", "c", 0.8)]
    assert clusters(pairs) == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}


def test_what_crosses_splits_is_counted() -> None:
    splits = {"a": "train", "b": "test", "c": "train", "x": "test", "y": "test", "z": "train"}
    rows = [Dialogue((), id=id, split=split) for id, split in splits.items()]
    found = across_splits(rows, {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"})
    assert found.clusters == {"test + train": 1}
    assert found.dialogues == {"train": 2, "test": 1}


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ConfigurationError, match="threshold"):
        next(near_duplicates([], threshold))


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(DataError, match="2 dialogues have the id 'own:1'"):
        next(near_duplicates([said(["a"], "own:1"), said(["b"], "own:1")]))


@pytest.mark.slow
def test_ten_thousand_dialogues_take_seconds() -> None:
    dialogues = planted(6667, 0.02, 1)
    assert len(dialogues) == 10_000
    start = time.process_time()
    found = list(near_duplicates(dialogues))
    assert time.process_time() - start < 20
    assert len(found) > 2500


@given(st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_between_two_corpora_the_pairs_are_those_of_brute_force(seed: int) -> None:
    both = planted(40, 0.02, seed)
    ours = [one for one in both if one.id.startswith("own")]
    others = [one for one in both if one.id.startswith("copy")]
    found = ids(list(duplicates_between(ours, iter(others))))
    assert found == {
        (one.id, other.id)
        for one in ours
        for other in others
        if jaccard(shingles(one), shingles(other)) >= 0.7
    }
    assert len(found) > 10


def test_between_two_corpora_the_similarity_is_exact_and_silence_is_no_copy() -> None:
    one, other = said(VOCABULARY[:14], "a"), said(VOCABULARY[:13], "z")
    silent = Dialogue((Turn("A", "..."),), id="s")
    # Ten and nine runs of five words, nine of them common.
    assert list(duplicates_between([one, silent], [silent, other], 0.1)) == [Pair("a", "z", 0.9)]
    with pytest.raises(ConfigurationError, match="threshold 0 "):
        list(duplicates_between([], [], 0))
