"""A stand-in for a chat model behind the prompted planner, which does nothing but match words.

It reads the planner's own prompt, counts which words of the last two turns and of the social context stand in
the line of each skill, weighs rare words higher, and names the best skill with the words that it matched. So
it says how far the names and definitions of the skills alone lead, without any training, and it exercises
everything that a real model would: prompt, HTTP, JSON, parsing. It says nothing about the quality of a model.
"""

import json
import math
import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from benchmarks.chat_server import Timed, completion, http
from skillofmind.scorers.overlap import units

MODEL = "word-matcher"
_SECTION = re.compile(r"^\[(Skills|Social Context|Dialogue|Task)\]$", re.MULTILINE)
_LAST = 2
_CONTEXT_WEIGHT = 0.5
_ALTERNATIVES = 2


class WordMatcher(NamedTuple):
    """The script of the server."""

    def reply(self, body: bytes) -> Timed:
        """Return the answer to a request of the prompted planner."""
        prompt = json.loads(body)["messages"][-1]["content"]
        text = matched(prompt)
        return ((0.0, http(completion(text, (len(prompt) // 4, len(text) // 4)))),)


def matched(prompt: str) -> str:
    """Return what the stand-in says to a prompt: a JSON object as the prompt asks for it."""
    parts = _SECTION.split(prompt)
    sections = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    skills = _words_of_skills(sections["Skills"])
    said = units(" ".join(sections["Dialogue"].split("\n")[-_LAST:]))
    known = units(sections["Social Context"])
    scores = {
        name: sum(words[one] for one in set(said) if one in words)
        + _CONTEXT_WEIGHT * sum(words[one] for one in set(known) if one in words)
        for name, words in skills.items()
    }
    best, *others = sorted(scores, key=lambda name: -scores[name])
    shared = sorted(word for word in {*said, *known} if word in skills[best]) or ["nothing"]
    return json.dumps(
        {
            "explanation": f"I match {', '.join(shared[:5])} with what I know of {best}.",
            "skill": best,
            "alternatives": others[:_ALTERNATIVES],
        }
    )


@lru_cache(maxsize=4)
def _words_of_skills(listed: str) -> dict[str, dict[str, float]]:
    """Return skill -> word of its line -> weight, the log of how few lines have it."""
    lines = dict(line.removeprefix("- ").split(": ", 1) for line in listed.split("\n"))
    words = {name: set(units(f"{name} {about}")) for name, about in lines.items()}
    count = Counter(word for found in words.values() for word in found)
    return {
        name: {word: math.log(len(words) / count[word]) for word in sorted(found)}
        for name, found in words.items()
    }
