"""The page: one HTML file with everything in it.

*Covered*

- Nothing from the data is ever markup: numbers, index and cases travel compressed, in base64, in elements of
  a type that no browser runs; the script sets all text as text.
- The content security policy allows this script and this style, by their hashes, and nothing else: no request
  leaves the page, no string becomes markup or code, no form is sent.

*Not covered*

- Whoever has the file can read all cases in it; it holds the dialogues that were asked.
"""

import base64
import gzip
import hashlib
from collections.abc import Sequence
from html import escape
from importlib import resources
from typing import Any

import msgspec

from skillofmind.evals.records import Difference, Summary
from skillofmind.evals.report.blocks import blocks
from skillofmind.evals.report.index import index
from skillofmind.evals.report.rows import OUTCOMES, Row

_SCRIPTS = ("base", "store", "figures", "overview", "skills", "filters", "list", "reader", "start")
_LEVEL = 6


def page(
    names: Sequence[str], summaries: Sequence[Summary], between: Sequence[Difference], rows: Sequence[Row]
) -> str:
    """Return the page of runs.

    Args:
        names: of the runs.
        summaries: of each run.
        between: differences between runs.
        rows: items of all runs with their answers.
    """
    parts = list(blocks(rows))
    head = {
        "runs": [{"name": name, "summary": one} for name, one in zip(names, summaries, strict=True)],
        "between": between,
        "outcomes": OUTCOMES,
        "blocks": [(block.first_row, block.first_piece) for block in parts],
    }
    data: list[tuple[str, Any]] = [("head", head), ("index", index(rows, len(names)))]
    data += [(f"block{number}", (block.pieces, block.rows)) for number, block in enumerate(parts)]
    style, script = asset("page.css"), "\n".join(asset(f"{name}.js") for name in _SCRIPTS)
    holes = {
        "policy": policy(style, script),
        "title": escape(", ".join(names)),
        "style": style,
        "script": script,
        "data": "\n".join(
            f'<script type="text/plain" id="{name}">{packed(value)}</script>' for name, value in data
        ),
    }
    return filled(asset("page.html"), holes)


def filled(template: str, holes: dict[str, str]) -> str:
    """Return a template with each `{{name}}` replaced; what goes in is not looked at again."""
    first, *others = template.split("{{")
    named = [part.partition("}}") for part in others]
    return first + "".join(holes[name] + rest for name, _, rest in named)


def policy(style: str, script: str) -> str:
    """Return a content security policy that allows one style and one script."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def packed(value: Any) -> str:
    """Return JSON, compressed, in base64; the same value always gives the same text."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(value), _LEVEL, mtime=0)).decode()


def asset(name: str) -> str:
    """Return a file of the page's source."""
    return (resources.files("skillofmind.evals.report") / "assets" / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
