"""Everything that a server is told, as one frozen record without secrets, and the words that it is told in.

>>> parse_alias("kind=llama3:8b:skill", "both")
Alias(name='kind', model='llama3:8b', inject='skill')
>>> parse_planner("weights=thanos-1b@http://127.0.0.1:8001/v1")
PlannerChoice(kind='weights', model='thanos-1b', base_url='http://127.0.0.1:8001/v1')
"""

import ipaddress
from typing import Literal, NamedTuple, cast, get_args

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.mind.inject import Inject

PlannerKind = Literal["embedded", "encoder", "prompted", "weights"]
Source = Literal["header", "body"]
"""Where a request may say how it is planned."""

INJECTS: tuple[Inject, ...] = get_args(Inject)
ASK_A_MODEL = ("prompted", "weights")
"""Planners that need a model of their own."""


class Alias(Record, frozen=True):
    """A model name of this server: which model of the upstream it means, and what of a plan that one sees."""

    name: str
    model: str
    inject: Inject


class PlannerChoice(NamedTuple):
    """Which planner, and for one that asks a model: which model and where; "" is the upstream's."""

    kind: PlannerKind = "embedded"
    model: str = ""
    base_url: str = ""


class Settings(Record, frozen=True):
    """Everything that a server is told.

    Attributes:
        upstream: base URL of an OpenAI-compatible server; "" answers in this process.
        model: the model that answers; with an upstream, "" lets through whatever name a client asks for.
            Without one it is a folder with weights, and "" the offline responder.
        planner: who plans.
        inject: what of a plan the model sees where a request does not say.
        aliases: further model names.
        allow: where a request may say how it is planned; `None` is everywhere on loopback, nowhere else.
        host: address to listen on.
        port: 0 takes a free one.
        workers: processes.
        timeout: seconds that one request may take; a client may ask for less.
        plan_timeout: seconds that planning may take of it.
        connect_timeout: seconds for one connection to the upstream.
        heartbeat: seconds between comments in a stream that waits for its plan.
        body_limit: most bytes of a request.
        drain: seconds that requests in flight get when the server is told to stop.
        memory: SQLite file with the profiles of users; "" keeps none.
        log: file for log lines, "-" is standard error, "" is nowhere.
    """

    upstream: str = ""
    model: str = ""
    planner: PlannerChoice = PlannerChoice()
    inject: Inject = "both"
    aliases: tuple[Alias, ...] = ()
    allow: tuple[Source, ...] | None = None
    host: str = "127.0.0.1"
    port: int = 8600
    workers: int = 1
    timeout: float = 300.0
    plan_timeout: float = 5.0
    connect_timeout: float = 5.0
    heartbeat: float = 10.0
    body_limit: int = 10 * 2**20
    drain: float = 30.0
    memory: str = ""
    log: str = "-"

    def allowed(self) -> tuple[Source, ...]:
        """Return where a request may say how it is planned."""
        if self.allow is not None:
            return self.allow
        return ("header", "body") if on_loopback(self.host) else ()

    def alias(self, name: str) -> Alias | None:
        """Return the alias called `name`, where there is one."""
        return next((alias for alias in self.aliases if alias.name == name), None)


def on_loopback(host: str) -> bool:
    """Say whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check(settings: Settings, *, keys: bool) -> None:
    """Refuse settings that contradict one another.

    Args:
        settings: what the server is told.
        keys: whether clients need a key.

    Raises:
        ConfigurationError: names the option and the fix.
    """
    if not keys and not on_loopback(settings.host):
        raise ConfigurationError(
            f"--host {settings.host!r} is open to other machines and no key is set; "
            "put keys into the variable of --server-key-env (comma separated), or leave --host out."
        )
    for flag, value in _positive(settings).items():
        if value <= 0:
            raise ConfigurationError(f"{flag} {value:g} must be more than 0.")
    if settings.planner.kind in ASK_A_MODEL and not planner_place(settings)[1]:
        raise ConfigurationError(
            f"the {settings.planner.kind} planner asks a model; add --upstream URL --model NAME, or "
            f"--planner {settings.planner.kind}=MODEL@URL."
        )
    if settings.aliases and not settings.upstream:
        raise ConfigurationError("--alias names models of an upstream; add --upstream URL.")


def _positive(settings: Settings) -> dict[str, float]:
    return {
        "--workers": settings.workers,
        "--timeout": settings.timeout,
        "--plan-timeout": settings.plan_timeout,
        "body_limit": settings.body_limit,
    }


def planner_place(settings: Settings) -> tuple[str, str]:
    """Return the model and the base URL of a planner that asks a model; "" where there is none."""
    choice = settings.planner
    return choice.model or settings.model, choice.base_url or settings.upstream


def parse_alias(words: str, inject: Inject) -> Alias:
    """Read `NAME=MODEL` or `NAME=MODEL:INJECT`; `inject` is what counts where none is named.

    Raises:
        ConfigurationError: it is written otherwise.
    """
    name, equals, model = words.partition("=")
    head, _, last = model.rpartition(":")
    chosen, model = (last, head) if last in INJECTS else (inject, model)
    if not (name and equals and model):
        raise ConfigurationError(
            f"--alias {words!r} is not NAME=MODEL:INJECT; write it like 'kind=llama-3:skill'."
        )
    return Alias(name, model, chosen)


def parse_allow(words: str) -> tuple[Source, ...] | None:
    """Read `header,body`, `none`, or "" for the default.

    Raises:
        ConfigurationError: something else is named.
    """
    if not words:
        return None
    named = tuple(word.strip() for word in words.split(",")) if words != "none" else ()
    for word in named:
        if word not in get_args(Source):
            raise ConfigurationError(f"--allow {word!r} is unknown; write header, body, header,body or none.")
    return cast(tuple[Source, ...], named)


def parse_planner(words: str) -> PlannerChoice:
    """Read `KIND`, `KIND=MODEL` or `KIND=MODEL@URL`.

    Raises:
        ConfigurationError: there is no such planner, or it has no use for a model.
    """
    kind, _, rest = words.partition("=")
    model, at, base_url = rest.partition("@http")
    if kind not in get_args(PlannerKind):
        raise ConfigurationError(
            f"--planner {kind!r} is unknown; there are {', '.join(get_args(PlannerKind))}."
        )
    if rest and kind not in ASK_A_MODEL:
        raise ConfigurationError(f"--planner {words!r}: the {kind} planner asks no model; write {kind!r}.")
    return PlannerChoice(cast(PlannerKind, kind), model, f"http{base_url}" if at else "")
