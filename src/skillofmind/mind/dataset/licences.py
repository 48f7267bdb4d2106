"""What a licence, as a corpus states it, means for whoever uses the text.

Corpora state licences in free words. Three kinds matter here: those that forbid commercial use, those that
are known to allow it, and everything else, which nobody should take for permission.

    >>> kind_of("CC BY-NC-SA 4.0"), kind_of("CC BY 4.0"), kind_of("ask the authors")
    ('noncommercial', 'free', 'unknown')
    >>> hub_id("CC BY-NC-SA 4.0")
    'cc-by-nc-sa-4.0'
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

Kind = Literal["free", "noncommercial", "unknown"]
"""`free` allows commercial use; `unknown` is everything that is not recognised."""

_FORBIDS = re.compile(
    r"\bNC\b|\b(?:non|not?)[- ]?(?:for[- ])?commercial|\b(?:research|academic|educational|personal use)\b",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"(?:CC0|CC[ -]BY(?:[ -](?:SA|ND))?(?=[ -]\d|$)|MIT|Apache|BSD|ODC-BY|CDLA|public domain|unlicense)\b",
    re.IGNORECASE,
)
_HUB = {
    "apache-2.0", "mit", "unlicense", "odc-by", "bsd-2-clause", "bsd-3-clause",
    "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
}  # fmt: skip
_SHORT = {"cc0": "cc0-1.0", "apache 2.0": "apache-2.0", "apache-2": "apache-2.0"}


def kind_of(licence: str) -> Kind:
    """Return what kind of licence the words are; of several licences with `;`, the strictest."""
    if _FORBIDS.search(licence):
        return "noncommercial"
    parts = [part.strip() for part in licence.split(";")]
    return "free" if all(_FREE.match(part) for part in parts) else "unknown"


def hub_id(licence: str) -> str | None:
    """Return the identifier that the Hugging Face Hub has for the licence, or `None`."""
    words = licence.strip().casefold()
    found = _SHORT.get(words, re.sub(r"[\s_]+", "-", words))
    return found if found in _HUB else None


def restricted(licences: Mapping[str, str]) -> dict[str, str]:
    """Return corpus -> licence where commercial use is forbidden or not clearly allowed."""
    return {corpus: licence for corpus, licence in licences.items() if kind_of(licence) != "free"}


def common_id(licences: Iterable[str]) -> str | None:
    """Return the Hub's identifier where all licences are one that it knows, else `None`."""
    found = {hub_id(licence) for licence in licences}
    return found.pop() if len(found) == 1 else None
