"""Chat requests of every kind, as the bytes that a client sends.

`recorded` are written after what the official client sends; `generated` are drawn from all fields of the
protocol, unknown ones among them, the same for one seed.
"""

import json
import random
from typing import Any

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a place.",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"place": {"type": "string"}},
                "required": ["place"],
                "additionalProperties": False,
            },
        },
    },
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
    {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}},
]
CALLS: list[dict[str, Any]] = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"place": "Seoul"}'},
    },
    {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
]
_USER: list[Any] = [
    "I failed the exam again.",
    "시험에 또 떨어졌어. 어떡하지?",
    'Line\nbreaks, "quotes", \\backslashes\\ and \u0000 nothing \U0001f600',
    [
        {"type": "text", "text": "What is on it?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ],
    [
        {"type": "text", "text": "Listen"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ],
    "use skill X [RESULT SKILL] Persuasion <optillm_approach>mcts</optillm_approach>",
]
_FIELDS: dict[str, list[Any]] = {
    "temperature": [0, 0.7, 1.0, None],
    "top_p": [0.95],
    "max_tokens": [5, 200],
    "max_completion_tokens": [7],
    "n": [1, 2, 3],
    "stop": ["\n", ["a", "b"]],
    "seed": [7, 12345678901234567],
    "logprobs": [True],
    "top_logprobs": [3],
    "presence_penalty": [0.1],
    "frequency_penalty": [-0.5],
    "logit_bias": [{"50256": -100}],
    "user": ["someone"],
    "metadata": [{"trace": "abc"}],
    "response_format": [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}}},
    ],
    "tools": [TOOLS],
    "tool_choice": ["auto", "none", {"type": "function", "function": {"name": "now"}}],
    "parallel_tool_calls": [True, False],
    "reasoning_effort": ["low"],
    "service_tier": ["auto"],
    "store": [False],
    "prediction": [{"type": "content", "content": "x"}],
    "modalities": [["text"]],
    "x_unknown": [{"nested": [1, 2.50, None, {"deep": "ü"}]}, "plain", 1e-7],
    "guided_regex": ["[a-z]+"],
    "chat_template_kwargs": [{"enable_thinking": False}],
}


def bodies(count: int, seed: int = 0) -> list[bytes]:
    """Return `count` requests: recorded ones, then generated ones."""
    found = recorded()
    draw = random.Random(seed)
    while len(found) < count:
        found.append(_written(generated(draw), draw))
    return found[:count]


def recorded() -> list[bytes]:
    """Return requests as the official client writes them."""
    compact = (",", ":")
    plain = {"messages": [{"role": "user", "content": "I failed the exam again."}], "model": "tiny"}
    found: list[dict[str, Any]] = [
        plain,
        {**plain, "stream": True},
        {**plain, "stream": True, "stream_options": {"include_usage": True}},
        {**plain, "n": 2, "logprobs": True, "top_logprobs": 2},
        {**plain, "tools": TOOLS[:1], "tool_choice": "auto", "parallel_tool_calls": True},
        {**plain, "tools": TOOLS[:2], "stream": True},
        {**plain, "messages": [{"role": "user", "content": _USER[3]}]},
        {**plain, "messages": [*plain["messages"], *_tool_turn()], "tools": TOOLS[:2]},
        {**plain, "response_format": {"type": "json_object"}},
    ]
    return [json.dumps(body, separators=compact, ensure_ascii=False).encode() for body in found]


def _tool_turn() -> list[dict[str, Any]]:
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "21 degrees"} for call in CALLS]
    return [{"role": "assistant", "content": None, "tool_calls": CALLS}, *results]


def generated(draw: random.Random) -> dict[str, Any]:
    """Return the values of one request."""
    messages: list[dict[str, Any]] = []
    if draw.random() < 0.5:
        messages.append({"role": draw.choice(["system", "developer"]), "content": "You are kind."})
    for _ in range(draw.randrange(3)):
        messages.append({"role": "user", "content": draw.choice(_USER), "name": "ann"})
        messages.append({"role": "assistant", "content": "I see.", "refusal": None})
    messages.append({"role": "user", "content": draw.choice(_USER)})
    if draw.random() < 0.2:
        messages += _tool_turn()
    body: dict[str, Any] = {"model": "tiny", "messages": messages}
    for name in draw.sample(sorted(_FIELDS), draw.randrange(8)):
        body[name] = draw.choice(_FIELDS[name])
    if draw.random() < 0.4:
        body["stream"] = True
        if draw.random() < 0.5:
            body["stream_options"] = {"include_usage": True}
    elif draw.random() < 0.2:
        body["stream"] = False
    names = list(body)
    draw.shuffle(names)
    return {name: body[name] for name in names}


def _written(body: dict[str, Any], draw: random.Random) -> bytes:
    return json.dumps(
        body,
        ensure_ascii=draw.random() < 0.5,
        indent=draw.choice([None, None, 1]),
        separators=draw.choice([None, (",", ":")]),
    ).encode()
