import msgspec
import pytest
from scipy.stats import binom

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.audits.changes.people import load_people
from skillofmind.evals.audits.gaps import gaps, of_gender, of_item
from skillofmind.evals.records import Answer, Case, Gold, Item
from tests.evals.audits.scenes import chance


def case(number: int, value: float | None, *, group: str = "", **slices: str) -> Case:
    dialogue = Dialogue((Turn("A", "Hello."),), lang="en")
    made = Item("own", str(number), group or str(number), dialogue, Gold(), slices=slices)
    return Case(made, Answer(plan=Plan(skill="Empathy", valid=True)), {"accuracy": value})


def test_a_gap_is_the_difference_of_means_by_hand() -> None:
    cases = [case(n, float(n % 4 > 0), lang="en") for n in range(40)]
    cases += [case(100 + n, float(n % 4 == 0), lang="ko") for n in range(40)]
    found = {one.change: one for one in gaps(cases, of_item)}
    assert list(found) == ["lang = ko", "lang = en"]
    assert found["lang = ko"].value == pytest.approx(-0.5)
    assert found["lang = ko"].n == 40
    assert found["lang = ko"].groups == 40
    assert found["lang = ko"].adjusted == pytest.approx(2 / 2001)


def test_cases_without_a_right_answer_do_not_count() -> None:
    cases = [case(n, None if n % 2 else 1.0, lang="en" if n < 100 else "ko") for n in range(200)]
    assert {one.n for one in gaps(cases, of_item)} == {50}


def test_small_slices_and_the_whole_are_left_out() -> None:
    cases = [case(n, 1.0, lang="en" if n < 29 else "ko") for n in range(100)]
    assert gaps(cases, of_item) == ()
    assert len(gaps(cases, of_item, least=29)) == 2


def test_pairs_of_slices_find_a_corner() -> None:
    cases = []
    for n in range(400):
        slices = {"a": "xy"[n % 2], "b": "xy"[n // 2 % 2]}
        cases.append(case(n, float(slices != {"a": "x", "b": "y"}), **slices))
    worst = gaps(cases, of_item, pairs=True)[0]
    assert (worst.change, worst.value, worst.n) == ("a = x and b = y", -1, 100)


def test_slices_of_the_same_cases_come_once() -> None:
    cases = [case(n, float(n % 3 > 0), a="xy"[n % 2], b="uv"[n % 2]) for n in range(100)]
    assert sorted(one.change for one in gaps(cases, of_item, pairs=True)) == ["a = x", "a = y"]


def test_under_the_null_a_gap_is_as_rare_as_it_says() -> None:
    """Dialogues of five cases that are right together, in two slices that mean nothing."""
    runs, rejected = 300, 0
    for seed in range(runs):
        cases = [
            case(
                n,
                float(chance(seed, n // 5) < 0.5) if chance(seed, "n", n) < 0.7 else float(n % 2),
                group=str(n // 5),
                half="xy"[n // 5 % 2],
            )
            for n in range(200)
        ]
        rejected += (gaps(cases, of_item)[0].p or 1) <= 0.05
    low, high = binom.ppf([0.0005, 0.9995], runs, 0.05)
    assert low <= rejected <= high


def test_words_of_gender_make_slices() -> None:
    slices = of_gender(load_people().gendered)
    plain = case(1, 1.0)
    texts = {"Her aunt.": "female", "He is my aunt.": "female+male", "A tree.": "none"}
    for text, wanted in texts.items():
        item = msgspec.structs.replace(plain.item, dialogue=Dialogue((Turn("A", text),), lang="en"))
        assert slices(msgspec.structs.replace(plain, item=item)) == {"words of gender": wanted}
    korean = msgspec.structs.replace(plain.item, dialogue=Dialogue((Turn("A", "Her"),), lang="ko"))
    assert slices(msgspec.structs.replace(plain, item=korean)) == {}
