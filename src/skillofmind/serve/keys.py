"""Keys: which clients may ask, told without telling how close a wrong key was.

Keys are compared as SHA-256 digests, all of them each time, in constant time.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping

from skillofmind.core.errors import ConfigurationError

SERVER_KEYS = "SOM_SERVER_KEYS"
"""Environment variable with the keys that clients need, comma separated, where no other is named."""

PLANNER_KEY = "SOM_PLANNER_KEY"
"""Environment variable with the key of a planner's model that is on another server than the answers."""


class Keys:
    """The keys that clients may use; none lets everybody in."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, authorization: str | None) -> bool:
        """Say whether the value of an `Authorization` header carries one of the keys."""
        if not self._digests:
            return True
        kind, _, sent = (authorization or "").partition(" ")
        digest = _digest(sent.strip() if kind.lower() == "bearer" else "")
        # No early end: the time tells neither which key was compared nor how many there are.
        return sum([hmac.compare_digest(digest, known) for known in self._digests]) > 0


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def server_keys(variable: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the keys in an environment variable; none where the default one is not set.

    Raises:
        ConfigurationError: another variable was named and holds no key, or a key is too short to be one.
    """
    keys = tuple(key.strip() for key in environment.get(variable, "").split(",") if key.strip())
    if not keys and variable != SERVER_KEYS:
        raise ConfigurationError(f"--server-key-env {variable!r} is not set; export it, or leave this out.")
    if any(len(key) < 8 for key in keys):
        raise ConfigurationError(f"{variable} has a key of fewer than 8 characters; make it longer.")
    return keys
