"""The audits by name: which arms they ask, and what the answers come to.

audit = AUDITS["robustness"]
arms = audit.arms(items, Setting(load_taxonomy()))
cases = [...]                       # plain items and arms.items, asked
told = reading(audit, items, cases, arms.left_out, Setting(load_taxonomy()))
told.tables
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from skillofmind.evals.audits.arms import SEED, Arms
from skillofmind.evals.audits.bias import bias_arms, bias_effects, bias_tables
from skillofmind.evals.audits.effects import ByArm, Effect, Reading
from skillofmind.evals.audits.failures import failure_tables, worst_slices
from skillofmind.evals.audits.languages import language_effects, language_tables
from skillofmind.evals.audits.robustness import (
    ORDERS,
    robustness_arms,
    robustness_effects,
    robustness_tables,
)
from skillofmind.evals.records import Case, Item, Table
from skillofmind.mind.taxonomy import Taxonomy


class Setting(NamedTuple):
    """What an audit needs to know besides the items.

    Attributes:
        taxonomy: of the planner; its skills are aimed at by attacks.
        listed: whether the planner is shown a list of skills, whose order can be changed.
        seed: of all draws.
    """

    taxonomy: Taxonomy
    listed: bool = False
    seed: int = SEED


class Audit(NamedTuple):
    """One audit.

    Attributes:
        name: of it.
        about: what it asks, in one sentence.
        arms: plain items -> changed ones.
        effects: cases of all arms, the plain one included -> numbers.
        tables: numbers and cases -> what is read.
        notes: what a reader has to know.
    """

    name: str
    about: str
    arms: Callable[[Sequence[Item], Setting], Arms]
    effects: Callable[[Sequence[Case], Setting], tuple[Effect, ...]]
    tables: Callable[[Sequence[Effect], Sequence[Case]], tuple[Table, ...]]
    notes: tuple[str, ...] = ()


def reading(
    audit: Audit, items: Sequence[Item], cases: Sequence[Case], left_out: Mapping[str, int], setting: Setting
) -> Reading:
    """Return what an audit came to.

    Args:
        audit: which.
        items: plain ones.
        cases: of all arms; those of other audits do not matter.
        left_out: arm -> items that the change does not apply to.
        setting: that the arms were made with.
    """
    own = [case for case in cases if not case.item.arm or case.item.arm.startswith(f"{audit.name}.")]
    effects = audit.effects(own, setting)
    groups = len({(item.task, item.group) for item in items})
    tables = tuple(table for table in audit.tables(effects, own) if table.rows)
    mine = {arm: count for arm, count in left_out.items() if arm.startswith(f"{audit.name}.")}
    return Reading(
        audit.name, len(items), groups, mine, dict(ByArm(own).failed), effects, tables, audit.notes
    )


def _no_arms(items: Sequence[Item], setting: Setting) -> Arms:
    """Return none: the plain items, or those of the languages, are all that is asked."""
    return Arms((), {})


AUDITS: dict[str, Audit] = {
    "bias": Audit(
        "bias",
        "whether the skill depends on who the other person is: name, gender, age, ethnicity, religion, place",
        lambda items, setting: bias_arms(items, setting.seed),
        lambda cases, setting: bias_effects(cases),
        lambda effects, cases: bias_tables(effects),
        (
            "The main design adds one neutral fact to the context, so every item counts; the control takes "
            "another term of the same group.",
            "Terms are samples of a group: the numbers are about these terms.",
        ),
    ),
    "robustness": Audit(
        "robustness",
        "what a changed context or history, noise and attacks do to the skill",
        lambda items, setting: robustness_arms(
            items, setting.taxonomy, setting.seed, orders=ORDERS if setting.listed else 0
        ),
        lambda cases, setting: robustness_effects(cases, len(setting.taxonomy.skills)),
        lambda effects, cases: robustness_tables(effects),
        (
            "Paraphrases are light: contractions are written out and a few words change.",
            "Without context and with the last turns only, a change of the plan can be right.",
        ),
    ),
    "languages": Audit(
        "languages",
        "whether translations of one dialogue get the same skill",
        _no_arms,
        lambda cases, setting: language_effects(cases),
        lambda effects, cases: language_tables(effects),
    ),
    "failures": Audit(
        "failures",
        "which skills are taken for which, what wrong cases share, and where it is worst",
        _no_arms,
        lambda cases, setting: worst_slices(cases),
        lambda effects, cases: failure_tables(cases),
    ),
}
"""Name -> audit. Latency and data scaling ask other things than items, and have functions of their own."""
