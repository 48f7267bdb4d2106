"""20,000 cases: the page stays small, opens at once and filters at once."""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.report_page import COUNT, MEGABYTES, SECONDS, measured, reports

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_twenty_thousand_cases(driver: Any, tmp_path: Path) -> None:
    [_, (runs, path, _)] = reports(tmp_path, COUNT)
    found = measured(driver, path, runs, rounds=3)
    assert runs == 2
    assert found["file_mb"] < MEGABYTES
    assert found["slowest_open_s"] < SECONDS
    assert found["slowest_filter_s"] < SECONDS
    assert found["cases_left"]["order"] == COUNT
    assert driver.execute_script("return document.querySelectorAll('.line').length") < 60
