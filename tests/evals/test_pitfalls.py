"""Six known faults of the published evaluation code of skill-of-mind (arXiv 2411.04496).

Each test holds a small model of the fault and a check. The check finds the fault in the model, and finds none
in what this package does.
"""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Annotation, Dialogue, Turn
from skillofmind.data.corpora.persona import blended_skill_talk
from skillofmind.data.select import Instance, even_prefixes, instances
from skillofmind.data.split import shared_groups, split
from skillofmind.evals.records import Item
from skillofmind.evals.tasks import TASKS, annotated_task
from skillofmind.mind.dataset.examples import Shape, sft_rows
from skillofmind.mind.prompted import PromptedPlanner
from skillofmind.mind.render import render_turns
from skillofmind.mind.template import load_template
from skillofmind.mind.weights import WeightsPlanner, planner_messages
from skillofmind.models.scripted import ScriptedModel
from tests.evals.tasks.small import BST_LONG, read_all, written


def talk(length: int, *, words: int = 3, id: str = "own:1") -> Dialogue:
    """Return a dialogue of turns that all differ, annotated at its last turn."""
    last = length - 1
    turns = tuple(
        Turn(
            "AB"[n % 2],
            f"<{n}> " + "so on " * (words // 2),
            annotations=(Annotation("Empathy", "It hurts.", "Great!"),) if n == last else (),
        )
        for n in range(length)
    )
    return Dialogue(turns, id=id, lang="en")


class TestTargetTurn:
    """1. The prompt of the own test set renders all turns, the one that is asked for included."""

    def test_neither_prompt_nor_item_shows_the_turn_that_is_asked_for(self, tmp_path: Path) -> None:
        whole = talk(6)
        path = tmp_path / "own.jsonl"
        path.write_bytes(msgspec.json.encode(whole))
        (item,) = read_all(annotated_task(path), tmp_path)
        ours = planner_messages(item.dialogue, load_template())[1].text()
        assert leaks(render_turns(whole), whole.turns[-1])
        assert not leaks(ours, whole.turns[-1])
        assert all(leaks(ours, turn) for turn in whole.turns[:-1])

    def test_a_planner_is_asked_as_it_was_trained(self, tmp_path: Path) -> None:
        whole = talk(6)
        path = tmp_path / "own.jsonl"
        path.write_bytes(msgspec.json.encode(whole))
        (item,) = read_all(annotated_task(path), tmp_path)
        (trained,) = sft_rows(whole, Shape())
        asked = [
            {"role": message.role, "content": message.text()}
            for message in planner_messages(item.dialogue, load_template())
        ]
        assert trained["prompt"] == asked
        assert trained["prompt"][1]["content"] != official_prompt(whole)


def official_prompt(whole: Dialogue) -> str:
    return planner_messages(whole, load_template())[1].text()


def leaks(prompt: str, turn: Turn) -> bool:
    return turn.text.strip() in prompt


@pytest.fixture
def blended(tmp_path: Path) -> Path:
    return written(tmp_path / "blended_skill_talk", [BST_LONG])


class TestDroppedTurns:
    """2. BlendedSkillTalk keeps one message of each exchange, so half of the turns are missing."""

    def test_every_turn_before_the_one_that_is_asked_for_is_there(self, blended: Path) -> None:
        (whole,) = blended_skill_talk.read(blended / "blended_skill_talk")
        assert isinstance(whole, Dialogue)
        ours, theirs = (read_all(TASKS[name], blended) for name in ("bst", "bst.official"))
        assert [missing(item, whole) for item in ours] == [[], [], []]
        assert [missing(item, whole) for item in theirs] == [[], ["guided 0", "free 1"], LOST]


LOST = ["guided 0", "free 1", "guided 2", "free 3"]


def missing(item: Item, whole: Dialogue) -> list[str]:
    """Return the turns before the one that is asked for which the item does not show."""
    shown = {turn.text for turn in item.dialogue.turns}
    before = whole.turns[: int(item.id.rpartition("#")[2])]
    return [turn.text for turn in before if turn.text not in shown]


class TestSharedContext:
    """3. All items of a dialogue are shown the context of the last one, which holds later turns."""

    def test_every_item_has_its_own_context(self, blended: Path) -> None:
        (whole,) = blended_skill_talk.read(blended / "blended_skill_talk")
        assert isinstance(whole, Dialogue)
        ours, theirs = (read_all(TASKS[name], blended) for name in ("bst", "bst.official"))
        assert contexts(ours) == len(ours) == 3
        assert contexts(theirs) == 1
        assert [later(item, whole) for item in ours] == [[], [], []]
        assert later(theirs[0], whole) == ["guided 1", "free 2"]


def contexts(items: Sequence[Item]) -> int:
    return len({tuple(turn.text for turn in item.dialogue.turns) for item in items})


def later(item: Item, whole: Dialogue) -> list[str]:
    """Return the turns that the item shows although they are the target or follow it."""
    after = {turn.text for turn in whole.turns[int(item.id.rpartition("#")[2]) :]}
    return [turn.text for turn in item.dialogue.turns if turn.text in after]


class TestTruncation:
    """4. Baselines see the first 512 tokens, padded at the right; the method itself sees all of them."""

    async def test_all_planners_see_the_whole_dialogue(self) -> None:
        dialogue = talk(81, words=20).before(80)
        marks = [f"<{n}>" for n in range(80)]
        prompts = [await asked(planner, dialogue) for planner in (PromptedPlanner, WeightsPlanner)]
        assert all(len(prompt.split()) > 1600 for prompt in prompts)
        assert [cut_off(prompt, marks) for prompt in prompts] == [[], []]
        # The published code: the same prompt for one arm, its first 512 tokens for the other.
        assert cut_off(" ".join(prompts[0].split()[:512]), marks)[-1] == "<79>"

    def test_a_local_model_gets_every_token_and_padding_at_the_left(self) -> None:
        pytest.importorskip("transformers", reason="needs the extra `local`")
        pytest.importorskip("torch", reason="needs the extra `local`")
        from skillofmind.models.local.decoding import pad_left
        from skillofmind.models.local.prompts import PromptEncoder
        from tests.models.local.tiny import tiny_tokenizer

        tokenizer = tiny_tokenizer()
        text = render_turns(talk(81, words=20).before(80))
        ids = PromptEncoder(tokenizer).prompt(Conversation((Message("user", text),)))
        assert len(ids) > 512
        assert text in tokenizer.decode(ids)
        assert text not in tokenizer.decode(ids[:512])
        batch, mask = pad_left([ids, ids[:9]], "cpu")
        assert ends_in_padding(mask.tolist()) == []
        assert ends_in_padding([[1] * len(ids), [1] * 9 + [0] * (len(ids) - 9)]) == [1]
        assert batch[1, -9:].tolist() == ids[:9]


async def asked(planner: Callable[[Any], Any], dialogue: Dialogue) -> str:
    """Return what a planner's model is told first."""
    model = ScriptedModel(lambda conversation, sampling: "no plan")
    await planner(model).plan(dialogue)
    return model.calls[0].conversation.messages[-1].text()


def cut_off(prompt: str, marks: Sequence[str]) -> list[str]:
    return [mark for mark in marks if mark not in prompt]


def ends_in_padding(mask: Sequence[Sequence[int]]) -> list[int]:
    """Return the rows after whose last token there is padding, so that generation goes on from padding."""
    return [place for place, row in enumerate(mask) if not row[-1]]


class TestSplit:
    """5. Instances are mixed and cut, so prefixes of one dialogue are in train and test."""

    def test_a_dialogue_is_in_one_part(self) -> None:
        whole = [talk(12, id=f"own:{number}") for number in range(40)]
        rows = [one for dialogue in whole for one in instances(dialogue, even_prefixes)]
        assert len(rows) == 200
        assert len(shared_groups(by_instance(rows))) > 20
        ours = list(split(whole, {"train": 0.8, "test": 0.2}, seed=0))
        parts = {one.id: one.split for one in ours}
        kept = [msgspec.structs.replace(one.context, split=parts[one.context.id]) for one in rows]
        assert shared_groups(kept) == {}
        assert {one.split for one in kept} == {"train", "test"}


def by_instance(rows: Sequence[Instance]) -> list[Dialogue]:
    """Return the contexts split as the published code does: pooled, mixed, the first part for training."""
    mixed = random.Random(0).sample(list(rows), len(rows))
    most = len(mixed) * 8 // 10
    return [
        msgspec.structs.replace(row.context, split="train" if place < most else "test")
        for place, row in enumerate(mixed)
    ]


class TestDoubledMarks:
    """6. The chat template writes begin and end tokens, and the code adds them once more."""

    MESSAGES = ({"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "So sorry."})

    def test_training_and_inference_have_one_begin_and_one_end(self) -> None:
        pytest.importorskip("transformers", reason="needs the extra `train`")
        from tests.train.chat.looking import inference, made, rows_of
        from tests.train.chat.styles import LLAMA3, shared

        tokenizer, messages = shared(LLAMA3), [*self.MESSAGES]
        (row,) = rows_of(made(tokenizer, {"id": "x", "messages": messages}))
        trained, shown = row.ids.tolist(), inference(tokenizer, messages[:1])
        assert doubled(tokenizer, official_training(tokenizer, messages)) == ["begin", "end"]
        assert doubled(tokenizer, official_inference(tokenizer, messages[:1])) == ["begin"]
        assert doubled(tokenizer, trained) == []
        assert doubled(tokenizer, shown) == []
        # And what is shown is what was trained on, up to the answer.
        assert trained[: len(shown)] == shown
        assert official_training(tokenizer, messages)[: len(shown)] != shown


def official_training(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """Return a training text as the published code makes it."""
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    ids: list[int] = tokenizer(text)["input_ids"]
    return [*ids, tokenizer.eos_token_id]


def official_inference(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids: list[int] = tokenizer(text)["input_ids"]
    return ids


def doubled(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """Return which marks stand twice: begin tokens anywhere, end tokens one after the other at the end."""
    ends = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|eot_id|>")}
    begins = list(ids).count(tokenizer.bos_token_id)
    return (["begin"] if begins > 1 else []) + (["end"] if set(ids[-2:]) <= ends else [])


def test_the_model_of_the_blended_task_is_that_of_the_published_code(blended: Path) -> None:
    """The context as the code makes it from the row, without any part of this package."""
    row = json.loads((blended / "blended_skill_talk" / "test.jsonl").read_text())
    dialogue, copies = list(row["previous_utterance"]), []
    for number, chosen in enumerate(row["guided_chosen_suggestions"]):
        if chosen:
            copies.append(list(dialogue))
        dialogue.append(row["guided_messages" if number % 2 else "free_messages"][number])
    items = read_all(TASKS["bst.official"], blended)
    assert [[turn.text for turn in item.dialogue.turns] for item in items] == [copies[-1]] * len(copies)
