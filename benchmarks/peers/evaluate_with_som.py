"""This library in the evaluation benchmark: `evals.runner`, with items, answers, cases and a summary kept.

    python evaluate_with_som.py KIND ROWS OUT BASE_URL IN_FLIGHT SAMPLING [ANSWERS]

KIND `chat` asks the server; `choice` takes the likeliest of four endings by a model that is a checksum.
"""

import asyncio
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.answering import Ask
from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.records import Answer, Case, Gold, Item
from skillofmind.evals.runner import answered, finish
from skillofmind.evals.task import Task
from skillofmind.models.http import HttpModel
from skillofmind.models.limited import limited
from skillofmind.models.metered import metered
from skillofmind.models.retried import retried
from skillofmind.run.budget import Meter
from skillofmind.run.concurrency import Gate
from skillofmind.run.directory import RunDirectory

LETTERS = "ABCD"


def item(row: dict[str, Any]) -> Item:
    """Return one row as an item."""
    turns = (Turn("User", row["prompt"]), *(Turn("Choice", choice) for choice in row.get("choices", ())))
    return Item("bench", str(row["case"]), str(row["case"]), Dialogue(turns), Gold(reply=row["target"]))


def score(item: Item, answer: Answer) -> dict[str, float | None]:
    """Say whether the target is in the reply."""
    return {"includes": None if answer.error is not None else float(item.gold.reply in answer.reply)}


def measures(cases: Sequence[Case]) -> list[Measure]:
    """Return the mean."""
    return [mean_of("includes", [case.scores["includes"] for case in cases])]


def none(data: Path) -> Iterator[Item]:
    """Return no items: they come from the file of rows."""
    return iter(())


def chat(model: Any, sampling: Sampling) -> Ask:
    """Return what sends the prompt to the model."""

    async def ask(item: Item) -> Answer:
        conversation = Conversation((Message("user", item.dialogue.turns[0].text),))
        completion = await model.generate(conversation, sampling)
        return Answer(reply=completion.text, usage=completion.usage)

    return ask


async def choose(item: Item) -> Answer:
    """Return the letter of the choice with the highest log-likelihood."""
    prompt, *choices = (turn.text for turn in item.dialogue.turns)
    scores = [-zlib.crc32(f"{prompt}|{choice}".encode()) / 2**32 for choice in choices]
    return Answer(reply=LETTERS[scores.index(max(scores))])


async def run() -> None:
    """Ask, score and write."""
    kind, rows, out, base_url, in_flight, sampling, *answers = sys.argv[1:]
    items = [item(json.loads(line)) for line in Path(rows).read_text("utf-8").splitlines()]
    asked = json.loads(sampling)
    task = Task("bench", "Includes the target.", "reply", "", none, score, measures)
    name = asked.pop("model")
    async with HttpModel(name, base_url) as http:
        model = retried(metered(limited(http, Gate(int(in_flight))), Meter()))
        ask = chat(model, Sampling(**asked)) if kind == "chat" else choose
        with RunDirectory.open(Path(out) / "run", command="bench", options={}) as held:
            ended = await answered(held, items, ask, concurrency=int(in_flight), seconds=600, most_failed=0.5)
            found = finish(held.path, {"bench": task})
    if ended.failed or not ended.complete:
        raise SystemExit(f"the run ended as {ended}")
    if answers:
        Path(answers[0]).write_text(
            json.dumps({one.item.id: one.answer.reply for one in found.cases}), "utf-8"
        )


if __name__ == "__main__":
    asyncio.run(run())
