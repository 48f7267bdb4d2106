"""The review page in a real Chromium; skipped, with the reason, where there is none.

Needs `chromium`, `chromedriver` and the Python package `selenium`; screenshots go to the folder that
SOM_SCREENSHOTS names, if it does.
"""

import importlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skillofmind.mind.dataset.review import Decision, decisions
from tests.cli.som import started
from tests.mind.dataset.annotated_run import mixed_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

WIDE, PHONE = (1280, 860), (390, 844)


class Browser:
    """One window on a page."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        width, height = size
        devtools = self.driver.execute_cdp_cmd
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        devtools("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        devtools("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(self.url)
        self.until(lambda: self.text("#main code"))

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def text(self, selector: str) -> str:
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return str(found)

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText)"
        return [str(text) for text in self.run(script, selector)]

    def press(self, keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(keys)

    def click(self, selector: str, place: int = 0) -> None:
        self.driver.find_elements("css selector", selector)[place].click()

    def until(self, holds: Callable[[], Any]) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end, f"it did not come to that; the page says {self.text('body')!r}"
            time.sleep(0.02)

    def has_other_count(self, count: str) -> bool:
        return self.text("#count") != count

    def until_decided(self, count: int) -> None:
        self.until(lambda: f"{count} decided" in self.text("#count"))

    def screenshot(self, name: str) -> None:
        if folder := os.environ.get("SOM_SCREENSHOTS"):
            time.sleep(0.4)
            self.driver.save_screenshot(str(Path(folder, f"{name}.png")))


class Review(NamedTuple):
    """A browser at work on a run."""

    browser: Browser
    folder: Path

    def decided(self) -> list[Decision]:
        return [of_one["ana"] for of_one in decisions(self.folder).values()]


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no chromium with chromedriver on the path")
    try:
        webdriver = importlib.import_module("selenium.webdriver")
        service = importlib.import_module("selenium.webdriver.chrome.service")
    except ImportError:
        pytest.skip("the Python package selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=service.Service(chromedriver))
    try:
        yield found
    finally:
        found.quit()


@pytest.fixture
def review(driver: Any, tmp_path: Path) -> Iterator[Review]:
    yield from served(driver, mixed_run(tmp_path))


@pytest.fixture
def blind(driver: Any, tmp_path: Path) -> Iterator[Review]:
    yield from served(driver, mixed_run(tmp_path), "--blind")


def served(driver: Any, folder: Path, *words: str) -> Iterator[Review]:
    driver.get_log("browser")
    with started("review", folder, "--reviewer", "ana", "--web", *words) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[1]
        yield Review(Browser(driver, url), folder)
        assert driver.get_log("browser") == []


def test_keys_decide_and_show_the_next_card(review: Review) -> None:
    page = review.browser
    page.open()
    page.screenshot("light")
    first = page.text("#main code")
    page.press("a")
    page.until_decided(1)
    assert page.text("#main code") != first
    page.press("s")
    page.until(lambda: page.text("#count").startswith("3 of 16"))
    page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", "key": "ㄱ", "code": "KeyR"})
    page.until(lambda: page.texts("#note"))
    page.screenshot("note")
    page.press("not so\n")
    page.until_decided(2)
    assert [(one.verdict, one.note) for one in review.decided()] == [("accept", ""), ("reject", "not so")]
    assert review.decided()[0].row == first
    page.press("b")
    page.until(lambda: "You decided: reject. Note: not so" in page.text("#main"))


def test_an_edit_takes_skill_and_words(review: Review) -> None:
    page = review.browser
    page.open()
    page.press("e")
    page.until(lambda: page.texts("#explanation"))
    page.screenshot("edit")
    page.run("document.getElementById('skill').value = 'Rhetoric'")
    page.click("#explanation")
    page.press(" 그리고 더.")
    page.press("\ue009\ue007")  # Ctrl and Enter
    page.until_decided(1)
    [one] = review.decided()
    assert (one.verdict, one.skill) == ("edit", "Rhetoric")
    assert one.explanation.endswith(" 그리고 더.")
    assert page.texts("#list .edit") == ["✎"]


def test_letters_in_a_form_decide_nothing(review: Review) -> None:
    page = review.browser
    page.open()
    page.press("r")
    page.until(lambda: page.texts("#note"))
    page.press("area")
    page.press("\ue00c")  # Escape
    page.until(lambda: not page.texts("#note"))
    assert review.decided() == []


def test_text_from_the_data_stays_text(review: Review) -> None:
    page = review.browser
    page.open()
    page.click("#list button", page.texts("#list .name").index("Advice <b>"))
    page.until(lambda: page.text("#main code") == "0:own:hostile")
    page.screenshot("hostile")
    assert "<img src=x onerror=" in page.text(".explanation")
    assert "\\u202eevil" in page.text(".explanation")
    assert page.run("return document.querySelectorAll('img, #main b').length") == 0
    assert page.driver.title == "Review"


def test_rejected_rows_are_a_choice_of_the_filter(review: Review) -> None:
    page = review.browser
    page.open()
    page.run(
        "const f = document.getElementById('filter'); f.value = 'rleak'; f.dispatchEvent(new Event('change'))"
    )
    page.until(lambda: page.text(".reason") == "leak")
    page.screenshot("rejection")
    assert "gives away words" in page.text("#main")
    page.press("e")
    page.press("a")
    page.until_decided(1)
    assert [(one.verdict, one.number, one.teacher) for one in review.decided()] == [("accept", -1, "leak")]


def test_the_end_leads_to_the_agreement(review: Review) -> None:
    page = review.browser
    page.open()
    for count in range(16):
        page.press("a")
        page.until_decided(count + 1)
    assert "All 16 decided" in page.text("#main")
    page.click("#main button")
    page.until(lambda: page.texts(".big"))
    page.screenshot("agreement")
    assert page.texts(".big") == ["100%", "100%"]
    assert "16 of 16 annotations" in page.text(".tile")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE, (320, 568)])
def test_it_fits_and_can_be_read(review: Review, size: tuple[int, int], scheme: str) -> None:
    page = review.browser
    page.open(size, scheme)
    page.click("footer button", 3)
    page.until_decided(1)
    for _ in range(16):
        here = page.text("#count")
        if page.text("#main code") == "0:ko:1":
            break
        page.press("s")
        page.until(partial(page.has_other_count, here))
    page.screenshot(f"korean-{size[0]}-{scheme}")
    assert "정말 힘들었겠다" in page.text(".reply")
    assert "공감" in page.text(".skill")
    assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert all(ratio >= 4.5 for ratio in page.run(_CONTRASTS)), page.run(_CONTRASTS)
    page.click("#tab-agreement")
    page.until(lambda: page.texts(".big"))
    page.screenshot(f"agreement-{size[0]}-{scheme}")
    assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0


def test_blind_asks_for_a_skill_first(blind: Review) -> None:
    page = blind.browser
    page.open()
    page.screenshot("blind")
    assert set(page.texts("#list .name")) == {"hidden"}
    assert page.texts(".explanation") == []
    page.press("a")  # goes into the search field
    page.press("ctive lis\n")
    page.until(lambda: page.texts(".explanation"))
    assert "You chose Active Listening." in page.text(".before")
    page.press("a")
    page.until_decided(1)
    assert [(one.verdict, one.blind) for one in blind.decided()] == [("accept", "Active Listening")]


def test_a_wrong_token_shows_no_page(review: Review) -> None:
    driver = review.browser.driver
    driver.get(re.sub("token=.*", "token=wrong", review.browser.url))
    assert "token is missing or wrong" in driver.page_source
    # The browser asks for the page's icon a moment later, and is told the same; then nothing more is due.
    driver.get("about:blank")
    driver.get_log("browser")


_CONTRASTS = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
};
return [...document.querySelectorAll(".speaker, .words, .hint, .skill, .known, .facts, .act, h2, .count")]
  .filter((node) => node.offsetParent)
  .map((node) => [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a))
  .map(([above, below]) => (above + 0.05) / (below + 0.05));
"""
