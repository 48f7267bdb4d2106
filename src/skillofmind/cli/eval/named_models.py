"""Models that stand on a command line as `NAME@URL` or as a folder: the agent, its planner, its judges."""

import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from skillofmind.cli.opening import KEY_VARIABLE, Endpoint, open_model, open_planner, read_planner
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Model, Planner, Transform
from skillofmind.run.budget import Meter

STARTER = "starter"
"""The agent that needs no model: stored replies, chosen by skill and words."""

_ASKING = ("prompted", "weights")
_PLACE = re.compile(r"@https?://.*?(?=(:[0-9a-f]{12})*$)")


class Named(NamedTuple):
    """A model as it was named.

    Attributes:
        name: of the model, or of the folder; without its place.
        endpoint: where it is.
    """

    name: str
    endpoint: Endpoint


class Patience(NamedTuple):
    """How models are asked: seconds for one call, and most calls at once."""

    seconds: float
    at_once: int


def read_named(text: str, flag: str, patience: Patience) -> Named:
    """Read `NAME@URL` or a folder.

    Raises:
        ConfigurationError: there is no name, or no such folder.
    """
    name, at, rest = text.partition("@http")
    if not name or (not at and not Path(name).is_dir()):
        raise ConfigurationError(f"{flag} {text!r} is no NAME@URL and no folder with weights; write one.")
    endpoint = Endpoint(name, f"http{rest}" if at else "", KEY_VARIABLE, *patience)
    return Named(name if at else Path(name).name, endpoint)


def shown_planner(text: str) -> str:
    """Return what stands behind --planner without its place."""
    kind, _, model = text.partition("=")
    return f"{kind}={model.partition('@http')[0]}" if kind in _ASKING and model else text


@asynccontextmanager
async def open_named(
    text: str, flag: str, patience: Patience, meter: Meter, wrap: Transform
) -> AsyncIterator[Model]:
    """Open a model, or the agent `starter`.

    Raises:
        ConfigurationError: it cannot be one.
        ModelError: the server cannot be reached or refuses the key.
    """
    if text == STARTER and flag == "--agent":
        from skillofmind.mind.starter import starter_dialogues
        from skillofmind.models.retrieval import RetrievalModel, replies_in

        yield RetrievalModel(replies_in(starter_dialogues()))
        return
    async with open_model(read_named(text, flag, patience).endpoint, meter, flag) as model:
        yield wrap(model)


@asynccontextmanager
async def open_named_planner(
    text: str, patience: Patience, meter: Meter, wrap: Transform
) -> AsyncIterator[Planner]:
    """Open a planner: `KIND`, or `prompted=NAME@URL`, `weights=NAME@URL`, `weights=FOLDER`.

    Raises:
        ConfigurationError: it cannot be one.
        ModelError: the server cannot be reached or refuses the key.
    """
    kind, equals, model = text.partition("=")
    if kind not in _ASKING:
        read_planner(text)
        endpoint = Endpoint("", "", KEY_VARIABLE, *patience)
        async with open_planner(text, endpoint, meter, None, None, wrap) as planner:
            yield planner
        return
    if not equals:
        raise ConfigurationError(f"--planner {text!r} names no model; write {text}=NAME@URL.")
    endpoint = read_named(model, f"--planner {kind}", patience).endpoint
    async with open_planner(kind, endpoint, meter, None, None, wrap) as planner:
        yield planner


def placeless(identity: str) -> str:
    """Return the identity of a planner without the address of its model."""
    return _PLACE.sub("", identity)


def kept_answers(folder: Path | None, stack: ExitStack) -> Transform:
    """Return what models are wrapped in: tokens are counted, and answers kept where a folder is named."""
    from skillofmind.evals.answering import counted

    if folder is None:
        return counted
    from skillofmind.models.cached import cached
    from skillofmind.run.atomic import storage_errors
    from skillofmind.run.cache import Cache

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    cache = stack.enter_context(Cache(folder / "answers.sqlite"))
    return lambda model: counted(cached(model, cache))
