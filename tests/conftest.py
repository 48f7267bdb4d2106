"""Settings of the whole suite.

In CI (the variable `CI` is set) hypothesis draws the same examples every time, so that a change is judged by
what it changed; at a desk it draws new ones, so that something new can be found.
"""

import os
import signal

from hypothesis import settings

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_configure() -> None:
    """Let Ctrl-C work in the processes that tests start; what a shell starts in the background ignores it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
