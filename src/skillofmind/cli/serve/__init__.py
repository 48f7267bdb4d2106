"""`som serve`: an OpenAI-compatible server that thinks about how to answer before it lets a model answer."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skillofmind.cli.opening import KEY_VARIABLE, api_key
from skillofmind.cli.options import option, parse

if TYPE_CHECKING:
    from skillofmind.serve.settings import Settings

_EPILOG = """\
examples:
  som serve                                                            offline: stored replies, real plans
  som serve --upstream http://127.0.0.1:8000/v1 --model llama-3        plan, then let llama-3 answer
  som serve --upstream http://127.0.0.1:8000/v1 --model llama-3 --inject off --alias kind=llama-3:both
  som serve --upstream http://127.0.0.1:8000/v1 --model llama-3 --planner weights=thanos@http://127.0.0.1:8001/v1
  curl http://127.0.0.1:8600/v1/chat/completions -d '{"messages": [{"role": "user", "content": "I failed."}]}'

Clients change one thing, base_url="http://127.0.0.1:8600/v1", and ask for the model as before. Before each
answer to a person, the planner names a skill and says why; the model sees that as a system message, and the
reply has it under "skillofmind". Tool calls, streams and unknown fields come through as they are. A plan that
is late, fails or is no good costs no answer: it goes out unplanned, and the header X-Skillofmind says why.

--inject says what the model sees of a plan: both (explanation and skill), skill, explanation, or off. An
--alias is a further model name with a choice of its own. Where --allow permits it, a request says it itself:
header X-Skillofmind-Inject, or {"skillofmind": {"inject": "skill", "context": "...", "skill": "Empathy"}}.

Keys: the upstream's comes from --api-key-env, and no key of a client is ever sent on. Clients need a key once
the variable of --server-key-env has some (comma separated); without, only this machine is served. A planner
on another server gets the key in SOM_PLANNER_KEY. Bodies may have 10 MB. SIGTERM finishes what is in work
within 30 seconds. GET /health, /metrics (Prometheus), /playground/; docs/serve.md has the rest.
"""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Options of `som serve`."""

    upstream: str = option(
        "", "OpenAI-compatible server that answers; without it, this process does", value="URL"
    )
    model: str = option("", "model that answers; without --upstream, a folder with weights", value="NAME")
    planner: str = option(
        "embedded",
        "embedded, encoder, prompted or weights; the last two ask a model",
        value="KIND[=MODEL[@URL]]",
    )
    inject: Literal["both", "skill", "explanation", "off"] = option("both", "what of a plan the model sees")
    alias: tuple[str, ...] = option((), "further model names", value="NAME=MODEL:INJECT")
    allow: str = option(
        "", "where a request may choose: header,body or none; both on this machine, else none", value="WHERE"
    )
    host: str = option("127.0.0.1", "address to listen on", value="ADDRESS")
    port: int = option(8600, "port to listen on; 0 takes a free one", value="NUMBER")
    workers: int = option(1, "processes that share the port", value="NUMBER")
    timeout: float = option(
        300.0, "seconds for a whole request; X-Deadline-Seconds asks for less", value="SECONDS"
    )
    plan_timeout: float = option(5.0, "seconds of it for the plan", value="SECONDS")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the upstream's key", value="VARIABLE")
    server_key_env: str = option(
        "SOM_SERVER_KEYS", "environment variable with the keys that clients need", value="VARIABLE"
    )
    memory: str = option("", "keep profiles of users in this SQLite file", value="FILE")
    log: str = option("-", "a line of JSON for each request goes here; - is standard error", value="FILE")


def run(argv: Sequence[str]) -> int:
    """Run `som serve`."""
    options = parse(
        ServeOptions, "som serve", "Plan before a model answers, over HTTP.", argv, epilog=_EPILOG
    )
    return start(options, settings_of(options), "Listening on {}/v1; Ctrl-C ends it.\n")


def settings_of(options: ServeOptions) -> "Settings":
    """Return what the options say.

    Raises:
        ConfigurationError: one of them is written wrongly.
    """
    from skillofmind.serve.settings import Settings, parse_alias, parse_allow, parse_planner

    return Settings(
        upstream=options.upstream,
        model=options.model,
        planner=parse_planner(options.planner),
        inject=options.inject,
        aliases=tuple(parse_alias(words, options.inject) for words in options.alias),
        allow=parse_allow(options.allow),
        host=options.host,
        port=options.port,
        workers=options.workers,
        timeout=options.timeout,
        plan_timeout=options.plan_timeout,
        memory=options.memory,
        log=options.log,
    )


def start(options: ServeOptions, settings: "Settings", notice: str) -> int:
    """Serve until told to stop.

    Args:
        options: name the variables with the keys.
        settings: what the server is told.
        notice: what to print once it listens; {} becomes the address.
    """
    from skillofmind.serve.keys import PLANNER_KEY, server_keys
    from skillofmind.serve.opening import service
    from skillofmind.serve.workers import serve

    found = service(
        settings,
        keys=server_keys(options.server_key_env),
        upstream_key=api_key(options.api_key_env),
        planner_key=os.environ.get(PLANNER_KEY, "").strip() or None,
    )

    def ready(address: str) -> None:
        if found.upstream.offline:
            sys.stdout.write("No --upstream is given: replies are stored ones, plans are real.\n")
        sys.stdout.write(notice.format(address))
        sys.stdout.flush()

    return serve(found, ready)
