"""`som plan` over real dialogues of nine corpora: every line is answered or says why not."""

import re
from pathlib import Path

import msgspec
import pytest

from skillofmind.cli.plan.rows import PlanRow
from skillofmind.core.dialogue import Dialogue
from tests.cli.som import SKILLS, Here, answer, prompted, som, write_dialogues
from tests.cli.test_bad_input import raw_controls
from tests.corpora import CORPORA, corpora_folder, read_corpus
from tests.upstream import Upstream

COUNT = 200
_FIRST_PERSON = re.compile(r"\b(I|me|my)\b|나는|내가|나의")


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    folder = corpora_folder()
    if folder is None:
        pytest.skip("no folder shared/data above the repository: the corpora are not here")
    names = [name for name in CORPORA if (folder / name).is_dir()]
    if len(names) < 6:
        pytest.skip(f"only {len(names)} of the corpora are in {folder}")
    each = -(-COUNT // len(names))
    found = [row for name in names for row in read_corpus(folder, name, each)][:COUNT]
    assert len(found) == COUNT
    assert len({row.corpus for row in found}) >= 6
    return found


@pytest.fixture
def file(dialogues: list[Dialogue], tmp_path: Path) -> Path:
    return write_dialogues(tmp_path / "corpora.jsonl", dialogues)


def assert_row_holds(row: PlanRow, dialogue: Dialogue) -> None:
    plan = row.plan
    if plan.error is not None:
        assert plan.error.strip()
        return
    assert plan.skill in (*SKILLS, None)
    assert plan.valid == (plan.skill is not None)
    assert plan.responder == dialogue.next_speaker()
    assert plan.planner
    assert plan.explanation.strip()
    assert _FIRST_PERSON.search(plan.explanation), plan.explanation
    assert plan.confidence is None or 0 <= plan.confidence <= 1
    shares = [other.confidence for other in plan.alternatives if other.confidence is not None]
    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.001
    assert {other.skill for other in plan.alternatives} <= set(SKILLS)
    for evidence in plan.evidence:
        assert evidence.kind == "context" or 0 <= int(evidence.where) < len(dialogue.turns)
        assert evidence.quote.strip()


def test_every_dialogue_is_answered_or_says_why_not(
    here: Here, file: Path, dialogues: list[Dialogue]
) -> None:
    result = here("plan", file, "--json")
    assert result.code in (0, 1)
    lines = result.out.splitlines()
    assert len(lines) == COUNT
    rows = [msgspec.json.decode(line, type=PlanRow, strict=True) for line in lines]
    assert [row.number for row in rows] == list(range(1, COUNT + 1))
    assert [row.id for row in rows] == [dialogue.id for dialogue in dialogues]
    for row, dialogue in zip(rows, dialogues, strict=True):
        assert_row_holds(row, dialogue)
    assert result.code == int(any(not row.plan.valid for row in rows))
    assert sum(row.plan.valid for row in rows) >= COUNT * 0.95


def test_the_same_file_gives_the_same_bytes_in_another_process(here: Here, file: Path) -> None:
    first = here("plan", file, "--json", "--concurrency", 7)
    second = som("plan", file, "--json", PYTHONHASHSEED="7")
    assert first.code == second.code
    assert first.out == second.out


def test_they_can_all_be_shown(here: Here, file: Path) -> None:
    result = here("plan", file)
    assert result.code in (0, 1)
    assert result.out.count(" thinks: ") + result.out.count("no plan for ") >= COUNT
    assert raw_controls(result.out) == set()
    assert all(line == line.rstrip() for line in result.out.splitlines())


def test_a_model_is_asked_once_for_each(here: Here, file: Path) -> None:
    with Upstream(reply=lambda _: answer("Empathy", "I feel with them.")) as server:
        result = here("plan", file, *prompted(server.base_url), "--json")
        assert server.counts.received == COUNT
    assert result.code == 0
    assert [row.plan.skill for row in result.rows()] == ["Empathy"] * COUNT
