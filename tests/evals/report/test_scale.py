"""20,000 cases: the page stays small, filters all of them, and draws no more lines than fit.

How fast that is stands in the results of `benchmarks.report_page`.
"""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.report_page import COUNT, MEGABYTES, measured, reports

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_twenty_thousand_cases(driver: Any, tmp_path: Path) -> None:
    [_, (runs, path, _)] = reports(tmp_path, COUNT)
    found = measured(driver, path, runs, rounds=2)
    assert runs == 2
    assert found["file_mb"] < MEGABYTES
    assert found["cases_left"]["order"] == COUNT
    assert driver.execute_script("return document.querySelectorAll('.line').length") < 60
