"""Texts of answers and golds as vectors, each distinct text encoded once.

    embedding = Embedding("tiny:1", encoder.encode)
    encoders = encoders_of(embedding, compared_texts(items, answers, tasks))
    cases = cases_of(items, answers, tasks, encoders)

This fills `cosine` and `nearer_cosine`. `token_f1` stays empty: it needs a vector for every token, which a
sentence encoder does not give.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from skillofmind.evals.measures.planned import planned
from skillofmind.evals.records import Answer, Item
from skillofmind.evals.task import Task
from skillofmind.scorers.embedding import Embed, Encoders, Vectors

ENCODER = "encoder"
"""Setting of a summary that names what texts were encoded with; absent where they were not."""


class Embedding(NamedTuple):
    """An encoder.

    Attributes:
        name: what stands in the settings; changes with everything that changes vectors.
        encode: texts -> vectors [texts, size]; called once, with distinct texts.
    """

    name: str
    encode: Embed


def compared_texts(
    items: Iterable[Item], answers: Mapping[str, Answer], tasks: Mapping[str, Task]
) -> list[str]:
    """Return the distinct texts that tasks compare by encoders, in their order; none of failed answers."""
    found: dict[str, None] = {}
    for item in items:
        answer = answers.get(item.key)
        if answer is None or answer.error is not None or tasks[item.task].embedded is None:
            continue
        said = _said(tasks[item.task], answer)
        if said is not None:
            found |= dict.fromkeys((said, *_golds(tasks[item.task], item)))
    return list(found)


def encoders_of(embedding: Embedding, texts: Sequence[str]) -> Encoders:
    """Return encoders that look the vectors of these texts up."""
    if not texts:
        return Encoders()
    place = {text: number for number, text in enumerate(texts)}
    vectors = np.asarray(embedding.encode(texts))

    def looked_up(wanted: Sequence[str]) -> Vectors:
        found: Vectors = vectors[[place[text] for text in wanted]]
        return found

    return Encoders(texts=looked_up)


def _said(task: Task, answer: Answer) -> str | None:
    if task.asks == "reply":
        return answer.reply
    plan = planned(answer)
    return plan.explanation.strip() if plan else None


def _golds(task: Task, item: Item) -> tuple[str, ...]:
    gold = item.gold
    every = (gold.reply,) if task.asks == "reply" else (gold.explanation, gold.reply, gold.counterfactual)
    return tuple(text for text in every if text.strip())
