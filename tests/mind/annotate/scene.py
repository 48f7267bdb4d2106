"""Run a whole annotation job in this process, against a scripted server."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Asked
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.annotate.job import Way
from skillofmind.mind.annotate.live import live
from skillofmind.mind.dataset.annotate import Annotated, annotate
from skillofmind.mind.dataset.files import Finish
from skillofmind.mind.dataset.rows import Maker
from skillofmind.models.http import HttpModel, Timeouts
from skillofmind.models.metered import metered
from skillofmind.models.retried import retried
from skillofmind.run.budget import Limits, Meter, Prices
from skillofmind.run.retry import RetryPolicy
from tests.mind.annotate.rows import course, numbered

PRICES = Prices(prompt=10.0, completion=30.0)
QUICK = RetryPolicy(retries=4, base=0.001, cap=0.002)
ROLES: tuple[Asked, ...] = ("teacher", "second", "judge")


def run_live(out: Path, base_url: str, rows: Sequence[Instance] = (), **settings: Any) -> Annotated:
    """Annotate `rows` live; beside the settings of `run`: `concurrency`, `retry`, `timeout`, `patience`."""

    async def whole() -> Annotated:
        meter = settings.pop("meter", None) or Meter(settings.pop("limits", Limits()), "per call")
        total = settings.pop("timeout", 5.0)
        async with HttpModel("scripted", base_url, timeout=Timeouts(total=total)) as model:
            policy = settings.pop("retry", QUICK)
            asked = retried(metered(model, meter, prices=PRICES), policy)
            limits = {name: settings.pop(name) for name in ("concurrency", "patience") if name in settings}
            way = live(dict.fromkeys(ROLES, asked), **limits)
            return await _run(out, way, rows, meter, **settings)

    return asyncio.run(whole())


def run(out: Path, way: Way, rows: Sequence[Instance] = (), **settings: Any) -> Annotated:
    """Annotate `rows` this way; settings: `second`, `lang`, `filters`, `limits` and those of `annotate`."""
    meter = Meter(settings.pop("limits", Limits()), "per call")
    return asyncio.run(_run(out, way, rows, meter, **settings))


async def _run(out: Path, way: Way, rows: Sequence[Instance], meter: Meter, **settings: Any) -> Annotated:
    second = settings.pop("second", False)
    path = course(second, settings.pop("lang", ""))
    names: dict[Asked, str] = {role: f"{role} model" for role in (ROLES if second else ROLES[:1])}
    maker = Maker(names, path.words.identity, path.sampling)
    finish = Finish(settings.pop("filters", Filters()), maker, dict.fromkeys(names, PRICES), "USD")
    kept = rows or numbered(20)
    return await annotate(lambda: iter(kept), out, way, path, finish, meter=meter, **settings)


def annotated(out: Path) -> list[Dialogue]:
    return _dialogues(out / "annotated.jsonl")


def rejected(out: Path) -> dict[str, tuple[str, str]]:
    """Return row id -> reason and detail."""
    found = _dialogues(out / "rejected.jsonl")
    return {row.id: (row.meta["rejected"]["reason"], row.meta["rejected"]["detail"]) for row in found}


def _dialogues(path: Path) -> list[Dialogue]:
    decode = msgspec.json.Decoder(Dialogue).decode
    return [decode(line) for line in path.read_bytes().splitlines()]
