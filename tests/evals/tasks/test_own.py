from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.tasks.own import own_known, own_name, own_tasks


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("mine.jsonl", "own.mine"),
        ("data/My talks, 2.jsonl.gz", "own.My-talks-2"),
        ("data/folder/", "own.folder"),
        (".hidden.json", "own.hidden"),
        ("대화.jsonl", "own.대화"),
        ("Cafe\u0301.jsonl", "own.Caf\u00e9"),
        ("---.jsonl", "own.dialogues"),
        ("x" * 200, "own." + "x" * 60),
    ],
)
def test_a_task_is_named_after_its_file(path: str, name: str) -> None:
    assert own_name(Path(path)) == name


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_every_name_is_safe_and_known_again(text: str) -> None:
    name = own_name(Path(text))
    assert not set(name) & set("/\\, \n\t\"'")
    known = own_known(name)
    assert known is not None
    assert known.name == name


def test_files_of_one_name_are_told_apart_and_one_file_is_one_task(tmp_path: Path) -> None:
    paths = [tmp_path / one for one in ("a/mine.jsonl", "b/mine.jsonl", "a/../a/mine.jsonl", "mine-2.json")]
    assert [task.name for task in own_tasks(paths).values()] == [
        "own.mine",
        "own.mine-2",
        "own.mine",
        "own.mine-2-2",
    ]


def test_a_task_known_by_name_alone_says_that_its_file_is_needed() -> None:
    task = own_known("own.mine")
    assert task is not None
    with pytest.raises(ConfigurationError, match=r"'own.mine' is of a file of yours; name the file"):
        next(task.items(Path()))
    assert own_known("reply.own") is None
    assert own_known("own.a/b") is None
    assert own_known("esconv") is None
