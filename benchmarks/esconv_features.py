"""What a next-strategy model sees of an ESConv row, as numbers that need no fitting.

Everything is taken from before the turn: which strategies the supporter used, in which order, how long ago,
how far the talk is, how the last turns look, and what the seeker told before it began.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.esconv_rows import CLASSES, Row, last_texts, own_strategies
from skillofmind.core.dialogue import Turn

Named = dict[str, float]

_THANKS = ("thank", "thanks", "appreciate", "grateful")
_BYE = ("bye", "goodbye", "good night", "take care", "have a good", "have a great", "talk to you")
_STUCK = (
    "what should",
    "what do i",
    "what can i",
    "how do i",
    "how can i",
    "any advice",
    "suggest",
    "help me",
)
_HELLO = ("hello", "hi", "hey", "good morning", "good evening", "good afternoon")


def named_features(row: Row) -> Named:
    """Return the features of a row by name; every one lies between 0 and about 1."""
    return history(own_strategies(row)) | place(row) | looks(row) | before_it_began(row)


def history(used: Sequence[int]) -> Named:
    """Return the strategies so far: the last ones as n-grams, and for each how often and how long ago."""
    found: Named = {f"last {n}: {'-'.join(map(str, used[-n:]))}": 1.0 for n in (1, 2, 3) if len(used) >= n}
    found["used"] = min(len(used), 20) / 20
    for strategy in range(len(CLASSES)):
        times = sum(one == strategy for one in used)
        found[f"share {strategy}"] = times / max(len(used), 1)
        found[f"ever {strategy}"] = float(times > 0)
        ago = [back for back, one in enumerate(reversed(used)) if one == strategy]
        found[f"recent {strategy}"] = sum(0.7**back for back in ago) / 3
        found[f"times {strategy}"] = math.log1p(times) / 3
    found["repeats"] = sum(a == b for a, b in pairwise(used)) / max(len(used) - 1, 1)
    return found


def place(row: Row) -> Named:
    """Return where in the talk the turn stands, alone and together with the last strategy."""
    turns = row.before.turns
    bucket = min(int(2 * math.log2(1 + len(turns))), 11)
    last = own_strategies(row)[-1:]
    run = _run(turns)
    who = turns[-1].speaker
    return {
        f"turn {bucket}": 1.0,
        f"turn {bucket} after {last}": 1.0,
        f"{who} spoke {min(run, 3)}": 1.0,
        f"{who} spoke after {last}": 1.0,
        "turns": min(len(turns), 60) / 60,
        "turns log": math.log1p(len(turns)) / 4,
        f"began {turns[0].speaker}": 1.0,
    }


def looks(row: Row) -> Named:
    """Return how the last turns look: length, question marks, set phrases."""
    found: Named = {}
    for name, texts in (("seeker", _last_run(row, "seeker")), ("supporter", _last_run(row, "supporter"))):
        text = " ".join(texts).lower()
        words = text.split()
        found[f"{name} length {min(int(math.log2(1 + len(words))), 6)}"] = 1.0
        found[f"{name} words"] = math.log1p(len(words)) / 5
        found[f"{name} asks"] = float("?" in text)
        found[f"{name} ends asking"] = float(text.rstrip().endswith("?"))
        for cue, phrases in (("thanks", _THANKS), ("bye", _BYE), ("stuck", _STUCK)):
            found[f"{name} {cue}"] = float(any(phrase in text for phrase in phrases))
        found[f"{name} greets"] = float(any(text.startswith(phrase) for phrase in _HELLO))
    found["thanked before"] = float(any("thank" in turn.text.lower() for turn in row.before.turns[:-2]))
    return found


def before_it_began(row: Row) -> Named:
    """Return the kinds of feeling, problem and experience."""
    context = row.before.context
    kinds = {"emotion": context.emotion, "problem": context.topic, **context.extra}
    return {f"{name} {value}": 1.0 for name, value in kinds.items() if value}


def texts_of(row: Row) -> dict[str, str]:
    """Return the texts to embed or to count words in, by name."""
    seekers = [turn.text for turn in row.before.turns if turn.speaker == "seeker"]
    return {
        "last": last_texts(row, 3),
        "seeker": " ".join(_last_run(row, "seeker")),
        "supporter": " ".join(_last_run(row, "supporter")),
        "told": " ".join(seekers[:-1]),
        "situation": row.before.context.situation or "",
    }


def _last_run(row: Row, speaker: str) -> list[str]:
    """Return the latest turns of `speaker` that follow one another."""
    found: list[str] = []
    for turn in reversed(row.before.turns):
        if turn.speaker == speaker:
            found.append(turn.text)
        elif found:
            break
    return found[::-1]


def _run(turns: Sequence[Turn]) -> int:
    """Return how many turns at the end are of one speaker."""
    count = 0
    for turn in reversed(turns):
        if turn.speaker != turns[-1].speaker:
            break
        count += 1
    return count
