from collections.abc import Iterator
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.corpora.rows import Row, Shape, dialogues, rest, shaped
from skillofmind.data.jsonl import Rejected


class Sample(Shape, frozen=True):
    text: str
    numbers: list[int] = []


def test_a_value_of_another_shape_names_the_place() -> None:
    row = Row(Path("f.json"), 4, 4, {"text": "x", "numbers": [1, "2"], "more": None})
    fault = shaped(row, Sample)
    assert isinstance(fault, Rejected)
    assert str(fault).startswith(
        "f.json:4: not a row of this corpus: Expected `int`, got `str` - at `$.numbers[1]`"
    )
    assert row.rest("text") == {"numbers": [1, "2"]}


def test_rows_become_dialogues_or_rejections_and_none_is_lost() -> None:
    def rows(path: Path) -> Iterator[Row | Rejected]:
        yield Rejected(path.name, 1, "broken.")
        for line, id in enumerate(["one", "one", "", "silent"], 2):
            yield Row(path, line, line, {"id": id})

    def build(row: Row) -> Dialogue | Rejected:
        if not row.value["id"]:
            return row.rejected("no id.")
        turns = () if row.value["id"] == "silent" else (Turn("A", "Hello."),)
        return Dialogue(turns=turns, id=f"c:{row.value['id']}")

    found = list(dialogues([Path("a"), Path("b")], rows, build))
    assert [row.id if isinstance(row, Dialogue) else str(row) for row in found] == [
        "a:1: broken.",
        "c:one",
        "a:3: the id 'c:one' was given before; keep one row of each id.",
        "a:4: no id.",
        "a:5: the dialogue has no turns; give at least one.",
        "b:1: broken.",
        "b:2: the id 'c:one' was given before; keep one row of each id.",
        "b:3: the id 'c:one' was given before; keep one row of each id.",
        "b:4: no id.",
        "b:5: the dialogue has no turns; give at least one.",
    ]


def test_the_rest_is_what_the_record_does_not_name() -> None:
    assert rest({"speaker": "A", "text": "Hi", "mood": "good", "n": 1}, Turn, "n") == {"mood": "good"}
