"""The encoder planner: the embedded planner's scores and a head's on sentence vectors, added.

    score(skill) = linear(skill) + share * head(skill)

The linear model knows words and cues; the frozen sentence encoder knows that two sentences mean alike though
they share no word. Both are sums over the parts of the dialogue, so evidence is measured as in the embedded
planner. The encoder was trained on English: for other languages the linear model carries the choice.

    planner = EncoderPlanner()       # needs the extra `embed`
    plan = planner.plan_now(Dialogue(turns=(Turn("Ana", "I failed the exam again."),)))
"""

import asyncio
import threading
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.core.plan import Plan
from skillofmind.mind.embedded.choice import Chooser, Scored, check_skills, check_threshold
from skillofmind.mind.embedded.linear import calibrated
from skillofmind.mind.embedded.planner import EmbeddedPlanner, read_trained
from skillofmind.mind.encoded.zones import Heard, heard_in
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

try:
    import numpy as np

    from skillofmind.mind.encoded.fit import Encoder
    from skillofmind.mind.encoded.head import Head, load_head
except ImportError as error:
    raise MissingExtra("the encoder planner needs numpy; pip install 'skillofmind[embed]'.") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARTEFACT = "encoder_head.bin"
_REMEMBERED = 1024


class EncoderPlanner:
    """Plans with the linear model and the head in the package, or with those that `som fit` wrote.

    Attributes:
        identity: changes with both models, the encoder, the taxonomy and the threshold.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        linear: Path | None = None,
        encoder: Encoder | None = None,
        taxonomy: Taxonomy | None = None,
        threshold: float = 0.0,
    ) -> None:
        """Load everything.

        Args:
            path: a head that `som fit --planner encoder` wrote; that of the package without it.
            linear: the embedded planner that the head was trained on; that of the package without it.
            encoder: makes the vectors; MiniLM of the extra `embed` without it.
            taxonomy: the skills to choose from.
            threshold: the least probability (0 to 1) of a skill that is chosen; below it a plan abstains.

        Raises:
            DataError: a file is no planner file.
            ConfigurationError: head, linear model, encoder and taxonomy do not belong together, or
                `threshold` is no probability.
            MissingExtra: torch, transformers or the weights are not installed.
        """
        taxonomy = taxonomy or load_taxonomy()
        self._head = read_head(path)
        self._linear = EmbeddedPlanner(linear, taxonomy=taxonomy)
        self._encoder = encoder or _packaged_encoder()
        header = self._head.header
        check_skills(header.labels, taxonomy, "encoder")
        _check_together(self._head, self._linear.digest, self._encoder.identity)
        self._vector = lru_cache(maxsize=_REMEMBERED)(self._encoded)
        self._one_at_a_time = threading.Lock()
        self.identity = f"encoder:{self._head.digest[:12]}:{taxonomy.identity()}{check_threshold(threshold)}"
        softmax = partial(calibrated, temperature=header.temperature)
        self._chooser = Chooser(header.labels, taxonomy, self.score, softmax, self.identity, threshold)

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply in a thread, so that encoding holds nobody up."""
        return await asyncio.to_thread(self.plan_now, dialogue)

    def plan_now(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply without an event loop; a dialogue without turns comes back with `error`."""
        return self._chooser.plan(dialogue)

    def probabilities(self, dialogue: Dialogue) -> dict[str, float]:
        """Return the calibrated probability of every skill, in the order of the taxonomy."""
        return self._chooser.probabilities(dialogue)

    def score(self, dialogue: Dialogue) -> Scored:
        """Return the parts of `dialogue` and what each adds to the score of every skill."""
        linear = self._linear.score(dialogue)
        header = self._head.header
        # The first part is the shape of the dialogue, which has no words.
        added = [np.zeros(len(header.labels)), *map(self._contribution, heard_in(dialogue))]
        both = np.array(linear.contributions) + header.share * np.array(added)
        scores = np.array(linear.scores) + header.share * (np.array(header.bias) + np.sum(added, axis=0))
        found = scores.tolist()
        return Scored(linear.parts, both.tolist(), found, calibrated(found, header.temperature))

    def _contribution(self, part: Heard) -> "NDArray[np.float64]":
        if not part.text:
            return np.zeros(len(self._head.header.labels))
        return np.asarray(part.weight * (self._vector(part.text) @ self._head.weights[part.zone]))

    def _encoded(self, text: str) -> "NDArray[np.float64]":
        # Several threads at once would only take one another's cores.
        with self._one_at_a_time:
            return np.asarray(self._encoder.encode([text])[0], dtype=np.float64)


def read_head(path: Path | None) -> Head:
    """Read a head, or that of the package.

    Raises:
        DataError: the file cannot be read or is no head.
    """
    return load_head(read_trained(path, ARTEFACT, "head"), str(path or ARTEFACT))


def _packaged_encoder() -> Encoder:
    from skillofmind.models.local.encoder import TextEncoder

    return TextEncoder()


def _check_together(head: Head, linear: str, encoder: str) -> None:
    """Refuse a head that was trained with something else.

    Raises:
        ConfigurationError: the linear model or the encoder is another one.
    """
    wanted = {"embedded planner": (head.header.linear, linear), "encoder": (head.header.encoder, encoder)}
    for what, (trained, given) in wanted.items():
        if trained != given:
            raise ConfigurationError(
                f"the head was trained with the {what} {trained[:12]!r}, not {given[:12]!r}; "
                "train one with `som fit --planner encoder`."
            )
