"""Open planners and models from what stands on a command line, and let Ctrl-C end what asks them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, cast, get_args

from skillofmind.cli.data.source import pairs
from skillofmind.core.errors import (
    ConfigurationError,
    MalformedResponse,
    ModelBusy,
    RateLimited,
    RequestRejected,
)
from skillofmind.core.seams import Model, Planner, Transform
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.run.batch import stop_on_interrupt
from skillofmind.run.budget import Meter

if TYPE_CHECKING:
    from skillofmind.models.http import HttpModel

T = TypeVar("T")

PlannerKind = Literal["embedded", "encoder", "prompted", "weights"]

PLANNERS = "embedded, encoder, prompted or weights; the first two with a setting as in embedded:threshold=0.3"
"""What --planner takes, for --help."""

IN_PACKAGE = ("embedded", "encoder")
"""The planners that come with the package and ask no model."""


class Wanted(NamedTuple):
    """What --planner says.

    Attributes:
        kind: which planner.
        threshold: the least probability (0 to 1) of a skill that it chooses; below it a plan abstains.
    """

    kind: PlannerKind
    threshold: float = 0.0


class Endpoint(NamedTuple):
    """Which model, where, and how patiently.

    Attributes:
        model: name of a served model, or a local folder with weights.
        base_url: of an OpenAI-compatible server; "" for a local folder.
        key_variable: environment variable that holds the API key.
        timeout: seconds that one call may take.
        concurrency: most calls at once.
    """

    model: str
    base_url: str
    key_variable: str
    timeout: float
    concurrency: int


KEY_VARIABLE = "OPENAI_API_KEY"
"""Environment variable that holds the API key where no other is named; it need not be set."""


def read_planner(text: str) -> Wanted:
    """Read what stands behind --planner: a name, and settings as in `embedded:threshold=0.3`.

    Raises:
        ConfigurationError: no such planner, a setting that it does not have, or no probability.
    """
    name, colon, rest = text.partition(":")
    known = get_args(PlannerKind)
    if name not in known:
        raise ConfigurationError(
            f"--planner invalid choice: {name!r} (choose from {', '.join(map(repr, known))})."
        )
    settings = ("threshold",) if name in IN_PACKAGE else ()
    found = pairs(rest, f"--planner {name}") if colon else {}
    for setting, number in found.items():
        if setting not in settings:
            there = f"there is {settings[0]}" if settings else "there are none"
            raise ConfigurationError(f"--planner {name}: {setting!r} is no setting of it; {there}.")
        if not 0 <= number <= 1:
            raise ConfigurationError(
                f"--planner {name}:{setting}={number:g} is no probability; give one from 0 to 1."
            )
    return Wanted(cast(PlannerKind, name), **found)


def check_patience(seconds: float) -> None:
    """Refuse a --timeout that no call could keep.

    Raises:
        ConfigurationError: not more than 0.
    """
    if seconds <= 0:
        raise ConfigurationError(f"--timeout {seconds:g} must be more than 0 seconds.")


def check_output(flag: str, path: Path | None) -> None:
    """Refuse an output file that could not be written once the work is done.

    Raises:
        ConfigurationError: its folder is missing or may not be written to, or it is a folder itself.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigurationError(f"{flag} {str(path)!r} is a folder; name a file.")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{flag} {str(path)!r}: the folder does not exist; create it first.")
    if not os.access(path.parent, os.W_OK):
        raise ConfigurationError(f"{flag} {str(path)!r}: the folder cannot be written to; choose another.")


@asynccontextmanager
async def open_model(endpoint: Endpoint, meter: Meter, flag: str = "--model") -> AsyncIterator[Model]:
    """Open a served model (checked to be reachable, then metered, rate-controlled, retried) or a local one.

    Raises:
        ConfigurationError: no model named, or neither a folder nor a base URL.
        ModelError: the server cannot be reached or refuses the key.
    """
    if not endpoint.model:
        raise ConfigurationError(f"no model is named; add {flag} NAME with --base-url URL, or {flag} FOLDER.")
    if endpoint.base_url:
        async with _served(endpoint, meter) as model:
            yield model
        return
    folder = Path(endpoint.model)
    if not folder.is_dir():
        raise ConfigurationError(
            f"{endpoint.model!r} is no folder with weights; name one, or add --base-url for a served model."
        )
    from skillofmind.models.local import LocalModel
    from skillofmind.models.local.loading import quiet_libraries
    from skillofmind.models.metered import metered

    quiet_libraries()
    async with LocalModel(folder) as model:
        yield metered(model, meter)


@asynccontextmanager
async def open_planner(
    planner: str,
    endpoint: Endpoint,
    meter: Meter,
    taxonomy: Path | None,
    template: Path | None,
    transform: Transform | None = None,
) -> AsyncIterator[Planner]:
    """Open one of the planners.

    Args:
        planner: what stands behind --planner, see `read_planner`.
        endpoint: of the planner's model; empty for those of the package.
        meter: counts the calls.
        taxonomy: another file of skills.
        template: another file with the wording of prompts.
        transform: what the planner's model is wrapped in, such as a cache; a planner of the package has none.

    Raises:
        ConfigurationError: an option that this planner has no use for, or a missing one.
        ModelError: the server cannot be reached or refuses the key.
    """
    wanted, skills = read_planner(planner), load_taxonomy(taxonomy)
    if wanted.kind in IN_PACKAGE:
        yield _packaged(wanted, endpoint, skills, template)
        return
    wording = load_template(template)
    async with open_model(endpoint, meter) as opened:
        model = transform(opened) if transform else opened
        if wanted.kind == "prompted":
            from skillofmind.mind.prompted import PromptedPlanner

            yield PromptedPlanner(model, taxonomy=skills, template=wording)
        else:
            from skillofmind.mind.weights import WeightsPlanner

            yield WeightsPlanner(model, taxonomy=skills, template=wording)


def _packaged(wanted: Wanted, endpoint: Endpoint, taxonomy: Taxonomy, template: Path | None) -> Planner:
    unused = {"--model": endpoint.model, "--base-url": endpoint.base_url, "--template": template}
    for flag, value in unused.items():
        if value:
            raise ConfigurationError(
                f"{flag} {str(value)!r} has no use with the {wanted.kind} planner; "
                "add --planner prompted or --planner weights, or leave it out."
            )
    if wanted.kind == "encoder":
        from skillofmind.mind.encoded.planner import EncoderPlanner

        return EncoderPlanner(taxonomy=taxonomy, threshold=wanted.threshold)
    from skillofmind.mind.embedded.planner import EmbeddedPlanner

    return EmbeddedPlanner(taxonomy=taxonomy, threshold=wanted.threshold)


@asynccontextmanager
async def _served(endpoint: Endpoint, meter: Meter) -> AsyncIterator[Model]:
    from skillofmind.models.http import HttpModel, Timeouts
    from skillofmind.models.limited import limited
    from skillofmind.models.metered import metered
    from skillofmind.models.retried import retried
    from skillofmind.run.concurrency import Gate

    timeout = Timeouts(first_byte=endpoint.timeout, total=endpoint.timeout)
    key = api_key(endpoint.key_variable)
    async with HttpModel(endpoint.model, endpoint.base_url, key, timeout=timeout) as model:
        await check_reachable(model)
        yield retried(metered(limited(model, Gate(endpoint.concurrency)), meter))


async def check_reachable(model: "HttpModel") -> None:
    """Ask a server for its models, so that a wrong address or key shows before any work.

    Raises:
        ModelError: it cannot be reached or refuses the key.
    """
    # Not every compatible server lists its models, or in this form, and one that is busy now answers
    # later; reachable and not refusing the key is enough.
    with suppress(RequestRejected, RateLimited, ModelBusy, MalformedResponse):
        await model.list_models()


def api_key(variable: str) -> str | None:
    """Return the key in an environment variable; `None` where the default one is not set.

    Raises:
        ConfigurationError: another variable was named and is not set.
    """
    key = os.environ.get(variable, "").strip()
    if not key and variable != KEY_VARIABLE:
        raise ConfigurationError(f"--api-key-env {variable!r} is not set; export it, or leave this out.")
    return key or None


@asynccontextmanager
async def draining() -> AsyncIterator[asyncio.Event]:
    """Give the event that the first Ctrl-C sets, and say then what it does.

    The first one finishes what is in work, the second gives it up.
    """
    with stop_on_interrupt() as stop:
        notice = asyncio.create_task(_notice(stop))
        try:
            yield stop
        finally:
            notice.cancel()


def run_draining(work: Coroutine[Any, Any, T]) -> T:
    """Run the work of a command in an event loop; the second Ctrl-C gives up what was in work, too.

    Raises:
        KeyboardInterrupt: it did.
    """
    try:
        return asyncio.run(work)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _notice(stop: asyncio.Event) -> None:
    """Say what the first Ctrl-C does, as the calls in work may take a while."""
    await stop.wait()
    sys.stderr.write("som: finishing what is in work; Ctrl-C again gives it up.\n")
    sys.stderr.flush()
