import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Capabilities
from skillofmind.evals.judging.asking import JUDGE_SAMPLING, judge_asker
from skillofmind.evals.judging.questions import pair_questions
from skillofmind.evals.judging.wording import load_wording
from skillofmind.models.scripted import ScriptedModel
from tests.evals.judging.scenes import PAIR, said

WORDS = load_wording()
QUESTION = pair_questions(said(1), [PAIR], ["one"], WORDS)[0]


class TestAsking:
    async def test_the_named_judge_gets_role_and_question_and_its_text_is_the_answer(self) -> None:
        one, other = ScriptedModel(["said this"]), ScriptedModel([])
        answer = await judge_asker({"one": one, "two": other})(QUESTION)
        assert (answer.reply, answer.usage.completion_tokens) == ("said this", 2)
        (call,) = one.calls
        assert [message.role for message in call.conversation.messages] == ["system", "user"]
        assert call.conversation.messages[0].text() == WORDS.system
        assert call.sampling == JUDGE_SAMPLING

    async def test_a_judge_without_system_messages_reads_its_role_first(self) -> None:
        judge = ScriptedModel(["x"], capabilities=Capabilities(system_role=False))
        await judge_asker({"one": judge})(QUESTION)
        (message,) = judge.calls[0].conversation.messages
        assert message.text().startswith(WORDS.system)

    async def test_a_judge_that_is_not_there_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match="--judge"):
            await judge_asker({})(QUESTION)
