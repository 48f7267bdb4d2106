"""From what every part of a dialogue adds to every score: ranking, evidence, explanation, or no choice.

A planner whose scores are sums over parts can be asked again without a part at no cost, so the evidence here
is exact: the log-odds of the chosen skill with a part, minus without it.

Where even the likeliest skill has less than the wanted probability, the plan abstains: it has no skill, is
not valid, and its explanation says so; the ranking and the evidence stay.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Alternative, Evidence, Plan
from skillofmind.mind.embedded.explain import explain
from skillofmind.mind.embedded.features import Part
from skillofmind.mind.taxonomy import Taxonomy

_ALTERNATIVES = 5
_EVIDENCE = 4
_NO_EFFECT = 0.0005

Softmax = Callable[[Sequence[float]], list[float]]


class Scored(NamedTuple):
    """A dialogue's parts and what they amount to.

    Attributes:
        parts: of the dialogue.
        contributions: what each part adds to each score, [parts][skills].
        scores: [skills].
        probabilities: [skills], calibrated.
    """

    parts: list[Part]
    contributions: list[list[float]]
    scores: list[float]
    probabilities: list[float]


class Chooser(NamedTuple):
    """Makes plans of scores.

    Attributes:
        labels: skill names in the order of the scores.
        taxonomy: knows the aim of every label.
        score: dialogue -> its parts and scores.
        softmax: scores -> calibrated probabilities.
        identity: of the planner.
        threshold: the least probability of a skill that is chosen, 0 to 1.
    """

    labels: tuple[str, ...]
    taxonomy: Taxonomy
    score: Callable[[Dialogue], Scored]
    softmax: Softmax
    identity: str
    threshold: float = 0.0

    def probabilities(self, dialogue: Dialogue) -> dict[str, float]:
        """Return the calibrated probability of every skill, in the order of the labels."""
        return dict(zip(self.labels, self.score(dialogue).probabilities, strict=True))

    def plan(self, dialogue: Dialogue) -> Plan:
        """Return the plan for `dialogue`; one without turns comes back with `error`."""
        responder = dialogue.next_speaker()
        if not dialogue.turns:
            return Plan(error="The dialogue has no turns.", planner=self.identity, responder=responder)
        scored = self.score(dialogue)
        order = sorted(range(len(scored.probabilities)), key=lambda i: (-scored.probabilities[i], i))
        ranked = tuple(
            Alternative(self.labels[i], round(scored.probabilities[i], 4)) for i in order[:_ALTERNATIVES]
        )
        evidence = self._evidence(scored, order[0])
        chosen = scored.probabilities[order[0]] >= self.threshold
        return Plan(
            explanation=explain(dialogue, evidence, ranked, self.taxonomy)
            if chosen
            else _unsure(ranked[0], self.threshold),
            skill=ranked[0].skill if chosen else None,
            skill_raw=ranked[0].skill if chosen else "",
            confidence=ranked[0].confidence if chosen else None,
            alternatives=ranked,
            evidence=evidence,
            valid=chosen,
            planner=self.identity,
            responder=responder,
        )

    def _evidence(self, scored: Scored, chosen: int) -> tuple[Evidence, ...]:
        """Return the parts whose removal changes the log-odds of `chosen` most."""
        with_all = _log_odds(scored.probabilities[chosen])
        found = []
        for part, contribution in zip(scored.parts, scored.contributions, strict=True):
            if part.kind == "shape":
                continue
            without = [score - added for score, added in zip(scored.scores, contribution, strict=True)]
            effect = with_all - _log_odds(self.softmax(without)[chosen])
            if abs(effect) >= _NO_EFFECT:
                found.append(Evidence(part.kind, part.where, part.quote, round(effect, 3)))
        return tuple(sorted(found, key=lambda item: -abs(item.effect))[:_EVIDENCE])


def check_threshold(threshold: float) -> str:
    """Return what a threshold adds to a planner's identity: nothing when it is 0.

    Raises:
        ConfigurationError: not from 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"threshold {threshold!r} is no probability; give one from 0 to 1.")
    return f":at-least-{threshold:g}" if threshold else ""


def check_skills(labels: Sequence[str], taxonomy: Taxonomy, planner: str) -> None:
    """Refuse a planner that was trained for other skills.

    Raises:
        ConfigurationError: `labels` are not the skills of `taxonomy`.
    """
    unknown = set(labels) ^ set(taxonomy.names())
    if unknown:
        raise ConfigurationError(
            f"the {planner} planner knows other skills (differing: {', '.join(sorted(unknown))}); "
            "train one for this taxonomy with `som fit`, or plan with --planner prompted."
        )


def _unsure(best: Alternative, threshold: float) -> str:
    return (
        f"No skill is likely enough: {best.skill} comes first with {best.confidence or 0.0:.1%}, "
        f"and {threshold:.1%} is asked for."
    )


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))
