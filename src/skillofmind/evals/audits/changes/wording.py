"""What the robustness audit writes into a dialogue, as data."""

from functools import cache
from pathlib import Path

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.evals.audits.changes.assets import read_table


class Contradiction(Record, frozen=True):
    """What is said against the context, by language, and feelings with their opposites."""

    en: str
    ko: str
    feelings: dict[str, str]

    def said(self, lang: str) -> str:
        """Return the sentence in Korean for `ko`, else in English."""
        return self.ko if lang == "ko" else self.en


class Paraphrases(Record, frozen=True):
    """Lower-case words and what stands for them."""

    contractions: dict[str, str]
    words: dict[str, str]


class Emoji(Record, frozen=True):
    """Signs that are put behind a turn."""

    texts: tuple[str, ...]


class Wording(Record, frozen=True):
    """The whole file."""

    version: int
    attacks: dict[str, str]
    contradict: Contradiction
    paraphrase: Paraphrases
    emoji: Emoji


def load_wording(path: Path | None = None) -> Wording:
    """Read a file of wordings; without a path, the one in the package (once).

    Raises:
        DataError: unreadable, not TOML, or an attack without `{target}`.
    """
    return _packaged() if path is None else _load(path)


@cache
def _packaged() -> Wording:
    return _load(None)


def _load(path: Path | None) -> Wording:
    found = read_table(path, "wording.toml", Wording)
    for attack, text in found.attacks.items():
        if "{target}" not in text:
            raise DataError(f"{path}: attack {attack!r} names no {{target}}; say which skill it wants.")
    return found
