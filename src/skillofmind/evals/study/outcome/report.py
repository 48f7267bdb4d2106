"""The results of a study as one HTML page that needs nothing else; every text from data is escaped."""

from collections.abc import Callable, Iterable, Sequence
from html import escape

from skillofmind.evals.study.outcome.records import (
    CriterionResult,
    PairResult,
    RaterResult,
    RatingDifference,
    RatingResult,
    StrengthResult,
    StudyResults,
)
from skillofmind.mind.dataset.reviewed import Rate
from skillofmind.scorers.agreement import Agreement, Alpha

_STYLE = """\
:root{color-scheme:light dark;--ink:#20242a;--soft:#646a73;--line:#e2dfd7;--paper:#f6f5f1;--surface:#fff;
--one:#0b6a5b;--same:#c9c5ba;--other:#c2662d;--bad:#b0322a}
@media(prefers-color-scheme:dark){:root{--ink:#e7e6e2;--soft:#9ba2ab;--line:#2e343a;--paper:#14171a;
--surface:#1c2024;--one:#62c9b3;--same:#4a5058;--other:#e39a66;--bad:#f08a80}}
*{box-sizing:border-box}body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.15rem;margin:2.2rem 0 .5rem}h3{font-size:.95rem;margin:1.2rem 0 .3rem}
p{margin:.4rem 0}.soft{color:var(--soft)}
.note{border-left:3px solid var(--other);padding:.2rem .8rem;margin:.5rem 0}
section{background:var(--surface);
border:1px solid var(--line);border-radius:.8rem;padding:1rem 1.25rem;margin:1rem 0}
section h2{margin-top:0}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}th{font-weight:400;color:var(--soft);text-align:left}
th,td{padding:.25rem .9rem .25rem 0;border-top:1px solid var(--line);vertical-align:middle}
tr:first-child th{border:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}table{margin-top:.8rem}
td:first-child{min-width:6.5rem;overflow-wrap:anywhere}details{margin-top:.8rem}summary{cursor:pointer}
svg{width:100%;min-width:24rem;height:auto;display:block}text{font:13px system-ui,sans-serif;fill:var(--ink)}
.s{fill:var(--soft);font-size:12px}.one{fill:var(--one)}.same{fill:var(--same)}.other{fill:var(--other)}
.axis{stroke:var(--line)}.mid{stroke:var(--soft);stroke-dasharray:3 3}.bar{stroke:var(--ink);stroke-width:2}
.key span{display:inline-block;width:.8em;height:.8em;border-radius:.15em;margin:0 .35em 0 1em}
.out{color:var(--bad)}
"""
_WIDTH, _LEFT, _ROW = 720, 150, 30


def page(found: StudyResults) -> str:
    """Return the whole page."""
    body = [_head(found), *(f'<p class="note">{escape(note)}</p>' for note in found.notes)]
    body += [_pairs_part(found), _ratings_part(found), _agreement_part(found), _raters_part(found)]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(found.title)}: results</title><style>{_STYLE}</style></head><body>"
        + "".join(part for part in body if part)
        + "</body></html>\n"
    )


def _head(found: StudyResults) -> str:
    kept = len(found.raters) - len(found.excluded)
    what = "compared" if found.kind == "pairs" else "rated"
    return (
        f"<h1>{escape(found.title)}</h1>"
        f'<p class="soft">{found.items} items {what}, {found.answers} pages answered by {kept} '
        f"rater{'' if kept == 1 else 's'} who count; {len(found.excluded)} excluded by attention checks.</p>"
    )


def _pairs_part(found: StudyResults) -> str:
    pairs: dict[tuple[str, str], list[tuple[str, PairResult]]] = {}
    for criterion in found.criteria:
        for one in criterion.pairs:
            pairs.setdefault((one.first, one.second), []).append((criterion.criterion, one))
    parts = [_pair(*names, rows) for names, rows in pairs.items()]
    if len(found.systems) > 2:
        parts += [_strengths(one) for one in found.criteria if one.strengths]
    return "".join(parts)


def _pair(first: str, second: str, rows: Sequence[tuple[str, PairResult]]) -> str:
    table = _table(
        ["", "wins", "ties", "losses", "win rate", "95 % by dialogue", "Wilson, votes apart", "p", "p, Holm",
         "seen from"],
        [
            [name, one.wins, one.ties, one.losses, _percent(one.rate), _ends(one.low, one.high, _percent),
             _ends(*one.wilson, _percent), _p(one.p), _p(one.adjusted), _percent(one.detectable)]
            for name, one in rows
        ],
    )  # fmt: skip
    return (
        f"<section><h2>{escape(first)} against {escape(second)}</h2>"
        f'<p class="key soft">votes for <span style="background:var(--one);margin-left:0"></span>'
        f'{escape(first)}<span style="background:var(--same)"></span>neither'
        f'<span style="background:var(--other)"></span>{escape(second)}; the mark is the win rate, ties as '
        f"half, with its interval</p>{_vote_bars(rows)}{table}"
        '<p class="soft">"Seen from": the smallest win rate that so many dialogues show with 80 % power, one '
        "vote each.</p></section>"
    )


def _vote_bars(rows: Sequence[tuple[str, PairResult]]) -> str:
    width = _WIDTH - _LEFT - 24
    middle = _LEFT + width / 2
    marks = [f'<line class="mid" x1="{middle}" x2="{middle}" y1="0" y2="{_ROW * len(rows)}"/>']
    for number, (name, one) in enumerate(rows):
        y, total, x = number * _ROW, one.wins + one.ties + one.losses, float(_LEFT)
        marks.append(f'<text x="{_LEFT - 10}" y="{y + 19}" text-anchor="end">{_short(name, 18)}</text>')
        for count, kind in ((one.wins, "one"), (one.ties, "same"), (one.losses, "other")):
            part = width * count / total if total else 0
            marks.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y + 5}" width="{part:.1f}" height="{_ROW - 14}">'
                f"<title>{count} of {total}</title></rect>"
            )
            x += part
        marks.append(_interval(one.low, one.rate, one.high, y + _ROW - 5, lambda v: _LEFT + width * v))
    marks.append(_ticks(_ROW * len(rows), [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")], width))
    return _svg(_ROW * len(rows) + 22, marks, "votes and win rate by criterion")


def _strengths(one: CriterionResult) -> str:
    ends = [v for s in one.strengths for v in (s.value, s.low, s.high) if v is not None]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    width = _WIDTH - _LEFT - 30

    def at(value: float) -> float:
        return _LEFT + 10 + width * (value - low) / span

    marks = []
    for number, found in enumerate(one.strengths):
        y = number * _ROW
        marks.append(
            f'<text x="{_LEFT - 10}" y="{y + 19}" text-anchor="end">{_short(found.system, 18)}</text>'
        )
        marks.append(_interval(found.low, found.value, found.high, y + 14, at))
    table = _table(
        ["", "log strength", "95 %"], [[s.system, f"{s.value:.3f}", _strength_ends(s)] for s in one.strengths]
    )
    return (
        f"<section><h2>Strength by {escape(one.criterion)} (Bradley and Terry)</h2>"
        f"{_svg(_ROW * len(one.strengths), marks, 'strengths')}{table}</section>"
    )


def _strength_ends(one: StrengthResult) -> str:
    return _ends(one.low, one.high, "{:.3f}".format)


def _ratings_part(found: StudyResults) -> str:
    if found.kind != "ratings":
        return ""
    points = len(found.scale)
    words = ", ".join(f"{number} {word}" for number, word in enumerate(found.scale, 1))
    rows = [(one.criterion, rating) for one in found.criteria for rating in one.ratings]
    table = _table(
        ["", "system", "mean", "95 % by dialogue", "error", *map(str, range(1, points + 1))],
        [
            [name, one.system, f"{one.mean:.2f}", _ends(one.low, one.high, "{:.2f}".format),
             "" if one.error is None else f"{one.error:.3f}", *one.counts]
            for name, one in rows
        ],
    )  # fmt: skip
    return (
        f'<section><h2>Mean ratings</h2><p class="soft">{escape(words)}</p>'
        f"{_rating_marks(rows, points)}{table}{_differences(found)}</section>"
    )


def _rating_marks(rows: Sequence[tuple[str, RatingResult]], points: int) -> str:
    width, left = _WIDTH - 2 * _LEFT - 20, 2 * _LEFT

    def at(value: float) -> float:
        return left + width * (value - 1) / (points - 1)

    marks = []
    for number, (name, one) in enumerate(rows):
        y = number * _ROW
        label = _short(f"{name}, {one.system}", 38)
        marks.append(f'<text x="{left - 14}" y="{y + 19}" text-anchor="end">{label}</text>')
        marks.append(_interval(one.low, one.mean, one.high, y + 14, at))
    height = _ROW * len(rows)
    for point in range(1, points + 1):
        x = at(point)
        marks.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>')
        marks.append(f'<text class="s" x="{x:.1f}" y="{height + 16}" text-anchor="middle">{point}</text>')
    return _svg(height + 22, marks, "mean ratings")


def _differences(found: StudyResults) -> str:
    rows = [(one.criterion, apart) for one in found.criteria for apart in one.differences]
    if not rows:
        return ""
    return "<h3>Differences</h3>" + _table(
        ["", "second minus first", "value", "95 % by dialogue", "p", "p, Holm", "items", "seen from"],
        [_difference(name, one) for name, one in rows],
    )


def _difference(name: str, one: RatingDifference) -> list[object]:
    return [
        name,
        f"{one.second} minus {one.first}",
        f"{one.value:+.2f}",
        _ends(one.low, one.high, "{:+.2f}".format),
        _p(one.p),
        _p(one.adjusted),
        one.items,
        "" if one.detectable is None else f"{one.detectable:.2f}",
    ]


def _agreement_part(found: StudyResults) -> str:
    rows = [
        [one.criterion, _coefficient(one.alpha), _coefficient(one.fleiss), _left(one.left)]
        for one in found.criteria
    ]
    pairs = [
        [of.criterion, " and ".join(one.raters), _coefficient(one.kappa), one.kappa.items]
        for of in found.criteria
        for one in of.raters
    ]
    left = "" if found.kind == "ratings" else (
        " The last column is the share of decided votes for what stood on the left; sides were balanced, so "
        "50 % is no bias."
    )  # fmt: skip
    return (
        '<section><h2>Agreement of raters</h2><p class="soft">0 is chance, 1 is full agreement; in brackets '
        f"the 95 % interval.{left}</p>"
        + _table(["", "Krippendorff's alpha", "Fleiss' kappa", "left"], rows)
        + '<details><summary class="soft">two raters at a time</summary>'
        + _table(["", "raters", "Cohen's kappa", "tasks"], pairs)
        + "</details></section>"
    )


def _left(one: Rate) -> str:
    ends = _ends(one.low, one.high, "{:.0%}".format)
    return f"{_rate(one)} ({ends})" if ends else _rate(one)


def _raters_part(found: StudyResults) -> str:
    table = _table(
        ["", "answered", "checks passed", "seconds a page (quartiles)", "left", "remarks"],
        [_rater(one) for one in found.raters],
    )
    return f"<section><h2>Raters</h2>{table}</section>"


def _rater(one: RaterResult) -> list[object]:
    checks = f"{one.attention.passed} of {one.attention.answered}"
    return [
        one.name, f"{one.answered} of {one.pages}",
        f"{checks}: excluded" if one.attention.excluded else checks,
        " · ".join(f"{value:.1f}" for value in one.seconds), _rate(one.left), one.remarks,
    ]  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def cell(value: object, tag: str, place: int) -> str:
        kind = "" if place == 0 else ' class="n"'
        return f"<{tag}{kind}>{escape(str(value))}</{tag}>"

    lines = [[cell(value, "th", n) for n, value in enumerate(head)]]
    lines += [[cell(value, "td", n) for n, value in enumerate(row)] for row in rows]
    whole = "".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    return f'<div class="wide"><table>{whole}</table></div>'


def _svg(height: float, marks: Iterable[str], name: str) -> str:
    return (
        f'<div class="wide"><svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(name)}">'
        f"{''.join(marks)}</svg></div>"
    )


def _interval(
    low: float | None, value: float, high: float | None, y: float, at: Callable[[float], float]
) -> str:
    line = ""
    if low is not None and high is not None:
        line = f'<line class="bar" x1="{at(low):.1f}" x2="{at(high):.1f}" y1="{y}" y2="{y}"/>'
    return f'{line}<circle cx="{at(value):.1f}" cy="{y}" r="4" style="fill:var(--ink)"/>'


def _ticks(y: float, ticks: Iterable[tuple[float, str]], width: float) -> str:
    return "".join(
        f'<text class="s" x="{_LEFT + width * at:.1f}" y="{y + 16}" text-anchor="middle">{text}</text>'
        for at, text in ticks
    )


def _short(text: str, most: int) -> str:
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _ends(low: float | None, high: float | None, form: Callable[[float], str]) -> str:
    return "" if low is None or high is None else f"{form(low)} to {form(high)}"


def _p(value: float | None) -> str:
    return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _coefficient(one: Alpha | Agreement | None) -> str:
    if one is None or one.value is None:
        return "undefined"
    ends = _ends(one.low, one.high, "{:.2f}".format)
    return f"{one.value:.2f}" + (f" ({ends})" if ends else "")


def _rate(one: Rate) -> str:
    return "" if one.value is None else f"{one.value:.0%} of {one.decided}"
