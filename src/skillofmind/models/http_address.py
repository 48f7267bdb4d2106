"""Where an OpenAI-compatible server is: the base URL that a user pastes, checked and taken apart.

>>> read_address("http://localhost:8000").url("chat/completions")
'http://localhost:8000/v1/chat/completions'
>>> read_address("https://ann:secret@host/api/v1/chat/completions?version=2").shown
'https://host/api/v1'
"""

from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from skillofmind.core.errors import ConfigurationError

_ENDPOINT = "/chat/completions"


class Address(NamedTuple):
    """A checked base URL.

    Attributes:
        shown: scheme, host, port and path: what may appear in messages, names and cache keys.
        query: the query string, sent with every request.
        user: user name and password of the URL, where it has them.
        secrets: password and values of the query, which must not appear anywhere.
    """

    shown: str
    query: str = ""
    user: tuple[str, str] | None = None
    secrets: tuple[str, ...] = ()

    def url(self, endpoint: str) -> str:
        """Return the address of an endpoint such as `models`."""
        return f"{self.shown}/{endpoint}" + (f"?{self.query}" if self.query else "")


def read_address(base_url: str) -> Address:
    """Read a base URL; an end of `/` or `/chat/completions` is dropped, a missing path is `/v1`.

    Raises:
        ConfigurationError: it is not the URL of an HTTP server.
    """
    parts = _split(base_url)
    path = parts.path.rstrip("/")
    path = path.removesuffix(_ENDPOINT) if path.endswith(_ENDPOINT) else path or "/v1"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    user = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    secrets = [value for _, value in parse_qsl(parts.query) if len(value) >= 8]
    secrets += [] if user is None else [user[1]]
    shown = f"{parts.scheme.lower()}://{host}{port}{path.rstrip('/')}"
    return Address(shown, parts.query, user, tuple(filter(None, secrets)))


def _split(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url.strip())
        valid = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(mark.isspace() for mark in base_url.strip()):
        # A user name or password must not get into the message.
        shown = base_url.rpartition("@")[2].partition("?")[0]
        raise ConfigurationError(
            f"base_url {shown!r} is not the address of a server; write it like 'http://localhost:8000/v1'"
        )
    return parts
