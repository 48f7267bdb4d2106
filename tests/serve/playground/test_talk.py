"""The page in a real Chromium with the real server, its planner, and stored replies."""

import json
from pathlib import Path

import pytest

from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.taxonomy import load_taxonomy
from tests.browser import DOWN, ENTER, ESCAPE, PHONE, TAB, WIDE
from tests.serve.playground.browser import Tab

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TALK = (
    "I failed the driving test again.",
    "I practised for weeks and then I forgot to look over my shoulder.",
    "My brother laughed when I told him.",
    "Do you think I should give up?",
    "What would you do in my place?",
    "I could take five more lessons, but they cost so much.",
    "How do other people stay calm?",
    "Remember what I said about my brother?",
    "Maybe he could practise with me.",
    "Thank you. Can you write me a plan for this week?",
)


def test_a_talk_from_the_first_word_to_the_file(page: Tab, downloads: Path) -> None:
    page.open()
    assert page.text(".offline").startswith("Offline: no model is set.")
    for number, text in enumerate(TALK, 1):
        page.say(text)
        assert len(page.skills()) == number
    assert set(page.skills()) <= set(load_taxonomy().names())
    assert page.texts(".timeline ol .name") == page.skills()
    assert len(page.texts(".beside .evidence li")) >= 1
    assert len(page.texts(".beside .ranking li")) == 5
    page.screenshot("talk-light")

    page.button("Other skill", ".beside")
    page.until(lambda: page.count("[role=combobox]:focus"))
    page.press("ethic")
    page.until(lambda: page.texts("[role=option] strong") == ["Ethics"])
    page.press(ENTER)
    page.until(lambda: page.skills()[-1] == "Ethics" and page.idle())
    assert page.text(".beside .badge") == "chosen by you"
    assert "2/2" in page.text(".variants")

    page.button("Compare")
    page.until(lambda: page.count(".without .bubble p") >= 1 and page.idle())
    assert len(page.texts(".costs tbody tr")) == 3
    page.screenshot("compare")

    said = page.texts(".answer .words > .bubble")
    page.button("Save")
    page.until(lambda: any(file.stat().st_size for file in downloads.glob("*.jsonl")))
    [saved] = downloads.glob("*.jsonl")
    [dialogue] = accepted(read_dialogues(saved))
    assert len(dialogue.turns) == 20
    assert dialogue.turns[-1].annotations[0].skill == "Ethics"
    page.driver.find_element("css selector", "#file").send_keys(str(saved))
    page.until(lambda: "Opened 20 turns." in page.text(".notice"))
    assert page.texts(".answer .words > .bubble") == said
    assert "2/2" in page.text(".variants")
    assert page.barriers() == []


@pytest.mark.slow
def test_the_context_changes_the_plan(page: Tab) -> None:
    page.open()
    page.say("I have to tell you something about the money.")
    before = page.text(".beside .ranking")
    page.write("#field-situation", "The user borrowed money and lied about it; a judge asks what is right.")
    page.write("#field-emotion", "Guilty")
    page.until(lambda: "now be planned as" in page.text(".side .stale"))
    page.screenshot("context")
    page.button("Answer again with this")
    page.until(lambda: page.idle() and "2/2" in page.text(".variants"))
    assert page.text(".beside .ranking") != before
    assert "Guilty" in page.text(".beside .evidence")
    assert page.count(".side label[data-lit]") >= 1
    assert page.texts(".side .stale") == []


@pytest.mark.slow
def test_evidence_lights_its_turn(page: Tab) -> None:
    page.open()
    page.say("My mother died last spring.")
    page.say("I still call her number to hear her voice.")
    item = page.driver.find_element("css selector", ".beside .evidence button")
    page.run("arguments[0].focus()", item)
    page.until(lambda: page.count(".row[data-lit]") == 1)
    turn = next(word for word in item.text.split("\n") if word.startswith("turn ")).removeprefix("turn ")
    assert page.run("return document.querySelector('.row[data-lit]').id") == f"turn-{int(turn) - 1}"
    page.press(ENTER)


@pytest.mark.slow
def test_the_timeline_leads_to_a_reply(page: Tab) -> None:
    page.open()
    for text in TALK[:6]:
        page.say(text)
    page.click(".timeline button", 1)
    page.until(lambda: page.count(".answer[data-selected] + .row") == 1)
    place = page.run("return [...document.querySelectorAll('.answer')].indexOf(document.activeElement)")
    assert place == 1
    top = page.run("return document.activeElement.getBoundingClientRect().top")
    assert 0 < top < WIDE[1]
    assert page.text(".beside .skill > button") == page.skills()[1]


@pytest.mark.slow
def test_korean_and_dark(page: Tab) -> None:
    page.open(scheme="dark")
    assert page.css("html", "background-color") == "rgb(19, 22, 25)"
    page.button("한국어")
    assert page.run("return document.documentElement.lang") == "ko"
    page.click(".welcome li button")
    page.until(lambda: page.count(".answer") == 1 and page.idle())
    for text in ("아버지가 뭐라고 하실지 걱정돼.", "너라면 어떻게 할 것 같아?"):
        page.say(text)
    korean = {skill.names["ko"] for skill in load_taxonomy().skills}
    assert set(page.skills()) <= korean
    assert page.texts(".beside h3") == ["선택을 움직인 것", "스킬 순위"]
    page.screenshot("korean-dark")
    assert page.barriers() == []
    page.run("document.activeElement.blur()")
    page.press("t")
    page.until(lambda: page.css("html", "background-color") == "rgb(246, 245, 241)")
    page.screenshot("korean-light")
    page.driver.refresh()
    page.until(lambda: page.count(".answer") == 3)
    assert page.css("html", "background-color") == "rgb(246, 245, 241)"
    assert page.barriers() == []


@pytest.mark.slow
def test_a_phone_has_everything(page: Tab) -> None:
    page.open(PHONE)
    page.screenshot("phone-start")
    assert page.barriers() == []
    for text in TALK[:3]:
        page.say(text)
    assert page.run("return document.documentElement.scrollWidth") == 390
    page.screenshot("phone-talk")
    assert page.count(".answer .plan") == 0
    page.click(".answer:last-child .more")
    page.until(lambda: page.count(".answer .ranking li") == 5)
    page.run("document.querySelector('.answer .plan').scrollIntoView()")
    page.screenshot("phone-plan")
    page.click(".to-context")
    page.write("dialog #field-situation", "A driving school")
    page.screenshot("phone-context")
    assert page.barriers() == []
    page.press(ESCAPE)
    page.until(lambda: not page.count("dialog"))
    page.click(".to-menu")
    page.screenshot("phone-menu")
    page.button("한국어")
    page.until(lambda: page.text(".to-menu") == "" and page.count("html[lang=ko]") == 1)
    for selector in ("button", "textarea", "select"):
        wide = page.run(
            "return [...document.querySelectorAll(arguments[0])].map((node) => node.getBoundingClientRect())"
            ".filter((box) => box.width && (box.right > 391 || box.left < -1)).length",
            selector,
        )
        assert wide == 0
    assert page.run("return document.documentElement.scrollWidth") == 390


@pytest.mark.slow
def test_everything_by_keyboard(page: Tab) -> None:
    page.open()
    page.press(TAB)
    assert page.focused() == "Skip to the message field"
    page.press(ENTER)
    page.until(lambda: page.focused() == "message")
    page.press("One\ue008" + ENTER + "\ue000two")  # Shift and Enter
    assert page.run("return document.activeElement.value") == "One\ntwo"
    page.press(ENTER)
    page.until(lambda: page.count(".answer") == 1 and page.idle())
    page.say("And more of it.")
    page.run("document.activeElement.blur()")
    page.press("?")
    page.until(lambda: page.count("dialog.help"))
    page.screenshot("help")
    assert page.barriers() == []
    page.press(ESCAPE)
    page.until(lambda: not page.count("dialog"))
    page.press("s")
    page.until(lambda: page.count("[role=combobox]:focus"))
    assert page.count("[role=option]") == len(load_taxonomy().names())
    page.screenshot("picker")
    assert page.barriers() == []
    page.press(DOWN + DOWN + ENTER)
    page.until(lambda: page.idle() and page.skills()[-1] == page.text(".timeline li:last-child .name"))
    assert page.texts(".answer:last-child .head .badge") == ["chosen by you"]
    page.press("k")
    page.until(lambda: page.run("return document.activeElement.dataset.reply") == "2")
    page.press("c")
    assert page.focused() == "field-situation"
    page.run("document.activeElement.blur()")
    page.press("/")
    assert page.focused() == "message"


@pytest.mark.slow
def test_tab_reaches_every_control_and_shows_where_it_is(page: Tab) -> None:
    page.open()
    page.say(TALK[0])
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    wanted = page.run(
        "return [...document.querySelectorAll('a[href], button, textarea, select, input')]"
        ".filter((node) => !node.disabled && !node.hidden && node.offsetParent).length"
    )
    seen = set()
    for _ in range(wanted + 5):
        page.press(TAB)
        name, outline = page.run(
            "const at = document.activeElement; const all = [...document.querySelectorAll('*')];"
            "return [at.tagName + all.indexOf(at), getComputedStyle(at).outlineStyle]"
        )
        assert outline == "solid" or name.startswith("BODY"), name
        seen.add(name)
    # What scrolls can be reached too, so that the arrows move it.
    assert len([name for name in seen if not name.startswith(("BODY", "OL", "ASIDE"))]) == wanted


@pytest.mark.slow
def test_text_stays_text(page: Tab) -> None:
    page.open()
    hostile = '<img src=x onerror="document.title=1"><b>bold</b>'
    page.write("#field-situation", hostile)
    page.say(hostile)
    assert hostile in page.text(".said .bubble")
    turns = [{"speaker": "User", "text": hostile}, {"speaker": "Assistant", "text": hostile}]
    turns[1]["annotations"] = [{"skill": hostile, "explanation": hostile}]  # type: ignore[assignment]
    page.drop("a.jsonl", json.dumps({"turns": turns, "context": {"extra": {hostile: hostile}}}))
    page.until(lambda: "Opened 2 turns." in page.text(".notice"))
    assert hostile in page.text(".answer .bubble")
    assert page.run("return document.querySelectorAll('img, b').length") == 0
    assert page.driver.title == "skillofmind playground"


@pytest.mark.slow
def test_a_wrong_file_is_refused_in_words_and_changes_nothing(page: Tab) -> None:
    page.open()
    page.say(TALK[0])
    page.drop("a.jsonl", '{"turns": [{"speaker": "User"}]}')
    page.until(lambda: 'Turn 1 has no valid "text".' in page.text(".trouble"))
    page.drop("a.jsonl", "no json")
    page.until(lambda: "This is no JSON file" in page.text(".trouble"))
    assert page.count(".answer") == 1
    assert page.barriers() == []


@pytest.mark.slow
def test_the_page_survives_loading_again(page: Tab) -> None:
    page.open()
    page.write("#field-emotion", "Calm")
    page.say(TALK[0])
    reply = page.text(".answer .bubble")
    page.driver.refresh()
    page.until(lambda: page.count(".answer") == 1)
    assert page.text(".answer .bubble") == reply
    assert page.run("return document.getElementById('field-emotion').value") == "Calm"
