from typing import Any

import pytest

from skillofmind.core.errors import DataError
from skillofmind.train.chat.shapes import shape_of
from tests.train.chat.looking import talk

CHAT = talk("a", "b")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "a"}, r"no known form, fields are \['question'\]"),
        ({"messages": []}, "give a list of objects"),
        ({"messages": ["a"]}, "message 1 is 'a'"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "whose role is one of"),
        ({"messages": [{"role": "user", "content": None}]}, "message 1 has no content"),
        ({"messages": [{"role": "user", "content": 3}]}, "message 1 has content 3"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "message 1 has a part 'a'"),
        ({"messages": [{"role": "user", "content": "a", "name": 3}]}, "message 1 has name 3"),
        ({"messages": [{"role": "user", "content": "a", "train": True}]}, "its role is 'user'"),
        ({"messages": [{**CHAT[1], "train": "yes"}]}, "message 1 says train 'yes'"),
        ({"messages": [{**CHAT[1], "tool_calls": [3]}]}, "message 1 has a tool call 3"),
        ({"messages": CHAT, "tools": "{"}, "tools are not JSON"),
        ({"messages": CHAT, "tools": {"a": 1}}, "give a list of objects"),
        ({"messages": CHAT, "chat_template_kwargs": 3}, "chat_template_kwargs is 3"),
        ({"prompt": "a"}, "each answer must be one"),
        ({"prompt": "a", "completion": ""}, "each answer must be one"),
        ({"prompt": "a", "completion": CHAT[1:]}, "each answer must be one"),
        ({"prompt": CHAT[:1], "completion": ""}, "the answer is ''"),
        ({"prompt": CHAT[:1], "completion": None}, "messages are None"),
        ({"prompt": "a", "completions": []}, "with at least one"),
        ({"prompt": "a", "completions": "b"}, "with at least one"),
        ({"prompt": "a", "chosen": "b"}, "each answer must be one"),
        ({"prompt": "a", "chosen": "b", "rejected": "c", "gap": "far"}, "gap is 'far'"),
        ({"text": ""}, "text is ''"),
        ({"spans": []}, "spans are"),
        ({"spans": [{"text": "a"}]}, "span 1 needs a text and either"),
        ({"spans": [{"text": "a", "plan": "ce", "risk": 1}]}, "span 1 needs a text and either"),
        ({"spans": [{"text": "a", "plan": "love"}]}, "span 1 has plan 'love'"),
        ({"spans": [{"text": "a", "risk": 4}]}, "span 1 has risk 4"),
        ({"spans": [{"text": 3, "risk": 1}]}, "the text of a span is 3"),
        ({"input_ids": [1.5]}, "give a list of numbers"),
        ({"input_ids": [1, 2], "loss_plan": ["ce"]}, "as long as input_ids, which has 2"),
        ({"input_ids": [1, 2], "weight": [1, -1]}, "not negative"),
    ],
)
def test_a_row_without_a_form_says_why(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        shape_of(row)
