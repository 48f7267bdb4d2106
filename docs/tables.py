"""What the generated parts are made with: committed results, Markdown tables, intervals."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"


def result(name: str) -> dict[str, Any]:
    """Return a committed result."""
    found: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return found


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def with_interval(score: dict[str, Any]) -> str:
    """Return a value with its interval of 95 %."""
    low, high = score["interval95"]
    return f"{score['value']:.3f} ({low:.3f} to {high:.3f})"
