"""How the page looks in each theme, size and language: nothing overflows, and axe finds nothing.

The pictures in docs/pictures are these, with SOM_SCREENSHOTS set to a folder; the replies are a script's, the
plans the embedded planner's.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.browser import PHONE, WIDE
from tests.serve.playground.browser import Tab
from tests.serve.serving import Serving
from tests.upstream import Upstream

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ENGLISH = (
    ("I failed the bar exam again. By four points.", "Four points. After a whole summer of it, that stings."),
    (
        "I keep thinking everybody at the office knows.",
        "It feels as if it were written on your forehead. Has anybody said a word to you?",
    ),
    (
        "Only Priya. She failed twice before she passed.",
        "Then she knows exactly this morning. What did she do before her third time?",
    ),
    (
        "She joined a group and wrote one essay a day. Should I try a third time?",
        "I think you should. Four points is one essay. Ask Priya which group it was, and book February.",
    ),
)
KOREAN = (
    (
        "또 떨어졌어. 몇 주나 공부했는데 머리가 하얘지더라.",
        "그렇게 준비했는데 그 순간 하얘지다니, 얼마나 막막했어.",
    ),
    ("회사 사람들이 다 아는 것만 같아.", "이마에 써 붙인 기분이구나. 누가 뭐라고 하기는 했어?"),
    ("한 번 더 봐야 할까?", "나는 보면 좋겠어. 이번에는 하루에 한 편씩 같이 써 보자."),
)


class Look(NamedTuple):
    """One way to see the page."""

    name: str
    size: tuple[int, int]
    scheme: str
    lang: str
    compare: bool


LOOKS = (
    Look("light", WIDE, "light", "en", compare=False),
    Look("dark", WIDE, "dark", "en", compare=True),
    Look("phone", PHONE, "light", "en", compare=False),
    Look("phone-dark", PHONE, "dark", "ko", compare=True),
    Look("korean", WIDE, "light", "ko", compare=False),
    Look("narrow", (1024, 768), "dark", "ko", compare=True),
    Look("high-zoom", (640, 430), "light", "en", compare=True),
)


def scripted(body: dict[str, Any]) -> str:
    """Answer as the scripts say; a request without a plan hears something plainer."""
    words = [message["content"] for message in body["messages"]]
    planned = sum(message["role"] == "system" for message in body["messages"]) > 1
    replies = dict(ENGLISH + KOREAN)
    if planned:
        return replies[words[-1]]
    return (
        "안타깝네요. 도움이 필요하면 말씀해 주세요."
        if words[-1] in dict(KOREAN)
        else "I am sorry to hear it."
    )


@pytest.fixture
def tab(driver: Any) -> Iterator[Tab]:
    with Upstream(reply=scripted) as upstream, Serving(upstream.base_url, model="scripted") as server:
        driver.get_log("browser")
        found = Tab(driver, server.port)
        yield found
        assert found.complaints() == []
        driver.get("about:blank")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_it_looks_right(tab: Tab, look: Look) -> None:
    tab.open(WIDE, look.scheme)
    if look.lang == "ko":
        tab.button("한국어")
    situation = ("A friend failed the bar exam.", "친구가 변호사 시험에 떨어졌다.")[look.lang == "ko"]
    tab.write("#field-situation", situation)
    tab.write("#field-relationship", ("Old friends", "오랜 친구")[look.lang == "ko"])
    if look.compare:
        tab.click("[aria-pressed]")
    for text, _ in KOREAN if look.lang == "ko" else ENGLISH:
        tab.say(text)
    tab.look(look.size, look.scheme)
    tab.run("window.scrollTo(0, document.documentElement.scrollHeight)")
    tab.run("document.activeElement.blur()")
    tab.screenshot(look.name)
    assert tab.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert tab.barriers() == []
