"""What a plan says: whether there is one, its ranking of skills, the class of its skill in a label scheme."""

from functools import cache

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.data.labels import load_label_map
from skillofmind.evals.records import Answer, Item
from skillofmind.mind.taxonomy import load_taxonomy


def planned(answer: Answer) -> Plan | None:
    """Return the plan of an answer; `None` where planning failed."""
    if answer.error is not None or answer.plan is None or answer.plan.error is not None:
        return None
    return answer.plan


def ranking(plan: Plan) -> list[str]:
    """Return the planned skills, best first; none where no skill was chosen."""
    if plan.skill is None:
        return []
    listed = [one.skill for one in plan.alternatives]
    return list(dict.fromkeys(listed if plan.skill in listed else [plan.skill, *listed]))


def guessed_class(item: Item, plan: Plan) -> str | None:
    """Return the class of the planned skill in the item's scheme; `None` where no skill was chosen.

    Raises:
        ConfigurationError: the item's slices name no scheme with classes.
    """
    return None if plan.skill is None else _class_of(item.slices.get("scheme", ""), plan.skill)


@cache
def _class_of(scheme: str, skill: str) -> str:
    try:
        return load_label_map().class_of(scheme, skill)
    except KeyError as error:
        raise ConfigurationError(
            f"{scheme!r} is no label scheme with classes; name one in the item's slices under 'scheme'."
        ) from error


@cache
def classes(scheme: str) -> tuple[str, ...]:
    """Return the classes of a scheme, the default one last; none where it has none."""
    found = load_label_map().scheme(scheme)
    return (*found.classes, found.default or "") if found else ()


@cache
def categories() -> dict[str, str]:
    """Return the category of every skill of the packaged taxonomy."""
    return {skill.name: skill.category for skill in load_taxonomy().skills}
