import pytest

from skillofmind.core.errors import (
    AuthenticationFailed,
    ModelBusy,
    ModelError,
    RateLimited,
    RequestRejected,
)
from skillofmind.models.openai_wire import error_from_status

# 2026-11-21 12:00:00 UTC
NOON = 1795262400.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, RequestRejected),
        (400, RequestRejected),
        (401, AuthenticationFailed),
        (403, AuthenticationFailed),
        (404, RequestRejected),
        (408, ModelBusy),
        (409, ModelBusy),
        (422, RequestRejected),
        (429, RateLimited),
        (500, ModelBusy),
        (503, ModelBusy),
        (599, ModelBusy),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[ModelError]) -> None:
    error = error_from_status(status, {}, "")
    assert type(error) is kind
    assert error.status == status
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "2.5"}, 2.5),
        ({"retry-after": " 7 "}, 7.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:30 GMT", "Date": "Sat, 21 Nov 2026 09:00:00 GMT"}, 30.0),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert error_from_status(429, headers, "", now=NOON).retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"message": "too many words"}}',
        '{"error": "too many words"}',
        '{"message": "too many words"}',
        '{"detail": "too many\\n  words"}',
        "too many words",
    ],
)
def test_the_servers_own_words_are_shown(body: str) -> None:
    assert str(error_from_status(422, {}, body)) == "the server answered status 422: 'too many words'"


def test_long_words_are_shortened() -> None:
    assert str(error_from_status(422, {}, "x" * 5000)).endswith("x" * 297 + "...'")


def test_keys_are_struck_out() -> None:
    body = '{"error": {"message": "Incorrect API key: hush-hush or sk-proj-abcdef123456, Bearer tok12 sent"}}'
    message = str(error_from_status(401, {}, body, secrets=("hush", "hush-hush")))
    assert "Incorrect API key: *** or ***, Bearer *** sent" in message
