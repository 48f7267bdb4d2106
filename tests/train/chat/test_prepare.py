from typing import Any
from unittest.mock import patch

import pytest

from skillofmind.core.conversation import Conversation
from skillofmind.core.dialogue import Annotation, Dialogue, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.mind.dataset.examples import Shape, preference_rows, sft_rows
from skillofmind.mind.template import load_template
from skillofmind.mind.weights import planner_messages
from skillofmind.models.local.prompts import PromptEncoder
from skillofmind.train.chat.options import RowOptions
from skillofmind.train.chat.prepare import prepare
from skillofmind.train.chat.read import Placed
from skillofmind.train.rows.token_row import CE, IGNORE, UNLIKELIHOOD, Refused
from tests.train.chat.looking import inference, made, prompts_before, rows_of, talk, trained_texts
from tests.train.chat.styles import CHATML, LLAMA3, MISTRAL, THINKING, shared, words_tokenizer

ASKED = talk("How are you?")


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


class TestChoices:
    def test_completions_are_choices_of_one_example(self) -> None:
        tokenizer = shared(CHATML)
        prepared = made(
            tokenizer, {"id": "a", "prompt": ASKED, "completions": [answer("Fine."), answer("Bad.")]}
        )
        (example,) = prepared.examples
        assert [trained_texts(row, tokenizer) for row in example.choices] == [
            ["Fine.<|im_end|>"],
            ["Bad.<|im_end|>"],
        ]
        assert {row.id for row in example.choices} == {"a"}

    def test_annotations_of_one_turn_are_joined_where_that_is_asked_for(self) -> None:
        rows: list[dict[str, Any]] = [
            {"id": "a", "prompt": ASKED, "completion": answer("I feel it. [RESULT SKILL] Empathy")},
            {"id": "b", "prompt": ASKED, "completion": answer("x")},
            {"id": "a", "prompt": ASKED, "completion": answer("y")},
            {"id": "a", "prompt": talk("Another"), "completion": answer("z")},
            {"prompt": ASKED, "completion": answer("no id")},
            {"prompt": ASKED, "completion": answer("no id")},
        ]
        tokenizer = shared(LLAMA3)
        prepared = made(tokenizer, *rows, one_per_pass=True)
        assert [example.id for example in prepared.examples] == ["a", "b", "a", "row 5", "row 6"]
        texts = [trained_texts(row, tokenizer) for row in prepared.examples[0].choices]
        assert texts == [["I feel it. [RESULT SKILL] Empathy<|eot_id|>"], ["y<|eot_id|>"]]
        assert (prepared.counts.rows, prepared.counts.examples, prepared.counts.token_rows) == (6, 5, 6)
        assert [len(example.choices) for example in made(tokenizer, *rows).examples] == [1] * 6

    def test_rows_without_an_id_are_never_joined(self) -> None:
        row = Placed("train.jsonl:1", {"prompt": ASKED, "completion": answer("a")})
        prepared = prepare([row, row], shared(LLAMA3), RowOptions(one_per_pass=True))
        assert [len(example.choices) for example in prepared.examples] == [1, 1]

    def test_the_prompt_of_several_choices_is_encoded_once(self) -> None:
        encoded: list[str] = []
        ids = PromptEncoder.ids

        def counted(self: PromptEncoder, text: str, literals: Any) -> list[int]:
            encoded.append(text)
            return ids(self, text, literals)

        row = {"prompt": ASKED, "completions": [answer(f"number {n}") for n in range(5)]}
        with patch.object(PromptEncoder, "ids", counted):
            made(shared(CHATML), row)
        assert sum("How are you?" in text for text in encoded) == 1

    def test_a_choice_of_several_turns_that_must_be_split_is_refused(self) -> None:
        turns = talk("a", "<think>1</think>A", "b", "<think>2</think>B")
        with pytest.raises(DataError, match="give one turn as answer"):
            made(shared(THINKING), {"prompt": turns[:1], "completion": turns[1:]})

    def test_an_answer_of_several_turns_trains_the_assistant_only(self) -> None:
        turns = talk("a", "A", "b", "B")
        (row,) = rows_of(made(shared(CHATML), {"prompt": turns[:1], "completion": turns[1:]}))
        assert trained_texts(row, shared(CHATML)) == ["A<|im_end|>", "B<|im_end|>"]


class TestExported:
    """Rows as `som export` writes them."""

    ROW = Dialogue(
        (
            Turn("Ana", "I failed again."),
            Turn(
                "Bo",
                "Oh no, I am sorry.",
                annotations=(
                    Annotation("Empathy", "Ana is sad. <|eot_id|>", "So what?"),
                    Annotation("Clarification", "I do not know which exam it was."),
                ),
            ),
        ),
        id="d:1",
    )

    def test_a_planner_learns_to_answer_the_prompt_that_it_is_asked_with(self) -> None:
        tokenizer = shared(LLAMA3)
        (example,) = made(tokenizer, *sft_rows(self.ROW, Shape()), one_per_pass=True).examples
        texts = [trained_texts(row, tokenizer) for row in example.choices]
        assert texts == [
            ["Ana is sad. < |eot_id|> [RESULT SKILL] Empathy<|eot_id|>"],
            ["I do not know which exam it was. [RESULT SKILL] Clarification<|eot_id|>"],
        ]
        asked = Conversation(planner_messages(self.ROW.before(1), load_template()))
        prompt = PromptEncoder(tokenizer).prompt(asked)
        assert [prompts_before(row) for row in example.choices] == [[prompt], [prompt]]

    def test_the_real_reply_is_preferred_to_the_counterfactual(self) -> None:
        tokenizer = shared(LLAMA3)
        (pair,) = made(tokenizer, *preference_rows(self.ROW, Shape())).pairs
        assert trained_texts(pair.chosen, tokenizer) == ["Oh no, I am sorry.<|eot_id|>"]
        assert trained_texts(pair.rejected, tokenizer) == ["So what?<|eot_id|>"]


class TestPairs:
    def test_a_preference_is_a_pair_with_one_prompt(self) -> None:
        tokenizer = shared(LLAMA3)
        row = {
            "id": "p",
            "prompt": ASKED,
            "chosen": answer("Good."),
            "rejected": answer("Go away."),
            "gap": 0.5,
        }
        prepared = made(tokenizer, row)
        (pair,) = prepared.pairs
        assert (pair.id, pair.gap, prepared.examples) == ("p", 0.5, ())
        assert trained_texts(pair.chosen, tokenizer) == ["Good.<|eot_id|>"]
        assert trained_texts(pair.rejected, tokenizer) == ["Go away.<|eot_id|>"]
        prompt = [inference(tokenizer, ASKED)]
        assert prompts_before(pair.chosen) == prompts_before(pair.rejected) == prompt
        assert (prepared.counts.pairs, prepared.counts.token_rows) == (1, 2)

    def test_equal_answers_are_refused(self) -> None:
        with pytest.raises(DataError, match="chosen and rejected are equal"):
            made(shared(LLAMA3), {"prompt": ASKED, "chosen": answer("a"), "rejected": answer("a ")})

    def test_a_pair_with_an_answer_that_is_too_long_is_dropped(self) -> None:
        row = {"prompt": "a", "chosen": "b", "rejected": "c" * 90}
        prepared = made(shared(LLAMA3), row, {"text": "x"}, max_tokens=20)
        assert prepared.pairs == ()
        assert prepared.counts.dropped == 1


class TestTexts:
    def test_a_text_is_trained_to_its_end(self) -> None:
        tokenizer = shared(LLAMA3)
        (row,) = rows_of(made(tokenizer, {"text": "Hello <|eot_id|>"}))
        assert tokenizer.decode(row.ids) == "<|begin_of_text|>Hello <|eot_id|><|end_of_text|>"
        assert tokenizer.convert_tokens_to_ids("<|eot_id|>") not in row.ids
        assert row.loss_plan.tolist() == [IGNORE] + [CE] * (len(row.ids) - 1)

    def test_a_text_that_was_rendered_before_keeps_its_tokens_once(self) -> None:
        tokenizer = shared(LLAMA3)
        text = "<|begin_of_text|>a<|eot_id|><|end_of_text|>"
        asked = {"prompt": text[:18], "completion": text[18:]}
        for row in rows_of(made(tokenizer, {"text": text}, asked, control_tokens=True)):
            assert tokenizer.convert_ids_to_tokens(row.ids.tolist()) == [
                "<|begin_of_text|>",
                "a",
                "<|eot_id|>",
                "<|end_of_text|>",
            ]

    def test_prompt_and_completion_as_texts_are_joined_as_they_are(self) -> None:
        tokenizer = shared(CHATML)
        (row,) = rows_of(made(tokenizer, {"prompt": "2 + 2 = ", "completion": "4"}))
        assert tokenizer.decode(row.ids) == "2 + 2 = 4<|im_end|>"
        assert trained_texts(row, tokenizer) == ["4<|im_end|>"]
        assert prompts_before(row) == [tokenizer.encode("2 + 2 = ")]

    def test_a_tokenizer_that_glues_them_together_refuses_such_rows(self) -> None:
        tokenizer = words_tokenizer(MISTRAL)
        with pytest.raises(DataError, match="completion's first token would merge"):
            made(tokenizer, {"prompt": "wa", "completion": "lk"})
        (row,) = rows_of(made(tokenizer, {"prompt": "a", "completion": " walk"}))
        assert trained_texts(row, tokenizer) == ["walk</s>"]

    def test_tokens_are_taken_as_they_are(self) -> None:
        row = {
            "id": "t",
            "input_ids": [5, 6, 7],
            "loss_plan": ["ce", "unlikelihood", 1],
            "weight": [1, 0.5, 2],
        }
        (found,) = rows_of(made(shared(CHATML), row))
        assert found.ids.tolist() == [5, 6, 7]
        assert found.loss_plan.tolist() == [IGNORE, UNLIKELIHOOD, CE]
        assert found.weight is not None
        assert found.weight.tolist() == [1.0, 0.5, 2.0]
        with pytest.raises(DataError, match="input_ids holds 9999"):
            made(shared(CHATML), {"input_ids": [9999, 1]})


class TestSpans:
    TEXTS = ("You are a ", "lo", "vely", " frïend. ", "D", "ie!")
    RISKS = (1, 2, 1, 0, 3, 3)

    @pytest.mark.parametrize(
        ("risk", "expected"),
        [
            ("plain", (CE, CE, CE, CE, CE, CE)),
            ("masked", (CE, IGNORE, CE, CE, IGNORE, IGNORE)),
            ("unlikelihood", (CE, CE, CE, CE, UNLIKELIHOOD, UNLIKELIHOOD)),
        ],
    )
    def test_each_span_keeps_its_plan_to_the_character(self, risk: str, expected: tuple[int, ...]) -> None:
        tokenizer = shared(LLAMA3)
        spans = [{"text": text, "risk": level} for text, level in zip(self.TEXTS, self.RISKS, strict=True)]
        (row,) = rows_of(made(tokenizer, {"spans": spans}, risk=risk))
        assert tokenizer.decode(row.ids) == f"<|begin_of_text|>{''.join(self.TEXTS)}<|end_of_text|>"
        codes = [IGNORE]
        for text, code in zip(self.TEXTS, expected, strict=True):
            codes += [code] * len(tokenizer.encode(text, add_special_tokens=False))
        assert row.loss_plan.tolist() == [*codes, CE]

    def test_a_plan_can_be_named(self) -> None:
        spans = [
            {"text": "x", "plan": "ignore"},
            {"text": "y", "plan": "unlikelihood"},
            {"text": "z", "plan": "ce"},
        ]
        (row,) = rows_of(made(shared(CHATML), {"spans": spans}))
        assert row.loss_plan.tolist() == [IGNORE, UNLIKELIHOOD, CE, CE]

    def test_a_tokenizer_that_cannot_encode_parts_refuses_them(self) -> None:
        spans = [{"text": "x", "risk": 1}, {"text": "y", "risk": 3}]
        with pytest.raises(DataError, match="cannot encode a text in parts"):
            made(words_tokenizer(MISTRAL), {"spans": spans})


class TestLength:
    ROWS = ({"id": "long", "messages": talk("a", "b" * 60)}, {"id": "short", "messages": talk("a", "b")})

    def test_long_rows_are_dropped_and_counted(self) -> None:
        prepared = made(shared(CHATML), *self.ROWS, max_tokens=40)
        assert [example.id for example in prepared.examples] == ["short"]
        (refused,) = prepared.refused
        assert refused.id == "long"
        assert refused.reason.startswith("row 1: ")
        assert refused.reason.endswith(" tokens, more than max_tokens 40")
        counts = prepared.counts
        assert (counts.rows, counts.refused, counts.dropped, counts.truncated) == (2, 1, 1, 0)

    def test_long_rows_are_cut_on_the_right(self) -> None:
        (whole, _) = rows_of(made(shared(CHATML), *self.ROWS))
        prepared = made(shared(CHATML), *self.ROWS, max_tokens=40, over_length="truncate")
        (cut, _) = rows_of(prepared)
        assert cut.ids.tolist() == whole.ids[:40].tolist()
        assert cut.loss_plan.tolist() == whole.loss_plan[:40].tolist()
        assert (prepared.counts.truncated, prepared.counts.longest) == (1, 40)

    def test_a_cut_row_without_a_trained_token_is_refused(self) -> None:
        row = {"id": "ask", "messages": talk("a" * 60, "b")}
        prepared = made(shared(CHATML), row, {"text": "x"}, max_tokens=40, over_length="truncate")
        assert [one.id for one in prepared.refused] == ["ask"]
        assert prepared.refused[0].reason.endswith("no trained token is left when it is cut")
        assert prepared.counts.truncated == 0

    def test_a_long_row_can_be_an_error(self) -> None:
        long = len(rows_of(made(shared(CHATML), self.ROWS[0]))[0].ids)
        with pytest.raises(DataError, match=f"row 1: row 'long' has {long} tokens, more than max_tokens 40"):
            made(shared(CHATML), *self.ROWS, max_tokens=40, over_length="error")

    def test_a_limit_that_no_row_can_keep_is_an_error(self) -> None:
        with pytest.raises(ConfigurationError, match="max_tokens is 1"):
            made(shared(CHATML), *self.ROWS, max_tokens=1)

    def test_only_the_choices_that_are_too_long_are_dropped(self) -> None:
        prepared = made(shared(CHATML), {"prompt": "a", "completions": ["b", "c" * 50]}, max_tokens=20)
        (example,) = prepared.examples
        assert len(example.choices) == 1
        assert (prepared.counts.dropped, prepared.refused) == (1, ())


class TestPage:
    def test_the_counts_are_those_of_the_rows(self) -> None:
        tokenizer = shared(LLAMA3)
        bad = Refused("f:3", "f:3: not JSON")
        rows: list[Placed | Refused] = [
            Placed("f:1", {"messages": talk("a", "b")}),
            bad,
            Placed("f:4", {"id": 7, "word": "x"}),
        ]
        prepared = prepare(rows, tokenizer, RowOptions())
        (row,) = rows_of(prepared)
        assert row.id == "f:1"
        assert prepared.refused[0] is bad
        assert prepared.refused[1].id == "7"
        assert prepared.refused[1].reason.startswith("f:4: no known form")
        counts = prepared.counts
        assert (counts.rows, counts.refused, counts.examples, counts.pairs, counts.split) == (3, 2, 1, 0, 0)
        assert (counts.tokens, counts.trained_tokens, counts.longest) == (len(row.ids), 2, len(row.ids))
        assert counts.share_trained == 2 / len(row.ids)
        assert counts.stop == "<|eot_id|>"
        assert len(counts.template_hash) == 64

    def test_nothing_to_train_is_an_error_that_names_the_rows(self) -> None:
        with pytest.raises(DataError, match=r"none of the rows.*row 1: .*row 5: .*; and 2 more\.$"):
            made(shared(CHATML), *[{"messages": talk("a")}] * 7)
        with pytest.raises(DataError, match="there are no rows"):
            made(shared(CHATML))

    def test_a_row_of_tokens_that_trains_nothing_is_refused(self) -> None:
        row = {"input_ids": [5, 6], "loss_plan": ["ce", "ignore"]}
        prepared = made(shared(CHATML), row, {"text": "x"})
        assert [one.reason for one in prepared.refused] == ["row 1: no token of it is trained"]

    def test_options_cannot_write_control_tokens(self) -> None:
        style = CHATML._replace(template="{{ greeting }}" + str(CHATML.template))
        tokenizer = shared(style)
        fake = "<|im_end|>"
        row = {"prompt": talk(fake), "completions": [answer(f"a{fake}"), answer(f"{fake}{fake}")]}
        found = rows_of(made(tokenizer, row, template_options={"greeting": fake}))
        assert [trained_texts(one, tokenizer) for one in found] == [
            [f"a{fake}{fake}"],
            [f"{fake}{fake}{fake}"],
        ]
        end = tokenizer.convert_tokens_to_ids(fake)
        assert [one.ids.tolist().count(end) for one in found] == [2, 2]
        expected = inference(tokenizer, talk(fake), chat_template_kwargs={"greeting": fake})
        assert [prompts_before(one) for one in found] == [[expected], [expected]]

    def test_options_reach_the_template(self) -> None:
        style = CHATML._replace(template="{% if polite %}P{% endif %}" + str(CHATML.template))
        rows = (
            {"messages": talk("a", "b")},
            {"messages": talk("a", "b"), "chat_template_kwargs": {"polite": 0}},
        )
        found = rows_of(made(shared(style), *rows, template_options={"polite": 1}))
        assert [shared(style).decode(row.ids)[0] for row in found] == ["P", "<"]
