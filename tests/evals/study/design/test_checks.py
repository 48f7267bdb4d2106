from collections.abc import Callable
from pathlib import Path

import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.study.design.checks import default_checks, passed
from skillofmind.evals.study.folder import read
from skillofmind.evals.study.outcome.votes import attention
from skillofmind.evals.study.records import Choice, Criterion, Task
from tests.evals.study.talks import answer_all, attentive, lines, made_study, small_study


def always(choice: Choice) -> Callable[[Task, Criterion, bool], Choice]:
    return lambda task, criterion, swapped: choice


@pytest.mark.parametrize("checks", [4, 8, 12])
@pytest.mark.parametrize("criteria", [(), ("safety",), ("empathy",)])
@pytest.mark.parametrize("choice", ["left", "right", "same"])
def test_one_key_for_every_pair_is_caught(
    tmp_path: Path, choice: str, criteria: tuple[str, ...], checks: int
) -> None:
    folder = made_study(tmp_path, 6, checks=checks, criteria=criteria)
    answer_all(folder, "ana", always(choice))
    found = attention(read(folder))["ana"]
    assert (found.answered, found.excluded) == (checks, True)
    assert found.passed <= checks // 2


@pytest.mark.parametrize(
    ("points", "choice"), [(points, n) for points in (4, 5) for n in range(1, points + 1)]
)
@pytest.mark.parametrize("criteria", [(), ("safety",)])
def test_one_key_for_every_rating_is_caught(
    tmp_path: Path, choice: int, criteria: tuple[str, ...], points: int
) -> None:
    folder = made_study(tmp_path, 6, kind="ratings", points=points, criteria=criteria)
    answer_all(folder, "ana", always(choice))
    assert attention(read(folder))["ana"].excluded


def test_a_rater_who_reads_passes(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 6, checks=8)
    answer_all(folder, "ana", attentive(lambda task, criterion: ""))
    found = attention(read(folder))["ana"]
    assert (found.passed, found.answered, found.excluded) == (8, 8, False)


def test_half_of_the_checks_are_broken_and_half_say_what_to_choose(tmp_path: Path) -> None:
    _, tasks = small_study(tmp_path, 6, checks=8)
    sorts = [task.sort for task in tasks if task.sort != "real"]
    assert sorts == ["broken"] * 4 + ["instructed"] * 4
    assert sorted(str(task.expected) for task in tasks if task.sort == "instructed") == [
        "left", "left", "right", "right",
    ]  # fmt: skip


def test_words_without_sense_are_words_of_other_items(tmp_path: Path) -> None:
    _, tasks = small_study(tmp_path, 5)
    texts = {one["id"]: " ".join(one["replies"].values()).lower() for one in lines(5)}
    for task in tasks:
        if task.sort == "broken":
            words = task.texts[1].text.lower().rstrip(".").split()
            others = " ".join(text for item, text in texts.items() if item != task.item)
            assert len(words) == 14
            assert all(word in others for word in words)
            assert " ".join(words) not in others


def test_instructed_checks_say_what_they_expect(tmp_path: Path) -> None:
    _, tasks = small_study(tmp_path, 5, kind="ratings", points=5)
    told = [(task.expected, task.texts[0].text) for task in tasks if task.sort == "instructed"]
    assert sorted(str(expected) for expected, _ in told) == ["4", "5"]
    assert all(f"please choose {expected} for" in text for expected, text in told)


def test_every_question_of_an_instructed_check_counts(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5)
    study, tasks = small_study(tmp_path, 5)
    answer_all(folder, "ana", attentive(lambda task, criterion: ""))
    [answer, *_] = [one for one in read(folder).answers if read(folder).tasks[one.task].expected]
    task = next(task for task in tasks if task.key == answer.task)
    assert passed(study, task, answer)
    answer.choices["safety"] = "same"
    assert not passed(study, task, answer)


def test_checks_come_in_fours(tmp_path: Path) -> None:
    assert [default_checks(count) for count in (1, 30, 48, 72, 100, 500)] == [4, 4, 4, 8, 8, 40]
    with pytest.raises(ConfigurationError, match="6 checks cannot be balanced"):
        small_study(tmp_path, 5, checks=6)
    assert [task.sort for task in small_study(tmp_path, 5, checks=0)[1]] == ["real"] * 5
