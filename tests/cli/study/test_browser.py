"""The page of a study in a real Chromium; skipped, with the reason, where there is none.

Three people answer 30 items at the keyboard: two read, one presses the same key all the time.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.statistics.pairwise import Comparison, win_rate
from skillofmind.evals.study.design.drawing import rank
from skillofmind.evals.study.folder import read
from skillofmind.scorers.agreement import fleiss_kappa, krippendorff_alpha
from tests.browser import PHONE, WIDE, Browser, chromium, contrasts
from tests.cli.som import som, started
from tests.cli.study.test_web import HOSTILE, study_of
from tests.evals.study.talks import GOOD, PLAIN, lines, made_study

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

UP, DOWN, LEFT, RIGHT = "\ue013", "\ue015", "\ue012", "\ue014"
"""Keys as the driver names them."""

TEXTS = (
    ".speaker, .words, .hint, .known, .act:not([disabled]), h1, h2, .count, .ask, .choice, dt, dd, .next, "
    "summary"
)


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chromium() as found:
        yield found


class Site(NamedTuple):
    """A study that is served.

    Attributes:
        driver: the browser.
        folder: the study.
        urls: rater -> address.
    """

    driver: Any
    folder: Path
    urls: dict[str, str]

    def page(self, rater: str = "ana") -> Browser:
        return Browser(self.driver, self.urls[rater])


@contextmanager
def served(driver: Any, folder: Path, *raters: str) -> Iterator[Site]:
    driver.get_log("browser")
    with started("study", "serve", folder, "--rater", *(raters or ("ana",))) as process:
        assert process.stdout is not None
        found = [process.stdout.readline().decode().split() for _ in raters or ("ana",)]
        yield Site(driver, folder, {words[0]: words[1] for words in found})
        assert driver.get_log("browser") == []


def begin(page: Browser, size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
    """Open the page, agree and start."""
    page.open(size, scheme)
    page.click("#agree")
    page.click("#start")
    page.until(lambda: page.text(".texts"))


def answered(folder: Path, rater: str) -> list[Any]:
    return [one for one in read(folder).answers if one.rater == rater]


REAL = {text: system for line in lines(30) for system, text in line["replies"].items()}
"""Reply -> the system that it is of."""


def key_of(who: str, texts: list[str], question: int) -> str:
    """Return the key that a rater who reads presses."""
    if texts[0].startswith("Attention check"):
        return LEFT if "choose A" in texts[0] else RIGHT
    systems = [REAL.get(text) for text in texts]
    if None in systems:
        return LEFT if systems[1] is None else RIGHT
    drawn = rank(who, question, *sorted(texts)) % 100
    if drawn < 15:
        return DOWN
    liked = GOOD if drawn < 75 else PLAIN
    return LEFT if systems[0] == liked else RIGHT


def work_through(site: Site, who: str, *, reads: bool) -> None:
    page = site.page(who)
    begin(page)
    pages = len(page.run("return state.setup.done"))
    for place in range(pages):
        page.until(lambda place=place: page.run("return state.page?.place") == place)  # type: ignore[misc]
        texts = page.texts(".text .words")
        for question in range(2):
            page.press(key_of(who, texts, question) if reads else LEFT)
        page.press("\ue007")
    page.until(lambda: "Thank you!" in page.text("#main"))


def test_two_read_and_one_does_not(driver: Any, tmp_path: Path) -> None:
    folder = made_study(tmp_path, 30, raters=3, criteria=("empathy", "overall"))
    with served(driver, folder, "ana", "ben", "cleo") as site:
        for who in ("ana", "ben", "cleo"):
            work_through(site, who, reads=who != "cleo")
        site.page("cleo").screenshot("study-end")
    out = tmp_path / "results.html"
    found = msgspec.json.decode(som("study", "results", folder, "--json", "--html", out).out)
    assert found["excluded"] == ["cleo"]
    assert [one["attention"]["passed"] for one in found["raters"]] == [4, 4, 2]
    assert found["notes"] == [
        "cleo passed 2 of 4 attention checks, less than 60%: their answers are left out."
    ]
    rows = [msgspec.json.decode(line) for line in som("study", "export", folder).out.splitlines()]
    assert len(rows) == 3 * 34 * 2
    assert all(0 < row["seconds"] < 60 for row in rows)
    for criterion in found["criteria"]:
        agrees_with_the_module(criterion, rows)
    page = Browser(driver, out.as_uri())
    page.open(shows="h1")
    page.screenshot("study-results")
    assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0


def agrees_with_the_module(criterion: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Compute from the exported rows what the results say."""
    name = criterion["criterion"]
    mine = [row for row in rows if (row["criterion"], row["sort"]) == (name, "real") and not row["excluded"]]
    assert len(mine) == 60
    comparisons = [Comparison(GOOD, PLAIN, row["winner"], row["dialogue"]) for row in mine]
    wins = Counter(row["winner"] for row in mine)
    [pair] = criterion["pairs"]
    assert (pair["wins"], pair["losses"], pair["ties"]) == (wins[GOOD], wins[PLAIN], wins[""])
    same = win_rate(comparisons, GOOD, PLAIN).rate
    expected = ((wins[GOOD] + wins[""] / 2) / 60, same.low, same.high)
    assert (pair["rate"], pair["low"], pair["high"]) == pytest.approx(expected, abs=1e-9)
    tasks: dict[str, list[str]] = {}
    for row in mine:
        tasks.setdefault(row["task"], []).append(row["winner"])
    alpha, kappa = krippendorff_alpha(tasks.values()), fleiss_kappa(Counter(one) for one in tasks.values())
    assert criterion["alpha"]["value"] == pytest.approx(alpha.value, abs=1e-9)
    assert criterion["fleiss"]["value"] == pytest.approx(kappa.value, abs=1e-9)
    left = sum(row["choice"] == "left" for row in mine)
    decided = sum(row["choice"] != "same" for row in mine)
    assert criterion["left"]["value"] == pytest.approx(left / decided, abs=1e-9)


def test_it_goes_on_where_one_was_and_takes_back(driver: Any, tmp_path: Path) -> None:
    folder = made_study(tmp_path, 6, criteria=("empathy", "overall"))
    with served(driver, folder) as site:
        page = site.page()
        page.open()
        page.press("\ue007")  # nothing starts without consent
        assert "[object" not in page.text("#main")
        assert page.texts(".keys kbd") == ["←", "1", "↓", "2", "→", "3", "↑", "↵", "b", "?"]
        assert page.run("return document.getElementById('start').disabled")
        page.click("#agree")
        page.press("\ue007")
        begin_page(page, 0)
        page.press("\ue007")  # nothing is sent before every question is answered
        page.until(lambda: page.text("#toast") == "Every question needs an answer first.")
        page.press("1")
        page.press(RIGHT)
        page.press(UP)
        page.press("2")
        assert page.texts(".choice[aria-checked=true]") == ["About the same", "B"]
        page.press("\ue007")
        begin_page(page, 1)
        page.press(LEFT)
        page.driver.refresh()  # what was chosen but not sent is still there
        begin_page(page, 1)
        assert page.texts(".choice[aria-checked=true]") == ["A"]
        page.press("b")
        begin_page(page, 0)
        assert page.texts(".choice[aria-checked=true]") == ["About the same", "B"]
        page.press("3")
        page.press("\ue007")
        begin_page(page, 1)
    [one] = answered(folder, "ana")
    assert one.choices == {"empathy": "right", "overall": "right"}
    assert read(folder).revised == {("ana", one.task): 1}
    with served(driver, folder) as site:
        page = site.page()
        page.open(shows=".texts")
        begin_page(page, 1)
        assert page.text("#count") == "page 2 of 10"


def begin_page(page: Browser, place: int) -> None:
    page.until(lambda: page.run("return state.view === 'page' && !busy ? state.page.place : -1") == place)


def test_letters_in_a_remark_choose_nothing(driver: Any, tmp_path: Path) -> None:
    folder = made_study(tmp_path, 6, criteria=("overall",))
    with served(driver, folder) as site:
        page = site.page()
        begin(page)
        page.click(".remark summary")
        page.click("#remark")
        page.press("1 b 3?")
        assert page.texts(".choice[aria-checked=true]") == []
        page.press("\ue00c")
        page.press("3\ue007")
        begin_page(page, 1)
    [one] = answered(folder, "ana")
    assert (one.choices, one.remark) == ({"overall": "right"}, "1 b 3?")


def test_text_from_the_data_stays_text(driver: Any, tmp_path: Path) -> None:
    folder = study_of(tmp_path, Dialogue((Turn(HOSTILE, HOSTILE),), id="x"), HOSTILE, HOSTILE + "2")
    with served(driver, folder) as site:
        page = site.page()
        begin(page)
        page.screenshot("study-hostile")
        assert "<img src=x onerror=" in page.text(".talk")
        assert "\\u202eevil" in page.text(".texts")
        assert page.run("return document.querySelectorAll('img').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE, (320, 568)])
@pytest.mark.parametrize("kind", ["pairs", "ratings"])
def test_it_fits_and_can_be_read(
    driver: Any, tmp_path: Path, kind: str, size: tuple[int, int], scheme: str
) -> None:
    folder = made_study(tmp_path, 6, kind=kind)
    name = f"study-{kind}-{size[0]}-{scheme}"
    with served(driver, folder) as site:
        page = site.page()
        page.open(size, scheme)
        page.screenshot(f"{name}-intro")
        fits(page)
        page.click("#agree")
        page.run("document.getElementById('start').click()")
        begin_page(page, 0)
        page.screenshot(f"{name}-top")
        for key in "1313":
            page.press(key)
        page.screenshot(name)
        fits(page)
        for _ in range(3):
            page.press("3")
        page.click("#next")
        begin_page(page, 1)
    assert len(answered(folder, "ana")) == 1


def fits(page: Browser) -> None:
    assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert min(contrasts(page, TEXTS)) >= 4.5
