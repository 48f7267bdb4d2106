"""Pictures of the pages, drawn from the committed results as plain SVG.

    python docs/pictures.py            writes docs/pictures/*.svg

Dark marks on white, no script, no font files: what a browser and a code host show alike.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
RESULTS = ROOT / "results"

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 44, 56
COLOURS = {"encoder": "#0b6e4f", "embedded": "#1f4fa3", "frozen_head": "#b3541e"}
NAMES = {"encoder": "encoder planner", "embedded": "embedded planner", "frozen_head": "encoder alone"}
_MARKS = {"encoder": "circle", "embedded": "square", "frozen_head": "triangle"}


class Axis(NamedTuple):
    """One axis: its words, its ends, and where it has ticks."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def share(self, value: float) -> float:
        """Return where `value` stands between the ends, 0 to 1."""
        return (value - self.low) / (self.high - self.low)


class Frame(NamedTuple):
    """A plotting area with its two axes."""

    title: str
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point, in pixels."""
        return (
            round(LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM), 1),
        )


def pictures() -> dict[str, str]:
    """Return file name -> SVG."""
    study = _result("planner_study.json")
    return {
        "learning_curve.svg": learning_curve(study),
        "reliability.svg": reliability(study),
        "plan_overhead.svg": plan_overhead(_result("plan_overhead.json")),
    }


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / name).read_text("utf-8"))
    return found


def learning_curve(found: dict[str, Any]) -> str:
    """Return accuracy on test against how many turns were learned from."""
    curve = found["learning_curve"]
    steps = [point["turns"] for point in curve]
    places = {turns: float(number) for number, turns in enumerate(steps)}
    highest = max(point[name]["accuracy"]["interval95"][1] for point in curve for name in NAMES)
    top = 0.05 * (int(highest / 0.05) + 1)
    frame = Frame(
        f"Accuracy on {found['turns']['test']:,} held-out turns, 39 skills",
        Axis(
            "turns learned from (each step about doubles them)",
            -0.25,
            len(steps) - 0.75,
            [(places[turns], f"{turns:,}") for turns in steps],
        ),
        Axis("accuracy", 0.0, top, [(0.05 * i, f"{5 * i} %") for i in range(round(top / 0.05) + 1)]),
    )
    marks, ends = [], []
    for shift, name in zip((-0.05, 0.0, 0.05), COLOURS, strict=True):
        points = [(places[point["turns"]] + shift, point[name]["accuracy"]["value"]) for point in curve]
        marks.append(_line([frame.at(*point) for point in points], COLOURS[name]))
        for point, (x, _) in zip(curve, points, strict=True):
            low, high = point[name]["accuracy"]["interval95"]
            marks.append(_line([frame.at(x, low), frame.at(x, high)], COLOURS[name], 1))
        marks += [_mark(frame.at(*point), name) for point in points]
        ends.append((frame.at(*points[-1])[1], name))
    return _svg(frame, [*marks, *_legend(ends)])


def reliability(found: dict[str, Any]) -> str:
    """Return the share of right choices against stated confidence, 15 bins of equal size."""
    names = ("encoder", "embedded")
    bins = {name: found["arms"][name]["reliability"] for name in names}
    end = 0.1 * (int(max(max(c, a) for part in bins.values() for c, a, _ in part) / 0.1) + 1)
    ticks = [(0.1 * i, f"{10 * i} %") for i in range(round(end / 0.1) + 1)]
    frame = Frame(
        "Are the skills as often right as the planner says?",
        Axis("stated confidence (mean of a bin)", 0.0, end, ticks),
        Axis("share of right choices", 0.0, end, ticks),
    )
    ideal = _line([frame.at(0, 0), frame.at(end, end)], "#888", 1, dashed=True)
    marks, ends = [ideal], []
    for name in names:
        points = [frame.at(confidence, right) for confidence, right, _ in bins[name]]
        marks += [_line(points, COLOURS[name]), *(_mark(point, name) for point in points)]
        ends.append((points[-1][1], name))
    note = [f"{NAMES[name]}: calibration error {found['arms'][name]['ece']:.3f}" for name in names]
    texts = [_text(LEFT + 14, TOP + 18 + 17 * i, line) for i, line in enumerate(note)]
    return _svg(frame, [*marks, *_legend(ends), *texts])


ARM_NAMES = {
    "base": "no planning",
    "skill only": "skill only",
    "explanation and skill": "explanation and skill",
    "explanation and skill, prompted": "the same, prompted",
    "embedded classifier": "embedded classifier",
    "encoder classifier": "encoder classifier",
}
_FIRST, _WHOLE = "#1f4fa3", "#9db8e0"


def plan_overhead(found: dict[str, Any]) -> str:
    """Return the median time to the first and to the last token of each way to plan, as bars."""
    arms = found["arms"]
    longest = max(arm["total_s"]["p95"] for arm in arms.values())
    ticks = [(0.5 * n, f"{0.5 * n:g}") for n in range(int(longest / 0.5) + 2)]
    left, right, row = 172, WIDTH - 70, (HEIGHT - TOP - BOTTOM - 22) / len(arms)

    def at(seconds: float) -> float:
        return round(left + (right - left) * seconds / ticks[-1][0], 1)

    marks = [
        part
        for seconds, label in ticks
        for part in (
            _line([(at(seconds), TOP + 22), (at(seconds), HEIGHT - BOTTOM)], "#ddd", 1),
            _text(at(seconds), HEIGHT - BOTTOM + 18, label, anchor="middle"),
        )
    ]
    for number, (name, arm) in enumerate(arms.items()):
        middle = TOP + 22 + row * (number + 0.5)
        first, whole, slow = (at(arm[k][p]) for k, p in _BAR)
        marks += [
            _text(left - 8, middle + 4, ARM_NAMES[name], anchor="end"),
            _bar(left, first, middle, _FIRST),
            _bar(first, whole, middle, _WHOLE),
            _line([(whole, middle), (slow, middle)], "#555", 1),
            _text(slow + 6, middle + 4, f"{arm['ratio']['p50']:.2f} x"),
        ]
    for x, colour, words in ((left, _FIRST, "to the first token"), (left + 150, _WHOLE, "to the last token")):
        marks += [_bar(x, x + 12, TOP + 6, colour, 12), _text(x + 18, TOP + 10, words)]
    marks.append(_text(left + 300, TOP + 10, "line: 95th percentile"))
    middle = (left + right) / 2
    marks.append(_text(middle, HEIGHT - 14, "seconds (median); language models simulated", anchor="middle"))
    return _sheet("What planning adds to an answer", marks)


_BAR = (("first_token_s", "p50"), ("total_s", "p50"), ("total_s", "p95"))


def _bar(start: float, end: float, middle: float, colour: str, height: float = 22) -> str:
    place = f'x="{start}" y="{middle - height / 2:.1f}" width="{end - start:.1f}" height="{height}"'
    return f'<rect {place} fill="{colour}"/>'


def _legend(ends: list[tuple[float, str]]) -> list[str]:
    """Return the names beside the ends of their lines, pushed apart where they would touch."""
    made, below = [], float("-inf")
    for y, name in sorted(ends):
        below = max(y, below + 18)
        x = WIDTH - RIGHT + 14
        made += [_mark((x, below), name), _text(x + 10, below + 4, NAMES[name], COLOURS[name])]
    return made


def _svg(frame: Frame, marks: Sequence[str]) -> str:
    body = []
    for value, label in frame.y.ticks:
        _, y = frame.at(frame.x.low, value)
        body.append(_line([(LEFT, y), (WIDTH - RIGHT, y)], "#ddd", 1))
        body.append(_text(LEFT - 8, y + 4, label, anchor="end"))
    for value, label in frame.x.ticks:
        x, _ = frame.at(value, frame.y.low)
        body.append(_text(x, HEIGHT - BOTTOM + 18, label, anchor="middle"))
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    body.append(_text(middle, HEIGHT - 14, frame.x.label, anchor="middle"))
    height = TOP + (HEIGHT - TOP - BOTTOM) / 2
    label = _text(0, 0, frame.y.label, anchor="middle")
    body.append(f'<g transform="translate(16 {height:.1f}) rotate(-90)">{label}</g>')
    body.append(_line([(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], "#333", 1))
    return _sheet(frame.title, [*body, *marks])


def _sheet(title: str, marks: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" font-family="sans-serif">'
    )
    paper = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', _text(LEFT, 26, title, size=15)]
    return "\n".join([head, f"<title>{escape(title)}</title>", *paper, *marks, "</svg>\n"])


def _line(
    points: Sequence[tuple[float, float]], colour: str, width: float = 2, *, dashed: bool = False
) -> str:
    path = " ".join(f"{x},{y}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _mark(place: tuple[float, float], name: str) -> str:
    x, y = place
    fill = f'fill="{COLOURS[name]}"'
    if _MARKS[name] == "circle":
        return f'<circle cx="{x}" cy="{y}" r="4" {fill}/>'
    if _MARKS[name] == "square":
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" {fill}/>'
    return f'<path d="M{x} {y - 5:.1f}l5 9h-10z" {fill}/>'


def _text(
    x: float, y: float, words: str, colour: str = "#222", *, anchor: str = "start", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (PICTURES / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
