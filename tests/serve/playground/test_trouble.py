"""What the page shows when things go wrong: a real server before a scripted model in a real Chromium."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.browser import ENTER, ESCAPE
from tests.serve.playground.browser import Tab
from tests.serve.serving import FixedPlanner, Serving
from tests.upstream import FaultPlan, Upstream, drip, rate_limit, status

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Place(ExitStack):
    """A model, a server and a tab; closes the first two."""

    def __init__(self, driver: Any) -> None:
        super().__init__()
        self._driver = driver

    def opened(self, faults: FaultPlan = (), text: str = "one two three four", **more: Any) -> Tab:
        self.upstream = self.enter_context(Upstream(reply=lambda _: text, faults=faults))
        self.server = Serving(self.upstream.base_url, model="tiny", **more)
        self.server.__enter__()
        tab = Tab(self._driver, self.server.port)
        tab.open()
        return tab

    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.upstream.requests]


@pytest.fixture
def place(driver: Any) -> Iterator[Place]:
    with Place(driver) as found:
        yield found
        driver.get("about:blank")
        found.server.__exit__(None, None, None)
        driver.get_log("browser")


def type_and_send(tab: Tab, text: str) -> None:
    tab.driver.find_element("css selector", "#message").send_keys(text, ENTER)


def test_a_busy_model_says_when_to_try_again_and_nothing_typed_is_lost(place: Place) -> None:
    tab = place.opened([rate_limit(7), None])
    assert tab.texts(".offline") == []
    assert "tiny" in tab.text(".served")
    type_and_send(tab, "Hello")
    tab.until(lambda: "Try again in 7 s." in tab.text(".trouble"))
    assert tab.count(".row") == 0
    assert tab.run("return document.getElementById('message').value") == "Hello"
    tab.screenshot("busy")
    assert tab.barriers() == []
    tab.button("Try again")
    tab.until(lambda: tab.texts(".answer .bubble") == ["one two three four"])
    assert tab.run("return document.getElementById('message').value") == ""
    assert tab.texts(".trouble") == []


def test_what_the_upstream_says_is_shown(place: Place) -> None:
    tab = place.opened([status(500, message="out of <b>memory</b>"), status(401, message="bad upstream key")])
    type_and_send(tab, "Hello")
    tab.until(lambda: "(500). out of <b>memory</b>" in tab.text(".trouble"))
    tab.button("Try again")
    tab.until(lambda: "(401). bad upstream key" in tab.text(".trouble"))
    assert tab.count("dialog") == 0


def test_a_cut_reply_keeps_its_words(place: Place) -> None:
    tab = place.opened([drip(0.1)], text="word " * 60)
    type_and_send(tab, "Hello")
    tab.until(lambda: tab.text(".answer .bubble").count("word") > 2)
    place.server.__exit__(None, None, None)
    tab.until(lambda: tab.count(".trouble"))
    assert "word word" in tab.text(".answer .bubble")
    assert "The connection broke before the end." in tab.text(".answer .bubble")
    tab.screenshot("cut")
    place.server.__enter__()


def test_a_reply_can_be_stopped_and_the_model_is_told(place: Place) -> None:
    tab = place.opened([drip(0.15), drip(0.15)], text="word " * 60)
    type_and_send(tab, "Hello")
    tab.until(lambda: tab.text(".answer .bubble").count("word") > 2)
    assert tab.count(".answer .thought .skill") == 1
    tab.screenshot("writing")
    tab.button("Stop")
    tab.until(lambda: "Stopped before its end." in tab.text(".answer .bubble"))
    tab.until(lambda: place.upstream.counts.disconnects == 1)
    type_and_send(tab, "More")
    tab.until(lambda: tab.count(".answer") == 2 and "word" in tab.texts(".answer .bubble")[1])
    tab.press(ESCAPE)
    tab.until(lambda: "Stopped before its end." in tab.texts(".answer .bubble")[1])
    tab.until(lambda: place.upstream.counts.disconnects == 2)


def test_a_reply_on_its_way_does_not_get_into_another_conversation(place: Place) -> None:
    tab = place.opened([drip(0.1)], text="word " * 60)
    type_and_send(tab, "Hello")
    tab.until(lambda: tab.text(".answer .bubble").count("word") > 2)
    turns = [{"speaker": "User", "text": "Old"}, {"speaker": "Assistant", "text": "As it was"}]
    tab.drop("old.jsonl", json.dumps({"turns": turns}))
    tab.until(lambda: place.upstream.counts.disconnects == 1 and tab.idle())
    assert tab.texts(".bubble") == ["Old", "As it was"]
    type_and_send(tab, "New")
    tab.until(lambda: tab.count(".answer") == 2 and tab.idle())
    tab.button("New")
    tab.driver.switch_to.alert.accept()
    tab.until(lambda: tab.count(".welcome"))
    assert tab.count(".row") == 0


def test_a_server_that_is_gone(place: Place) -> None:
    tab = place.opened()
    place.server.__exit__(None, None, None)
    type_and_send(tab, "Hello")
    tab.until(lambda: "The server does not answer." in tab.text(".trouble"))
    assert tab.run("return document.getElementById('message').value") == "Hello"
    tab.screenshot("gone")
    place.server.__enter__()


def test_a_key_is_asked_for_and_kept_in_memory_only(place: Place) -> None:
    tab = place.opened(keys=("sesame",), allow=("body",))
    type_and_send(tab, "Hello")
    tab.until(lambda: tab.count(".key input:focus"))
    tab.screenshot("key")
    assert tab.barriers() == []
    tab.press("wrong" + ENTER)
    tab.until(lambda: "did not accept" in tab.text(".key"))
    tab.until(lambda: tab.count(".key input:focus"))
    tab.press("sesame" + ENTER)
    tab.until(lambda: tab.texts(".answer .bubble") == ["one two three four"])
    stored = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert "one two" in tab.run(stored)
    assert "sesame" not in tab.run(stored)


def test_a_planner_that_fails_costs_no_answer(place: Place) -> None:
    tab = place.opened(planner=FixedPlanner(error=RuntimeError("broken")))
    type_and_send(tab, "Hello")
    tab.until(lambda: tab.texts(".answer .bubble") == ["one two three four"])
    tab.until(lambda: "No plan" in tab.text(".beside"))
    assert "The planner failed, so the reply was made without a plan." in tab.text(".beside")
    assert tab.text(".timeline .name") == "No plan"
    tab.screenshot("no-plan")
    assert tab.barriers() == []


def test_what_the_model_is_sent(place: Place) -> None:
    tab = place.opened()
    tab.write("#field-situation", "A shop")
    tab.write("#field-agent", "Is patient")
    tab.button("Compare")
    type_and_send(tab, "Hello")
    tab.until(lambda: tab.count(".without .bubble p") and tab.idle())
    planned, plain = place.bodies()
    context = {"role": "system", "content": "Situation: A shop\nAssistant's persona: Is patient"}
    hello = {"role": "user", "content": "Hello"}
    assert [planned["messages"][0], planned["messages"][-1]] == [context, hello]
    assert len(planned["messages"]) == 3
    assert plain["messages"] == [context, hello]
    assert "skillofmind" not in planned.keys() | plain.keys()
    costs = tab.texts(".costs tbody tr")
    assert [row.split("\t")[-1] for row in costs] == ["–", costs[1].split("\t")[-1], "8 / 4"]
    assert "The same words." in tab.text(".without")


def test_a_page_without_its_server_says_so_from_the_start(place: Place) -> None:
    tab = place.opened()
    tab.driver.execute_cdp_cmd("Network.enable", {})
    tab.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/info"]})
    try:
        tab.driver.refresh()
        tab.until(lambda: "The server does not answer." in tab.text(".trouble"))
    finally:
        tab.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    tab.button("Try again")
    tab.until(lambda: tab.count(".welcome"))
