"""A light paraphrase by rule: English contractions are written out, and some thirty words change for others.

It is far from what a person would do: word order, length and tone stay. A planner that flips here leans on
single words; one that does not may still flip under a real paraphrase.
"""

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.audits.arms import Scene
from skillofmind.evals.audits.changes.texts import WORD, with_prose
from skillofmind.evals.audits.changes.wording import load_wording


def paraphrased(scene: Scene) -> Dialogue | None:
    """Rewrite the turns of an English dialogue; others are left out."""
    if scene.dialogue.lang not in ("", "en"):
        return None
    return with_prose(scene.dialogue, paraphrase)


def paraphrase(text: str) -> str:
    """Return a text with contractions written out and words changed; case at the beginning is kept.

    >>> paraphrase("I'm really scared of the movie.")
    'I am truly afraid of the film.'
    """
    table = load_wording().paraphrase
    other = table.contractions | table.words
    return WORD.sub(lambda found: cased(found[0], other), text)


def cased(word: str, other: dict[str, str]) -> str:
    """Return what stands for a word, beginning as it does; the word itself where there is nothing."""
    found = other.get(word.casefold().replace("’", "'"))
    if found is None:
        return word
    if len(word) > 1 and word.isupper():
        return found.upper()
    return found[0].upper() + found[1:] if word[0].isupper() else found
