"""What the tests look at in token rows."""

from collections.abc import Mapping
from typing import Any

from skillofmind.core.conversation import Conversation, Message
from skillofmind.models.local.prompts import PromptEncoder
from skillofmind.train.chat.options import RowOptions
from skillofmind.train.chat.prepare import Prepared, prepare
from skillofmind.train.rows.token_row import TokenRow


def trained_texts(row: TokenRow, tokenizer: Any) -> list[str]:
    """Return each run of trained tokens, decoded."""
    texts: list[str] = []
    run: list[int] = []
    for number, code in [*zip(row.ids.tolist(), row.loss_plan.tolist(), strict=True), (0, 0)]:
        if code:
            run.append(number)
        elif run:
            texts.append(tokenizer.decode(run, clean_up_tokenization_spaces=False))
            run = []
    return texts


def prompts_before(row: TokenRow) -> list[list[int]]:
    """Return the ids before each run of trained tokens."""
    codes = row.loss_plan.tolist()
    starts = [place for place in range(1, len(codes)) if codes[place] and not codes[place - 1]]
    return [row.ids[:start].tolist() for start in starts]


def inference(tokenizer: Any, messages: list[dict[str, Any]], **extra: Any) -> list[int]:
    """Return the prompt that a local model would be shown."""
    said = tuple(Message(one["role"], one["content"]) for one in messages)
    return PromptEncoder(tokenizer).prompt(Conversation(said, extra=extra))


def made(tokenizer: Any, *rows: Mapping[str, Any], **options: Any) -> Prepared:
    return prepare(rows, tokenizer, RowOptions(**options))


def rows_of(prepared: Prepared) -> list[TokenRow]:
    return [row for example in prepared.examples for row in example.choices]


def talk(*texts: str, system: str | None = None) -> list[dict[str, Any]]:
    """Return messages of a user and an assistant in turn."""
    first = [] if system is None else [{"role": "system", "content": system}]
    roles = ("user", "assistant")
    return first + [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]
