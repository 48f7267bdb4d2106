"""A real Chromium for the pages of `som`: one window, its keys and what it shows.

Needs `chromium`, `chromedriver` and the Python package `selenium`; screenshots go to the folder that
SOM_SCREENSHOTS names, if it does.
"""

import importlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WIDE, PHONE = (1280, 860), (390, 844)


class Browser:
    """One window on a page."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light", shows: str = "#main") -> None:
        """Open the page and wait until there is text in `shows`."""
        width, height = size
        devtools = self.driver.execute_cdp_cmd
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        devtools("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        devtools("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(self.url)
        self.until(lambda: self.text(shows))

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

    def screenshot(self, name: str) -> None:
        if folder := os.environ.get("SOM_SCREENSHOTS"):
            time.sleep(0.4)
            self.driver.save_screenshot(str(Path(folder, f"{name}.png")))


def chromium() -> Iterator[Any]:
    """Yield the driver of a browser, as a fixture; skips where there is none."""
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
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=service.Service(chromedriver))
    try:
        yield found
    finally:
        found.quit()


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
