from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Model, Store, StreamingModel
from skillofmind.mind.inject import planned
from skillofmind.models.http import HttpModel
from skillofmind.models.retrieval import Reply, RetrievalModel
from skillofmind.models.scripted import ScriptedModel
from skillofmind.run.log import AppendLog


def test_whatever_answers_is_a_model() -> None:
    scripted = ScriptedModel(["hello"])
    retrieval = RetrievalModel([Reply("hi", "hello", "Empathy", "en")])
    served = HttpModel("m", "http://127.0.0.1:1/v1")
    for model in (scripted, retrieval, served, planned(scripted, _Silent())):
        assert isinstance(model, Model)
    assert isinstance(served, StreamingModel)
    assert not isinstance(retrieval, StreamingModel)


def test_a_log_is_a_store(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log.jsonl") as log:
        store: Store = log
        store.append("one", {"n": 1})
        assert store.has("one")
        assert not store.has("two")
        assert list(store.read()) == [("one", {"n": 1})]


class _Silent:
    identity = "silent"

    async def plan(self, dialogue: Dialogue) -> Plan:
        raise AssertionError(f"{dialogue} was not to be planned")
