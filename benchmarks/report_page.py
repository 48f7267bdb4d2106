"""The report of 20,000 cases in Chromium, while two processes keep two cores busy.

The cases are made up (`benchmarks.made_cases`): 8 turns of 15 words each, no two dialogues alike, which is
the worst case for a page that stores equal turns once. One report is of one run, the other of two runs on the
same items. In every round the page is opened afresh, from a file, in the view of the numbers and in the view
of the cases; then each filter is set in a page that is open. Seconds are the browser's own: from the start
of the navigation until everything is drawn, and from the change of a filter until the next frame is painted.
`search at once` is the hardest: the page was opened in that moment, and all cases have to be unpacked. A page
that is read for a second or two unpacks them before anybody searches, as does the focus of the search field.

    python -m benchmarks.report_page --out results/benchmarks/report.json

Needs `chromium`, `chromedriver` and the Python package `selenium`.
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.made_cases import TASKS, Planner, cases, items, summary
from benchmarks.measure import Json, machine, parser, report
from benchmarks.measure import summary as spread
from skillofmind.evals.report import Run, write_report
from skillofmind.evals.summary import compared

COUNT = 20_000
SECONDS, MEGABYTES = 2.0, 30.0
PLANNERS = (Planner("embedded", 0.5), Planner("prompted", 0.58, seed=2))
FILTERS: dict[str, dict[str, str]] = {
    "search at once": {"q": "tuner coffee"},
    "task": {"task": "bst"},
    "result": {"task": "bst", "result": "wrong"},
    "right and named skill": {"gold": "Empathy", "guess": "Personal Background"},
    "slice": {"slice": "lang:ko"},
    "order": {"sort": "confidence"},
    "search": {"q": "nobody at home"},
    "search and filters": {"q": "you", "task": "prosocial", "result": "right", "sort": "-confidence"},
}
COMPARISONS = {"won": {"change": "won"}, "skill differs": {"change": "skill"}}
_STEP = """
const [changes, done] = arguments;
const all = Object.fromEntries([...FILTERS, "q", "sort", "case"].map((key) => [key, undefined]));
Promise.resolve(go({...all, view: "cases"})).then(() => {
  const begin = performance.now();
  return Promise.resolve(go(changes)).then(() => requestAnimationFrame(() => setTimeout(() =>
    done([(performance.now() - begin) / 1000, list.rows.length]))));
});
"""
_READY = "return document.documentElement.dataset.ready"


def browser() -> Any:
    """Start a Chromium.

    Raises:
        RuntimeError: there is none.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    binary, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or chromedriver is None:
        raise RuntimeError("there is no chromium with chromedriver on the path; install both.")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service(chromedriver))


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many cores busy."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


def opened(driver: Any, path: Path, place: str) -> float:
    """Open a page afresh and return the seconds until everything is drawn."""
    driver.get("about:blank")
    driver.get(f"{path.as_uri()}{place}")
    end = time.monotonic() + 60
    while not (ready := driver.execute_script(_READY)):
        if time.monotonic() > end:
            raise RuntimeError(f"the page {path.name!r} is not ready after 60 seconds; look at its console.")
        time.sleep(0.01)
    return float(ready) / 1000


def measured(driver: Any, path: Path, runs: int, rounds: int) -> Json:
    """Return file size and seconds of opening and of each filter."""
    filters = {**FILTERS, **(COMPARISONS if runs > 1 else {})}
    times: dict[str, list[float]] = {name: [] for name in ("open numbers", "open cases", *filters)}
    left: dict[str, int] = {}
    for _ in range(rounds):
        times["open numbers"].append(opened(driver, path, ""))
        times["open cases"].append(opened(driver, path, "#view=cases"))
        for name, changes in filters.items():
            seconds, left[name] = driver.execute_async_script(_STEP, changes)
            times[name].append(seconds)
    middle = {name: statistics.median(values) for name, values in times.items()}
    return {
        "file_mb": round(path.stat().st_size / 1e6, 2),
        "seconds": {name: spread(values, 3) for name, values in times.items()},
        "cases_left": left,
        "slowest_open_s": round(max(middle["open numbers"], middle["open cases"]), 3),
        "slowest_filter_s": round(max(middle[name] for name in filters), 3),
    }


def reports(folder: Path, count: int) -> Iterator[tuple[int, Path, float]]:
    """Write the report of one run, then that of two; with the seconds that writing took."""
    asked = items(count)
    found = [(planner.name, cases(asked, planner)) for planner in PLANNERS]
    runs: list[Run] = [(name, summary(name, some), some) for name, some in found]
    names = (PLANNERS[0].name, PLANNERS[1].name)
    between = compared(found[0][1], found[1][1], TASKS, names)
    for number in (1, 2):
        path, start = folder / f"{number}.html", time.perf_counter()
        write_report(path, runs[:number], between=between if number > 1 else ())
        yield number, path, time.perf_counter() - start


def measure(count: int, rounds: int, cores: int) -> Json:
    """Return what both reports need, and how it stands to the aims."""
    found: Json = {}
    with tempfile.TemporaryDirectory() as name:
        written = list(reports(Path(name), count))
        driver = browser()
        try:
            version = driver.capabilities["browserVersion"]
            with busy(cores):
                for runs, path, seconds in written:
                    title = f"{runs} run{'s' if runs > 1 else ''}"
                    found[title] = {"written_s": round(seconds, 1), **measured(driver, path, runs, rounds)}
        finally:
            driver.quit()
    aims = {"slowest_open_s": SECONDS, "slowest_filter_s": SECONDS, "file_mb": MEGABYTES}
    verdict = {
        f"{title}, {name}": {"measured": one[name], "aim": aim, "met": one[name] < aim}
        for title, one in found.items()
        for name, aim in aims.items()
    }
    return {"cases": count, "processes_kept_busy": cores, "chromium": version, "aims": verdict, **found}


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--cases", type=int, default=COUNT, help=f"how many (default: {COUNT:,})")
    made.add_argument("--rounds", type=int, default=7, help="of opening and filtering (default: 7)")
    made.add_argument("--busy", type=int, default=2, help="processes to keep busy meanwhile (default: 2)")
    options = made.parse_args()
    result = measure(options.cases, options.rounds, options.busy)
    report({"benchmark": "report_page", "machine": machine(), **result}, options.out)


if __name__ == "__main__":
    main()
