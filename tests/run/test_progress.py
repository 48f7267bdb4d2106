import io
import subprocess
import sys

from skillofmind.run.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_at_most_every_five_seconds_and_at_the_end() -> None:
    clock, stream = FakeClock(), io.StringIO()
    with Progress(12, "teach", stream, clock=clock) as progress:
        for _ in range(12):
            clock.now += 1.0
            progress.advance(ok=1)
    assert stream.getvalue().splitlines() == [
        "teach: 5/12, 1/s, 7 s left, ok 5",
        "teach: 10/12, 1/s, 2 s left, ok 10",
        "teach: 12/12, 1/s, ok 12",
    ]


def test_what_was_done_before_does_not_count_in_the_rate() -> None:
    clock = FakeClock()
    with Progress(1000, "teach", io.StringIO(), done=500, clock=clock) as progress:
        clock.now = 10.0
        progress.advance(2, ok=1, failed=1)
        assert progress.line() == "teach: 502/1000, 0.2/s, 41 min 30 s left, ok 1, failed 1"


def test_an_unknown_total_has_no_time_left() -> None:
    clock = FakeClock()
    with Progress(None, "read", io.StringIO(), clock=clock) as progress:
        clock.now = 2.0
        progress.advance(1000)
        assert progress.line() == "read: 1000, 500/s"


def test_long_times_are_in_hours() -> None:
    clock = FakeClock()
    with Progress(10_000, "x", io.StringIO(), clock=clock) as progress:
        clock.now = 1.0
        progress.advance(1)
        assert progress.line() == "x: 1/10000, 1/s, 2 h 46 min left"


def test_quiet_shows_nothing_but_counts() -> None:
    for stream in (io.StringIO(), Terminal()):
        with Progress(2, "x", stream, quiet=True) as progress:
            progress.advance(2, ok=2)
        assert stream.getvalue() == ""
        assert (progress.done, progress.counts["ok"]) == (2, 2)


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with Progress(4, "te[ach]", stream) as progress:
        progress.advance(3, ok=2, failed=1)
    shown = stream.getvalue()
    assert "te[ach]" in shown
    assert "3/4" in shown
    assert "ok 2, failed 1" in shown


def test_rich_is_not_imported_without_a_terminal() -> None:
    code = (
        "import io, sys\nfrom skillofmind.run.progress import Progress\n"
        "with Progress(1, 'x', io.StringIO()) as p: p.advance()\n"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_note_stands_at_the_end_of_the_line() -> None:
    progress = Progress(4, "annotate", io.StringIO(), clock=lambda: 0.0)
    progress.note = "12 tokens, 0.5 USD"
    progress.advance(2, annotated=1, oov=1)
    assert progress.line() == "annotate: 2/4, annotated 1, oov 1, 12 tokens, 0.5 USD"


def test_a_bar_changes_ten_times_a_second_at_most_and_ends_with_the_last_count() -> None:
    clock, stream = FakeClock(), Terminal()
    with Progress(1000, "teach", stream, clock=clock) as progress:
        assert progress._bar is not None
        bar, task = progress._bar
        shown = []
        for _ in range(1000):
            clock.now += 0.001
            progress.advance(ok=1)
            shown.append(bar.tasks[task].completed)
    assert len(set(shown)) <= 11
    assert bar.tasks[task].completed == 1000
