import msgspec
import pytest

from skillofmind.evals.audits.effects import ByArm, Effect, corrected
from skillofmind.evals.audits.table import AUDITS, Setting, reading
from skillofmind.evals.records import Answer, Case
from skillofmind.mind.taxonomy import load_taxonomy
from tests.evals.audits.scenes import SKILLS, asked, item, pick

SETTING = Setting(load_taxonomy())
ITEMS = [item(n) for n in range(25)]


@pytest.mark.parametrize("name", AUDITS)
def test_every_audit_reads_what_it_asked(name: str) -> None:
    audit = AUDITS[name]
    arms = audit.arms(ITEMS, SETTING)
    cases = asked([*ITEMS, *arms.items], lambda one: pick(SKILLS, one.context.situation))
    found = reading(audit, ITEMS, cases, arms.left_out, SETTING)
    assert (found.audit, found.items, found.groups) == (name, 25, 25)
    assert audit.about
    assert found.failed == {}
    assert all(arm.startswith(f"{name}.") for arm in {*found.left_out, *(one.arm for one in arms.items)})
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_keys_of_all_arms_differ() -> None:
    keys = [one.key for audit in AUDITS.values() for one in (*ITEMS, *audit.arms(ITEMS, SETTING).items)]
    assert len(set(keys)) == len(keys) - 25 * (len(AUDITS) - 1)


def test_failed_cases_are_counted_by_arm() -> None:
    arms = AUDITS["robustness"].arms(ITEMS, SETTING)
    cases = asked(ITEMS, lambda _: "Empathy") + [Case(one, Answer(error="busy")) for one in arms.items]
    found = reading(AUDITS["robustness"], ITEMS, cases, arms.left_out, SETTING)
    assert found.effects == ()
    assert found.failed["robustness.noise.emoji"] == 25
    assert sum(found.failed.values()) == len(arms.items)


def test_pairs_are_of_the_same_task_and_id() -> None:
    plain = asked(ITEMS, lambda _: "Empathy")
    other = [
        msgspec.structs.replace(one, item=msgspec.structs.replace(one.item, arm="x")) for one in plain[5:]
    ]
    pairs = ByArm([*reversed(other), *plain]).pairs("x")
    assert len(pairs) == 20
    assert all(one.plain.item.id == one.other.item.id and one.other.item.arm == "x" for one in pairs)


def test_correction_leaves_numbers_without_a_test_alone() -> None:
    effects = [Effect("a", "m", 1.0, p=0.01), Effect("b", "m", 1.0), Effect("c", "m", 1.0, p=0.04)]
    assert [one.adjusted for one in corrected(effects)] == [0.02, None, 0.04]
