from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.embedding import ENCODER, Embedding, compared_texts, encoders_of
from skillofmind.evals.files import keep_items, rescored
from skillofmind.evals.known import known_task
from skillofmind.evals.records import Answer, Gold, Item, Table
from skillofmind.run.directory import RunDirectory
from skillofmind.scorers.embedding import NO_ENCODERS, Vectors
from tests.evals.fake import fake_task, items

TALK = Dialogue((Turn("A", "My dog died."),), lang="en")
GOLD = Gold(("Empathy",), explanation="It hurts.", counterfactual="Great!", reply="Oh no.")
EXPLAINED = [Item("own.mine", str(number), str(number), TALK, GOLD) for number in range(3)]
REPLIED = Item("reply.own", "9", "9", TALK, Gold(reply="Oh no."), "none")
ANSWERS = {
    EXPLAINED[0].key: Answer(plan=Plan(" It hurts. ", "Empathy", valid=True)),
    EXPLAINED[1].key: Answer(plan=Plan("Great!", "Empathy", valid=True)),
    EXPLAINED[2].key: Answer(error="late"),
    REPLIED.key: Answer(reply="Great!"),
}
TASKS = {name: known_task(name) for name in ("own.mine", "reply.own")}


class Letters:
    """Vectors of a text's letters, and the texts that were encoded."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], np.float32)


def test_every_distinct_text_is_encoded_once() -> None:
    letters = Letters()
    texts = compared_texts([*EXPLAINED, REPLIED], ANSWERS, TASKS)
    encoders = encoders_of(Embedding("letters", letters.encode), texts)
    assert letters.asked == texts == ["It hurts.", "Oh no.", "Great!"]
    assert encoders.tokens is None
    assert encoders.texts is not None
    assert encoders.texts(["Great!", "Oh no.", "Great!"])[:, 0].tolist() == [1, 0, 1]
    assert len(letters.asked) == 3


def test_tasks_that_compare_no_texts_are_not_encoded() -> None:
    asked = items(3)
    answers = {one.key: Answer(plan=Plan("x", "Empathy", valid=True)) for one in asked}
    assert compared_texts(asked, answers, {"numbers": fake_task()}) == []
    assert encoders_of(Embedding("letters", Letters().encode), []) == NO_ENCODERS


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with RunDirectory.open(tmp_path / "run", command="x", options={"settings": {"planner": "p"}}) as held:
        keep_items(held.path, [*EXPLAINED, REPLIED])
        for key, answer in ANSWERS.items():
            held.log("log").append(key, answer)
    return tmp_path / "run"


def test_an_encoder_fills_cosines_and_is_named_in_the_settings(run: Path) -> None:
    found = rescored(run, embedding=Embedding("letters", Letters().encode))
    assert found.summary.settings[ENCODER] == "letters"
    scores = [case.scores for case in found.cases]
    assert scores[0]["cosine"] == pytest.approx(1.0)
    assert [one["nearer_cosine"] for one in scores[1:3]] == [0.0, None]
    assert [one["cosine"] for one in scores[2:]] == [None, 0.0]
    assert [one["token_f1"] for one in scores] == [None] * 4
    plain, replied = found.summary.results
    assert {"cosine", "nearer_cosine"} <= {one.measure for one in plain.estimates}
    assert "cosine" in {one.measure for one in replied.estimates}


def test_without_it_they_are_gone_and_nothing_else_changes(run: Path) -> None:
    before = rescored(run, embedding=Embedding("letters", Letters().encode))
    found = rescored(run, before=before)
    assert ENCODER not in found.summary.settings
    assert found == rescored(run)
    for case, other in zip(found.cases, before.cases, strict=True):
        rest = {name: value for name, value in other.scores.items() if "cosine" not in name}
        assert {name: value for name, value in case.scores.items() if "cosine" not in name} == rest
        assert case.scores["cosine"] is None


def test_ratings_of_replies_are_kept_where_the_case_is_the_same(run: Path) -> None:
    plain = rescored(run)
    rated = [
        msgspec.structs.replace(case, scores=case.scores | {"er": 2.0}) if case.item == REPLIED else case
        for case in plain.cases
    ]
    table = Table("Classes of replies", ("rater",), (("er",),))
    first, replies = plain.summary.results
    old = msgspec.structs.replace(
        plain.summary, results=(first, msgspec.structs.replace(replies, tables=(table,)))
    )
    found = rescored(run, before=plain._replace(cases=rated, summary=old))
    assert found.summary.results[1].tables == (table,)
    assert found.summary.results[0].tables == first.tables
    assert found.cases[3].scores["er"] == 2.0
    assert "er" not in found.cases[0].scores
    assert "er" in {one.measure for one in found.summary.results[1].estimates}
    other = [msgspec.structs.replace(case, answer=Answer(reply="Else")) for case in rated]
    assert rescored(run, before=plain._replace(cases=other)).cases[3].scores["er"] is None
