"""The course of a row is a pure function of its answers: which request comes next, and what they come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.mind.annotate.course import ASKED, Answer, Role, second_comes_first
from skillofmind.mind.annotate.request import JUDGE_SAMPLING, TEACHER_SAMPLING
from tests.mind.annotate.rows import ROW, answer, course, numbered, reply

ALONE, BOTH = course(), course(second=True)
GOOD, OTHER, BAD, ODD = reply("Empathy"), reply("Clarification"), "no idea", reply("Small Talk")


def role_after(*answers: Answer, second: bool = False) -> Role | None:
    ask = (BOTH if second else ALONE).next_ask(ROW, answers)
    return None if ask is None else ask.role


class TestOneTeacher:
    def test_a_row_begins_with_the_teacher_at_the_papers_settings(self) -> None:
        ask = ALONE.next_ask(ROW, ())
        assert ask is not None
        assert (ask.role, ask.sampling) == ("teacher", TEACHER_SAMPLING)
        assert (ask.sampling.temperature, ask.sampling.top_p, ask.sampling.max_tokens) == (0.9, 0.95, 1024)

    def test_a_usable_reply_ends_it(self) -> None:
        assert role_after(answer(GOOD)) is None
        verdict = ALONE.verdict(ROW, (answer(GOOD),))
        assert [draft.skill for draft in verdict.chosen] == ["Empathy"]
        assert (verdict.reason, verdict.agree, verdict.chosen_by) == (None, None, "teacher")

    @pytest.mark.parametrize(
        ("text", "fault"), [(BAD, "no JSON list"), (ODD, "'Small Talk' is not in the list")]
    )
    def test_a_fault_is_named_once(self, text: str, fault: str) -> None:
        ask = ALONE.next_ask(ROW, (answer(text),))
        assert ask is not None
        assert ask.role == "repair"
        assert [message.role for message in ask.conversation.messages] == [
            "system",
            "user",
            "assistant",
            "user",
        ]
        assert ask.conversation.messages[2].text() == text
        assert fault in ask.conversation.messages[3].text()
        assert role_after(answer(text), answer(text, "repair")) is None

    def test_a_repaired_row_counts_and_a_spoilt_repair_has_its_own_reason(self) -> None:
        repaired = ALONE.verdict(ROW, (answer(BAD), answer(GOOD, "repair")))
        assert [draft.skill for draft in repaired.chosen] == ["Empathy"]
        rejected = ALONE.verdict(ROW, (answer(BAD), answer(ODD, "repair")))
        assert (rejected.chosen, rejected.reason) == ((), "oov")
        assert "Small Talk" in rejected.detail

    @pytest.mark.parametrize(
        ("stop", "text", "reason"),
        [
            ("content_filter", "", "refused"),
            ("length", '[{"skill": "Empathy", "expl', "truncated"),
            ("length", ODD, "oov"),
            ("stop", "", "no_json"),
        ],
    )
    def test_the_reason_knows_why_the_reply_ended(self, stop: str, text: str, reason: str) -> None:
        last = Answer("repair", text=text, stop=stop)  # type: ignore[arg-type]
        assert ALONE.verdict(ROW, (answer(BAD), last)).reason == reason

    def test_a_failed_answer_is_asked_again_and_its_error_is_the_detail(self) -> None:
        failed = answer("", error="the server is down")
        assert role_after(failed) == "teacher"
        verdict = ALONE.verdict(ROW, (failed,))
        assert (verdict.reason, verdict.detail) == ("no_answer", "the server is down")
        assert role_after(failed, answer(GOOD)) is None
        assert ALONE.verdict(ROW, (failed, answer(GOOD))).reason is None
        assert role_after(answer(BAD), answer("", "repair", error="down")) == "repair"
        assert ALONE.verdict(ROW, (answer(BAD), answer("", "repair", error="down"))).reason == "no_answer"


class TestTwoTeachers:
    def test_the_second_is_asked_the_same_and_blind(self) -> None:
        first, second = BOTH.next_ask(ROW, ()), BOTH.next_ask(ROW, (answer(GOOD),))
        assert first is not None
        assert second is not None
        assert (second.role, second.conversation) == ("second", first.conversation)

    def test_a_rejected_first_reply_costs_no_second_one(self) -> None:
        assert role_after(answer(BAD), answer(BAD, "repair"), second=True) is None

    def test_agreement_needs_no_judge(self) -> None:
        answers = (answer(reply("Ethics", "Empathy")), answer(GOOD, "second"))
        assert role_after(*answers, second=True) is None
        verdict = BOTH.verdict(ROW, answers)
        assert (verdict.agree, verdict.chosen_by) == (True, "teacher")
        assert [draft.skill for draft in verdict.chosen] == ["Ethics", "Empathy"]

    def test_a_second_teacher_is_repaired_too(self) -> None:
        assert role_after(answer(GOOD), answer(BAD, "second"), second=True) == "second_repair"
        spoilt = (answer(GOOD), answer(BAD, "second"), answer(BAD, "second_repair"))
        assert role_after(*spoilt, second=True) is None
        verdict = BOTH.verdict(ROW, spoilt)
        assert (verdict.reason, verdict.chosen) == ("no_json", ())
        assert verdict.detail.startswith("second teacher: ")

    def test_disagreement_goes_to_the_judge_at_temperature_0(self) -> None:
        ask = BOTH.next_ask(ROW, (answer(GOOD), answer(OTHER, "second")))
        assert ask is not None
        assert (ask.role, ask.sampling) == ("judge", JUDGE_SAMPLING)
        shown = ask.conversation.messages[0].text()
        first_is_a = shown.index("skill: Empathy") < shown.index("skill: Clarification")
        assert first_is_a != second_comes_first(ROW)

    @pytest.mark.parametrize("letter", ["A", "B"])
    def test_the_judges_letter_means_whom_it_showed(self, letter: str) -> None:
        for row in numbered(20):
            answers = (answer(GOOD), answer(OTHER, "second"), answer(f'{{"choice": "{letter}"}}', "judge"))
            assert BOTH.next_ask(row, answers) is None
            verdict = BOTH.verdict(row, answers)
            second = (letter == "A") == second_comes_first(row)
            assert verdict.chosen_by == ("second" if second else "teacher")
            assert verdict.chosen[0].skill == ("Clarification" if second else "Empathy")
            assert verdict.agree is False

    @pytest.mark.parametrize(
        ("text", "said"),
        [('{"choice": "neither"}', "chose neither"), ("hm", "chose nothing that can be read")],
    )
    def test_without_a_choice_the_row_is_rejected(self, text: str, said: str) -> None:
        verdict = BOTH.verdict(ROW, (answer(GOOD), answer(OTHER, "second"), answer(text, "judge")))
        assert (verdict.reason, verdict.chosen, verdict.agree) == ("disagreement", (), False)
        assert verdict.detail == f"the teachers named 'Empathy' and 'Clarification'; the judge {said}"

    def test_a_failed_judge_or_second_is_no_answer(self) -> None:
        down = (answer(GOOD), answer(OTHER, "second"), answer("", "judge", error="down"))
        assert BOTH.verdict(ROW, down).reason == "no_answer"
        assert BOTH.verdict(ROW, (answer(GOOD), answer("", "second", error="down"))).reason == "no_answer"

    def test_each_half_of_the_rows_is_shown_either_way(self) -> None:
        flipped = sum(second_comes_first(row) for row in numbered(1000))
        assert 440 < flipped < 560


TEXTS = st.sampled_from([GOOD, OTHER, BAD, ODD, "", '{"choice": "A"}', '{"choice": "neither"}'])


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=12), st.booleans())
def test_every_course_ends_within_five_answers_and_each_role_once(
    replies: list[tuple[str, bool]], second: bool
) -> None:
    path = BOTH if second else ALONE
    answers: tuple[Answer, ...] = ()
    script = iter(replies)
    while (ask := path.next_ask(ROW, answers)) is not None:
        text, fails = next(script, (GOOD, False))
        answers = (*answers, answer(text, ask.role, error="down" if fails else None))
    good = [one.role for one in answers if one.error is None]
    assert len(good) == len(set(good)) <= (5 if second else 2)
    assert {ASKED[role] for role in good} <= ({"teacher", "second", "judge"} if second else {"teacher"})
    verdict = path.verdict(ROW, answers)
    assert (verdict.reason is None) == bool(verdict.chosen)
