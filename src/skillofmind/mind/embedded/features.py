"""What the embedded planner sees of a dialogue: named features, kept apart by the part they come from.

A dialogue is cut into *parts*: every turn, every line of the social context, and the shape of the whole.
Each part gives its own features, and the score of a skill is the sum over all parts,

    score(skill) = bias(skill) + sum over parts p, features f of p:  weight(f, skill) * value(f)

so taking a part away and asking again is exact and costs nothing: that is how evidence is measured.

Turns stand in zones: the last turn (`them` or `me`, seen from who speaks next), the two before, and all
earlier ones. A word in the last turn and the same word long ago are different features; a zone-free copy,
weighted down with distance, lets them share what they have in common.
"""

import math
from itertools import pairwise
from typing import Literal, NamedTuple

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.picture import image_of, spoken
from skillofmind.mind.embedded.cues import Lexicon, cues_in, words
from skillofmind.mind.render import Line, context_lines, quoted

MAX_CHARS = 2000
"""Longer turns and context lines lose their middle before features are taken."""

_DECAY = {"last": 1.0, "near": 0.5, "far": 0.25}

# What one feature of a kind is worth. Found by coordinate search on the out-of-fold log loss of the starter
# dialogues' train split; a penalised model learns most from the kinds that are worth most.
_FORM = 0.16
_FIELD = 0.17
_CUE = 0.055
_CUE_ANYWHERE = 0.08
_WORD = 0.124
_WORD_ANYWHERE = 0.11
_WORD_IN_CONTEXT = 0.05
_FIRST_WORD = 0.055
_QUOTE_CHARS = 90
_NEAR_TURNS = 3

Features = dict[str, float]


class Part(NamedTuple):
    """One part of a dialogue.

    Attributes:
        kind: `turn`, `context`, or `shape` (which cannot be taken away).
        where: index of the turn, or name of the context field.
        quote: its words, shortened.
        features: name -> value.
    """

    kind: Literal["turn", "context", "shape"]
    where: str
    quote: str
    features: Features


def parts_of(dialogue: Dialogue, lexicon: Lexicon) -> list[Part]:
    """Cut `dialogue` into parts, as seen by `dialogue.next_speaker()`."""
    responder = dialogue.next_speaker()
    count = len(dialogue.turns)
    parts = [Part("shape", "", "", _shape(dialogue, responder))]
    for index, turn in enumerate(dialogue.turns):
        zone = _zone(count - 1 - index, turn.speaker == responder)
        parts.append(Part("turn", str(index), _turn_quote(turn), _turn_features(turn, zone, lexicon)))
    for line in context_lines(dialogue):
        parts.append(
            Part("context", line.field, _context_quote(line), _context_features(line, responder, lexicon))
        )
    return parts


def _shape(dialogue: Dialogue, responder: str) -> Features:
    features = {f"turns {min(len(dialogue.turns), 8)}": _FORM}
    if dialogue.turns:
        features[f"last by {'me' if dialogue.turns[-1].speaker == responder else 'them'}"] = _FORM
    return features


def _zone(back: int, mine: bool) -> str:
    who = "me" if mine else "them"
    return f"last {who}" if back == 0 else f"near {who}" if back < _NEAR_TURNS else "far"


def _turn_features(turn: Turn, zone: str, lexicon: Lexicon) -> Features:
    text = quoted(spoken(turn), MAX_CHARS)
    found = words(text)
    decay = _DECAY[zone.split()[0]]
    features: Features = {}
    for cue in sorted(cues_in(text, found, lexicon)):
        features[f"{zone}|{cue}"] = _CUE
        features[f"any|{cue}"] = _CUE_ANYWHERE * decay
    for gram, value in _grams(found).items():
        features[f"{zone}:{gram}"] = _WORD * value
        features[f"any:{gram}"] = _WORD_ANYWHERE * value * decay
    if image_of(turn) is not None:
        features[f"{zone} image"] = 2 * _FORM
    if zone.startswith("last"):
        features |= _form(text, found)
    return features


def _form(text: str, found: list[str]) -> Features:
    """Return how the last turn is built: its length, its ends, its marks."""
    seen = [
        f"length {min(5, int(math.log2(1 + len(found))))}",
        "ends asking" if text.endswith("?") else "ends telling",
        "asks" if "?" in text else "asks nothing",
    ]
    seen += ["exclaims"] if "!" in text else []
    seen += ["trails off"] if "..." in text or "…" in text else []
    seen += ["numbers"] if any(word.isdigit() for word in found) else []
    first = {f"begins {found[0]}": _FIRST_WORD} if found else {}
    return dict.fromkeys(seen, _FORM) | first


def _context_features(line: Line, responder: str, lexicon: Lexicon) -> Features:
    field = line.field
    if field in ("speaker", "persona"):
        field += " me" if line.speaker == responder else " them"
    text = quoted(line.said, MAX_CHARS)
    found = words(text)
    features = {f"has {field}": _FIELD}
    for cue in sorted(cues_in(text, found, lexicon)):
        features[f"context|{cue}"] = _CUE
        features[f"{field}|{cue}"] = _CUE
    for gram, value in _grams(found, pairs=False).items():
        features[f"context:{gram}"] = _WORD_IN_CONTEXT * value
        features[f"{field}:{gram}"] = _WORD_IN_CONTEXT * value
    return features


def _grams(found: list[str], pairs: bool = True) -> Features:
    """Return single words and pairs of neighbours, each worth 1/sqrt(how many there are).

    Korean words carry their particles, so the same noun comes in many forms; pairs of neighbouring syllables
    stand in for its stem.
    """
    grams = dict.fromkeys(found)
    for word in found:
        if "가" <= word[0] <= "힣":
            grams |= dict.fromkeys(f"~{a}{b}" for a, b in pairwise(word))
    if pairs:
        grams |= dict.fromkeys(f"{a} {b}" for a, b in pairwise(found))
    return dict.fromkeys(grams, 1 / math.sqrt(len(grams))) if grams else {}


def _context_quote(line: Line) -> str:
    """Return what a line says; with its label only where that names the speaker or the session."""
    return _short(line.text if line.speaker is not None or line.field == "history" else line.said)


def _turn_quote(turn: Turn) -> str:
    image = image_of(turn)
    words_said = _short(spoken(turn))
    return words_said or (f"[picture] {_short(image)}" if image else "")


def _short(text: str) -> str:
    text = quoted(text)
    return text if len(text) <= _QUOTE_CHARS else text[:_QUOTE_CHARS].rsplit(" ", 1)[0] + " …"
