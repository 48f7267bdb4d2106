import random

import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.audit import variety
from skillofmind.mind.audit.variety import Sample, compared, full_distinct


def talks(texts: list[str], lang: str = "en") -> list[Dialogue]:
    return [Dialogue((Turn("A", text),), id=f"t:{n}", lang=lang) for n, text in enumerate(texts)]


def sample(name: str, dialogues: list[Dialogue], seed: int = 0) -> Sample:
    found = Sample(name, seed)
    for dialogue in dialogues:
        found.add(dialogue)
    return found


def test_full_distinct_by_hand() -> None:
    rows = [*talks(["a b a", "a b"]), *talks(["가 가"], "ko")]
    assert full_distinct(rows, "en") == {"1": 2 / 5, "2": 2 / 3, "3": 1}
    assert full_distinct(rows, "ko") == {"1": 1 / 2, "2": 1}


def test_the_draw_does_not_depend_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variety, "KEPT", 5)
    rows = talks([f"word {n}" for n in range(40)])
    mixed = rows[:]
    random.Random(1).shuffle(mixed)
    drawn = sample("", rows).drawn("en")
    assert len(drawn) == 5
    assert sample("", mixed).drawn("en") == drawn
    assert sample("", rows, seed=1).drawn("en") != drawn


def test_corpora_are_cut_to_the_smallest_of_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variety, "LEAST", 10)
    varied = sample("", [*talks([f"a{n} b{n} c{n}" for n in range(10)]), *talks(["가 나"], "ko")])
    flat = sample("flat", talks(["so it goes"] * 4))
    small = sample("small", talks(["too few"]))
    found = compared(varied, [flat, small])
    assert [(row.corpus, row.lang, row.tokens) for row in found] == [
        ("", "en", 12),
        ("flat", "en", 12),
        ("", "ko", 2),
    ]
    assert [row.distinct["1"] for row in found] == [1, 3 / 12, 1]
    assert [row.turns for row in found] == [10, 4, 1]
    assert found[0].words == 3


def test_self_bleu_is_high_where_turns_repeat_and_missing_where_there_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(variety, "CANDIDATES", 3)
    same = compared(sample("", talks(["so it goes on"] * 6)), [])[0]
    assert same.self_bleu == pytest.approx(1)
    assert compared(sample("", talks(["so it goes on"] * 5)), [])[0].self_bleu is None
    assert compared(sample("", talks(["too short here"] * 9)), [])[0].self_bleu is None


def test_nothing_gives_nothing() -> None:
    assert compared(sample("", []), [sample("other", talks(["a b"]))]) == ()
