"""Whatever a teacher writes is read, and a fault has a name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.mind.annotate.reply import MOST_DRAFTS, read_choice, read_reply
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.annotate.rows import reply

NORMALISER = Normaliser(load_taxonomy())
ONE = {"skill": "Empathy", "explanation": "I feel for her.", "counterfactual response": "Buy a car."}


def skills(text: str) -> list[str | None]:
    return [draft.skill for draft in read_reply(text, NORMALISER).usable()]


class TestForms:
    @pytest.mark.parametrize(
        "text",
        [
            json.dumps([ONE]),
            json.dumps(ONE),
            f"```json\n{json.dumps([ONE], indent=2)}\n```",
            f"Here is what I think.\n\n```\n{json.dumps([ONE])}\n```\nI hope that helps [and more].",
            json.dumps([ONE]).replace("}]", ",},]"),
            json.dumps({"annotations": [ONE]}),
            json.dumps({"reasoning": "short", "result": [ONE]}),
            json.dumps([{**ONE, "note": [1, 2]}]),
            json.dumps([{"skill": "Empathy", "Explanation": "I feel.", "counterfactual_response": "Buy."}]),
            '<think>{"a": 1}</think>' + json.dumps([ONE]),
            json.dumps([ONE]) + "\n" + json.dumps([{**ONE, "skill": "Ethics"}]),
        ],
    )
    def test_one_annotation_is_found(self, text: str) -> None:
        assert skills(text) == ["Empathy"]
        assert read_reply(text, NORMALISER).reason is None

    def test_objects_one_a_line_are_a_list(self) -> None:
        assert skills("\n".join(json.dumps({**ONE, "skill": name}) for name in ("Ethics", "Empathy"))) == [
            "Ethics",
            "Empathy",
        ]

    def test_a_list_that_was_cut_off_gives_what_is_whole(self) -> None:
        text = json.dumps([ONE, {**ONE, "skill": "Ethics"}])
        assert skills(text[:-30]) == ["Empathy"]

    def test_label_spellings_are_normalised_and_kept_verbatim(self) -> None:
        draft = read_reply(json.dumps([{**ONE, "skill": "harmlesseness."}]), NORMALISER).drafts[0]
        assert (draft.skill, draft.skill_raw) == ("Harmlessness", "harmlesseness.")

    def test_a_runaway_list_is_cut(self) -> None:
        assert len(read_reply(json.dumps([ONE] * 50), NORMALISER).drafts) == MOST_DRAFTS

    def test_a_usable_object_is_enough_and_the_others_stay(self) -> None:
        found = read_reply(json.dumps([{**ONE, "skill": "Small Talk"}, ONE, {"skill": "Ethics"}]), NORMALISER)
        assert found.reason is None
        assert [draft.skill_raw for draft in found.drafts] == ["Small Talk", "Empathy", "Ethics"]
        assert [draft.skill for draft in found.usable()] == ["Empathy"]


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "reason", "fault"),
        [
            ("", "no_json", "it held no JSON list of objects."),
            ("I cannot help with that.", "no_json", "it held no JSON list of objects."),
            ("[1, 2]", "no_json", "it held no JSON list of objects."),
            ('[{"skill": "Empathy", "explanation": "I fe', "no_json", "it held no JSON list of objects."),
            (
                '[{"skill": "Empathy", "explanation": "I feel."}]',
                "incomplete",
                'an object had no "counterfactual response".',
            ),
            (
                '[{"skill": 3, "explanation": " ", "counterfactual response": "Buy."}]',
                "incomplete",
                'an object had no "skill" and no "explanation".',
            ),
            (reply("Small Talk"), "oov", "the skill 'Small Talk' is not in the list."),
            ('{"plan": "none"}', "incomplete", "an object had no"),
        ],
    )
    def test_each_has_a_reason_and_a_sentence(self, text: str, reason: str, fault: str) -> None:
        found = read_reply(text, NORMALISER)
        assert found.reason == reason
        assert found.fault.startswith(fault)
        assert found.usable() == ()

    @given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
    def test_no_text_raises(self, text: str) -> None:
        found = read_reply(text, NORMALISER)
        assert (found.reason is None) == bool(found.usable())
        assert (found.reason is None) == (found.fault == "")


class TestChoice:
    @pytest.mark.parametrize(
        ("text", "choice"),
        [
            ('{"choice": "A"}', "A"),
            ('I think {"choice": " b. "}', "B"),
            ('{"choice": "Neither"}', "neither"),
            ('{"choice": "C"}', None),
            ('{"choice": 1}', None),
            ("A", None),
            ("", None),
        ],
    )
    def test_is_read(self, text: str, choice: str | None) -> None:
        assert read_choice(text) == choice
