"""Ten thousand real targets of eleven corpora, a teacher that fails in every way: each is accounted for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.select import Instance
from skillofmind.mind.dataset.report import Report
from skillofmind.mind.dataset.rows import Provenance
from tests.cli.som import som
from tests.corpora import corpora_folder
from tests.teacher import Teacher
from tests.upstream import Upstream, cut, hang, rate_limit, seeded_faults, status

QUOTAS = {
    "casino": 1200,
    "esconv": 1200,
    "empathetic_dialogues": 1200,
    "msc": 900,
    "persuasionforgood": 1200,
    "synthetic_persona_chat": 900,
    "personachat": 900,
    "blended_skill_talk": 900,
    "annomi": 600,
    "dailydialog": 600,
    "cima": 400,
}
FAULTS = ((0.05, rate_limit(1)), (0.02, status(500)), (0.01, hang()), (0.01, cut()))
PRICES = 'currency = "USD"\n[scripted]\nprompt = 10.0\ncompletion = 30.0\n'


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = corpora_folder()
    if folder is None or not all((folder / name).is_dir() for name in QUOTAS):
        pytest.skip("no folder shared/data with the corpora above the repository")
    out = tmp_path_factory.mktemp("targets") / "targets.jsonl"
    quotas = ",".join(f"{name}={count}" for name, count in QUOTAS.items())
    paths = [folder / name for name in QUOTAS]
    words = ["--how", "thanos", "--quotas", quotas, "--seed", 1, "--skip-bad", "--out", out]
    som("data", "select", *paths, *words)
    return out


def lines(path: Path, kind: Any) -> list[Any]:
    decode = msgspec.json.Decoder(kind).decode
    return [decode(line) for line in path.read_bytes().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_rows_and_every_call_are_accounted_for(targets: Path, tmp_path: Path) -> None:
    rows = lines(targets, Instance)
    assert len(rows) == sum(QUOTAS.values()) == 10_000
    assert len({row.context.corpus for row in rows}) >= 8
    (tmp_path / "prices.toml").write_text(PRICES)
    teacher, out = Teacher(), tmp_path / "run"
    with Upstream(reply=teacher, faults=seeded_faults(FAULTS, seed=3), latency=0.05) as server:
        words = ["--teacher", "scripted", "--base-url", server.base_url, "--limits", "seconds=3"]
        result = som("annotate", targets, out, *words, "--prices", tmp_path / "prices.toml", "--json")
        counts = server.counts
        asked = [request.body["messages"] for request in server.requests]
        assert not server.failures
    assert result.code == 0, result.err
    report = msgspec.json.decode(result.out, type=Report)

    # Every row came to an end: annotated, or rejected with a reason.
    annotated = lines(out / "annotated.jsonl", Dialogue)
    rejected = lines(out / "rejected.jsonl", Dialogue)
    assert report.rows == 10_000
    assert report.unfinished == 0
    assert (len(annotated), len(rejected)) == (report.annotated, sum(report.rejected.values()))
    assert len(annotated) + len(rejected) == 10_000
    ids = [row.id for row in annotated + rejected]
    assert sorted(ids) == sorted(row.id for row in rows)
    assert all(row.turns[-1].annotations for row in annotated)
    assert Counter(row.meta["rejected"]["reason"] for row in rejected) == Counter(report.rejected)
    assert all(row.meta["rejected"]["replies"][-1]["text"] for row in rejected)

    # The server counted what we counted.
    assert report.costs["teacher"].calls == counts.received
    usage = report.costs["teacher"].usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (counts.prompt_tokens, counts.completion_tokens)
    money = (counts.prompt_tokens * 10 + counts.completion_tokens * 30) / 1e6
    assert report.money() == pytest.approx(money, rel=1e-12)
    provenance = lines(out / "provenance.jsonl", Provenance)
    assert sum(row.attempts for row in provenance) == counts.received
    assert sum(row.usage.total_tokens for row in provenance) == usage.total_tokens
    assert counts.faults > 800

    # What the teacher did to each row is what became of it.
    assert_foreseen(asked, annotated, rejected, teacher)


def assert_foreseen(
    asked: list[list[dict[str, str]]], annotated: list[Dialogue], rejected: list[Dialogue], teacher: Teacher
) -> None:
    first = {messages[1]["content"] for messages in asked}
    assert len(first) <= 10_000
    kinds = Counter(teacher.kind(text) for text in first)
    repairs = {messages[1]["content"] for messages in asked if len(messages) == 4}
    assert repairs == {
        text for text in first if teacher.kind(text) in ("broken", "unknown", "no_counterfactual")
    }
    stubborn = Counter(teacher.kind(text) for text in repairs if teacher.is_stubborn(text))
    reasons = Counter(row.meta["rejected"]["reason"] for row in rejected)
    # Rows with the same words get the same reply; all but the first are duplicates.
    twice = 10_000 - len(first)
    for kind, reason in (("broken", "no_json"), ("unknown", "oov"), ("no_counterfactual", "incomplete")):
        assert stubborn[kind] <= reasons[reason] <= stubborn[kind] + twice
    assert reasons["not_first_person"] >= kinds["third_person"] > 50
    several = [row for row in annotated if len(row.turns[-1].annotations) == 2]
    assert 0.9 * kinds["two"] <= len(several) <= kinds["two"] + twice


def test_the_teachers_reply_is_the_reply_of_a_model() -> None:
    """The program that stands for the teacher writes what it is said to write."""
    body = {
        "messages": [{"content": ""}, {"content": "[Next Response]\nBen: I am so sorry.\n\n[Guidelines]"}]
    }
    right = Teacher({})(body)
    assert set(json.loads(right)[0]) == {"skill", "explanation", "counterfactual response"}
    assert Teacher({"broken": 1.0})(body) == right[: len(right) // 3]
    assert json.loads(Teacher({"leak": 1.0})(body))[0]["explanation"] == "I will say: I am so sorry."
