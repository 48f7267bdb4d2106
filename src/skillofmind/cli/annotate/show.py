"""What `som annotate` prints at its end."""

import sys
from pathlib import Path

import msgspec

from skillofmind.mind.dataset.estimate import Estimate, Range
from skillofmind.mind.dataset.parquet import has_parquet
from skillofmind.mind.dataset.report import Report

_MOST_SKILLS = 10


def show_report(report: Report, out: Path, json: bool) -> None:
    """Print the report: as JSON, or the counts for a person."""
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        return
    lines = [
        f"{report.annotated} of {report.rows} rows annotated, {report.annotations} annotations",
        *(f"  rejected, {reason}: {count}" for reason, count in report.rejected.items()),
        *([f"  not asked to the end: {report.unfinished}"] if report.unfinished else []),
        "commonest skills: "
        + ", ".join(f"{skill} {count}" for skill, count in list(report.skills.items())[:_MOST_SKILLS]),
        *_second(report),
        *_costs(report),
        f"files are in {out}; `som review {out}` shows samples, `som export {out} FOLDER` training rows",
    ]
    if not has_parquet():
        lines.append("annotated.parquet was left out: it needs pip install 'skillofmind[data]'")
    sys.stdout.write("\n".join(lines) + "\n")


def show_estimate(estimate: Estimate, json: bool) -> int:
    """Print the estimate: as JSON, or for a person. Returns 0."""
    if json:
        sys.stdout.write(msgspec.json.encode(estimate).decode() + "\n")
        return 0
    basis = (
        f"from {estimate.sampled} rows that were asked"
        if estimate.sampled
        else "from the length of the requests, nothing was asked: tokenizers and teachers differ"
    )
    lines = [
        f"{estimate.rows} rows, estimated {basis}",
        f"  calls              {_range(estimate.calls)}",
        f"  tokens in          {_range(estimate.prompt_tokens)}",
        f"  tokens out         {_range(estimate.completion_tokens)}",
    ]
    if estimate.money is not None:
        lines.append(f"  {'money, ' + estimate.currency:<18} {_range(estimate.money)}")
    if estimate.spent:
        lines.append(f"  {estimate.spent:,.4g} {estimate.currency} of it is spent; those answers are kept")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _range(found: Range) -> str:
    return f"{_number(found.value)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.4g}"


def _second(report: Report) -> list[str]:
    if report.second is None:
        return []
    found = report.second.agreement
    kappa = "undefined" if found.value is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
    judged = ", ".join(f"{who} {count}" for who, count in report.second.judged.items())
    return [
        f"two teachers, {found.items} rows: Cohen's kappa {kappa}, {report.second.shared} rows share a skill"
        + (f"; judged: {judged}" if judged else "")
    ]


def _costs(report: Report) -> list[str]:
    calls = sum(cost.calls for cost in report.costs.values())
    tokens_in = sum(cost.usage.prompt_tokens for cost in report.costs.values())
    tokens_out = sum(cost.usage.completion_tokens for cost in report.costs.values())
    money = report.money()
    price = "" if money is None else f", {money:,.4f} {report.currency}"
    cached = f", {report.cached} answers from the cache" if report.cached else ""
    return [f"{calls:,} calls, {tokens_in:,} tokens in, {tokens_out:,} out{price}{cached}"]
