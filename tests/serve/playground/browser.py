"""The page in a window: what a person does on it."""

from typing import Any

from tests.browser import ENTER, WIDE, Browser


class Tab(Browser):
    """The page of a server."""

    def __init__(self, driver: Any, port: int) -> None:
        super().__init__(driver, f"http://127.0.0.1:{port}/playground/")

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light", shows: str = "") -> None:
        """Open the page as somebody who was never there."""
        self.look(size, scheme)
        self.driver.get(self.url)
        self.run("localStorage.clear(); sessionStorage.clear(); onbeforeunload = null")
        self.driver.get(self.url)
        self.until(lambda: self.count(".welcome, .trouble, .answer"))

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
