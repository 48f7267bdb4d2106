"""A real Chromium for the tests of the page: one window, driven through its keys, clicks and texts."""

import importlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.structure.source import ROOT

WIDE, PHONE = (1280, 860), (390, 844)
AXE = ROOT / "playground" / "node_modules" / "axe-core" / "axe.min.js"
ENTER, ESCAPE, TAB, DOWN = "\ue007", "\ue00c", "\ue004", "\ue015"


def chromium(downloads: Path) -> Any:
    """Start a browser that saves files to `downloads`; skip, with the reason, where there is none."""
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
    where = {"behavior": "allow", "downloadPath": str(downloads)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    return driver


class Tab:
    """The page in a window."""

    def __init__(self, driver: Any, port: int) -> None:
        self.driver, self.url = driver, f"http://127.0.0.1:{port}/playground/"

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        """Open the page as somebody who was never there."""
        self.look(size, scheme)
        self.driver.get(self.url)
        self.run("localStorage.clear(); sessionStorage.clear(); onbeforeunload = null")
        self.driver.get(self.url)
        self.until(lambda: self.count(".welcome, .trouble, .answer"))

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

    def idle(self) -> bool:
        return not self.count(".composer .stop")

    def say(self, text: str) -> None:
        """Send a message and wait for the whole reply."""
        answers = self.count(".answer")
        self.driver.find_element("css selector", "#message").send_keys(text, ENTER)
        self.until(lambda: self.count(".answer") == answers + 1 and self.idle())

    def skills(self) -> list[str]:
        return self.texts(".answer .thought .skill > button")

    def drop(self, name: str, text: str) -> None:
        """Drop a file on the page."""
        self.run(
            "const carried = new DataTransfer(); carried.items.add(new File([arguments[1]], arguments[0]));"
            "window.dispatchEvent(new DragEvent('drop', {dataTransfer: carried, cancelable: true}))",
            name,
            text,
        )

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
