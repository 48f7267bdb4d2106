"""The benchmark of annotation measures what it says: equal requests, each once, and whole process trees."""

import json
import os
import sys
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from benchmarks.annotation import (
    Arm,
    Place,
    cases,
    check_equal_work,
    command,
    figures,
    merged,
    run,
    write_rows,
)
from benchmarks.annotation import Pair as RunPair
from benchmarks.annotation_server import Begin, answer, digest_of, mark, serving, skill
from benchmarks.process_tree import Took, took

from skillofmind.mind.annotate.reply import read_reply
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import load_taxonomy

LOOP = Arm("aiohttp loop", sys.executable, "with_aiohttp.py", (20, 200))
OURS = Arm("som", sys.executable, "", (20, 200))


def test_every_row_carries_its_mark_once_and_is_the_same_each_time() -> None:
    rows = list(islice(cases(), 300))
    assert rows == list(islice(cases(), 300))
    for case, row in enumerate(rows):
        assert msgspec.json.encode(row).decode().count(mark(case)) == 1
    assert len({row.id for row in rows}) == 300


def test_an_answer_of_the_server_is_one_whole_annotation() -> None:
    normaliser = Normaliser(load_taxonomy())
    for case in range(12):
        [draft] = read_reply(answer(case), normaliser).usable()
        assert draft.skill == skill(case)


def test_a_digest_knows_messages_and_sampling_and_no_order_of_keys() -> None:
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "a"}],
        "temperature": 0.9,
        "top_p": 1.0,
        "max_tokens": 5,
    }
    parts = [{"content": [{"type": "text", "text": "a"}], "role": "user"}]
    renamed = {name: body[name] for name in reversed(body) if name != "max_tokens"}
    same = {**renamed, "messages": parts, "n": 1, "max_completion_tokens": 5}
    assert digest_of(body) == digest_of(same)
    assert digest_of(body) != digest_of({**body, "temperature": 0.8})
    assert digest_of(body) != digest_of({**body, "messages": [{"role": "user", "content": "b"}]})


@pytest.mark.slow
def test_ours_and_the_loop_do_equal_work(tmp_path: Path) -> None:
    with serving() as server:
        place = Place(tmp_path, server, None)
        write_rows(tmp_path, 200)
        assert check_equal_work([OURS, LOOP], place)["requests_of_each_arm"] == 200


@pytest.mark.slow
def test_an_arm_that_asks_something_else_is_refused(tmp_path: Path) -> None:
    with serving() as server:
        place = Place(tmp_path, server, None)
        write_rows(tmp_path, 200)
        prompts = tmp_path / "prompts-200.jsonl"
        prompts.write_bytes(prompts.read_bytes().replace(b"[Guidelines]", b"[Rules]"))
        with pytest.raises(ValueError, match="do not ask the same"):
            check_equal_work([OURS, LOOP], place)


@pytest.mark.slow
def test_a_run_that_leaves_rows_out_is_refused(tmp_path: Path) -> None:
    with serving() as server:
        place = Place(tmp_path, server, None)
        write_rows(tmp_path, 20)
        prompts = tmp_path / "prompts-20.jsonl"
        assert run(LOOP, 20, 4, place).cpu > 0
        prompts.write_bytes(b"".join(prompts.read_bytes().splitlines(keepends=True)[:-1]))
        with pytest.raises(ValueError, match="19 requests for 19 of 20 rows"):
            run(LOOP, 20, 4, place)


def test_the_server_counts_requests_and_rows_apart() -> None:
    import urllib.request

    with serving() as server:
        server.begin(Begin(3, keep=False))
        for case in (0, 0, 2):
            body = json.dumps({"messages": [{"content": mark(case)}]}).encode()
            with urllib.request.urlopen(f"{server.base_url}/chat/completions", body, timeout=5) as response:
                found = json.loads(response.read())
            assert json.loads(found["choices"][0]["message"]["content"])[0]["skill"] == skill(case)
        assert server.seen()[:2] == (3, 1)


def test_a_tree_counts_children_and_what_they_leave_behind(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {burn!r}])"
    found = took([sys.executable, "-S", "-c", code], os.environ, tmp_path)
    assert 0.3 <= found.cpu < 1.0
    assert 0 < found.largest_mb < 60


def test_a_failed_command_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3: .*no such luck"):
        took(
            [sys.executable, "-S", "-c", "import sys; sys.stderr.write('no such luck'); sys.exit(3)"],
            os.environ,
            tmp_path,
        )


def test_marginal_figures_leave_the_start_out() -> None:
    pairs = [RunPair(Took(1.1, 2.2, 50, 60), Took(1.5, 3.0, 55, 70))] * 2
    found = figures(Arm("x", "", "", (100, 500)), pairs)
    assert found["marginal"]["rows_per_s"]["median"] == 500
    assert found["marginal"]["cpu_ms_per_row"]["median"] == 1
    assert found["fixed"]["cpu_s"]["median"] == 1
    assert found["whole"]["cpu_ms_per_row"]["median"] == 3
    assert found["peak_mb"] == {"largest_process": 55, "all_processes": 70}


def test_a_part_that_was_not_measured_stays_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "annotation.json"
    out.write_text('{"memory": {"rows": 5}, "rounds": 1}')
    assert merged({"rounds": 2}, out) == {"memory": {"rows": 5}, "rounds": 2}
    assert merged({"rounds": 2}, None) == {"rounds": 2}


def test_the_cache_is_an_option_of_our_arm(tmp_path: Path) -> None:
    with serving() as server:
        place = Place(tmp_path, server, None)
        plain = command(OURS, 20, 64, place, tmp_path)
        assert "--cache" not in plain
        assert command(OURS._replace(cache=True), 20, 64, place, tmp_path)[: len(plain)] == plain
