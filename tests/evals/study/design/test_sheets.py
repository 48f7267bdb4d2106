from collections import Counter
from pathlib import Path

from skillofmind.evals.study.design.sheets import sheets
from skillofmind.evals.study.records import Sheet
from tests.evals.study.talks import small_study


def test_everyone_sees_every_task_in_an_order_of_their_own(tmp_path: Path) -> None:
    study, tasks = small_study(tmp_path, 12, raters=3)
    found = sheets(study, tasks)
    keys = sorted(task.key for task in tasks)
    assert [sorted(one.tasks) for one in found] == [keys] * 3
    assert len({one.tasks for one in found}) == 3


def test_sides_are_balanced_for_raters_and_for_tasks(tmp_path: Path) -> None:
    study, tasks = small_study(tmp_path, 12, raters=4)
    found = sheets(study, tasks)
    real = {task.key for task in tasks if task.sort == "real"}
    assert [sum(swapped_of(one, real).values()) for one in found] == [6] * 4
    per_task = Counter(key for one in found for key, swapped in swapped_of(one, real).items() if swapped)
    assert [per_task[key] for key in sorted(real)] == [2] * 12


def test_an_overlap_shares_the_tasks(tmp_path: Path) -> None:
    study, tasks = small_study(tmp_path, 12, raters=6, overlap=2, checks=4)
    found = sheets(study, tasks)
    assert [len(one.tasks) for one in found] == [8] * 6
    counts = Counter(key for one in found for key in one.tasks)
    assert {counts[task.key] for task in tasks if task.sort == "real"} == {2}
    assert {counts[task.key] for task in tasks if task.sort != "real"} == {6}


def test_checks_are_spread_over_the_sheet_and_never_first(tmp_path: Path) -> None:
    study, tasks = small_study(tmp_path, 30, raters=5, checks=4)
    for one in sheets(study, tasks):
        places = [place for place, key in enumerate(one.tasks) if key.startswith("c")]
        assert len(places) == 4
        assert places[0] >= 2
        assert all(place // 17 == half for half, pair in ((0, places[:1]), (1, places[3:])) for place in pair)


def test_checks_swap_sides_alike_for_all(tmp_path: Path) -> None:
    study, tasks = small_study(tmp_path, 6, raters=3)
    broken = {task.key for task in tasks if task.sort == "broken"}
    sides = [swapped_of(one, broken) for one in sheets(study, tasks)]
    assert sides[0] == sides[1] == sides[2] == {"c0": False, "c1": True}


def test_another_seed_is_another_study_and_the_same_seed_the_same(tmp_path: Path) -> None:
    one, other = small_study(tmp_path, 12, seed=1), small_study(tmp_path, 12, seed=2)
    assert sheets(*one) == sheets(*small_study(tmp_path, 12, seed=1))
    assert sheets(*one) != sheets(*other)


def swapped_of(sheet: Sheet, keys: set[str]) -> dict[str, bool]:
    both = zip(sheet.tasks, sheet.swapped, strict=True)
    return {key: swapped for key, swapped in both if key in keys}
