"""The report in a real Chromium; skipped, with the reason, where there is none.

Screenshots go to the folder that SOM_SCREENSHOTS names, if it does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from skillofmind.evals.records import Case, Estimate
from skillofmind.evals.report import write_report
from skillofmind.evals.report.rows import outcome
from tests.browser import DOWN, ESCAPE, PHONE, WIDE
from tests.evals.report.material import ARABIC, COUNT, EMOJI, HIDDEN, HOSTILE, LONG, Made, made, odd_run
from tests.evals.report.reading import Reader

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CASES = "#view=cases"


def keys(found: list[Case]) -> list[str]:
    return [case.item.key for case in found]


def shown(one: Estimate) -> str:
    """Return an estimate as the page writes it."""
    if one.value is None:
        return "–"
    ends = "" if one.low is None or one.high is None else f" [{one.low:.3f}, {one.high:.3f}]"
    return f"{one.value:.3f}{ends}".replace("-", "−")


def named(case: Case) -> str | None:
    return case.answer.plan.skill if case.answer.plan else None


def link(case: Case) -> str:
    return f"#case={quote(case.item.key, safe='')}"


def test_the_overview_shows_every_number(page: Reader, two: Made) -> None:
    page.show()
    page.screenshot("report-overview")
    page.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    text = page.text("body")
    for _, summary, _ in two.runs:
        for result in summary.results:
            for one in result.estimates:
                assert shown(one) in text, one
        assert all(note in text for note in summary.notes)
    arms = [one for _, summary, _ in two.runs for one in summary.differences]
    assert min(len(two.between), len(arms)) > 40
    assert page.count("#differences .dots tbody tr:not(.axis)") == len(two.between) + len(arms)
    assert page.texts(".runs .run-name") == ["one", "two"]


def test_it_loads_nothing_and_may_not(page: Reader) -> None:
    page.show()
    assert page.run("return performance.getEntriesByType('resource').length") == 0
    script = (
        "const done = arguments[0];"
        "fetch('http://127.0.0.1:9/').then(() => done('sent'), () => done('refused'))"
    )
    assert page.driver.execute_async_script(script) == "refused"
    assert any("Content Security Policy" in line for line in page.complaints())


def test_one_filter_at_a_time(page: Reader, two: Made) -> None:
    cases = two.cases()
    skill = cases[0].item.gold.skills[0]
    wanted = {
        ("task", "bst"): [case for case in cases if case.item.task == "bst"],
        ("arm", "names"): [case for case in cases if case.item.arm == "names"],
        ("arm", "plain"): [case for case in cases if case.item.arm == ""],
        ("result", "right"): [case for case in cases if outcome(case) == "right"],
        ("result", "failed"): [case for case in cases if outcome(case) == "failed"],
        ("gold", skill): [case for case in cases if case.item.gold.skills[0] == skill],
        ("guess", skill): [case for case in cases if named(case) == skill],
        ("slice", "lang: ko"): [case for case in cases if case.item.slices["lang"] == "ko"],
    }
    for (name, words), found in wanted.items():
        page.show(CASES)
        page.pick(name, words)
        page.expect(len(found))
        assert page.ids() == keys(found)


def test_filters_add_up_and_can_be_taken_away(page: Reader, two: Made) -> None:
    page.show(CASES)
    page.click("#more")
    page.pick("task", "bst")
    page.pick("result", "wrong")
    both = [case for case in two.cases() if case.item.task == "bst" and outcome(case) == "wrong"]
    page.expect(len(both))
    assert page.texts("#chips button") == ["task bst ✕", "result wrong ✕"]
    page.screenshot("report-filters")
    page.click("#chips button")
    page.expect(sum(outcome(case) == "wrong" for case in two.cases()))
    page.click("#reset")
    page.expect(COUNT)
    page.driver.back()
    page.expect(sum(outcome(case) == "wrong" for case in two.cases()))


def test_the_run_that_judges_can_be_changed(page: Reader, two: Made) -> None:
    page.show(CASES)
    page.pick("run", "two")
    page.pick("result", "right")
    page.expect(sum(outcome(case) == "right" for case in two.cases(1)))


def test_the_search_reads_turns_plans_gold_and_ids(page: Reader, two: Made) -> None:
    case = two.cases()[7]
    assert case.answer.plan is not None
    texts = [
        case.item.dialogue.turns[0].text,
        case.answer.plan.explanation,
        case.item.gold.reply,
        case.item.id,
    ]
    page.show(CASES)
    for text in texts:
        page.write("#q", text.upper())
        words = text.casefold().split()
        both = zip(two.cases(), two.cases(1), strict=True)
        page.expect(sum(all(word in everything(*pair) for word in words) for pair in both))
        assert case.item.key in page.ids()
    page.write("#q", "zzzz")
    page.expect(0)
    assert "No case passes" in page.text("#reader")


def everything(*cases: Case) -> str:
    item = cases[0].item
    parts = [item.id, item.gold.explanation, item.gold.reply, *item.gold.skills]
    parts += [f"{turn.speaker}\n{turn.text}" for turn in item.dialogue.turns]
    parts += [
        f"Situation: {item.dialogue.context.situation}",
        f"Relationship: {item.dialogue.context.relationship}",
    ]
    for case in cases:
        plan = case.answer.plan
        parts += [
            case.answer.error or "",
            plan.explanation if plan else "",
            (plan.skill or "") if plan else "",
        ]
    return "\n".join(parts).casefold()


def test_the_list_sorts_by_confidence_and_by_scores(page: Reader, two: Made) -> None:
    sure = {case.item.key: case.answer.plan.confidence for case in two.cases() if case.answer.plan}
    page.show(CASES)
    page.pick("sort", "most sure first")
    page.until(lambda: page.ids()[0] == max(sure, key=lambda key: sure[key] or 0.0))
    shown = [sure.get(key) for key in page.ids()]
    there = [value for value in shown if value is not None]
    assert there == sorted(there, reverse=True)
    assert shown[len(there) :] == [None] * (COUNT - len(there))
    page.pick("sort", "lrap, lowest first")
    lraps = {case.item.key: case.scores["lrap"] for case in two.cases()}
    page.until(lambda: lraps[page.ids()[0]] == min(value for value in lraps.values() if value is not None))


def test_a_case_shows_everything(page: Reader, two: Made) -> None:
    case = next(case for case in two.cases() if outcome(case) == "wrong")
    item, plan = case.item, case.answer.plan
    assert plan is not None
    page.show(link(case))
    text = page.text("#reader")
    for said in (
        item.task,
        item.id,
        item.group,
        f"Situation: {item.dialogue.context.situation}",
        *(turn.text for turn in item.dialogue.turns),
        f"Now {item.dialogue.next_speaker()} answers.",
        item.gold.skills[0],
        item.gold.explanation,
        item.gold.reply,
        plan.explanation,
        f"{100 * (plan.confidence or 0):.0f} % sure",
        *(one.skill for one in plan.alternatives),
        *(name for name, value in case.scores.items() if value is not None),
    ):
        assert said in text, said
    assert page.texts(".verdict")[0] == "✕ wrong"
    page.screenshot("report-case")


def test_a_failure_says_why(page: Reader, two: Made) -> None:
    case = next(case for case in two.cases() if case.answer.error)
    page.show(link(case))
    assert "The server gave no answer within 60 seconds." in page.text(".error")
    assert page.texts(".verdict")[0] == "! failed"


def test_wins_and_losses_are_counted_and_lead_to_their_cases(page: Reader, two: Made) -> None:
    pairs = [(outcome(one), outcome(two)) for one, two in zip(two.cases(), two.cases(1), strict=True)]
    won, lost = pairs.count(("wrong", "right")), pairs.count(("right", "wrong"))
    differs = sum(named(one) != named(other) for one, other in zip(two.cases(), two.cases(1), strict=True))
    assert min(won, lost) > 10
    page.show(CASES)
    tally = [
        f"{won} won",
        f"{lost} lost",
        f"{pairs.count(('wrong', 'wrong'))} both wrong",
        f"{differs} skill differs",
    ]
    assert page.texts(".win") == tally
    page.click(".win")
    page.expect(won)
    assert page.texts(".verdict") == ["✕ wrong", "✓ right"]
    assert page.texts(".win") == tally
    page.screenshot("report-compare")


def test_words_that_differ_between_explanations_are_marked(page: Reader, two: Made) -> None:
    pairs = zip(two.cases(), two.cases(1), strict=True)
    one, other = next(pair for pair in pairs if all(case.answer.plan for case in pair))
    page.show(link(one))
    assert one.answer.plan is not None
    assert other.answer.plan is not None
    first = page.texts(".answer:nth-child(1) mark")
    second = page.texts(".answer:nth-child(2) mark")
    words = [plan.explanation.split() for plan in (one.answer.plan, other.answer.plan)]
    # Both begin with the words of the right explanation, which are therefore not marked.
    assert words[0][:4] == words[1][:4]
    assert 0 < len(first) < len(words[0])
    left = [word for word in words[0] if word not in first]
    assert len(words[0]) - len(first) == len(words[1]) - len(second)
    assert left[:4] == words[0][:4]


def test_other_arms_of_an_item_are_a_click_away(page: Reader, two: Made) -> None:
    case = two.cases()[0]
    page.show(link(case))
    page.click(".arms a")
    page.until(lambda: "names" in page.text("h1:not(.unseen)"))
    assert page.selected() == f"{case.item.task}/names/{case.item.id}"
    changed = {case.item.key for case in two.cases()}
    page.show(CASES)
    page.pick("change", "skill differs between arms")
    page.until(lambda: page.counted() < COUNT)
    by_arm = {(case.item.task, case.item.id, case.item.arm): named(case) for case in two.cases()}
    differ = [key for key in by_arm if by_arm[(*key[:2], "")] != by_arm[(*key[:2], "names")]]
    assert len(page.ids()) == len(differ)
    assert set(page.ids()) <= changed


def test_keys(page: Reader, two: Made) -> None:
    order = keys(two.cases())
    page.show(CASES)
    for key, at in (("j", 1), ("j", 2), ("k", 1)):
        page.press(key)
        page.until(lambda at=at: page.selected() == order[at])  # type: ignore[misc]
    page.press("/")
    assert page.focused() == "q"
    page.press("jj")
    page.expect(0)
    page.press(ESCAPE)
    assert page.focused() == "list"
    page.expect(0)
    page.write("#q", "")
    page.expect(COUNT)
    page.press(ESCAPE)
    page.press(DOWN)
    page.until(lambda: page.selected() == order[1])
    page.press("\ue010")  # End
    page.until(lambda: page.selected() == order[-1])
    assert page.run(
        "return document.querySelector('[aria-selected=true]').getBoundingClientRect().bottom <= innerHeight"
    )
    page.press("f")
    assert page.run("return document.getElementById('more').getAttribute('aria-expanded')") == "true"


def test_a_choice_keeps_the_focus(page: Reader) -> None:
    page.show(CASES)
    page.click("#more")
    page.run("document.querySelector('select[name=task]').focus()")
    page.press("b")
    page.expect(COUNT // 4)
    assert page.run("return document.activeElement.name") == "task"


def test_a_link_opens_its_case(page: Reader, two: Made) -> None:
    case = two.cases()[100]
    page.show(link(case))
    assert page.selected() == case.item.key
    assert case.item.dialogue.turns[0].text in page.text("#reader")
    assert page.run("return document.querySelectorAll('.line[aria-selected=true]').length") == 1
    assert page.run(
        "const at = document.querySelector('.line[aria-selected=true]').getBoundingClientRect();"
        "const box = document.getElementById('list').getBoundingClientRect();"
        "return at.top >= box.top && at.bottom <= box.bottom"
    )
    page.show("#case=no/such/case")
    assert "no such case" in page.text("#reader")


def test_cells_and_bars_lead_to_their_cases(page: Reader) -> None:
    for selector in (".heat td a", ".confusions a", ".skillwise th a", "#slices tbody th a"):
        page.show("#view=overview&task=bst&arm=")
        number = page.run(
            "const one = document.querySelector(arguments[0]);"
            "return (one.closest('.dots tr')?.lastChild ?? one).innerText.match(/\\d+/)[0]",
            selector,
        )
        page.click(selector)
        page.until(lambda: page.counted() < COUNT)
        assert page.counted() == int(number), selector


def test_only_lines_that_can_be_seen_are_there(page: Reader) -> None:
    page.show(CASES)
    assert page.count(".line") < 40
    page.run("document.getElementById('list').scrollTop = 76 * 200")
    page.until(
        lambda: page.run(
            "return [...document.querySelectorAll('.line')]"
            ".some((one) => one.getAttribute('aria-posinset') === '201')"
        )
    )
    assert page.count(".line") < 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, (820, 1100), PHONE, (320, 568)])
def test_it_fits_and_axe_finds_nothing(page: Reader, two: Made, size: tuple[int, int], scheme: str) -> None:
    for place in ("", CASES, link(two.cases()[3])):
        page.show(place, size, scheme)
        page.screenshot(f"report-{size[0]}-{scheme}-{place[:5].strip('#')}")
        assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.barriers() == []


def test_a_phone_shows_the_list_or_the_case(page: Reader, two: Made) -> None:
    page.show(CASES, PHONE)
    assert page.css("#reader", "display") == "none"
    page.click(".line", 2)
    page.until(lambda: page.css(".finder", "display") == "none")
    assert two.cases()[2].item.dialogue.turns[0].text in page.text("#reader")
    page.click(".step", 1)
    page.until(lambda: page.selected() == two.cases()[3].item.key)
    page.click(".back")
    page.until(lambda: page.css("#reader", "display") == "none")


def test_print_has_the_content_and_no_controls(page: Reader, two: Made) -> None:
    page.show(link(two.cases()[0]))
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.css("nav", "display") == page.css(".finder", "display") == "none"
    assert page.css("#reader", "overflow-y") == "visible"
    page.show()
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("return [...document.querySelectorAll('details')].every((one) => one.open)")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.fixture
def odd(driver: Any, tmp_path: Path) -> Iterator[Reader]:
    write_report(tmp_path / "odd.html", [odd_run(HOSTILE, ARABIC, EMOJI, LONG, HIDDEN)])
    found = Reader(driver, tmp_path / "odd.html")
    found.complaints()
    yield found
    assert found.complaints() == []


def test_text_from_the_data_stays_text(odd: Reader) -> None:
    odd.show()
    assert HOSTILE[:60] in odd.text("#overview")
    odd.show(CASES)
    for at, text in enumerate((HOSTILE, ARABIC, EMOJI)):
        odd.click(".line", at)
        odd.until(lambda text=text: text in odd.text(".turn:nth-child(2) .words"))  # type: ignore[misc]
        assert odd.text(".turn:nth-child(2) .words").count(text) == 2  # the turn, and its picture
    assert odd.run("return document.querySelectorAll('img, #reader script').length") == 0
    assert odd.driver.title.endswith("· evaluation")
    odd.click(".line", 1)
    odd.until(lambda: odd.css(".turn:nth-child(2) .words p", "direction") == "rtl")
    odd.screenshot("report-arabic")


def test_a_very_long_turn_can_be_opened(odd: Reader) -> None:
    odd.show(CASES)
    odd.click(".line", 3)
    odd.until(lambda: "Show all 100,000 characters" in odd.text("#reader"))
    assert len(odd.text(".turn:nth-child(2) .words p")) < 4000
    odd.click(".turn:nth-child(2) .words button")
    assert len(odd.text(".turn:nth-child(2) .words p")) > 99_000


def test_hidden_characters_are_spelled_out(odd: Reader) -> None:
    odd.show(CASES)
    odd.click(".line", 4)
    odd.until(lambda: "safe\\u202eevil\\u001b[31m" in odd.text(".turn:nth-child(2) .words"))


@pytest.mark.parametrize("planners", [1, 3])
def test_one_run_and_three(driver: Any, tmp_path: Path, planners: int) -> None:
    found = made(tmp_path, count=60, planners=planners, arms=("",))
    page = Reader(driver, found.path)
    page.show()
    page.screenshot(f"report-{planners}-runs")
    assert page.count(".runs li") == planners
    assert page.count("#differences") == (planners > 1)
    page.show(link(found.cases()[0]))
    page.screenshot(f"report-{planners}-case")
    assert page.count(".answer") == planners
    assert page.count("select[name=run], select[name=change]") == (2 if planners > 1 else 0)
    assert page.complaints() == []
