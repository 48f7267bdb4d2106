"""Requests, replies and comparisons for the tests of the adapters."""

from typing import Any

from skillofmind.core.plan import Alternative, Plan
from skillofmind.mind.inject import plan_block
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template
from tests.mind.planners import GOOD, FixedPlanner

BLOCK = plan_block(GOOD, "both", load_taxonomy(), load_template()) or ""

HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "Ana and her flatmate."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
]
CHAT = [*HISTORY, {"role": "user", "content": "I failed the exam again."}]
PICTURE = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
]
CALLS: list[dict[str, Any]] = [
    {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": '{"city": "Oslo"}'}}
    for name in ("weather", "clock")
]
RESULTS = [
    *CHAT,
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "call_weather", "content": "rain"},
    {"role": "tool", "tool_call_id": "call_clock", "content": "noon"},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"The {name} of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    for name in ("weather", "clock")
]
SHAPE = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
}

REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"messages": CHAT, "temperature": 0.5, "stop": ["END"], "seed": 7},
    "one tool": {"messages": CHAT, "tools": TOOLS[:1], "tool_choice": "auto"},
    "parallel tools": {"messages": CHAT, "tools": TOOLS, "parallel_tool_calls": True},
    "n": {"messages": CHAT, "n": 3},
    "logprobs": {"messages": CHAT, "logprobs": True, "top_logprobs": 2},
    "response format": {"messages": CHAT, "response_format": SHAPE},
    "image": {"messages": [*HISTORY, {"role": "user", "content": PICTURE, "name": "ana"}]},
    "unknown field": {"messages": CHAT, "extra_body": {"top_k": 3}},
}
"""Keyword arguments of `chat.completions.create`, model apart."""

FAULTS: dict[str, tuple[FixedPlanner, str]] = {
    "raises": (FixedPlanner(KeyError("x")), "failed"),
    "late": (FixedPlanner(seconds=30), "late"),
    "unknown skill": (FixedPlanner(Plan(explanation="x", skill="Tact", valid=True)), "invalid"),
    "no skill": (FixedPlanner(Plan(skill_raw="Tact")), "invalid"),
    "error": (FixedPlanner(Plan(error="no route")), "failed"),
    "abstains": (FixedPlanner(Plan(alternatives=(Alternative("Empathy", 0.1),))), "abstained"),
}
"""Planners that do something wrong, and what the answer says about it."""


def reply(body: dict[str, Any]) -> str | dict[str, Any]:
    """Call every tool on offer, else talk."""
    names = [tool["function"]["name"] for tool in body.get("tools", [])]
    if body["messages"][-1]["role"] != "tool" and names:
        return {"content": None, "tool_calls": [call for call in CALLS if call["function"]["name"] in names]}
    return '{"a": "b"}' if "response_format" in body else "That is hard. Shall we talk?"


def unshown(messages: list[dict[str, Any]], role: str = "system") -> list[dict[str, Any]]:
    """Return `messages` without the plan, which stands right before the last one."""
    assert messages[-2] == {"role": role, "content": BLOCK}
    return [*messages[:-2], messages[-1]]
