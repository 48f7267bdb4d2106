import pytest

from skillofmind.evals.tasks import TASKS
from tests.evals.fake import fake_task


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put stand-in tasks in the place of those of the package."""
    fakes = [
        fake_task(60),
        fake_task(40, "pair.one", corpus="pairs"),
        fake_task(30, "pair.two", corpus="pairs"),
        fake_task(30, "pair.official", corpus="pairs", official=True),
        fake_task(20, "talk", asks="reply"),
    ]
    for name in list(TASKS):
        monkeypatch.delitem(TASKS, name)
    for task in fakes:
        monkeypatch.setitem(TASKS, task.name, task)
