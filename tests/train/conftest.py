"""Without torch, transformers and PEFT there is nothing to test here; the header of the run says so."""

from importlib.util import find_spec

MISSING = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
collect_ignore_glob = ["*/test_*.py", "test_*.py"] if MISSING else []


def pytest_report_header() -> str:
    state = f"skipped, {' and '.join(MISSING)} not installed" if MISSING else "run"
    return f"tests of training: {state}"
