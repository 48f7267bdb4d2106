"""Files as other programs write them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from skillofmind.core.dialogue import Dialogue, Image, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.exchange import convokit, openai_messages, sharegpt, table
from skillofmind.data.formats import detect, read_any
from skillofmind.data.jsonl import Rejected
from tests.corpora import corpora_folder

PUBLISHED = [
    ("sharegpt", "dpo_en_demo/dpo_en_demo_0_224.json", 225, 631),
    ("openai", "swe_smith_logs/ft_xml_example_rows.jsonl", 2, 162),
]
HI = {"role": "user", "content": "Hi"}
HO = {"role": "assistant", "content": "Ho"}


def lines(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path


def one(rows: Any) -> Dialogue:
    [found] = rows
    assert isinstance(found, Dialogue), found
    return found


def refused(rows: Any) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in rows if isinstance(row, Rejected)]


@pytest.mark.parametrize(("format", "name", "dialogues", "turns"), PUBLISHED)
def test_published_files_are_read_whole(format: str, name: str, dialogues: int, turns: int) -> None:
    folder = corpora_folder()
    if folder is None or not (folder / name).is_file():
        pytest.skip(f"{name} is not here")
    assert detect(folder / name).name == format
    found = [row for row in read_any([folder / name]) if isinstance(row, Dialogue)]
    assert (len(found), sum(len(row.turns) for row in found)) == (dialogues, turns)


class TestOpenAI:
    def test_tools_and_later_system_texts_stay_in_meta(self, tmp_path: Path) -> None:
        call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
        result = {"role": "tool", "tool_call_id": "1", "content": "42"}
        system = {"role": "system", "content": "Be kind."}
        messages = [system, HI, call, result, {**HO, "refusal": None}]
        row = {"messages": messages, "tools": [{"type": "function"}]}
        path = lines(tmp_path / "d.jsonl", row)
        found = one(openai_messages.read(path))
        assert [turn.text for turn in found.turns] == ["Hi", "Ho"]
        assert found.context.text == "Be kind."
        assert found.turns[0].meta == {"messages_after": [call, result]}
        assert found.meta == {"row": {"tools": [{"type": "function"}]}}
        openai_messages.write([found], tmp_path / "again.jsonl", plain=True)
        assert json.loads((tmp_path / "again.jsonl").read_text()) == row

    def test_parts_are_text_and_pictures(self, tmp_path: Path) -> None:
        parts = [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "https://example.com/c.png", "detail": "low"}},
            {"type": "text", "text": "here"},
        ]
        row = {"messages": [{"role": "user", "content": parts, "name": "Ana"}, HO]}
        found = one(openai_messages.read(lines(tmp_path / "d.jsonl", row)))
        assert found.turns[0] == Turn(
            "Ana", "Look\nhere", (Image("", "https://example.com/c.png"),), meta={"content": parts}
        )
        openai_messages.write([found], tmp_path / "again.jsonl", plain=True)
        assert json.loads((tmp_path / "again.jsonl").read_text()) == row

    def test_bare_lists_and_arrays(self, tmp_path: Path) -> None:
        bare = list(openai_messages.read(lines(tmp_path / "bare.jsonl", [HI, HO], [HO])))
        assert [len(row.turns) for row in bare if isinstance(row, Dialogue)] == [2, 1]
        (tmp_path / "array.json").write_text(json.dumps([{"messages": [HI]}] * 3, indent=1))
        found = list(openai_messages.read(tmp_path / "array.json"))
        assert [row.id for row in found if isinstance(row, Dialogue)] == [
            "array.json:2",
            "array.json:10",
            "array.json:18",
        ]
        for path in ("bare.jsonl", "array.json"):
            assert openai_messages.looks_like((tmp_path / path).read_bytes(), tmp_path / path)

    def test_bad_rows_are_rejected_one_by_one(self, tmp_path: Path) -> None:
        path = lines(tmp_path / "d.jsonl", {"messages": [HI]}, {"a": 1}, {"messages": [{}]}, {"messages": []})
        with path.open("ab") as file:
            file.write(b'{"messages": [\n\xff\n')
        found = refused(openai_messages.read(path))
        assert [line for line, _ in found] == [2, 3, 4, 5, 6]
        assert "no list `messages`" in found[0][1]
        assert "has no `role`" in found[1][1]
        assert "no turns" in found[2][1]


class TestShareGpt:
    def test_roles_system_and_tools(self, tmp_path: Path) -> None:
        said = [
            {"from": "human", "value": "Hi"},
            {"from": "function_call", "value": "{}"},
            {"from": "observation", "value": "42"},
            {"from": "gpt", "value": "Ho"},
        ]
        path = lines(tmp_path / "d.jsonl", {"id": "x7", "conversations": said, "system": "Be kind."})
        found = one(sharegpt.read(path))
        assert [(t.speaker, t.text) for t in found.turns] == [("human", "Hi"), ("gpt", "Ho")]
        assert (found.id, found.context.text) == ("x7", "Be kind.")
        assert found.turns[0].meta["messages_after"] == said[1:3]
        sharegpt.write([found], tmp_path / "again.jsonl", plain=True)
        again = json.loads((tmp_path / "again.jsonl").read_text())
        assert again["conversations"] == [{"from": "system", "value": "Be kind."}, *said]

    def test_rows_in_the_words_of_openai(self, tmp_path: Path) -> None:
        found = one(sharegpt.read(lines(tmp_path / "d.jsonl", {"conversations": [HI, HO]})))
        assert [(t.speaker, t.text) for t in found.turns] == [("user", "Hi"), ("assistant", "Ho")]

    def test_listed_pictures_go_to_the_turns_that_mark_them(self, tmp_path: Path) -> None:
        said = [{"from": "human", "value": "<image>\nWho?"}, {"from": "gpt", "value": "Ben"}]
        found = one(sharegpt.read(lines(tmp_path / "d.jsonl", {"conversations": said, "image": "a.png"})))
        assert found.turns[0].images == (Image("", "a.png"),)

    @pytest.mark.parametrize(
        ("end", "line"), [(b"", 3), (b", 5]", 3), (b', {"conversations": ', 3), (b", {]]", 3)]
    )
    def test_a_broken_array_says_where(self, tmp_path: Path, end: bytes, line: int) -> None:
        row = b'{"conversations": [{"from": "human", "value": "H\xc3\xa9"}]}'
        (tmp_path / "d.json").write_bytes(b"[\n" + row + b"\n" + end)
        found = list(sharegpt.read(tmp_path / "d.json"))
        assert isinstance(found[0], Dialogue)
        assert [one_line for one_line, _ in refused(found)] == [line]
        assert "the JSON array is broken" in refused(found)[0][1]

    def test_a_long_array_is_read_piece_by_piece(self, tmp_path: Path) -> None:
        rows = [{"conversations": [{"from": "human", "value": "é" * 700}]} for _ in range(500)]
        (tmp_path / "d.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
        found = list(sharegpt.read(tmp_path / "d.json"))
        assert [row.turns[0].text for row in found if isinstance(row, Dialogue)] == ["é" * 700] * 500


class TestConvoKit:
    def corpus(self, folder: Path) -> Path:
        said = [
            ("u1", "c1", "Ana", "Hi", None, 1),
            ("u2", "c2", "Cem", "Hey", None, 2),
            ("u4", "c1", "Ana", "Bye", "u3", 4),
            ("u3", "c1", "Ben", "Ho", "u1", 3),
        ]
        keys = ("id", "conversation_id", "speaker", "text", "reply-to", "timestamp")
        folder.mkdir()
        lines(
            folder / "utterances.jsonl", *({**dict(zip(keys, row, strict=True)), "meta": {}} for row in said)
        )
        (folder / "speakers.json").write_text('{"Ana": {"meta": {"age": 30}, "vectors": []}, "Ben": {}}')
        (folder / "conversations.json").write_text('{"c1": {"meta": {"topic": "x"}, "vectors": []}}')
        return folder

    def test_conversations_that_stand_apart_are_put_together_in_time(self, tmp_path: Path) -> None:
        first, second = convokit.read(self.corpus(tmp_path / "c"))
        assert isinstance(first, Dialogue)
        assert isinstance(second, Dialogue)
        assert [(t.speaker, t.text) for t in first.turns] == [("Ana", "Hi"), ("Ben", "Ho"), ("Ana", "Bye")]
        assert (first.id, first.meta, first.speakers[0].attributes) == ("c1", {"topic": "x"}, {"age": "30"})
        assert first.turns[1].meta == {"id": "u3", "reply_to": "u1", "timestamp": 3}
        assert second.id == "c2"

    def test_a_bad_utterance_rejects_its_conversation(self, tmp_path: Path) -> None:
        folder = self.corpus(tmp_path / "c")
        with (folder / "utterances.jsonl").open("ab") as file:
            file.write(b'{"id": "u5", "conversation_id": "c2", "speaker": "Cem"}\n{"id": "u6"}\nno\n')
        found = list(convokit.read(folder))
        assert [(line, "c2" in reason) for line, reason in refused(found)] == [
            (6, False),
            (7, False),
            (2, True),
        ]
        assert [row.id for row in found if isinstance(row, Dialogue)] == ["c1"]

    def test_ids_make_a_tree_and_an_id_twice_is_refused(self, tmp_path: Path) -> None:
        dialogue = Dialogue((Turn("A", "Hi"), Turn("B", "Ho"), Turn("A", "Bye")), id="d")
        convokit.write([dialogue], tmp_path / "c")
        rows = [json.loads(line) for line in (tmp_path / "c" / "utterances.jsonl").read_text().splitlines()]
        assert [(row["id"], row["reply-to"], row["conversation_id"]) for row in rows] == [
            ("d", None, "d"),
            ("d#1", "d", "d"),
            ("d#2", "d#1", "d"),
        ]
        people = json.loads((tmp_path / "c" / "speakers.json").read_text())
        assert set(people) == {"d#A", "d#B"}
        with pytest.raises(DataError, match="two dialogues have the id 'd'"):
            convokit.write([dialogue, dialogue], tmp_path / "e")
        with pytest.raises(OSError, match="there already"):
            convokit.write([dialogue], tmp_path / "c")


class TestTable:
    def test_usual_names_are_understood(self, tmp_path: Path) -> None:
        path = tmp_path / "d.csv"
        path.write_text(
            'Conversation ID,author,Utterance,mood\n1,Ana,"Hi, you\nthere",sad\n1,Ben,Ho,\n2,Cem,Hey,\n',
            "utf-8-sig",
        )
        first, second = table.read(path)
        assert isinstance(first, Dialogue)
        assert first.turns == (Turn("Ana", "Hi, you\nthere", meta={"mood": "sad"}), Turn("Ben", "Ho"))
        assert isinstance(second, Dialogue)
        assert (first.id, second.id) == ("1", "2")
        assert table.looks_like(path.read_bytes(), path)

    def test_a_map_says_what_a_column_is(self, tmp_path: Path) -> None:
        path = tmp_path / "d.tsv"
        path.write_text("a\tb\nAna\tHi\nBen\tHo\n")
        found = one(table.read(path, {"speaker": "a", "text": "b"}))
        assert found == Dialogue((Turn("Ana", "Hi"), Turn("Ben", "Ho")), id="d.tsv:2")
        with pytest.raises(DataError, match="no column for the speaker among 'a', 'b'"):
            list(table.read(path))
        with pytest.raises(DataError, match="there is no column 'c'"):
            list(table.read(path, {"speaker": "c", "text": "b"}))

    def test_a_bad_row_rejects_its_dialogue(self, tmp_path: Path) -> None:
        path = tmp_path / "d.csv"
        path.write_text("id,dialogue,speaker,text\n1,a,A,x\n2,a,,y\n3,b,B,x\n4,c\n5,b,B,late\n6,d,D,x\n")
        found = list(table.read(path))
        assert [row.id for row in found if isinstance(row, Dialogue)] == ["b", "d"]
        assert [line for line, _ in refused(found)] == [3, 5, 6]
        path.write_bytes(b"speaker,text\nA,\xff\n")
        assert "not UTF-8" in refused(table.read(path))[0][1]

    def test_parquet_has_turns_messages_or_dialogues(self, tmp_path: Path) -> None:
        def written(name: str, rows: list[dict[str, Any]]) -> Path:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / name)
            return tmp_path / name

        flat = [{"dialogue": i // 2, "speaker": "AB"[i % 2], "text": str(i)} for i in range(6)]
        assert [row.id for row in table.read(written("a", flat)) if isinstance(row, Dialogue)] == [
            "0",
            "1",
            "2",
        ]
        chat = one(table.read(written("b", [{"messages": [HI, HO], "id": "m"}])))
        assert [turn.text for turn in chat.turns] == ["Hi", "Ho"]
        ours = one(table.read(written("c", [{"turns": [{"speaker": "A", "text": "x", "lang": None}]}])))
        assert ours.turns == (Turn("A", "x"),)
        (tmp_path / "d").write_bytes(b"PAR1 and no more")
        with pytest.raises(DataError, match="not a sound Parquet file"):
            list(table.read(tmp_path / "d"))

    def test_what_csv_writes_is_read(self, tmp_path: Path) -> None:
        out = io.StringIO(newline="")
        texts = ['a "quoted" word', "comma, and\r\nline", " x ", "한국어"]
        csv.writer(out).writerows([("speaker", "text"), *(("A", text) for text in texts)])
        (tmp_path / "d.csv").write_bytes(out.getvalue().encode())
        assert [turn.text for turn in one(table.read(tmp_path / "d.csv")).turns] == texts
