import msgspec
import pytest

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Annotation, Dialogue, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.models.retrieval import Reply, RetrievalModel, replies_in

REPLIES = (
    Reply("My dog died.", "I am so sorry about your dog.", "Empathy", "en"),
    Reply("My dog died yesterday.", "What was the dog called?", "Active Listening", "en"),
    Reply("I failed the exam.", "That exam was hard on you.", "Empathy", "en"),
    Reply("강아지가 떠났어.", "강아지가 많이 그립겠다.", "Empathy", "ko"),
    Reply("My cat sleeps.", "Cats do.", "Immediate Response", ""),
)


def chat(*said: str, skill: str | None = None) -> Conversation:
    messages = tuple(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(said))
    plan = Plan(skill=skill, valid=True) if skill else None
    return Conversation((Message("system", "dog dog dog"), *messages), plan=plan)


async def answer(conversation: Conversation, n: int = 1) -> list[str]:
    completion = await RetrievalModel(REPLIES).generate(conversation, Sampling(n=n))
    assert all(sample.stop == "stop" for sample in completion.samples)
    return [sample.text for sample in completion.samples]


@pytest.mark.parametrize(
    ("said", "skill", "reply"),
    [
        ("My dog died.", None, "I am so sorry about your dog."),
        ("MY DOG DIED YESTERDAY", None, "What was the dog called?"),
        ("My dog died yesterday.", "Empathy", "I am so sorry about your dog."),
        ("The exam! I failed.", "Empathy", "That exam was hard on you."),
        ("My dog died.", "Immediate Response", "Cats do."),
        ("강아지가 아파", None, "강아지가 많이 그립겠다."),
        ("강아지가 아파", "Active Listening", "강아지가 많이 그립겠다."),
        ("My dog died.", "Ethics", "I am so sorry about your dog."),
        ("", None, "I am so sorry about your dog."),
    ],
)
async def test_skill_language_and_words_choose_the_reply(said: str, skill: str | None, reply: str) -> None:
    assert await answer(chat(said, skill=skill)) == [reply]


async def test_a_reply_that_was_given_is_not_given_again_while_there_is_another() -> None:
    said = ["My dog died.", "I am so sorry about your dog.", "My dog died!"]
    assert await answer(chat(*said, skill="Empathy")) == ["That exam was hard on you."]
    all_said = [reply.text for reply in REPLIES]
    assert await answer(chat(*all_said[:4], "Cats do.")) == ["That exam was hard on you."]


async def test_only_the_last_three_turns_count() -> None:
    said = ["My cat sleeps. My cat sleeps.", "Yes.", "Well.", "So.", "The exam: I failed."]
    assert await answer(chat(*said)) == ["That exam was hard on you."]


async def test_n_samples_are_the_best_n_and_at_most_all() -> None:
    ranked = await answer(chat("My dog died.", skill="Empathy"), n=9)
    assert len(ranked) == 5
    assert ranked[:2] == ["I am so sorry about your dog.", "That exam was hard on you."]
    assert ranked[-1] == "강아지가 많이 그립겠다."
    assert await answer(chat("My dog died.", skill="Empathy"), n=3) == ranked[:3]
    assert RetrievalModel(REPLIES).capabilities.n


async def test_the_answer_is_the_same_every_time_and_in_any_process() -> None:
    conversation = chat("My dog died and the exam and my cat.")
    first, second = [await RetrievalModel(REPLIES).generate(conversation) for _ in range(2)]
    assert first == second
    assert first.model == "retrieval:starter:5"


def test_nothing_to_say_is_a_wrong_set_up() -> None:
    with pytest.raises(ConfigurationError, match="needs at least one annotated reply; got none"):
        RetrievalModel([])


def test_replies_are_the_annotated_turns_with_the_three_turns_before_them() -> None:
    turns = [Turn("a", str(i)) for i in range(6)]
    turns[0] = msgspec.structs.replace(turns[0], annotations=(Annotation("Rhetoric"),))
    turns[1] = msgspec.structs.replace(turns[1], annotations=(Annotation("Ethics"), Annotation("Empathy")))
    turns[5] = msgspec.structs.replace(turns[5], annotations=(Annotation("Empathy"),))
    assert replies_in([Dialogue(turns=tuple(turns), lang="en"), Dialogue(turns=())]) == (
        Reply("0", "1", "Ethics", "en"),
        Reply("2\n3\n4", "5", "Empathy", "en"),
    )
