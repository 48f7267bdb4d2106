"""Blocks and index: every text once, every row in one block, small columns."""

import msgspec
from benchmarks.made_cases import Planner, cases, items

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.records import Answer, Case, Item
from skillofmind.evals.report.blocks import blocks
from skillofmind.evals.report.index import index
from skillofmind.evals.report.rows import Row, joined

LONG = "I have been thinking about what you said on Sunday, and I still do not know what to do."


def growing(turns: int) -> list[Row]:
    """Return a row for each beginning of one dialogue."""
    whole = Dialogue(tuple(Turn("AB"[at % 2], f"{LONG} ({at})") for at in range(turns)))
    return [Row(Item("t", str(end), "d", whole.before(end)), [None]) for end in range(1, turns)]


def test_beginnings_of_one_dialogue_store_each_turn_once() -> None:
    [block] = blocks(growing(9))
    assert [piece[1] for piece in block.pieces] == [f"{LONG} ({at})" for at in range(8)]
    assert [row["turns"] for row in block.rows] == [list(range(end)) for end in range(1, 9)]


def test_long_texts_are_stored_once_in_all_blocks() -> None:
    found = list(blocks(growing(30), size=500))
    assert len(found) > 5
    texts = [piece for block in found for piece in block.pieces]
    assert len(texts) == len(set(texts)) == 29
    assert [block.first_piece for block in found] == [
        sum(len(b.pieces) for b in found[:at]) for at in range(len(found))
    ]
    assert [block.first_row for block in found] == [
        sum(len(b.rows) for b in found[:at]) for at in range(len(found))
    ]


def test_short_texts_are_stored_once_a_block() -> None:
    rows = [
        Row(Item("t", str(at), "d", Dialogue((Turn("A", "Yes."), Turn("B", f"{LONG} ({at})")))), [None])
        for at in range(20)
    ]
    found = list(blocks(rows, size=600))
    assert len(found) > 2
    assert all([piece[1] for piece in block.pieces].count("Yes.") == 1 for block in found)


def test_every_case_can_be_put_together_again() -> None:
    some = cases(items(60, turns=3, words=6), Planner("p", 0.5))
    rows = joined([some])
    found = list(blocks(rows, size=4000))
    pieces = [piece for block in found for piece in block.pieces]
    again = [[pieces[at][1] for at in row["turns"]] for block in found for row in block.rows]
    assert again == [[turn.text for turn in row.item.dialogue.turns] for row in rows]


def test_time_is_in_no_block() -> None:
    item = Item("t", "1", "d", Dialogue((Turn("A", "Hi."),)))
    slow, fast = (list(blocks([Row(item, [Case(item, Answer(reply="Hi.", seconds=s))])])) for s in (1.5, 0.1))
    assert msgspec.json.encode(slow) == msgspec.json.encode(fast)


def test_the_index_has_a_value_for_every_row() -> None:
    some = cases(items(40, turns=2, words=4, arms=("", "ko")), Planner("p", 0.5, failing=0.2))
    other = some[:10]
    found = index(joined([some, other]), 2)
    first, second = found["runs"]
    columns = [
        found["ids"],
        found["starts"],
        found["task"],
        found["arm"],
        found["gold"],
        found["slices"]["lang"]["of"],
    ]
    columns += [
        first["outcome"],
        first["guess"],
        first["confidence"],
        *first["scores"].values(),
        second["guess"],
    ]
    assert {len(column) for column in columns} == {40}
    assert second["outcome"][10:] == [4] * 30
    assert first["outcome"].count(2) == sum(case.answer.error is not None for case in some) > 0
    assert found["names"]["arm"] == ["", "ko"]


def test_numbers_of_the_index_are_short_and_missing_is_not_0() -> None:
    item = Item("t", "1", "d", Dialogue((Turn("A", "Hi."),)))
    rows = [Row(item, [Case(item, Answer(), {"a": 1.0, "b": 1 / 3, "c": None, "d": float("nan")})])]
    scores = index(rows, 1)["runs"][0]["scores"]
    assert msgspec.json.encode(scores) == b'{"a":[1],"b":[0.3333],"c":[null],"d":[null]}'
