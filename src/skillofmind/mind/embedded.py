"""The embedded planner: no torch, no download, an answer in milliseconds.

A linear model over features of the turns and the social context (features.py, linear.py), trained by
`som fit` on annotated dialogues. Its confidence is calibrated on held-out dialogues, its evidence is
measured by taking each turn and each fact away, and its explanation quotes that evidence.

    planner = EmbeddedPlanner()
    plan = planner.plan_now(Dialogue(turns=(Turn("Ana", "I failed the exam again."),)))
"""

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Alternative, Evidence, Plan
from skillofmind.mind.explain import explain
from skillofmind.mind.features import Part, parts_of
from skillofmind.mind.linear import LinearModel, load_linear
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from skillofmind.mind.linear import Floats

ARTEFACT = "embedded.bin"
_ALTERNATIVES = 5
_EVIDENCE = 4
_NO_EFFECT = 0.0005


class EmbeddedPlanner:
    """Plans with the linear model in the package, or one that `som fit` wrote."""

    def __init__(self, path: Path | None = None, *, taxonomy: Taxonomy | None = None) -> None:
        """Load the model at `path`, or the one in the package.

        Raises:
            DataError: the file is no planner file.
            ConfigurationError: it was trained for other skills than those of `taxonomy`.
        """
        self._taxonomy = taxonomy or load_taxonomy()
        self._model, digest = _load(path)
        unknown = set(self._model.header.labels) ^ set(self._taxonomy.names())
        if unknown:
            raise ConfigurationError(
                f"the embedded planner knows other skills (differing: {', '.join(sorted(unknown))}); "
                "train one for this taxonomy with `som fit`, or plan with --planner prompted."
            )
        self.identity = f"embedded:{digest[:12]}:{self._taxonomy.identity()}"

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply."""
        return self.plan_now(dialogue)

    def plan_now(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply without an event loop; a dialogue without turns comes back with `error`."""
        responder = dialogue.next_speaker()
        if not dialogue.turns:
            return Plan(error="The dialogue has no turns.", planner=self.identity, responder=responder)
        parts = parts_of(dialogue, self._model.header.lexicon)
        contributions = self._model.contributions([part.features for part in parts])
        scores = self._model.bias() + contributions.sum(axis=0)
        probabilities = self._model.probabilities(scores)
        order = np.argsort(-probabilities, kind="stable")
        ranked = tuple(
            Alternative(self._model.header.labels[i], round(float(probabilities[i]), 4))
            for i in order[:_ALTERNATIVES]
        )
        evidence = self._evidence(parts, contributions, scores, int(order[0]))
        return Plan(
            explanation=explain(dialogue, evidence, ranked, self._taxonomy),
            skill=ranked[0].skill,
            skill_raw=ranked[0].skill,
            confidence=ranked[0].confidence,
            alternatives=ranked,
            evidence=evidence,
            valid=True,
            planner=self.identity,
            responder=responder,
        )

    def probabilities(self, dialogue: Dialogue) -> dict[str, float]:
        """Return the calibrated probability of every skill, in the order of the taxonomy."""
        parts = parts_of(dialogue, self._model.header.lexicon)
        scores = self._model.bias() + self._model.contributions([p.features for p in parts]).sum(axis=0)
        found = self._model.probabilities(scores)
        return {name: float(p) for name, p in zip(self._model.header.labels, found, strict=True)}

    def _evidence(
        self, parts: list[Part], contributions: "Floats", scores: "Floats", chosen: int
    ) -> tuple[Evidence, ...]:
        """Return the parts whose removal changes the log-odds of `chosen` most."""
        without = self._model.probabilities(scores - contributions)[:, chosen]
        effects = _log_odds(self._model.probabilities(scores)[chosen]) - _log_odds(without)
        found = [
            Evidence(part.kind, part.where, part.quote, round(float(effect), 3))
            for part, effect in zip(parts, effects, strict=True)
            if part.kind != "shape" and abs(effect) >= _NO_EFFECT
        ]
        return tuple(sorted(found, key=lambda item: -abs(item.effect))[:_EVIDENCE])


def _log_odds(probability: "Floats") -> "Floats":
    clipped = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _load(path: Path | None) -> tuple[LinearModel, str]:
    return _packaged() if path is None else _read(path)


@cache
def _packaged() -> tuple[LinearModel, str]:
    return _read(None)


def _read(path: Path | None) -> tuple[LinearModel, str]:
    try:
        source = path if path else resources.files("skillofmind.mind") / "assets" / ARTEFACT
        data = source.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path or ARTEFACT}: cannot be read ({error.strerror}); name a planner file."
        ) from error
    return load_linear(data, str(path or ARTEFACT)), hashlib.sha256(data).hexdigest()
