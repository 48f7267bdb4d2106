"""A browser for all tests of this folder, and tabs on servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import chromium
from tests.serve.playground.browser import Tab
from tests.serve.serving import Serving


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def driver(downloads: Path) -> Iterator[Any]:
    with chromium(downloads) as found:
        yield found


@pytest.fixture
def page(driver: Any) -> Iterator[Tab]:
    """The page of an offline server; at the end the console must be empty."""
    with Serving() as server:
        tab = Tab(driver, server.port)
        tab.complaints()
        yield tab
        assert tab.complaints() == []
        driver.get("about:blank")
