"""A browser for the tests of the page."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import chromium
from tests.evals.report.material import Made, made
from tests.evals.report.reading import Reader


@pytest.fixture(scope="package")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def two(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report of two runs in two arms."""
    return made(tmp_path_factory.mktemp("two"))


@pytest.fixture
def page(driver: Any, two: Made) -> Iterator[Reader]:
    """The report of two runs in a browser; at the end the console must be empty."""
    found = Reader(driver, two.path)
    found.complaints()
    yield found
    assert found.complaints() == []
    driver.get("about:blank")
