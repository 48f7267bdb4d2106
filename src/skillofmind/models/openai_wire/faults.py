"""Error statuses of the OpenAI chat protocol as exceptions.

| status | error |
| --- | --- |
| 401, 403 | `AuthenticationFailed` |
| 408, 409, 5xx | `ModelBusy` |
| 429 | `RateLimited` |
| any other | `RequestRejected` |

The message carries the status and what the server said, shortened, and with whatever looks like a key
struck out: servers like to repeat the key that they refuse.
"""

import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from skillofmind.core.errors import (
    AuthenticationFailed,
    ModelBusy,
    ModelError,
    RateLimited,
    RequestRejected,
)

LONGEST_MESSAGE = 300
_KEY = re.compile(r"\b(?:sk|pk|rk|hf|gsk|xai)[-_][\w*-]{6,}|(?<=Bearer )\S+")
_ADVICE = {
    401: "check the API key",
    403: "check that the key may use this model",
    404: "check the model name and the base URL",
    429: "slow down or raise the limit",
}


def error_from_status(
    status: int,
    headers: Mapping[str, str],
    body_text: str,
    *,
    secrets: Collection[str] = (),
    now: float | None = None,
) -> ModelError:
    """Return the error for a response that is not a success.

    Args:
        status: the HTTP status.
        headers: the response's headers, names in any case.
        body_text: the response's body, JSON or not.
        secrets: strings that must not appear in the message.
        now: Unix time in seconds, for a `Retry-After` that is a date and comes without a `Date` header.
    """
    said = server_message(body_text, secrets)
    advice = _ADVICE.get(status, "redirects are not followed" if 300 <= status < 400 else "")
    message = f"the server answered status {status}: {said!r}" + (f"; {advice}" if advice else "")
    return _kind(status)(message, status=status, retry_after=_retry_after(headers, now))


def _kind(status: int) -> type[ModelError]:
    if status in (401, 403):
        return AuthenticationFailed
    if status == 429:
        return RateLimited
    return ModelBusy if status in (408, 409) or 500 <= status <= 599 else RequestRejected


def server_message(body: str | dict[str, Any], secrets: Collection[str] = ()) -> str:
    """Return what the server said was wrong, on one line, without keys, at most 300 characters."""
    said = " ".join(_said(body).split())
    # Longest first, so that a secret that contains another one goes as a whole.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "***")
    said = _KEY.sub("***", said)
    return said if len(said) <= LONGEST_MESSAGE else said[: LONGEST_MESSAGE - 3] + "..."


def _said(body: str | dict[str, Any]) -> str:
    """Find the message in `{"error": {"message"}}`, `{"error"}`, `{"message"}` or `{"detail"}`."""
    value: Any = body
    if isinstance(body, str):
        try:
            value = msgspec.json.decode(body)
        except ValueError:
            return body
    for name in ("error", "message", "detail"):
        if isinstance(value, dict) and value.get(name):
            value = value[name]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _retry_after(headers: Mapping[str, str], now: float | None) -> float | None:
    """Return the seconds to wait, never negative, or `None` where the server does not say."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    if (millis := _seconds(lower.get("retry-after-ms", ""))) is not None:
        return max(0.0, millis / 1000)
    text = lower.get("retry-after", "")
    seconds = _seconds(text)
    if seconds is None:
        seconds = _until(text, lower.get("date", ""), now)
    return None if seconds is None else max(0.0, seconds)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(text: str, date: str, now: float | None) -> float | None:
    """Return the seconds from the server's own clock (else `now`) to an HTTP date."""
    end, start = _timestamp(text), _timestamp(date)
    start = now if start is None else start
    return None if end is None or start is None else end - start


def _timestamp(text: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    # "-0000" gives a time without zone; HTTP dates are always in UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
