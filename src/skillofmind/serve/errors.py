"""Errors as the OpenAI protocol words them: `{"error": {"message", "type", "param", "code"}}`."""

import msgspec

from skillofmind.core.errors import (
    AuthenticationFailed,
    DataError,
    ModelError,
    ModelTimeout,
    RateLimited,
    RequestRejected,
    SkillOfMindError,
)

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
}


class Refused(SkillOfMindError):
    """A request that gets an error in place of an answer.

    Attributes:
        status: of HTTP.
        param: the field that is wrong, where one is.
        code: a word for programs.
        headers: to send with it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.headers = headers or {}

    def body(self) -> bytes:
        """Return the error object as JSON."""
        return error_body(self.status, str(self), self.param, self.code)


def error_body(status: int, message: str, param: str | None = None, code: str | None = None) -> bytes:
    """Return an error object as JSON; its type follows from the status."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def refusal_of(error: SkillOfMindError) -> Refused:
    """Return what a client is told of an error of a model in this process, or of the way to the upstream."""
    if isinstance(error, Refused):
        return error
    status = error.status if isinstance(error, ModelError) else None
    if isinstance(error, DataError):
        return Refused(400, str(error), code="invalid_request")
    if isinstance(error, RequestRejected | AuthenticationFailed | RateLimited) and status is None:
        status = 429 if isinstance(error, RateLimited) else 400
    if status is None:
        status = 504 if isinstance(error, ModelTimeout) else 502
    wait = error.retry_after if isinstance(error, ModelError) else None
    headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
    return Refused(status, str(error), code=_code(status), headers=headers)


def _code(status: int) -> str:
    return {429: "rate_limited", 502: "upstream_failed", 504: "upstream_late"}.get(status, "upstream_refused")
