"""Statistics as text with bars, or as one HTML page with SVG histograms that needs nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import NamedTuple

from skillofmind.data.stats import LONGEST_DIALOGUE, LONGEST_TURN, NONE, Stats, quantile

_BAR = 40
_SHOWN = 15
_BINS = 12
_STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}svg{width:100%;height:auto}
td{padding:.1rem 1rem .1rem 0}td+td{text-align:right;font-variant-numeric:tabular-nums}
rect{fill:#4a7ebb}text{font:12px system-ui,sans-serif;fill:#222}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}text{fill:#ddd}}
"""


class Plot(NamedTuple):
    """A titled row of bars.

    Attributes:
        title: what is counted.
        bars: (label, count), in order.
        note: a remark, or "".
    """

    title: str
    bars: list[tuple[str, int]]
    note: str = ""


def as_text(stats: Stats) -> str:
    """Return totals and bars for a terminal."""
    width = max(len(name) for name, _ in totals(stats))
    lines = [f"{name:<{width}}  {value:>14}" for name, value in totals(stats)]
    for plot in plots(stats):
        lines += ["", plot.title + (f"  ({plot.note})" if plot.note else ""), *_bar_lines(plot.bars)]
    return "\n".join(lines) + "\n"


def as_page(stats: Stats, source: str) -> str:
    """Return a whole HTML page; all text from data is escaped."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{value}</td></tr>" for name, value in totals(stats))
    parts = "".join(
        f"<h2>{escape(plot.title)}</h2><p>{escape(plot.note)}</p>{_svg(plot)}" for plot in plots(stats)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Dialogue statistics</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>Dialogues of {escape(source)}</h1><table>{rows}</table>{parts}</html>\n"
    )


def totals(stats: Stats) -> list[tuple[str, str]]:
    """Return the single numbers with their names."""
    each = stats.turns / stats.dialogues if stats.dialogues else 0.0
    words = stats.words / stats.turns if stats.turns else 0.0
    return [
        ("dialogues", f"{stats.dialogues:,}"),
        ("turns", f"{stats.turns:,}"),
        ("words", f"{stats.words:,}"),
        ("characters", f"{stats.characters:,}"),
        ("turns a dialogue", f"{each:.1f}"),
        ("words a turn", f"{words:.1f}"),
        ("pictures", f"{stats.images:,}"),
        ("annotated turns", f"{stats.annotated:,}"),
    ]


def plots(stats: Stats) -> list[Plot]:
    """Return what is worth a plot: nothing that has no value in any dialogue."""
    found = [
        Plot("words of a turn", bins(stats.turn_words, LONGEST_TURN), _spread(stats.turn_words)),
        Plot(
            "turns of a dialogue", bins(stats.dialogue_turns, LONGEST_DIALOGUE), _spread(stats.dialogue_turns)
        ),
        Plot("speakers of a dialogue", bins(stats.dialogue_speakers, LONGEST_DIALOGUE)),
    ]
    tables = {
        "social context": stats.contexts,
        "roles": stats.roles,
        **{f"labels: {scheme}": values for scheme, values in sorted(stats.labels.items())},
        "skills": stats.skills,
        "languages": stats.languages,
        "scenarios": stats.scenarios,
        "splits": stats.splits,
        "corpora": stats.corpora,
        "licences": stats.licences,
    }
    found += [_table(title, table) for title, table in tables.items() if set(table) - {NONE}]
    return [plot for plot in found if plot.bars]


def bins(histogram: Mapping[int, int], last: int) -> list[tuple[str, int]]:
    """Put a histogram into at most about a dozen bins of equal width; `last` means that or more."""
    if not histogram:
        return []
    top = max(quantile(histogram, 0.99), min(histogram) + 1)
    low = min(histogram)
    width = max(1, -(-(top - low + 1) // _BINS))
    found = []
    for start in range(low, top + 1, width):
        end = start + width - 1
        count = sum(n for value, n in histogram.items() if start <= value <= end)
        found.append((str(start) if width == 1 else f"{start}-{end}", count))
    end = low + len(found) * width
    beyond = sum(n for value, n in histogram.items() if value >= end)
    more = [(f"{min(end, last)}+", beyond)] if beyond else []
    return [*found, *more]


def _spread(histogram: Mapping[int, int]) -> str:
    shares = {"median": 0.5, "90 % up to": 0.9, "99 % up to": 0.99}
    return ", ".join(f"{name} {quantile(histogram, share)}" for name, share in shares.items())


def _table(title: str, table: Mapping[str, int]) -> Plot:
    ordered = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    more = len(ordered) - _SHOWN
    return Plot(title, ordered[:_SHOWN], f"{more} more values" if more > 0 else "")


def _bar_lines(bars: Iterable[tuple[str, int]]) -> Iterator[str]:
    shown = [(_short(label), count) for label, count in bars]
    most, width = max(count for _, count in shown) or 1, max(len(label) for label, _ in shown)
    for label, count in shown:
        size = max(round(_BAR * count / most), 1 if count else 0)
        yield f"  {label:<{width}}  {count:>10,}  {'█' * size}".rstrip()


def _svg(plot: Plot) -> str:
    height, most = 22 * len(plot.bars), max(count for _, count in plot.bars) or 1
    rows = []
    for number, (label, count) in enumerate(plot.bars):
        y, width = 22 * number, 480 * count / most
        rows.append(
            f'<text x="230" y="{y + 15}" text-anchor="end">{escape(_short(label))}</text>'
            f'<rect x="240" y="{y + 3}" width="{width:.1f}" height="16"/>'
            f'<text x="{246 + width:.1f}" y="{y + 15}">{count:,}</text>'
        )
    name = escape(plot.title, quote=True)
    return f'<svg viewBox="0 0 800 {height}" role="img" aria-label="{name}">{"".join(rows)}</svg>'


def _short(label: str) -> str:
    folded = " ".join(label.split()) or '""'
    return folded if len(folded) <= 32 else folded[:31] + "…"
