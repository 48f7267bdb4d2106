import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.files import tasks_of
from skillofmind.evals.known import known_task
from tests.evals.fake import items


@pytest.mark.parametrize("name", ["starter", "esconv", "own.mine-2", "reply.own", "reply.dailydialog.votes"])
def test_every_kind_of_task_is_known_by_its_name(name: str) -> None:
    assert known_task(name).name == name
    assert tasks_of(items(1, name)).keys() == {name}


def test_another_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="task 'startar' is unknown; did you mean 'starter'"):
        known_task("startar")
