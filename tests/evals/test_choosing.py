import random
from pathlib import Path

import pytest

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.evals.choosing import chosen, has_corpus, items_of, require_corpus
from tests.evals.fake import fake_task, items


def ids(count: int, n: int, seed: int = 7) -> list[str]:
    return [item.id for item in chosen(items(count), n, seed)]


def test_zero_is_all() -> None:
    assert chosen(items(10), 0, 7) == items(10)


def test_a_draw_keeps_the_order_and_depends_on_the_seed() -> None:
    drawn = ids(100, 30)
    assert len(drawn) == 30
    assert drawn == sorted(drawn, key=lambda id: int(id.partition("-")[2]))
    assert drawn == ids(100, 30)
    assert drawn != ids(100, 30, seed=8)


def test_a_smaller_draw_is_part_of_a_larger_one() -> None:
    assert set(ids(100, 10)) < set(ids(100, 30)) < set(ids(100, 1000))


def test_the_order_of_the_corpus_does_not_matter() -> None:
    shuffled = items(100)
    random.Random(1).shuffle(shuffled)
    assert {item.id for item in chosen(shuffled, 20, 7)} == set(ids(100, 20))


def test_all_arms_of_an_id_are_drawn_together() -> None:
    drawn = chosen(items(50, arms=("", "a", "b")), 10, 7)
    assert len(drawn) == 30
    assert {item.id for item in drawn if item.arm == ""} == {item.id for item in drawn if item.arm == "b"}


def test_every_task_gives_its_share() -> None:
    tasks = [fake_task(20, "one"), fake_task(5, "two")]
    found = items_of(tasks, None, 8, 7)
    assert [item.task for item in found] == ["one"] * 8 + ["two"] * 5


def test_a_corpus_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    task = fake_task(5, "one", corpus="nowhere")
    with pytest.raises(ConfigurationError, match="add --data FOLDER"):
        items_of([task], None, 0, 7)
    with pytest.raises(DataError, match=r"reads '.*nowhere', which is not there; put the corpus"):
        require_corpus(task, tmp_path)
    assert not has_corpus(task, tmp_path)
    (tmp_path / "nowhere").mkdir()
    assert has_corpus(task, tmp_path)
    require_corpus(task, tmp_path)


def test_a_task_without_items_is_an_error() -> None:
    with pytest.raises(DataError, match="found no items"):
        items_of([fake_task(0, "one")], None, 0, 7)
