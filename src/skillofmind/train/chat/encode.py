"""One data row to examples or a preference pair, with everything that several answers share done once."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import DataError
from skillofmind.models.local.prompts import PromptEncoder
from skillofmind.train.chat.masks import Coded, TurnEncoder, adds_up
from skillofmind.train.chat.options import RowOptions
from skillofmind.train.chat.shapes import Ask, Parts, Preference, Shape, Talk, Tokens
from skillofmind.train.chat.template import ChatTemplate
from skillofmind.train.chat.tokenizer import TokenizerFacts
from skillofmind.train.rows.token_row import CE, IGNORE, Example, PreferencePair, TokenRow, token_row


class _Chat(NamedTuple):
    """What chats need of a tokenizer."""

    template: ChatTemplate
    turns: TurnEncoder


class RowEncoder:
    """Encodes rows with one tokenizer; as little safe for several threads as that."""

    def __init__(self, tokenizer: Any, facts: TokenizerFacts, options: RowOptions) -> None:
        self._tokenizer, self._facts, self._options = tokenizer, facts, options
        self._encoder = PromptEncoder(tokenizer)
        self._adds_up = adds_up(tokenizer)

    @cached_property
    def _chat(self) -> _Chat:
        template = ChatTemplate(self._tokenizer)
        return _Chat(template, TurnEncoder(self._tokenizer, template))

    def stop(self) -> str:
        """Return the text of the token that ends an answer."""
        return self._chat.template.stop if self._facts.template_hash else str(self._tokenizer.eos_token)

    def encoded(self, id: str, shape: Shape) -> tuple[Example, ...] | PreferencePair:
        """Return a row as examples or as a preference pair, of any length.

        Raises:
            ConfigurationError: messages without a chat template.
            DataError: the row cannot be trained on; the message says why.
            RequestRejected: as above, said by the chat template or about a message.
        """
        if isinstance(shape, Talk):
            return _examples(id, self._talk(shape))
        if isinstance(shape, Ask):
            return (Example(id, tuple(_row(id, coded) for coded in self._answers(shape))),)
        if isinstance(shape, Preference):
            chosen, rejected = self._answers(shape.ask)
            if chosen == rejected:
                raise DataError("chosen and rejected are equal; leave the row out")
            return PreferencePair(id, _row(id, chosen), _row(id, rejected), shape.gap)
        if isinstance(shape, Parts):
            return _examples(id, [self._parts(shape)])
        return _examples_of_tokens(id, shape, self._facts.size)

    def _talk(self, talk: Talk) -> list[Coded]:
        """Return the trained turns in one row, or in a row each where the template changes earlier ones."""
        chat = self._chat
        numbers = _trained_messages(talk, self._options.train)
        escaped = chat.template.encoder.escaped(talk.conversation)
        turns = [chat.template.turn(escaped, number) for number in numbers]
        joined = chat.turns.joined(turns, escaped.literals) if len(turns) > 1 else None
        if joined is not None:
            return [joined]
        prompts = [chat.turns.prompt(turn.prompt, escaped.literals) for turn in turns]
        return [
            chat.turns.single(turn, escaped.literals, prompt)
            for turn, prompt in zip(turns, prompts, strict=True)
        ]

    def _answers(self, ask: Ask) -> list[Coded]:
        if isinstance(ask.prompt, str):
            return self._texts(ask.prompt, [str(answer) for answer in ask.answers])
        chat = self._chat
        count = len(ask.prompt.messages)
        escaped = chat.template.encoder.escaped(ask.prompt)
        prompt = chat.template.prompt(escaped, count)
        ids = chat.turns.prompt(prompt, escaped.literals)
        return [self._answer(ask.prompt, answer, prompt, ids) for answer in ask.answers]

    def _answer(self, asked: Conversation, answer: Talk | str, prompt: str, ids: list[int]) -> Coded:
        chat, count = self._chat, len(asked.messages)
        if isinstance(answer, str):
            escaped = chat.template.encoder.escaped(_with_answer(asked, answer))
            return chat.turns.single(chat.template.raw_turn(escaped, prompt), escaped.literals, ids)
        numbers = _trained_messages(answer, "all")
        if numbers != [count]:
            coded = self._talk(answer)
            if len(coded) > 1:
                raise DataError(
                    "the chat template changes earlier turns of the answer; give one turn as answer"
                )
            return coded[0]
        escaped = chat.template.encoder.escaped(answer.conversation)
        return chat.turns.single(chat.template.turn(escaped, count, prompt), escaped.literals, ids)

    def _texts(self, prompt: str, answers: Sequence[str]) -> list[Coded]:
        asked = self._encoder.with_one_bos(self._text(prompt))
        found = []
        for answer in answers:
            said = self._text(answer) if self._adds_up else self._joint(prompt, answer, asked)
            found.append(_extended(Coded(asked, [IGNORE] * len(asked)), self._ended(said)))
        return found

    def _joint(self, prompt: str, answer: str, asked: list[int]) -> list[int]:
        whole = self._encoder.with_one_bos(self._text(prompt + answer))
        if whole[: len(asked)] != asked:
            raise DataError(
                "the completion's first token would merge with the prompt's last; begin it with another "
                "character, or use a byte-level tokenizer"
            )
        return whole[len(asked) :]

    def _parts(self, parts: Parts) -> Coded:
        """Return a text whose parts are encoded one by one, begun and ended as the tokenizer does."""
        if len(parts.texts) > 1 and not self._adds_up:
            raise DataError("this tokenizer cannot encode a text in parts; use a byte-level tokenizer")
        begin = self._encoder.with_one_bos([])
        coded = Coded(list(begin), [IGNORE] * len(begin))
        for text, code in zip(parts.texts, parts.codes, strict=True):
            ids = self._text(text)
            # A text that was rendered before may bring its own begin token.
            ids = ids[1:] if begin and ids[:1] == begin and len(coded.ids) == 1 else ids
            coded.ids.extend(ids)
            coded.codes.extend([code] * len(ids))
        end = self._ended(coded.ids)[len(coded.ids) :]
        return _extended(coded, end)

    def _text(self, text: str) -> list[int]:
        if not self._options.control_tokens:
            return self._encoder.literal(text, own=True)
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _ended(self, ids: list[int]) -> list[int]:
        end = self._facts.eos_id
        return ids if ids[-1:] == [end] else [*ids, end]


def _trained_messages(talk: Talk, train: str) -> list[int]:
    """Return the numbers of the messages to train on, from 0.

    The assistant's opening words are no answer to anything, so they are trained only if a flag says so.
    """
    messages = talk.conversation.messages
    own = [number for number, message in enumerate(messages) if message.role == "assistant"]
    chosen = {number for number in (own if train == "all" else own[-1:]) if number > 0}
    found = [
        number for number in own if talk.flags[number] or (talk.flags[number] is None and number in chosen)
    ]
    if not found:
        raise DataError(
            "no message of the assistant is trained; give one that answers, or set its train flag"
        )
    return found


def _with_answer(asked: Conversation, answer: str) -> Conversation:
    return msgspec.structs.replace(asked, messages=(*asked.messages, Message("assistant", answer)))


def _extended(coded: Coded, answer: Sequence[int]) -> Coded:
    return Coded([*coded.ids, *answer], [*coded.codes, *[CE] * len(answer)])


def _row(id: str, coded: Coded) -> TokenRow:
    return token_row(id, coded.ids, coded.codes)


def _examples(id: str, rows: Sequence[Coded]) -> tuple[Example, ...]:
    """Return an example for each row, numbered where there are several."""
    names = [id] if len(rows) == 1 else [f"{id}#{number}" for number in range(1, len(rows) + 1)]
    return tuple(Example(name, (_row(name, coded),)) for name, coded in zip(names, rows, strict=True))


def _examples_of_tokens(id: str, tokens: Tokens, size: int) -> tuple[Example, ...]:
    wrong = [number for number in tokens.ids if not 0 <= number < size]
    if wrong:
        raise DataError(f"input_ids holds {wrong[0]!r}, but the tokenizer's ids go from 0 to {size - 1}")
    return (Example(id, (token_row(id, tokens.ids, tokens.codes, tokens.weight),)),)
