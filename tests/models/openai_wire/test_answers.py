from typing import Any

import pytest

from skillofmind.core.completion import Completion, Sample, TokenLogprob, Usage
from skillofmind.core.conversation import ToolCall
from skillofmind.core.errors import MalformedResponse, ModelBusy, RateLimited
from skillofmind.models.openai_wire import decode_completion


def choice(index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", "content": f"t{index}"}, **fields}


def test_a_full_answer_is_read() -> None:
    body = {
        "id": "r1",
        "object": "chat.completion",
        "created": 5,
        "model": "tiny-1",
        "choices": [
            choice(1, finish_reason="eos_token", matched_stop=3),
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                "finish_reason": "tool_calls",
                "logprobs": {
                    "content": [
                        {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}
                    ]
                },
            },
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 1},
        },
    }
    assert decode_completion(body) == Completion(
        samples=(
            Sample(
                "",
                "tool_calls",
                (ToolCall("c1", "f", "{}"),),
                (TokenLogprob("a", -0.5, top=(("b", -1.0),)),),
                {"refusal": None},
            ),
            Sample("t1", "stop", extra={"choice": {"matched_stop": 3}}),
        ),
        usage=Usage(3, 2),
        model="tiny-1",
        id="r1",
        extra={"created": 5, "usage": {"prompt_tokens_details": {"cached_tokens": 1}}},
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        (None, "unknown"),
    ],
)
def test_finish_reasons_are_mapped(reason: str | None, stop: str) -> None:
    (sample,) = decode_completion({"choices": [choice(finish_reason=reason)]}).samples
    assert sample.stop == stop
    assert sample.extra == {}


def test_an_unknown_finish_reason_is_kept() -> None:
    (sample,) = decode_completion({"choices": [choice(finish_reason="recitation")]}).samples
    assert sample.stop == "unknown"
    assert sample.extra == {"choice": {"finish_reason": "recitation"}}


def test_text_parts_are_joined() -> None:
    message = {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert decode_completion({"choices": [{"message": message}]}).text == "ab"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "response.choices is missing"),
        ({"choices": []}, "response.choices must be a list with at least one choice, but is []"),
        ({"choices": {}}, "response.choices must be a list"),
        ({"choices": [{}]}, "response.choices[0].message is missing; it must be an object"),
        ({"choices": [{"message": {"content": 1}}]}, "response.choices[0].message.content must be a string"),
        ({"choices": [choice(), choice()]}, "response.choices[1].index 0 occurs twice"),
        ({"choices": [choice(finish_reason=1)]}, "response.choices[0].finish_reason must be a string"),
        ({"choices": [choice()], "usage": []}, "response.usage must be an object"),
        ({"choices": [choice()], "usage": {"prompt_tokens": "3"}}, "response.usage.prompt_tokens must be"),
        ({"choices": [choice(logprobs={"content": [{"token": "a"}]})]}, "content[0].logprob is missing"),
        (
            {"choices": [{"message": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}}]},
            "response.choices[0].message.tool_calls[0].function.arguments is missing",
        ),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedResponse) as caught:
        decode_completion(body)
    assert words in str(caught.value)


def test_an_error_with_status_200_is_an_error() -> None:
    with pytest.raises(ModelBusy, match="in place of an answer: 'no room'"):
        decode_completion({"error": {"message": "no room"}})
    with pytest.raises(RateLimited, match="slow"):
        decode_completion({"error": {"message": "slow", "code": 429}})
