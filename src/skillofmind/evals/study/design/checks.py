"""Attention checks: pages that a rater who reads cannot get wrong.

- *broken*: a real text beside words drawn from other texts, without sense. The real one has to win, or the
  words without sense have to be rated 1 or 2.
- *instructed*: the text itself says what to choose for every question.

They stand at places and sides where somebody who always presses the same key passes half of an even number of
checks at most: the real text stands on each side equally often, and so do the instructed sides; in ratings
the broken ones want low numbers and the instructed ones high ones.
"""

from collections.abc import Sequence

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.study.design.drawing import rank, shuffled
from skillofmind.evals.study.records import Answer, Choice, Criterion, Material, Sort, Study, Task, Text

REAL, BROKEN, INSTRUCTED = "(real)", "(broken)", "(instructed)"
"""Names that stand for a system in checks."""

STEP = 4
"""Checks come in fours: two of each sort, one for each side."""

TASKS_A_CHECK = 12
"""Tasks of a rater for every check."""

_WORDS = 14
_LEFT = "Attention check, no real {what}: please choose A for every question."
_RIGHT = "Attention check, no real {what}: please choose B for every question."
_NUMBER = "Attention check, no real {what}: please choose {number} for every question."


def default_checks(tasks: int) -> int:
    """Return how many checks a rater with so many tasks gets: at least 4."""
    return STEP * max(1, round(tasks / TASKS_A_CHECK / STEP))


def low_ratings(study: Study) -> int:
    """Return the highest rating of words without sense that still passes: the lower half of the scale."""
    return len(study.scale) // 2


def telling_criterion(criteria: Sequence[Criterion]) -> Criterion | None:
    """Return the criterion that words without sense must fail: `overall` if it is asked."""
    fit = [one for one in criteria if one.telling]
    return next((one for one in fit if one.name == "overall"), fit[0] if fit else None)


def make_checks(study: Study, material: Sequence[Material], count: int) -> list[Task]:
    """Return `count` checks, half of them broken ones; all are instructed where no criterion is telling.

    Raises:
        ConfigurationError: `count` is no multiple of 4.
    """
    if count < 0 or count % STEP:
        raise ConfigurationError(f"{count!r} checks cannot be balanced; take 0, 4, 8, ...")
    broken = count // 2 if telling_criterion(study.criteria) else 0
    chosen = shuffled(material, study.seed, "checks")
    drawn = [chosen[number % len(chosen)] for number in range(count)]
    return [
        _broken(study, material, item, number) if number < broken else _instructed(study, item, number)
        for number, item in enumerate(drawn)
    ]


def passed(study: Study, task: Task, answer: Answer) -> bool:
    """Say whether the answer to a check is the one that reading it leads to."""
    if task.sort == "instructed":
        return all(choice == task.expected for choice in answer.choices.values())
    criterion = telling_criterion(study.criteria)
    assert criterion is not None
    choice = answer.choices[criterion.name]
    if study.kind == "ratings":
        return isinstance(choice, int) and choice <= low_ratings(study)
    return choice == ("left" if answer.left == REAL else "right")


def check_swapped(task: Task) -> bool:
    """Return whether the sides of a check are swapped, the same for all raters."""
    return task.sort == "broken" and int(task.key.removeprefix("c")) % 2 == 1


def _broken(study: Study, material: Sequence[Material], item: Material, number: int) -> Task:
    system = shuffled(item.texts, study.seed, "real", number)[0]
    real, salad = item.texts[system], _salad(study, material, item, number)
    if study.kind == "ratings":
        return _check(item, number, (BROKEN, ""), (salad,), "broken")
    return _check(item, number, (REAL, BROKEN), (real, salad), "broken")


def _instructed(study: Study, item: Material, number: int) -> Task:
    expected, told = _told(study, number)
    text = Text(told.format(what=study.subject, number=expected))
    if study.kind == "ratings":
        return _check(item, number, (INSTRUCTED, ""), (text,), "instructed", expected)
    return _check(item, number, (INSTRUCTED, INSTRUCTED), (text, text), "instructed", expected)


def _told(study: Study, number: int) -> tuple[Choice, str]:
    if study.kind == "ratings":
        points = len(study.scale)
        # The upper half: who always chooses low fails here, who always chooses high fails the others.
        high = range(points, points - low_ratings(study), -1)
        return high[number % len(high)], _NUMBER
    return ("left", _LEFT) if (number + study.seed) % 2 else ("right", _RIGHT)


def _check(
    item: Material,
    number: int,
    systems: tuple[str, str],
    texts: tuple[Text, ...],
    sort: Sort,
    expected: Choice = "",
) -> Task:
    group = item.dialogue.id or item.id
    return Task(f"c{number}", item.id, group, item.dialogue, *systems, texts, sort, expected)


def _salad(study: Study, material: Sequence[Material], item: Material, number: int) -> Text:
    """Return words of other items, of which no two belong together."""
    others = [one for one in material if one.id != item.id] or list(material)
    words = [word for one in others for text in one.texts.values() for word in _words(text.text)]
    drawn = sorted(range(len(words)), key=lambda place: rank(study.seed, "salad", number, place))[:_WORDS]
    skills = [text.skill for one in others for text in one.texts.values() if text.skill]
    skill = shuffled(skills, study.seed, "salad", number)[0] if skills else ""
    return Text(_spoken([words[place] for place in drawn]), skill)


def _words(text: str) -> list[str]:
    words = text.split()
    # Scripts without spaces: single letters make no sense just as well.
    return words if len(words) > 1 or len(text) < _WORDS else list(text.replace(" ", ""))


def _spoken(words: Sequence[str]) -> str:
    bare = [word.strip(".,;:!?\"'()…").lower() or word for word in words]
    text = ("" if all(len(word) == 1 for word in bare) else " ").join(bare)
    return f"{text[:1].upper()}{text[1:]}."
