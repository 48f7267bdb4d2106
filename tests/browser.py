"""A real Chromium for the pages of `som`: one window, its keys and what it shows.

Needs `chromium`, `chromedriver` and the Python package `selenium`; screenshots go to the folder that
SOM_SCREENSHOTS names, if it does.
"""

import importlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.structure.source import ROOT

WIDE, PHONE = (1280, 860), (390, 844)
AXE = ROOT / "playground" / "node_modules" / "axe-core" / "axe.min.js"
ENTER, ESCAPE, TAB, DOWN = "\ue007", "\ue00c", "\ue004", "\ue015"


class Browser:
    """One window on a page."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light", shows: str = "#main") -> None:
        """Open the page and wait until there is text in `shows`."""
        self.look(size, scheme)
        self.driver.get(self.url)
        self.until(lambda: self.text(shows))

    def look(self, size: tuple[int, int], scheme: str = "light") -> None:
        """Change the size of the window and the theme of the system."""
        width, height = size
        devtools = self.driver.execute_cdp_cmd
        devtools(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        devtools("Emulation.setDeviceMetricsOverride", metrics)

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def text(self, selector: str) -> str:
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return str(found)

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText)"
        return [str(text) for text in self.run(script, selector)]

    def count(self, selector: str) -> int:
        return cast(int, self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def css(self, selector: str, name: str) -> str:
        script = (
            "return getComputedStyle(document.querySelector(arguments[0])).getPropertyValue(arguments[1])"
        )
        return str(self.run(script, selector, name))

    def press(self, keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(keys)

    def focused(self) -> str:
        """Return what the focused element is called, short."""
        return str(
            self.run(
                "const at = document.activeElement;"
                "return at.id || at.getAttribute('aria-label') || at.innerText.trim() || at.tagName"
            )
        )

    def click(self, selector: str, place: int = 0) -> None:
        node = self.driver.find_elements("css selector", selector)[place]
        # The bars at the top and the bottom cover what scrolls; the page says how much of it.
        self.run("arguments[0].scrollIntoView({block: 'nearest'})", node)
        node.click()

    def button(self, name: str, within: str = "body") -> None:
        """Click the button with these words."""
        found = self.texts(f"{within} button")
        self.click(f"{within} button", [text.strip() for text in found].index(name))

    def write(self, selector: str, text: str) -> None:
        """Replace the text of a field."""
        field = self.driver.find_element("css selector", selector)
        field.send_keys("\ue009a\ue000\ue003")  # Ctrl and A, then Backspace
        field.send_keys(text)

    def until(self, holds: Callable[[], Any], seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"it did not come to that; the page says {self.text('body')!r}"
            time.sleep(0.02)

    def complaints(self) -> list[str]:
        """Return what the browser's console says, and forget it."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def barriers(self) -> list[str]:
        """Return what axe finds wrong for people with disabilities; skip where axe is not there."""
        if not AXE.is_file():
            pytest.skip("axe-core is not there; `npm ci` in playground/ brings it")
        self.settled()
        self.driver.execute_script(AXE.read_text("utf-8"))
        script = (
            "const done = arguments[0]; axe.run().then((found) => done(JSON.stringify(found.violations)))"
        )
        found = json.loads(self.driver.execute_async_script(script))
        return [f"{one['id']}: {[node['html'][:160] for node in one['nodes']]}" for one in found]

    def settled(self) -> None:
        """Wait for transitions, which have colours of their own on the way."""
        script = (
            "return document.getAnimations().every((each) => each.playState !== 'running'"
            " || each.effect.getComputedTiming().iterations === Infinity)"
        )
        self.until(lambda: self.run(script))

    def screenshot(self, name: str) -> None:
        """Take a picture for the folder that SOM_SCREENSHOTS names, if it does."""
        if folder := os.environ.get("SOM_SCREENSHOTS"):
            self.settled()
            self.driver.save_screenshot(str(Path(folder, f"{name}.png")))


@contextmanager
def chromium(downloads: Path | None = None) -> Iterator[Any]:
    """Give the driver of a browser, which saves files to `downloads`; skip, with the reason, without one."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if binary is None or chromedriver is None:
        pytest.skip("no chromium with chromedriver on the path")
    try:
        webdriver = importlib.import_module("selenium.webdriver")
        service = importlib.import_module("selenium.webdriver.chrome.service")
    except ImportError:
        pytest.skip("the Python package selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=service.Service(chromedriver))
    try:
        if downloads is not None:
            where = {"behavior": "allow", "downloadPath": str(downloads)}
            driver.execute_cdp_cmd("Browser.setDownloadBehavior", where)
        yield driver
    finally:
        driver.quit()


def contrasts(browser: Browser, selector: str) -> list[float]:
    """Return the contrast of each visible text that the selector finds, against what is behind it."""
    return [float(ratio) for ratio in browser.run(_CONTRASTS, selector)]


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
return [...document.querySelectorAll(arguments[0])]
  .filter((node) => node.offsetParent)
  .map((node) => [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a))
  .map(([above, below]) => (above + 0.05) / (below + 0.05));
"""
