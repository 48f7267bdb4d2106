from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import RequestRejected, StorageError
from skillofmind.models.http import HttpModel
from skillofmind.models.openai_batch import lines, read_lines, request_line
from tests.upstream_batches import BatchUpstream


def ask(text: str) -> Conversation:
    return Conversation(messages=(Message(role="user", content=text),))


async def test_a_line_carries_the_body_of_the_live_request() -> None:
    sampling = Sampling(temperature=0.5, max_tokens=7, seed=3, stop=("\n",), extra={"user": "u"})
    with BatchUpstream() as server:
        async with HttpModel("tiny", server.base_url, max_tokens_field="max_completion_tokens") as model:
            await model.generate(ask("a\nb ü"), sampling)
    line = request_line("7", "tiny", ask("a\nb ü"), sampling, max_tokens_field="max_completion_tokens")
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    expected = {"custom_id": "7", "method": "POST", "url": "/v1/chat/completions"}
    assert msgspec.json.decode(line) == {**expected, "body": server.requests[0].body}


def test_a_request_that_is_not_json_names_its_row() -> None:
    with pytest.raises(RequestRejected, match="the request 'row-7' is not JSON"):
        request_line("row-7", "tiny", ask("Hi"), Sampling(extra={"user": object()}))


def test_odd_lines_are_errors_and_blank_ones_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    odd = [
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"custom_id": 7}',
        b'{"custom_id": "a"}',
        b'{"custom_id": "b", "response": {"body": {}}}',
        b'{"custom_id": "c", "response": {"status_code": 200, "body": "text"}}',
        b'{"custom_id": "d", "response": {"status_code": 502, "body": "<html>"}}',
        b'{"custom_id": "e", "error": {"message": "lost sk-abcdefgh12 and hush"}}',
    ]
    path.write_bytes(b"\n\r\n".join(odd))
    read = list(read_lines(path, secrets=("hush",)))
    assert [line.custom_id for line in read] == ["", "", "", "", *"abcde"]
    errors = [line.error for line in read if line.error]
    kinds = [error.kind for error in errors]
    assert kinds == ["MalformedResponse"] * 7 + ["ModelBusy"] * 2
    assert errors[7].status == 502
    assert errors[8].message == "lost *** and ***"
    assert all(error.retryable for error in errors)


def test_a_line_that_is_too_long_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LARGEST_BODY", 100)
    path = tmp_path / "lines"
    good = b'{"custom_id": "a", "error": {"code": "batch_expired"}}'
    path.write_bytes(good + b"\n" + b'{"custom_id": "' + b"x" * 1000 + b'"}\n' + good)
    assert [line.custom_id for line in read_lines(path)] == ["a", "", "a"]


def test_a_file_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*nowhere"):
        next(read_lines(tmp_path / "nowhere"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["custom_id", "response", "error", "status_code", "body", "choices", "message", "usage"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON | st.fixed_dictionaries({"custom_id": JSON, "response": JSON, "error": JSON}))
def test_any_line_is_exactly_one_outcome(body: Any) -> None:
    line = lines._read(msgspec.json.encode(body), ())
    assert (line.completion is None) != (line.error is None)
