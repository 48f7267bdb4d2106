import importlib
from collections.abc import Callable

import pytest

from skillofmind.core.seams import Model
from tests.cli.som import Here


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """`som` in this process."""
    return Here(capsys)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the shortest wait before every retry; what the server asks for is still waited."""
    module = importlib.import_module("skillofmind.models.retried")
    retried: Callable[..., Model] = module.retried
    monkeypatch.setattr(module, "retried", lambda model: retried(model, random=lambda: 0.0))
