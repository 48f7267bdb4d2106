"""Scoring a run again with the sentence encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from skillofmind.cli.eval import embedding
from skillofmind.core.errors import MissingExtra
from skillofmind.evals.files import read_summary
from skillofmind.mind.starter import starter_dialogues
from skillofmind.scorers.embedding import Vectors
from tests.cli.eval.test_own_files import write
from tests.cli.som import Here, assert_refused


class Lengths:
    """Encodes a text by how long it is."""

    identity = "lengths:1"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(len(texts))
        return np.array([[1.0, len(text)] for text in texts], np.float32)


@pytest.fixture
def run(here: Here, tmp_path: Path) -> Path:
    mine = write(tmp_path / "mine.jsonl", list(starter_dialogues())[:12])
    assert here("eval", "plans", tmp_path / "run", "--tasks", mine, "--n", 30).code == 0
    return tmp_path / "run"


def test_cosines_come_with_the_encoder_and_go_without_it(
    here: Here, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: (run / name).read_bytes() for name in ("cases.jsonl", "summary.json")}
    encoder = Lengths()
    loaded = embedding.watched_embedding
    monkeypatch.setattr(embedding, "watched_embedding", lambda: loaded(lambda: encoder))
    result = here("eval", "show", run, "--rescore", "--embed")
    assert result.code == 0, result.err
    assert "nearer_cosine" in result.out
    assert "encode: " in result.err
    assert max(encoder.batches) <= 64
    assert len(encoder.batches) == -(-sum(encoder.batches) // 64) > 1
    summary = read_summary(run)
    assert summary.settings["encoder"] == "all-MiniLM-L6-v2:lengths:1"
    assert {"cosine", "nearer_cosine"} <= {one.measure for one in summary.results[0].estimates}

    result = here("eval", "show", run, "--rescore")
    assert "cosines by the encoder all-MiniLM-L6-v2:lengths:1 are dropped; to have them again: " in result.err
    assert "cosine" not in result.out
    assert {name: (run / name).read_bytes() for name in before} == before
    assert "dropped" not in here("eval", "show", run, "--rescore").err


def test_the_encoder_alone_is_refused(here: Here, run: Path) -> None:
    assert_refused(here("eval", "show", run, "--embed"), "--embed scores answers again; add --rescore.")


def test_a_missing_encoder_is_named_and_leaves_the_run_as_it_was(
    here: Here, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / "summary.json").read_bytes()
    monkeypatch.setattr("skillofmind.models.local.encoder.find_spec", lambda name: None)
    pytest.importorskip("torch", reason="without torch the message names torch")
    assert_refused(here("eval", "show", run, "--rescore", "--embed"), "pip install 'skillofmind[embed]'")
    assert (run / "summary.json").read_bytes() == before
    with pytest.raises(MissingExtra):
        embedding.packaged_encoder()
