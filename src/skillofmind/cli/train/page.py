"""The curves of a run as one HTML page that needs nothing else: loss, gradient norm, learning rate, speed."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from skillofmind.run.atomic import write_atomic
from skillofmind.run.log import read_log

PAGE = "training.html"
"""Name of the page in the run directory."""

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 220, 64, 28
_POINTS = 600
"""Most points of a curve; more are averaged."""

_STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
:root{color-scheme:light dark}body{color:#222;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}svg{width:100%;height:auto}
td{padding:.1rem 1rem .1rem 0}td+td{text-align:right;font-variant-numeric:tabular-nums}
polyline{fill:none;stroke:#1f4fa3;stroke-width:1.5}polyline.apart{stroke:#b3541e}circle{fill:#b3541e}
line{stroke:#ccc}text{font:12px system-ui,sans-serif;fill:#444}.key{color:#b3541e}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}text{fill:#bbb}line{stroke:#444}
polyline{stroke:#7aa7ff}polyline.apart{stroke:#ffa869}circle{fill:#ffa869}.key{color:#ffa869}}
"""

Point = tuple[float, float]


class Curve(NamedTuple):
    """Values over updates.

    Attributes:
        title: what it is.
        points: (update, value).
        apart: the same on held-out rows.
    """

    title: str
    points: list[Point]
    apart: list[Point] = []


def write_page(run: Path) -> dict[str, Any]:
    """Write `training.html` of a run directory from its `updates.jsonl`, and return the last record."""
    log = run / "updates.jsonl"
    records = sorted((int(key), value) for key, value in read_log(log)) if log.is_file() else []
    if not records:
        return {}
    write_atomic(run / PAGE, page(run.name, records).encode())
    return {"update": records[-1][0], **records[-1][1]}


def page(name: str, records: Sequence[tuple[int, dict[str, Any]]]) -> str:
    """Return the page of (update, record) in order."""
    last, made = records[-1]
    seconds = sum(record["seconds"] for _, record in records)
    rows = {
        "updates": f"{last:,}",
        "passes": f"{made['passed']:.2f}",
        "loss": f"{made['loss']:.4g}",
        **{
            f"held-out {key.replace('_', ' ')}": f"{value:.4g}"
            for key, value in _last_held_out(records).items()
        },
        "trained tokens or pairs": f"{sum(record['trained'] for _, record in records):,}",
        "seconds": f"{seconds:,.1f}",
        "tokens a second": f"{sum(record['tokens'] for _, record in records) / max(seconds, 1e-9):,.0f}",
        "memory, MB": f"{max(record['memory'] for _, record in records) / 1e6:,.0f}",
    }
    table = "".join(f"<tr><td>{escape(key)}</td><td>{value}</td></tr>" for key, value in rows.items())
    parts = "".join(f"<h2>{escape(one.title)}{_key(one)}</h2>{_svg(one)}" for one in curves(records))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Training</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>Training: {escape(name)}</h1><table>{table}</table>{parts}</html>\n"
    )


def curves(records: Sequence[tuple[int, dict[str, Any]]]) -> list[Curve]:
    """Return what is worth a curve."""

    def over(value: Callable[[dict[str, Any]], float | None]) -> list[Point]:
        return [(update, found) for update, record in records if (found := value(record)) is not None]

    told = sorted({name for _, record in records for name in record.get("told", {})})
    # A loss of one part only is the loss itself.
    told = [name for name in told if name != "cross_entropy" or len(told) > 1]
    found = [
        Curve("loss", over(lambda one: one["loss"]), over(lambda one: one.get("held_out", {}).get("loss")))
    ]
    for name in told:
        found.append(
            Curve(
                name.replace("_", " "),
                over(lambda one, name=name: one.get("told", {}).get(name)),  # type: ignore[misc]
                over(lambda one, name=name: one.get("held_out", {}).get(name)),  # type: ignore[misc]
            )
        )
    found += [
        Curve("gradient norm", over(lambda one: one["gradient_norm"])),
        Curve("learning rate", over(lambda one: one["learning_rate"])),
        Curve("tokens a second", over(lambda one: one["tokens"] / max(one["seconds"], 1e-9))),
    ]
    return found


def _last_held_out(records: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, float]:
    return next((record["held_out"] for _, record in reversed(records) if record.get("held_out")), {})


def _key(curve: Curve) -> str:
    return ' <span class="key">(held-out rows in orange)</span>' if curve.apart else ""


def _svg(curve: Curve) -> str:
    every = [*curve.points, *curve.apart]
    if not every:
        return ""
    low, high = min(value for _, value in every), max(value for _, value in every)
    if high - low < 1e-12:
        low, high = low - abs(low) / 2 - 1e-9, high + abs(high) / 2 + 1e-9
    first, last = every[0][0], max(update for update, _ in every)

    def at(point: Point) -> tuple[float, float]:
        x = _LEFT + (point[0] - first) / max(last - first, 1) * (_WIDTH - _LEFT - 8)
        y = 8 + (high - point[1]) / (high - low) * (_HEIGHT - _BOTTOM - 16)
        return x, y

    ticks = (low, (low + high) / 2, high)
    marks = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        for label, y in zip(_labels(ticks), (at((first, value))[1] for value in ticks), strict=True)
    )
    ends = "".join(
        f'<text x="{at((update, low))[0]:.1f}" y="{_HEIGHT - 8}" text-anchor="{side}">{update:,.0f}</text>'
        for update, side in ((first, "start"), (last, "end"))
    )
    lines = _line([at(point) for point in _thinned(curve.points)], "")
    lines += _line([at(point) for point in curve.apart], "apart")
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in map(at, curve.apart))
    name = escape(curve.title, quote=True)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{name} over updates">'
        f"{marks}{ends}{lines}{dots}</svg>"
    )


def _labels(ticks: Sequence[float]) -> list[str]:
    """Return the numbers with as many digits, from 3 to 6, as it takes to tell them apart."""
    rounded = ([f"{value:.{digits}g}" for value in ticks] for digits in range(3, 7))
    return next((one for one in rounded if len({*one}) == len(ticks)), [f"{value:.6g}" for value in ticks])


def _line(points: Sequence[Point], kind: str) -> str:
    if len(points) < 2:
        return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points)
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{joined}"/>'


def _thinned(points: list[Point]) -> list[Point]:
    """Return at most `_POINTS` points, each the mean of its neighbours."""
    size = -(-len(points) // _POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), max(1, size))]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
