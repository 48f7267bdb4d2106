"""How `som annotate` asks: `--mode` and `--limits`, read and checked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from skillofmind.cli.data.source import pairs
from skillofmind.core.errors import ConfigurationError
from skillofmind.models.openai_batch import MOST_REQUESTS
from skillofmind.models.paced import RateLimit
from skillofmind.run.budget import Limits

Mode = Literal["live", "batch", "ray"]

_MODES: dict[Mode, dict[str, float]] = {
    "live": {},
    "batch": {"rows": 10_000, "poll": 10.0},
    "ray": {"workers": 2},
}
"""Mode -> its settings with their defaults."""

_LIMITS = ("rpm", "tpm", "calls", "money", "at_once", "seconds")
_WHOLE = ("rows", "workers", "calls", "at_once")


@dataclass(frozen=True, slots=True)
class Asking:
    """How models are asked.

    Attributes:
        mode: live, Batch API or Ray.
        settings: of the mode, by name.
        address: of a Ray cluster to join; "" starts Ray here.
        limits: of calls and money in all.
        rate: of requests and tokens a minute.
        at_once: most rows in work at once.
        seconds: that one call may take.
        api_key_env: environment variable with the key.
        cache: file that keeps answers.
    """

    mode: Mode
    settings: dict[str, float] = field(default_factory=dict)
    address: str = ""
    limits: Limits = Limits()
    rate: RateLimit = RateLimit()
    at_once: int = 64
    seconds: float = 120.0
    api_key_env: str = ""
    cache: Path | None = None


def read_asking(mode: str, limits: str, api_key_env: str, cache: Path | None) -> Asking:
    """Read the options.

    Raises:
        ConfigurationError: a name is not known, a number is out of range, or a setting would do nothing.
    """
    name, _, text = mode.partition(":")
    if name not in get_args(Mode):
        raise ConfigurationError(f"--mode {name!r} is no way to ask; there are {', '.join(get_args(Mode))}.")
    kind = cast(Mode, name)
    text, address = _address(text) if kind == "ray" else (text, "")
    settings = _MODES[kind] | _numbers(text, f"--mode {name}", tuple(_MODES[kind]))
    if settings.get("rows", 0) > MOST_REQUESTS:
        raise ConfigurationError(f"--mode batch rows={settings['rows']:g} is above {MOST_REQUESTS} a file.")
    found = _numbers(limits, "--limits", _LIMITS)
    unused = {f"--limits {one}": one in found for one in ("rpm", "tpm")} if kind == "batch" else {}
    for flag, given in (unused | {"--cache": cache is not None and kind != "live"}).items():
        if given:
            raise ConfigurationError(f"{flag} has no use with --mode {kind}; leave it out.")
    calls = found.get("calls")
    return Asking(
        kind,
        settings,
        address,
        Limits(calls=None if calls is None else int(calls), money=found.get("money")),
        RateLimit(found.get("rpm"), found.get("tpm")),
        int(found.get("at_once", 64)),
        found.get("seconds", 120.0),
        api_key_env,
        cache,
    )


def _address(text: str) -> tuple[str, str]:
    """Take `address=...` out of the settings of Ray, as the only one that is no number."""
    parts = text.split(",") if text else []
    named = [part for part in parts if part.strip().startswith("address=")]
    return ",".join(part for part in parts if part not in named), "".join(named).partition("=")[2]


def _numbers(text: str, flag: str, known: tuple[str, ...]) -> dict[str, float]:
    found = pairs(text, flag) if text else {}
    for name, number in found.items():
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise ConfigurationError(f"{flag} {name!r} is no setting; {there}.")
        if number <= 0:
            raise ConfigurationError(f"{flag} {name}={number:g} must be more than 0.")
        if name in _WHOLE and number != int(number):
            raise ConfigurationError(f"{flag} {name}={number:g} must be a whole number.")
    return found
