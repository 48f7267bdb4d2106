"""The embedded planner: no torch, no download, an answer in milliseconds.

A linear model over features of the turns and the social context (features.py, linear.py), trained by
`som fit` on annotated dialogues. Its confidence is calibrated on held-out dialogues, its evidence is
measured by taking each turn and each fact away, and its explanation quotes that evidence.

    planner = EmbeddedPlanner()
    plan = planner.plan_now(Dialogue(turns=(Turn("Ana", "I failed the exam again."),)))
"""

from functools import cache
from importlib import resources
from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.core.plan import Plan
from skillofmind.mind.embedded.choice import Chooser, Scored, check_skills, check_threshold
from skillofmind.mind.embedded.features import parts_of
from skillofmind.mind.embedded.linear import DIGEST_BYTES, LinearModel, load_linear
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

ARTEFACT = "embedded.bin"


class EmbeddedPlanner:
    """Plans with the linear model in the package, or one that `som fit` wrote.

    Attributes:
        identity: changes with the model, the taxonomy and the threshold.
        model: the linear model.
        digest: SHA-256 of its file, hexadecimal.
    """

    def __init__(
        self, path: Path | None = None, *, taxonomy: Taxonomy | None = None, threshold: float = 0.0
    ) -> None:
        """Load the model at `path`, or the one in the package.

        Args:
            path: a file that `som fit` wrote.
            taxonomy: the skills to choose from.
            threshold: the least probability (0 to 1) of a skill that is chosen; a plan whose best skill is
                below abstains: no skill, not valid, and an explanation that says so.

        Raises:
            DataError: the file is no planner file.
            ConfigurationError: it was trained for other skills than those of `taxonomy`, or `threshold` is no
                probability.
        """
        taxonomy = taxonomy or load_taxonomy()
        self.model, self.digest = _load(path)
        labels = self.model.header.labels
        check_skills(labels, taxonomy, "embedded")
        self.identity = f"embedded:{self.digest[:12]}:{taxonomy.identity()}{check_threshold(threshold)}"
        softmax = self.model.probabilities
        self._chooser = Chooser(labels, taxonomy, self.score, softmax, self.identity, threshold)

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply."""
        return self.plan_now(dialogue)

    def plan_now(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply without an event loop; a dialogue without turns comes back with `error`."""
        return self._chooser.plan(dialogue)

    def probabilities(self, dialogue: Dialogue) -> dict[str, float]:
        """Return the calibrated probability of every skill, in the order of the taxonomy."""
        return self._chooser.probabilities(dialogue)

    def score(self, dialogue: Dialogue) -> Scored:
        """Return the parts of `dialogue` and what each adds to the score of every skill."""
        parts = parts_of(dialogue, self.model.header.lexicon)
        contributions = self.model.contributions([part.features for part in parts])
        scores = self.model.scores(contributions)
        return Scored(parts, contributions, scores, self.model.probabilities(scores))


def _load(path: Path | None) -> tuple[LinearModel, str]:
    return _packaged() if path is None else _read(path)


@cache
def _packaged() -> tuple[LinearModel, str]:
    return _read(None)


def read_trained(path: Path | None, artefact: str, what: str) -> bytes:
    """Read a file that `som fit` wrote, or that of the package.

    Args:
        path: the file; `None` is the package's.
        artefact: name of the package's file.
        what: what the file is called in the message.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        source = path if path else resources.files("skillofmind.mind") / "assets" / artefact
        return source.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path or artefact}: cannot be read ({error.strerror}); name a {what} file."
        ) from error


def _read(path: Path | None) -> tuple[LinearModel, str]:
    data = read_trained(path, ARTEFACT, "planner")
    return load_linear(data, str(path or ARTEFACT)), data[-DIGEST_BYTES:].hex()
