"""The forms a data row can have, checked and typed.

    {"messages": [...], "tools"?}                       a dialogue; a message may say "train": true or false
    {"prompt", "completion"}                            one answer: two texts, two lists of messages, or a
                                                        list and a text that the model is to write verbatim
    {"prompt", "completions": [...]}                    several answers, one of which is drawn each pass
    {"prompt", "chosen", "rejected", "gap"?}            a preference
    {"text"}                                            a plain text
    {"spans": [{"text", "plan" or "risk"}]}             a plain text in parts with a loss plan each
    {"input_ids", "loss_plan"?, "weight"?}              tokens

Every row may have an `id`, and other fields, which are ignored; rows of messages `chat_template_kwargs`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.conversation import Conversation, Message, Part, ToolCall
from skillofmind.core.errors import DataError
from skillofmind.train.chat.options import Risk
from skillofmind.train.rows.token_row import CE, IGNORE, UNLIKELIHOOD

PLANS = {"ignore": IGNORE, "ce": CE, "unlikelihood": UNLIKELIHOOD}
"""Name -> code of the loss plan."""

RISKS: dict[Risk, tuple[int, int, int, int]] = {
    "plain": (CE, CE, CE, CE),
    "masked": (CE, CE, IGNORE, IGNORE),
    "unlikelihood": (CE, CE, CE, UNLIKELIHOOD),
}
"""Mode -> code of the loss plan for each risk, 0 to 3 (arXiv 2505.03052)."""

_ROLES = ("system", "developer", "user", "assistant", "tool")
_OPTIONS = "chat_template_kwargs"
_SHAPES = "messages, prompt + completion, prompt + chosen + rejected, text, spans, or input_ids"


class Talk(NamedTuple):
    """A dialogue; `flags` says for each message whether it is trained, `None` where it does not say."""

    conversation: Conversation
    flags: tuple[bool | None, ...]


class Ask(NamedTuple):
    """A prompt with answers; a text is to be written verbatim."""

    prompt: Conversation | str
    answers: tuple[Talk | str, ...]


class Preference(NamedTuple):
    """A prompt with a better and a worse answer."""

    ask: Ask
    gap: float | None


class Parts(NamedTuple):
    """A plain text in parts, each with a code of the loss plan."""

    texts: tuple[str, ...]
    codes: tuple[int, ...]


class Tokens(NamedTuple):
    """Ids with codes of the loss plan and weights."""

    ids: tuple[int, ...]
    codes: tuple[int, ...]
    weight: tuple[float, ...] | None


Shape = Talk | Ask | Preference | Parts | Tokens


def shape_of(
    row: Mapping[str, Any], risk: Risk = "masked", options: Mapping[str, Any] | None = None
) -> Shape:
    """Return a row as one of the forms.

    Args:
        row: fields.
        risk: what a risk means.
        options: of the chat template; the row's own come on top.

    Raises:
        DataError: the row has none of the forms, or a field is not what it should be.
    """
    if "messages" in row:
        return _talk(row["messages"], row, options or {})
    if "prompt" in row:
        return _prompted(row, options or {})
    if "spans" in row:
        return _parts(row["spans"], risk)
    if "input_ids" in row:
        return _tokens(row)
    if "text" in row:
        return Parts((_text(row["text"], "text"),), (CE,))
    raise DataError(f"no known form, fields are {sorted(row)[:8]!r}; give {_SHAPES}")


def _prompted(row: Mapping[str, Any], options: Mapping[str, Any]) -> Ask | Preference:
    if "chosen" in row or "rejected" in row:
        gap = row.get("gap")
        if gap is not None and not _is_number(gap):
            raise DataError(f"gap is {gap!r}; give a number or leave it out")
        return Preference(_ask(row, (row.get("chosen"), row.get("rejected")), options), gap)
    if "completions" in row:
        answers = row["completions"]
        if not isinstance(answers, list) or not answers:
            raise DataError(f"completions is {answers!r}; give a list with at least one")
        return _ask(row, answers, options)
    return _ask(row, (row.get("completion"),), options)


def _ask(row: Mapping[str, Any], answers: Sequence[Any], options: Mapping[str, Any]) -> Ask:
    prompt = row["prompt"]
    if isinstance(prompt, str):
        if not all(isinstance(answer, str) and answer for answer in answers):
            raise DataError("the prompt is a text, so each answer must be one; or give both as messages")
        return Ask(prompt, tuple(answers))
    asked = _talk(prompt, row, options)
    return Ask(asked.conversation, tuple(_answer(answer, asked, row, options) for answer in answers))


def _answer(answer: Any, asked: Talk, row: Mapping[str, Any], options: Mapping[str, Any]) -> Talk | str:
    """Return an answer as the whole dialogue, of which only the answer is trained; a text stays one."""
    if isinstance(answer, str):
        return _text(answer, "the answer")
    said = _talk(answer, row, options)
    messages = (*asked.conversation.messages, *said.conversation.messages)
    whole = msgspec.structs.replace(asked.conversation, messages=messages)
    return Talk(whole, (*(False for _ in asked.flags), *said.flags))


def _talk(messages: Any, row: Mapping[str, Any], options: Mapping[str, Any]) -> Talk:
    if not isinstance(messages, list) or not messages:
        raise DataError(f"messages are {messages!r:.60}; give a list of objects with role and content")
    said = tuple(_message(number, message) for number, message in enumerate(messages, 1))
    flags = tuple(_flag(number, message) for number, message in enumerate(messages, 1))
    told = {**options, **_object(row.get(_OPTIONS) or {}, _OPTIONS)}
    if row.get("tools"):
        told["tools"] = _tools(row["tools"])
    return Talk(Conversation(said, extra={_OPTIONS: told} if told else {}), flags)


def _message(number: int, message: Any) -> Message:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise DataError(f"message {number} is {message!r:.60}; give an object whose role is one of {_ROLES}")
    calls = message.get("tool_calls") or []
    content = _content(number, message.get("content"))
    if content is None and not calls:
        raise DataError(f"message {number} has no content; give a text")
    return Message(
        message["role"],
        content,
        name=_optional(message, "name", number),
        tool_calls=tuple(_call(number, call) for call in calls),
        tool_call_id=_optional(message, "tool_call_id", number),
        extra={key: value for key, value in message.items() if key in _REASONING and value is not None},
    )


_REASONING = ("reasoning_content", "reasoning", "thinking")


def _content(number: int, content: Any) -> str | tuple[Part, ...] | None:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise DataError(f"message {number} has content {content!r:.60}; give a text or a list of parts")
    return tuple(_part(number, part) for part in content)


def _part(number: int, part: Any) -> Part:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise DataError(f"message {number} has a part {part!r:.60}; give objects with type and text")
    text = part.get("text")
    return Part(part["type"], text if isinstance(text, str) else None)


def _call(number: int, call: Any) -> ToolCall:
    told = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise DataError(f"message {number} has a tool call {call!r:.60}; give name and arguments")
    arguments = told.get("arguments", {})
    written = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return ToolCall(str(call.get("id") or ""), told["name"], written)


def _tools(tools: Any) -> list[Any]:
    """Return tools as a list of objects; some data sets keep them as JSON in a text."""
    try:
        found = msgspec.json.decode(tools) if isinstance(tools, str) else tools
    except msgspec.DecodeError as error:
        raise DataError(f"tools are not JSON: {error}; give a list of objects") from error
    if not isinstance(found, list) or not all(isinstance(tool, dict) for tool in found):
        raise DataError(f"tools are {tools!r:.60}; give a list of objects")
    return found


def _flag(number: int, message: Mapping[str, Any]) -> bool | None:
    flag = message.get("train", message.get("weight"))
    if flag is None:
        return None
    if flag not in (0, 1):
        raise DataError(f"message {number} says train {flag!r}; give true or false")
    if flag and message["role"] != "assistant":
        raise DataError(f"message {number} is to be trained but its role is {message['role']!r}")
    return bool(flag)


def _parts(spans: Any, risk: Risk) -> Parts:
    if not isinstance(spans, list) or not spans:
        raise DataError(f"spans are {spans!r:.60}; give a list of objects with text and plan or risk")
    codes = [_code(number, span, risk) for number, span in enumerate(spans, 1)]
    return Parts(tuple(_text(span.get("text"), "the text of a span") for span in spans), tuple(codes))


def _code(number: int, span: Any, risk: Risk) -> int:
    if not isinstance(span, dict) or ("plan" in span) == ("risk" in span):
        raise DataError(f"span {number} needs a text and either a plan or a risk")
    if "plan" in span:
        return _planned(span["plan"], f"span {number}")
    if span["risk"] not in (0, 1, 2, 3) or isinstance(span["risk"], bool):
        raise DataError(f"span {number} has risk {span['risk']!r}; give 0, 1, 2 or 3")
    return RISKS[risk][span["risk"]]


def _planned(plan: Any, where: str) -> int:
    if isinstance(plan, str) and plan in PLANS:
        return PLANS[plan]
    if plan in PLANS.values() and not isinstance(plan, bool):
        return int(plan)
    raise DataError(f"{where} has plan {plan!r}; give one of {', '.join(PLANS)}")


def _tokens(row: Mapping[str, Any]) -> Tokens:
    ids = row["input_ids"]
    if not isinstance(ids, list) or not ids or not all(type(number) is int for number in ids):
        raise DataError(f"input_ids is {ids!r:.60}; give a list of numbers")
    plans, weight = row.get("loss_plan"), row.get("weight")
    for name, found in (("loss_plan", plans), ("weight", weight)):
        if found is not None and (not isinstance(found, list) or len(found) != len(ids)):
            raise DataError(f"{name} must be a list as long as input_ids, which has {len(ids)}")
    codes = [CE] * len(ids) if plans is None else [_planned(plan, "loss_plan") for plan in plans]
    if weight is not None and not all(_is_number(one) and one >= 0 for one in weight):
        raise DataError("weight must hold numbers that are not negative")
    return Tokens(tuple(ids), tuple(codes), None if weight is None else tuple(weight))


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise DataError(f"{name} is {value!r:.60}; give a text that is not empty")
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{name} is {value!r:.60}; give an object")
    return value


def _optional(message: Mapping[str, Any], name: str, number: int) -> str | None:
    value = message.get(name)
    if value is not None and not isinstance(value, str):
        raise DataError(f"message {number} has {name} {value!r:.60}; give a text")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
