"""`som data`: every subcommand on good files, bad files and standard input."""

import gzip
import json
import os
import re
import threading
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
import zstandard

from skillofmind.cli.data import COMMANDS
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.formats import ALL, read_any
from skillofmind.data.jsonl import write_jsonl
from skillofmind.data.stats import Stats, stats
from tests.cli.data.corpus import dialogues, write
from tests.cli.som import Here, assert_refused, som

NEEDS_A_FILE = [name for name in COMMANDS if name != "formats"]


def ids(out: str) -> list[str]:
    return [msgspec.json.decode(line, type=Dialogue).id for line in out.splitlines()]


class TestAll:
    def test_the_subcommands_are_listed(self, here: Here) -> None:
        for words in (("data", "--help"), ("data",)):
            result = here(*words)
            assert result.code == 0
            assert [name for name in COMMANDS if f"\n  {name} " not in result.out] == []

    def test_a_wrong_subcommand_is_refused(self, here: Here) -> None:
        assert_refused(here("data", "vaildate", "x"), "did you mean 'validate'?")
        assert_refused(here("data", "bake"), "known are formats, show")

    @pytest.mark.parametrize("name", NEEDS_A_FILE)
    def test_a_missing_file_and_an_unknown_format_are_refused(
        self, here: Here, tmp_path: Path, name: str
    ) -> None:
        if name in ("select", "split"):
            pytest.importorskip(f"skillofmind.data.{name}")
        assert_refused(here("data", name, tmp_path / "no.jsonl"), "No such file")
        file = write(tmp_path / "d.jsonl")
        assert_refused(here("data", name, file, "--format", "jsnol"), "did you mean 'jsonl'?")

    @pytest.mark.parametrize("name", [n for n in NEEDS_A_FILE if n not in ("validate", "audit")])
    def test_a_bad_row_stops_or_is_left_out(self, here: Here, tmp_path: Path, name: str) -> None:
        if name in ("select", "split"):
            pytest.importorskip(f"skillofmind.data.{name}")
        extra = ["--number", "0"] if name == "show" else []
        file = write(tmp_path / "d.jsonl", 2, b"{}\n")
        stopped = here("data", name, file, *extra)
        assert stopped.code == 2
        assert "d.jsonl:3: not a dialogue" in stopped.err
        assert "--skip-bad" in stopped.err
        result = here("data", name, file, "--skip-bad", *extra)
        assert result.code == 1
        assert result.out
        assert result.err.endswith("som: 1 rows are no dialogues and were left out.\n")


class TestFormats:
    def test_all_are_listed_and_each_is_explained(self, here: Here) -> None:
        listed = here("data", "formats").out
        rows = [json.loads(line) for line in here("data", "formats", "--json").out.splitlines()]
        assert [row["name"] for row in rows] == [row.name for row in ALL]
        assert [row.name for row in ALL if f"\n  {row.name} " not in listed] == []
        assert here("data", "formats", "openai").out.startswith(
            "openai: OpenAI chat messages (tested on files)"
        )
        assert_refused(here("data", "formats", "opanai"), "did you mean 'openai'?")


class TestShow:
    def test_a_dialogue_is_readable(self, here: Here, tmp_path: Path) -> None:
        result = here("data", "show", write(tmp_path / "d.jsonl"), "--number", "1")
        assert result.out.splitlines() == [
            "test:0, 4 turns, test, en " + "─" * 74,
            "  They met 0 times.",
            "  Feeling: sad",
            "  B: helper",
            "  1 Ana: turn 0 of 0",
            "      test.kind = even",
            "  2 B: turn 1 of 0",
            "      test.kind = odd",
            "  3 Ana: turn 2 of 0",
            "      test.kind = even",
            "  4 B: turn 3 of 0",
            "      test.kind = odd",
            "      skill Empathy: I care.",
            "",
        ]

    def test_one_dialogue_is_found_by_its_id(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl")
        assert ids(here("data", "show", file, "--id", "test:4", "--json").out) == ["test:4"]
        assert_refused(here("data", "show", file, "--id", "nobody"), "no dialogue has the id 'nobody'")

    def test_control_characters_are_spelled_out(self, here: Here, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text("speaker,text\nA\x1b[2J,x\x1b[31m\n")
        assert "\x1b" not in here("data", "show", tmp_path / "d.csv").out


class TestValidate:
    def test_problems_and_counts(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl", 2, write(tmp_path / "e.jsonl", 1).read_bytes() + b"no\n")
        result = here("data", "validate", file)
        assert result.code == 1
        assert result.out.splitlines()[0].startswith("d.jsonl:3: duplicate-id: ")
        assert result.out.splitlines()[1].startswith("d.jsonl:4: rejected: not JSON")
        assert result.out.splitlines()[2] == "3 dialogues: duplicate-id 1, rejected 1"
        lines = [json.loads(line) for line in here("data", "validate", file, "--json").out.splitlines()]
        assert [line.get("kind") for line in lines] == ["duplicate-id", "rejected", None]
        assert lines[2] == {"dialogues": 3, "errors": 2, "counts": {"duplicate-id": 1, "rejected": 1}}
        cut = here("data", "validate", file, "--limit", "1").out.splitlines()
        assert cut[1] == "... and 1 more; --limit 0 prints all."

    def test_schemes_and_strictness(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl", 1)
        (tmp_path / "s.json").write_text('{"test.kind": ["odd"]}')
        assert here("data", "validate", file).code == 0
        result = here("data", "validate", file, "--schemes", tmp_path / "s.json")
        assert (result.code, result.out.splitlines()[-1]) == (1, "1 dialogues: unknown-label 2")
        (tmp_path / "t.txt").write_text("Ana: Hi\nBen: Hi")
        assert here("data", "validate", tmp_path / "t.txt").code == 0
        assert here("data", "validate", tmp_path / "t.txt", "--strict").code == 1
        assert_refused(here("data", "validate", file, "--schemes", file), "write an object of lists")


class TestStats:
    def test_text_json_and_page_say_the_same(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl")
        found = msgspec.json.decode(here("data", "stats", file, "--json").out, type=Stats)
        assert found == stats(dialogues())
        text = here("data", "stats", file).out
        assert re.search(r"^turns +30$", text, re.MULTILINE)
        assert re.search(r"^  even +16  █{40}$", text, re.MULTILINE)
        page = tmp_path / "s.html"
        assert here("data", "stats", file, "--html", page).code == 0
        html = page.read_text("utf-8")
        assert "<td>turns</td><td>30</td>" in html
        assert not re.search(r"https?://|<script|<link", html)
        pictures = re.findall("<svg.*?</svg>", html)
        assert sum(len(ElementTree.fromstring(one).findall("rect")) for one in pictures) >= 10

    def test_text_of_the_data_cannot_enter_the_page(self, here: Here, tmp_path: Path) -> None:
        row = {"turns": [{"speaker": "A", "text": "x"}], "scenario": "<script>alert(1)</script>"}
        (tmp_path / "d.jsonl").write_text(json.dumps(row))
        here("data", "stats", tmp_path / "d.jsonl", "--html", tmp_path / "s.html")
        assert "&lt;script&gt;" in (tmp_path / "s.html").read_text()
        assert "<script>" not in (tmp_path / "s.html").read_text()


class TestConvert:
    @pytest.mark.parametrize("to", ["jsonl", "openai", "sharegpt", "convokit"])
    def test_there_and_back_is_the_same(self, here: Here, tmp_path: Path, to: str) -> None:
        file = write(tmp_path / "d.jsonl")
        result = here("data", "convert", file, "--to", to, "--out", tmp_path / "out")
        assert (result.code, result.err) == (0, f"som: 6 dialogues are in {tmp_path / 'out'}\n")
        back = here("data", "convert", tmp_path / "out")
        assert (back.code, back.out) == (0, file.read_text())

    def test_compressed_files_folders_and_standard_input(self, tmp_path: Path) -> None:
        data = write(tmp_path / "d.jsonl", 3).read_bytes()
        (tmp_path / "many").mkdir()
        (tmp_path / "many" / "a.gz").write_bytes(gzip.compress(data))
        (tmp_path / "many" / "b.zst").write_bytes(zstandard.compress(data))
        assert ids(som("data", "convert", tmp_path / "many").out) == ["test:0", "test:1", "test:2"] * 2
        for piped in (data, gzip.compress(data), zstandard.compress(data)):
            assert som("data", "convert", "-", stdin=piped).out == data.decode()
            assert som("data", "convert", "-", "--format", "jsonl", stdin=piped).out == data.decode()

    def test_plain_leaves_the_rest_out(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl", 1)
        [row] = here("data", "convert", file, "--to", "openai", "--plain").out.splitlines()
        assert list(json.loads(row)) == ["messages"]

    def test_columns_of_a_table_are_said(self, here: Here, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text("t,who,said\n1,A,x\n1,B,y\n2,A,z\n")
        words = ("data", "convert", tmp_path / "d.csv", "--columns")
        assert ids(here(*words, "dialogue=t,speaker=who,text=said").out) == ["1", "2"]
        assert_refused(here(*words, "speaker=who,text=nothing"), "there is no column 'nothing'")
        assert_refused(here(*words, "who"), "write speaker=COLUMN,text=COLUMN")
        assert_refused(here(*words, "text=said", "--format", "jsonl"), "--columns is for tables")

    def test_a_pipe_by_name_needs_its_format_and_loses_nothing(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert_refused(som("data", "convert", tmp_path / "pipe"), "a pipe is read once only")
        text = "speaker,text\n" + "A,x\n" * 50_000
        writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,))
        writer.start()
        result = som("data", "convert", tmp_path / "pipe", "--format", "table")
        writer.join()
        [row] = result.out.splitlines()
        assert len(msgspec.json.decode(row, type=Dialogue).turns) == 50_000

    def test_what_is_there_stays_when_a_row_is_bad(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl", 2, b"no\n")
        (tmp_path / "out").write_text("before")
        assert here("data", "convert", file, "--out", tmp_path / "out").code == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl", "out"]
        assert (tmp_path / "out").read_text() == "before"

    def test_an_input_is_not_written_over(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl")
        assert_refused(here("data", "convert", file, "--out", file), "is also read")
        assert_refused(here("data", "convert", file, "--to", "convokit"), "name it with --out")


class TestSample:
    def test_the_draw_follows_from_the_seed_and_keeps_the_order(self, here: Here, tmp_path: Path) -> None:
        file = write(tmp_path / "d.jsonl", 50)
        draws = {seed: here("data", "sample", file, "--number", 8, "--seed", seed).out for seed in range(3)}
        assert len(set(draws.values())) == 3
        for seed, out in draws.items():
            numbers = [int(one.partition(":")[2]) for one in ids(out)]
            assert numbers == sorted(set(numbers))
            assert len(numbers) == 8
            assert here("data", "sample", file, "--number", 8, "--seed", seed).out == out
        assert here("data", "sample", file, "--number", 99).out == file.read_text()

    def test_every_dialogue_is_as_likely(self) -> None:
        import random

        from skillofmind.cli.data.sample import drawn

        rows, chance = dialogues(10), random.Random(0)
        counts = [0] * 10
        for _ in range(2000):
            for one in drawn(rows, 3, chance):
                counts[int(one.id[5:])] += 1
        assert sum(counts) == 6000
        assert all(500 < count < 700 for count in counts)


class TestSelect:
    def test_targets_stand_with_what_was_before(self, here: Here, tmp_path: Path) -> None:
        pytest.importorskip("skillofmind.data.select")
        file = write(tmp_path / "d.jsonl", 3)
        rows = [json.loads(line) for line in here("data", "select", file).out.splitlines()]
        assert [(row["context"]["id"], row["index"]) for row in rows] == [
            ("test:0", 3),
            ("test:1", 3),
            ("test:2", 3),
            ("test:2", 5),
        ]
        assert [len(row["context"]["turns"]) for row in rows] == [3, 3, 3, 5]

    def test_quotas_and_ways(self, here: Here, tmp_path: Path) -> None:
        select = pytest.importorskip("skillofmind.data.select")
        file = write(tmp_path / "d.jsonl", 6)
        result = here("data", "select", file, "--quotas", "test=2,other=1", "--seed", 1)
        assert len(result.out.splitlines()) == 2
        assert result.err == "som: other has 1 targets fewer than its quota.\n"
        assert here("data", "select", file, "--how", "list").out.split() == list(select.SELECTIONS)
        assert_refused(here("data", "select", file, "--how", "luck"), "there are thanos, even_prefixes")
        assert_refused(here("data", "select", file, "--quotas", "test=x"), "write NAME=NUMBER")


class TestSplit:
    def test_parts_are_files_that_together_are_everything(self, here: Here, tmp_path: Path) -> None:
        pytest.importorskip("skillofmind.data.split")
        file = write(tmp_path / "d.jsonl", 60)
        result = here("data", "split", file, "--out", tmp_path / "parts")
        assert result.code == 0
        found = {p.stem: ids(p.read_text()) for p in sorted((tmp_path / "parts").iterdir())}
        assert sorted(one for part in found.values() for one in part) == sorted(d.id for d in dialogues(60))
        assert set(found) <= {"train", "validation", "test"}
        assert len(found["train"]) > 30
        streamed = here("data", "split", file).out.splitlines()
        splits = {row["id"]: row["split"] for row in map(json.loads, streamed)}
        assert all(splits[one] == name for name, part in found.items() for one in part)

    def test_shares_that_do_not_fit_are_refused(self, here: Here, tmp_path: Path) -> None:
        pytest.importorskip("skillofmind.data.split")
        file = write(tmp_path / "d.jsonl")
        assert here("data", "split", file, "--shares", "a=0.5,b=0.2").code == 2
        assert here("data", "split", file, "--shares", "a/b=1", "--out", tmp_path).code == 2


def test_plan_takes_compressed_files(here: Here, tmp_path: Path) -> None:
    data = b"".join(write_jsonl(dialogues(2)))
    plain = here("plan", write(tmp_path / "d.jsonl", 2), "--json").out
    for name, packed in (("d.gz", gzip.compress(data)), ("d.zst", zstandard.compress(data))):
        (tmp_path / name).write_bytes(packed)
        result = here("plan", tmp_path / name, "--json")
        assert (result.code, result.out) == (0, plain)


def test_the_corpus_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert list(read_any([write(tmp_path / "d.jsonl")])) == dialogues()
