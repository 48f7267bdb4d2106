r"""Conversations as the model's own template writes them, cut where the assistant begins and ends.

A turn of the assistant is found by *prefix differencing*: with `a` the text that inference would show before
the turn and `b` the text that ends with it, `b` must begin with `a`; what follows is the answer, up to and
with the mark that ends a turn. What a template writes after that mark, a line break as a rule, belongs to
the next prompt. A template that writes no such mark gets the tokenizer's end token. Where the template has
`{% generation %}` marks, they say which part of the answer is trained; its end mark always is.

Texts hold the marks of `PromptEncoder` in place of control tokens that somebody wrote into a message.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from skillofmind.core.errors import DataError, RequestRejected
from skillofmind.models.local.prompts import Escaped, PromptEncoder
from skillofmind.train.chat.tokenizer import need_template

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")


class Turn(NamedTuple):
    """One turn of the assistant as text.

    Attributes:
        number: of the message, from 0.
        prompt: what inference shows the model before it.
        answer: what the model is to write, with the end mark.
        trained: from and to in `answer`, in characters: the parts that are trained.
    """

    number: int
    prompt: str
    answer: str
    trained: tuple[tuple[int, int], ...]


class ChatTemplate:
    """The chat template of one tokenizer; as little safe for several threads as the tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        """Read the template and the special tokens.

        Raises:
            ConfigurationError: the tokenizer has no chat template.
        """
        need_template(tokenizer)
        self.encoder = PromptEncoder(tokenizer)
        self.special = special_tokens(tokenizer)
        self._tokenizer = tokenizer
        self._specials = re.compile("|".join(map(re.escape, sorted(self.special, key=len, reverse=True))))

    def prompt(self, escaped: Escaped, count: int) -> str:
        """Return what inference shows before message number `count`.

        Raises:
            RequestRejected: the template refuses it.
            DataError: the message before is the assistant's, too, so that no prompt ends there.
        """
        before = escaped.messages[:count]
        if before and before[-1]["role"] == "assistant":
            raise DataError(f"messages {count} and {count + 1} are both the assistant's; join them")
        return self.encoder.rendered(before, escaped.options, add_generation_prompt=True)

    def turn(self, escaped: Escaped, number: int, prompt: str | None = None) -> Turn:
        """Return message `number`, from 0, as a turn; `prompt` saves the rendering where it is known.

        Raises:
            RequestRejected: the template refuses the conversation.
            DataError: the template rewrites what stands before the answer, or marks nothing of it.
        """
        prompt = self.prompt(escaped, number) if prompt is None else prompt
        messages = escaped.messages[: number + 1]
        text, spans = self._written(messages, escaped.options)
        if not text.startswith(prompt):
            raise DataError(
                f"the chat template does not write message {number + 1} behind the prompt that inference "
                "would show (it moves, trims or drops earlier text); use a template that only appends"
            )
        answer, end = self._ended(text[len(prompt) :], messages[-1].get("content") or "")
        if spans is None:
            return Turn(number, prompt, answer, ((0, len(answer)),))
        return Turn(number, prompt, answer, _marked(spans, len(prompt), end, len(answer), number))

    def raw_turn(self, escaped: Escaped, prompt: str) -> Turn:
        """Return the last message as a turn that the model writes verbatim, ended by `stop`."""
        answer = escaped.messages[-1]["content"] + self.stop
        return Turn(len(escaped.messages) - 1, prompt, answer, ((0, len(answer)),))

    @cached_property
    def stop(self) -> str:
        """Text of the token that ends a turn: the template's own, else the end token."""
        escaped = Escaped([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], {}, [])
        try:
            answer = self.turn(escaped, 1).answer
        except (RequestRejected, DataError):
            return str(self._tokenizer.eos_token)
        return [found[0] for found in self._specials.finditer(answer)][-1]

    def specials(self, text: str) -> list[re.Match[str]]:
        """Return where the template wrote special tokens."""
        return list(self._specials.finditer(text))

    def _written(
        self, messages: Sequence[dict[str, Any]], options: dict[str, Any]
    ) -> tuple[str, list[tuple[int, int]] | None]:
        """Return the text and, where the template has any, its generation marks in characters."""
        text = self.encoder.rendered(messages, options, add_generation_prompt=False)
        template = self._tokenizer.get_chat_template(None, options.get("tools"))
        if not _GENERATION.search(template):
            return text, None
        from transformers.utils.chat_template_utils import render_jinja_template

        told = [{key: value for key, value in one.items() if value is not None} for one in messages]
        texts, spans = render_jinja_template(
            conversations=[told],
            chat_template=template,
            return_assistant_tokens_mask=True,
            **{**self._tokenizer.special_tokens_map, **options},
        )
        if texts[0] != text:
            raise DataError("the chat template writes another text each time; remove what varies from it")
        return text, spans[0]

    def _ended(self, rest: str, content: str) -> tuple[str, int]:
        """Return the answer with its end mark, and where that mark begins."""
        mark = None
        stop = len(rest)
        for found in reversed(self.specials(rest)):
            if rest[found.end() : stop].strip():
                break
            mark, stop = found, found.start()
        if mark is not None:
            return rest[: mark.end()], mark.start()
        begin = rest.find(content)
        exact = begin >= 0 and not rest[begin + len(content) :].strip()
        body = rest[: begin + len(content)] if exact else rest.rstrip()
        return body + self._tokenizer.eos_token, len(body)


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Return text -> id of the tokens that only templates may write, the end token among them."""
    added = tokenizer.added_tokens_decoder.items()
    found = {
        token.content: number for number, token in added if token.special and not token.content.isspace()
    }
    return found | {tokenizer.eos_token: tokenizer.eos_token_id}


def _marked(
    spans: Sequence[tuple[int, int]], start: int, end: int, stop: int, number: int
) -> tuple[tuple[int, int], ...]:
    """Return the marked parts of an answer, and its end mark."""
    inside = [(max(a - start, 0), min(b - start, end)) for a, b in spans]
    inside = [(a, b) for a, b in inside if a < b]
    if not inside and end:
        raise DataError(f"the chat template's generation marks leave out message {number + 1}")
    return (*inside, (end, stop))
