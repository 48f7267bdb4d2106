"""Noise in the turns that changes no meaning: typing mistakes, case, marks, emoji, blanks, code points."""

import unicodedata

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.audits.arms import Change, Scene
from skillofmind.evals.audits.changes.texts import with_last_turn, with_prose
from skillofmind.evals.audits.changes.wording import load_wording

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_MARKS = frozenset(".,;:!?\"'()[]-–—…’‘“”")


def _near() -> dict[str, str]:
    """Return letter -> letters beside it on an English keyboard."""
    found: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for place, letter in enumerate(row):
            beside = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            below = _ROWS[number + 1][max(0, place - 1) : place + 1] if number + 1 < len(_ROWS) else ""
            above = _ROWS[number - 1][place : place + 2] if number else ""
            found[letter] = beside + below + above
    return found


_NEAR = _near()


def typos(rate: float) -> Change:
    """Make the change that mistypes a share of all letters a to z: a neighbour, twice, not, or swapped."""

    def mistyped(scene: Scene) -> Dialogue | None:
        def mistype(text: str) -> str:
            found: list[str] = []
            for letter in text:
                wrong = letter.casefold() in _NEAR and scene.draw.random() < rate
                found.append(_mistyped(letter, found, scene) if wrong else letter)
            return "".join(found)

        return with_prose(scene.dialogue, mistype)

    return mistyped


def _mistyped(letter: str, before: list[str], scene: Scene) -> str:
    kind = scene.draw.choice(("neighbour", "twice", "missing", "swapped"))
    if kind == "neighbour":
        typed = scene.draw.choice(_NEAR[letter.casefold()])
        return typed.upper() if letter.isupper() else typed
    if kind == "swapped" and before and before[-1].isalpha():
        return letter + before.pop()
    return letter * 2 if kind == "twice" else ""


def lower_case(scene: Scene) -> Dialogue | None:
    """Write all turns in lower case."""
    return with_prose(scene.dialogue, str.lower)


def upper_case(scene: Scene) -> Dialogue | None:
    """Write all turns in capitals."""
    return with_prose(scene.dialogue, str.upper)


def no_marks(scene: Scene) -> Dialogue | None:
    """Leave out all punctuation."""
    return with_prose(scene.dialogue, lambda text: "".join(c for c in text if c not in _MARKS))


def emoji(scene: Scene) -> Dialogue | None:
    """Put an emoji behind the last turn."""
    sign = scene.draw.choice(load_wording().emoji.texts)
    return with_last_turn(scene.dialogue, lambda text: f"{text} {sign}")


def white_space(scene: Scene) -> Dialogue | None:
    """Double the blanks, and put a line break before and blanks behind every turn."""
    return with_prose(scene.dialogue, lambda text: "\n" + text.replace(" ", "  ") + " \t ")


def code_points(scene: Scene) -> Dialogue | None:
    """Write the same with other code points: no-break spaces, curly quotes, letters and accents apart."""
    return with_prose(scene.dialogue, _rewritten)


def invisible(scene: Scene) -> Dialogue | None:
    """Put a zero-width space into every word of four letters or more, after its second one."""
    return with_prose(scene.dialogue, lambda text: " ".join(map(_split, text.split(" "))))


def _rewritten(text: str) -> str:
    text = text.replace(" ", "\N{NO-BREAK SPACE}").replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    return unicodedata.normalize("NFD", text)


def _split(word: str) -> str:
    return f"{word[:2]}\N{ZERO WIDTH SPACE}{word[2:]}" if len(word) >= 4 else word
