"""Cue lexicon: words and phrases by the situation that they betray, as an editable data file.

A cue class such as `deadline_soon` gathers the many ways to say one thing, so that a small model can learn
from one dialogue what holds for all of them. English entries are matched word by word (`griev*` matches
every word that begins so); Korean entries are stems, matched anywhere.
"""

import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[?!…]|\.\.\.")
_SHORTEST_PREFIX = 3
_LONGEST_PHRASE = 6


class Lexicon(Record, frozen=True):
    """Entries of all classes, ready to be matched.

    Attributes:
        words: phrase (words joined by spaces) -> classes.
        prefixes: the same for entries whose last word is only a beginning.
        stems: substring -> classes.
    """

    words: dict[str, tuple[str, ...]]
    prefixes: dict[str, tuple[str, ...]]
    stems: dict[str, tuple[str, ...]]


class _CueFile(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    cues: dict[str, dict[str, list[str]]]


def words(text: str) -> list[str]:
    """Split into lower-case words, numbers and `? ! …`; apostrophes stay inside words."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def load_lexicon(path: Path | None = None) -> Lexicon:
    """Read a cue file; without a path, the one in the package.

    Raises:
        DataError: unreadable, not of the form `[cues.CLASS]` with lists `en` and `ko`, or with an entry
            that could never match.
    """
    source = path if path else resources.files("skillofmind.mind") / "assets" / "cues.toml"
    try:
        found = msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8-sig")), _CueFile)
    except OSError as error:
        raise DataError(
            f"{path or 'cues.toml'}: cannot be read ({error.strerror}); name a cue file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DataError(
            f"{path or 'cues.toml'}: {error}; each class is [cues.NAME] with en and ko."
        ) from error
    for name, entries in found.cues.items():
        fault = _fault(entries)
        if fault:
            raise DataError(f"{path or 'cues.toml'}: [cues.{name}] {fault}")
    return compile_lexicon(found.cues)


def compile_lexicon(classes: dict[str, dict[str, list[str]]]) -> Lexicon:
    """Index the entries of `classes` (class -> language -> entries)."""
    exact: dict[str, set[str]] = {}
    prefixes: dict[str, set[str]] = {}
    stems: dict[str, set[str]] = {}
    for name, entries in classes.items():
        for entry in entries.get("en", ()):
            phrase = " ".join(words(entry.rstrip("*")))
            (prefixes if entry.endswith("*") else exact).setdefault(phrase, set()).add(name)
        for stem in entries.get("ko", ()):
            stems.setdefault(stem, set()).add(name)
    return Lexicon(_frozen(exact), _frozen(prefixes), _frozen(stems))


def cues_in(text: str, found: Iterable[str], lexicon: Lexicon) -> set[str]:
    """Return the cue classes of a text whose words are `found`."""
    tokens = list(found)
    classes: set[str] = set()
    for start in range(len(tokens)):
        phrase = ""
        for word in tokens[start : start + _LONGEST_PHRASE]:
            stem = f"{phrase} " if phrase else ""
            phrase = stem + word
            classes.update(lexicon.words.get(phrase, ()))
            for end in range(len(stem) + _SHORTEST_PREFIX, len(phrase) + 1):
                classes.update(lexicon.prefixes.get(phrase[:end], ()))
    if any("가" <= char <= "힣" for char in text):
        for stem, names in lexicon.stems.items():
            if stem in text:
                classes.update(names)
    return classes


def _fault(entries: dict[str, list[str]]) -> str:
    """Return why the entries of a class cannot be used, or ""."""
    unknown = sorted(entries.keys() - {"en", "ko"})
    if unknown:
        return f"has the key {unknown[0]!r}; the keys are en and ko."
    for entry in entries.get("en", ()):
        found = words(entry.rstrip("*"))
        if not 1 <= len(found) <= _LONGEST_PHRASE:
            return f"has the entry {entry!r} with {len(found)} words; give 1 to {_LONGEST_PHRASE}."
        if entry.endswith("*") and len(found[-1]) < _SHORTEST_PREFIX:
            return f"has the entry {entry!r}; give at least {_SHORTEST_PREFIX} letters before the `*`."
    return "has an empty Korean entry; remove it." if "" in entries.get("ko", ()) else ""


def _frozen(index: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {entry: tuple(sorted(names)) for entry, names in sorted(index.items())}
