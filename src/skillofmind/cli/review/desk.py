"""What terminal and page share: the draw, what this reviewer decided before, and where decisions go."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.skill import Skill
from skillofmind.mind.dataset.review import (
    ANY,
    NONE,
    Decision,
    Item,
    Verdict,
    append,
    census,
    decide,
    decisions,
    sample,
)
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import Taxonomy


class Drawing(NamedTuple):
    """What is drawn from a run.

    Attributes:
        folder: the run directory.
        n: how many at most.
        seed: of the draw.
    """

    folder: Path
    n: int
    seed: int

    def items(self, skill: str | None = None, reason: str | None = None) -> tuple[Item, ...]:
        """Draw.

        Raises:
            ConfigurationError: nothing fits.
            DataError: the folder holds no annotation run.
        """
        found = sample(self.folder, self.n, self.seed, skill, reason)
        if not found:
            raise ConfigurationError(self._nothing(skill, reason))
        return found

    def _nothing(self, skill: str | None, reason: str | None) -> str:
        skills, reasons = census(self.folder)
        if reason is not None:
            what, known = "rejected row" + (f" with the reason {reason!r}" * (reason != ANY)), reasons
        else:
            what, known = "annotation" + (f" with the skill {skill!r}" if skill else ""), skills
        listed = f"there are {', '.join(known)}" if known else "see rejected.jsonl and report.json"
        return f"{str(self.folder)!r} has no {what}; {listed}."


class Desk:
    """One reviewer at work.

    Attributes:
        drawing: what is drawn.
        reviewer: who decides.
        taxonomy: the skills to choose from.
        blind: whether the teacher's skill stays hidden until the reviewer has chosen one.
    """

    def __init__(
        self,
        drawing: Drawing,
        reviewer: str,
        taxonomy: Taxonomy,
        now: Callable[[], str],
        *,
        blind: bool = False,
    ) -> None:
        """Read what was decided before; `now` gives the time as ISO 8601."""
        self.drawing = drawing
        self.reviewer = reviewer
        self.taxonomy = taxonomy
        self.blind = blind
        self._normaliser = Normaliser(taxonomy)
        self._now = now
        self._mine = {
            key: of_one[reviewer] for key, of_one in decisions(drawing.folder).items() if reviewer in of_one
        }
        self._chosen: dict[tuple[str, str], str] = {}

    def decided(self, item: Item) -> Decision | None:
        """Return what this reviewer decided of `item`, or `None`."""
        return self._mine.get((item.row.id, item.about))

    def is_hidden(self, item: Item) -> bool:
        """Say whether the teacher's skill may not be shown yet."""
        return (
            self.blind
            and item.annotation is not None
            and self.decided(item) is None
            and (item.row.id, item.about) not in self._chosen
        )

    def choose(self, item: Item, skill: str) -> None:
        """Take down the blind choice of an item; the first one counts."""
        self._chosen.setdefault((item.row.id, item.about), skill)

    def chosen(self, item: Item) -> str:
        """Return the blind choice of an item; "" where there is none."""
        before = self.decided(item)
        return before.blind if before else self._chosen.get((item.row.id, item.about), "")

    def decide(
        self,
        item: Item,
        verdict: Verdict,
        *,
        skill: str | None = None,
        explanation: str | None = None,
        note: str = "",
    ) -> Decision:
        """Append a decision, and remember it.

        Raises:
            ConfigurationError: a rejection is edited.
            StorageError: the disk said no; nothing was decided.
        """
        made = decide(
            item, self.reviewer, verdict,
            skill=skill, explanation=explanation, note=note, blind=self.chosen(item), now=self._now(),
        )  # fmt: skip
        append(self.drawing.folder, made)
        self._mine[(item.row.id, item.about)] = made
        return made

    def skill_named(self, text: str) -> str | None:
        """Return the skill with this number (from 1) or name; spelling is forgiven; `None` for none."""
        names = self.taxonomy.names()
        if text.strip().isdecimal():
            number = int(text)
            return names[number - 1] if 1 <= number <= len(names) else None
        return self._normaliser(text).skill

    def choice_named(self, text: str) -> str | None:
        """Return the skill as `skill_named` does, and `NONE` for 0."""
        return NONE if text.strip() == "0" else self.skill_named(text)

    def definition(self, name: str) -> Skill | None:
        """Return the skill of the taxonomy; `None` where the run was annotated with another one."""
        return next((skill for skill in self.taxonomy.skills if skill.name == name), None)

    def count_open(self, items: Sequence[Item]) -> int:
        """Count the items that this reviewer has not decided."""
        return sum(self.decided(item) is None for item in items)
