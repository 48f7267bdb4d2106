"""`som playground`: `som serve` for one person with a browser."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from skillofmind.cli.opening import KEY_VARIABLE
from skillofmind.cli.options import option, parse
from skillofmind.cli.serve import ServeOptions, settings_of, start

_EPILOG = """\
examples:
  som playground                                                       offline: stored replies, real plans
  som playground --upstream http://127.0.0.1:8000/v1 --model llama-3   with a real model

The page shows beside each reply its skill, the explanation, the turns that moved the choice and the
alternatives. It is the same server as `som serve`, so programs can use its address as well.
"""


@dataclass(frozen=True, slots=True)
class PlaygroundOptions:
    """Options of `som playground`."""

    upstream: str = option(
        "", "OpenAI-compatible server that answers; without it, this process does", value="URL"
    )
    model: str = option("", "model that answers; without --upstream, a folder with weights", value="NAME")
    planner: str = option(
        "embedded",
        "embedded, encoder, prompted or weights; the last two ask a model",
        value="KIND[=MODEL[@URL]]",
    )
    port: int = option(8600, "port to listen on; 0 takes a free one", value="NUMBER")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the upstream's key", value="VARIABLE")
    log: str = option("", "a line of JSON for each request goes here; - is standard error", value="FILE")


def run(argv: Sequence[str]) -> int:
    """Run `som playground`."""
    options = parse(
        PlaygroundOptions, "som playground", "Talk with the agent in a browser.", argv, epilog=_EPILOG
    )
    serving = ServeOptions(
        upstream=options.upstream,
        model=options.model,
        planner=options.planner,
        port=options.port,
        api_key_env=options.api_key_env,
        log=options.log,
    )
    # A person who tries things out waits longer for a plan than a program does.
    settings = msgspec.structs.replace(settings_of(serving), plan_timeout=60.0)
    return start(serving, settings, "Open {}/playground/\nCtrl-C ends it.\n")
