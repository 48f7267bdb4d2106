r"""Conversations to token ids by the model's own chat template, with no way in for control tokens.

A template is a program that writes text, and the tokenizer turns every `<|im_end|>` in that text into the
control token, whoever wrote it. So before rendering, each control token inside a message is swapped for a
mark of private-use characters; after rendering, the text between the marks is tokenised as the template
wants, and each mark becomes the ordinary tokens of the words it stands for. A conversation without such words
gives exactly the ids that the tokenizer's own `apply_chat_template` gives.

*Covered*: special tokens in any text of messages and template options; forged marks; words that only the
tokenizer's normaliser turns into a special token; added tokens that are not special (`<think>`,
`<tool_call>`) in every role but the assistant's, whose own text may hold them.

*Not covered*: words that a model obeys although they are ordinary tokens.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import RequestRejected

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_REASONING = ("reasoning_content", "reasoning", "thinking")


class Escaped(NamedTuple):
    """A conversation in which every control token is a mark.

    Attributes:
        messages: as chat templates take them.
        options: of the template.
        literals: what the marks stand for, by their numbers.
    """

    messages: list[dict[str, Any]]
    options: dict[str, Any]
    literals: list[str]


class PromptEncoder:
    """Turns conversations into prompts; not safe for several threads at once, as its tokenizer is not."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        added = list(tokenizer.added_tokens_decoder.items())
        special = {number: token.content for number, token in added if token.special}
        marks = {number: token.content for number, token in added if not token.content.isspace()}
        # By role: the assistant's own text may hold thought and tool marks, nobody else's may.
        self._controls = {True: special, False: special | marks}
        self._patterns = {own: _any_of(controls.values()) for own, controls in self._controls.items()}
        bos = tokenizer.bos_token_id
        self._bos = bos
        self._adds_bos = bos is not None and tokenizer.encode("")[:1] == [bos]
        self._backend = getattr(tokenizer, "backend_tokenizer", None)

    def prompt(self, conversation: Conversation) -> list[int]:
        """Return the ids up to where the assistant's answer begins; an assistant at the end is continued.

        Raises:
            RequestRejected: the template refuses the conversation, or it holds something else than text.
        """
        escaped = self.escaped(conversation)
        messages = escaped.messages
        going_on = bool(messages) and messages[-1]["role"] == "assistant"
        text = self.rendered(messages, escaped.options, add_generation_prompt=not going_on, going_on=going_on)
        return self.with_one_bos(self.ids(text, escaped.literals))

    def escaped(self, conversation: Conversation) -> Escaped:
        """Return the conversation with a mark for each control token; it can be rendered up to any message.

        Raises:
            RequestRejected: it holds something else than text.
        """
        literals: list[str] = []
        # The options come first, so that the marks of a message do not depend on what follows it.
        options = self._escape(conversation.extra.get("chat_template_kwargs", {}), False, literals)
        messages = [self._message(message, literals) for message in conversation.messages]
        return Escaped(messages, options, literals)

    def rendered(
        self,
        messages: Sequence[dict[str, Any]],
        options: Mapping[str, Any],
        *,
        add_generation_prompt: bool,
        going_on: bool = False,
    ) -> str:
        """Return escaped messages as the template writes them, marks and all.

        Args:
            messages: of `Escaped`, the first so many.
            options: of `Escaped`.
            add_generation_prompt: end with what opens an assistant's answer.
            going_on: leave the last message open.

        Raises:
            RequestRejected: the template refuses the conversation.
        """
        from jinja2 import TemplateError

        try:
            text: str = self._tokenizer.apply_chat_template(
                list(messages),
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=going_on,
                **options,
            )
        except (TemplateError, ValueError, TypeError) as error:
            raise RequestRejected(f"the model's chat template refuses the conversation: {error}") from error
        return text

    def ids(self, text: str, literals: Sequence[str]) -> list[int]:
        """Return the ids of rendered text; the marks in it become the ordinary tokens of their words."""
        ids: list[int] = []
        for place, piece in enumerate(_MARK.split(text)):
            ids += self.literal(literals[int(piece)], own=False) if place % 2 else self._encode(piece)
        return ids

    def literal(self, text: str, *, own: bool) -> list[int]:
        """Return the ids of `text` without any control token; `own` allows those that assistants write.

        Raises:
            RequestRejected: the text has a character that is a control token by itself, or half of one.
        """
        ids: list[int] = self._tokenizer.encode(
            _checked(text), add_special_tokens=False, split_special_tokens=True
        )
        if self._controls[own].keys().isdisjoint(ids):
            return ids
        letters = [
            self._tokenizer.encode(letter, add_special_tokens=False, split_special_tokens=True)
            for letter in text
        ]
        ids = [number for letter in letters for number in letter]
        if not self._controls[own].keys().isdisjoint(ids):
            raise RequestRejected(f"a message has a character that is a control token: {text[:40]!r}")
        return ids

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False) if text else []
        return ids

    def _message(self, message: Message, literals: list[str]) -> dict[str, Any]:
        """Return the message as templates expect it: plain text, and tool arguments as objects."""
        if isinstance(message.content, tuple) and any(part.text is None for part in message.content):
            kinds = sorted({part.type for part in message.content if part.text is None})
            raise RequestRejected(
                f"a local model takes text only, but a message has parts {', '.join(kinds)}"
            )
        fields: dict[str, Any] = {"content": message.text()}
        if message.name is not None:
            fields["name"] = message.name
        if message.tool_call_id is not None:
            fields["tool_call_id"] = message.tool_call_id
        told = {name: message.extra.get(name) for name in _REASONING}
        fields |= {name: text for name, text in told.items() if isinstance(text, str)}
        if message.tool_calls:
            calls = [(call.id, call.name, _arguments(call.arguments)) for call in message.tool_calls]
            fields["tool_calls"] = [
                {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
                for identity, name, arguments in calls
            ]
        escaped: dict[str, Any] = self._escape(fields, message.role == "assistant", literals)
        # Templates rarely know the newer name of the system role.
        return {"role": "system" if message.role == "developer" else message.role, **escaped}

    def _escape(self, value: Any, own: bool, literals: list[str]) -> Any:
        """Return `value` with every control token in its texts swapped for a mark."""
        if isinstance(value, dict):
            return {
                self._escape(name, own, literals): self._escape(item, own, literals)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._escape(item, own, literals) for item in value]
        if not isinstance(value, str):
            return value
        escaped = self._patterns[own].sub(lambda match: _mark(match[0], literals), _checked(value))
        # What is still there was hidden from the pattern by the tokenizer's normaliser.
        plain = self._is_normal(escaped) or self._controls[own].keys().isdisjoint(self._encode(escaped))
        return escaped if plain else _mark(value, literals)

    def _is_normal(self, text: str) -> bool:
        """Say whether no normaliser changes the text, which takes far less time than encoding it."""
        if self._backend is None:
            return False
        normaliser = self._backend.normalizer
        return normaliser is None or normaliser.normalize_str(text) == text

    def with_one_bos(self, ids: list[int]) -> list[int]:
        """Return `ids` with one BOS at the start where template or tokenizer writes any."""
        start = 0
        while self._bos is not None and start < len(ids) and ids[start] == self._bos:
            start += 1
        return [self._bos, *ids[start:]] if start or self._adds_bos else ids


def _any_of(words: Any) -> re.Pattern[str]:
    """Return a pattern of the words, longest first, and of the mark's own characters."""
    ordered = sorted({*words, _OPEN, _CLOSE} - {""}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)))


def _checked(text: str) -> str:
    """Return `text` if it can be written in UTF-8; half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RequestRejected(f"a text cannot be encoded ({error}); remove the lone surrogate") from None
    return text


def _mark(words: str, literals: list[str]) -> str:
    literals.append(words)
    return f"{_OPEN}{len(literals) - 1}{_CLOSE}"


def _arguments(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
