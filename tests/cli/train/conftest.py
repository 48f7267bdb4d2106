from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.cli.train.forking import Forks

MISSING = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """`som` as processes that start at once."""
    with Forks() as server:
        yield server
