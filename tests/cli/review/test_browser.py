"""The review page in a real Chromium; skipped, with the reason, where there is none."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skillofmind.mind.dataset.review import Decision, decisions
from tests.browser import PHONE, WIDE, Browser, chromium, contrasts
from tests.cli.som import started
from tests.mind.dataset.annotated_run import mixed_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

TEXTS = ".speaker, .words, .hint, .skill, .known, .facts, .act, h2, .count"


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chromium() as found:
        yield found


class Page(Browser):
    """The window on a review."""

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light", shows: str = "#main code") -> None:
        super().open(size, scheme, shows)

    def has_other_count(self, count: str) -> bool:
        return self.text("#count") != count

    def until_decided(self, count: int) -> None:
        self.until(lambda: f"{count} decided" in self.text("#count"))


class Review(NamedTuple):
    """A browser at work on a run."""

    browser: Page
    folder: Path

    def decided(self) -> list[Decision]:
        return [of_one["ana"] for of_one in decisions(self.folder).values()]


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
        yield Review(Page(driver, url), folder)
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
    assert all(ratio >= 4.5 for ratio in contrasts(page, TEXTS)), contrasts(page, TEXTS)
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
