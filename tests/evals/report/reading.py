"""A report in a browser, as somebody who reads it."""

from pathlib import Path
from typing import Any, cast

from tests.browser import WIDE, Browser


class Reader(Browser):
    """A page from a file."""

    def __init__(self, driver: Any, path: Path) -> None:
        super().__init__(driver, path.as_uri())

    def show(self, hash: str = "", size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        """Open the page afresh at a place."""
        self.look(size, scheme)
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}{hash}")
        self.until(lambda: self.run("return document.documentElement.dataset.ready"))

    def pick(self, name: str, words: str, within: str = "#filters") -> None:
        """Choose an option by how its words begin."""
        done = self.run(
            "const found = document.querySelector(`${arguments[2]} select[name=${arguments[0]}]`);"
            "const at = [...found.options].findIndex((one) => one.text.startsWith(arguments[1]));"
            "found.selectedIndex = at; found.dispatchEvent(new Event('change', {bubbles: true})); return at",
            name,
            words,
            within,
        )
        assert done >= 0, f"{name} has no option {words!r}"

    def counted(self) -> int:
        """Return how many cases the list says that it has."""
        return int(self.text("#count").split()[0].replace(",", ""))

    def expect(self, count: int) -> None:
        """Wait until the list has so many cases, and its lines as many as can be seen."""
        self.until(lambda: self.text("#count").startswith(f"{count:,} "))
        assert self.run("return document.getElementById('rail').style.height") == f"{76 * count}px"

    def ids(self) -> list[str]:
        """Return the keys of all rows of the list."""
        return cast(list[str], self.run("return list.rows.map(keyOf)"))

    def selected(self) -> str:
        return str(self.run("return keyOf(currentRow())"))
