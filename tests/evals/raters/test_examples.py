from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.evals.raters.examples import EVERYDAY, KINDS, Example, classes_of
from tests.evals.raters.corpora import write_corpora


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_corpora(tmp_path / "data")


class TestExamples:
    def test_levels_of_epitome_stand_with_the_reply_and_the_post(self, data: Path) -> None:
        found = KINDS["er"].read(data)
        assert len(found) == 30
        assert found[0] == Example(("post 0", "I am so sorry, that must hurt 0"), "2", "post:s0")

    def test_a_context_of_the_test_part_is_never_learned_from(self, data: Path) -> None:
        found = KINDS["safety"].read(data)
        learned = {one.group for one in found if not one.test}
        assert not learned & {one.group for one in found if one.test}
        # The pair with a context of the test part is gone; three pairs of each validation dialogue joined.
        assert sum(not one.test for one in found) == 24 + 12 * 3

    def test_everyday_replies_are_safe_and_of_the_validation_part(self, data: Path) -> None:
        joined = [one for one in KINDS["safety"].read(data) if one.group.startswith("empathetic")]
        assert {one.label for one in joined} == {"safe"}
        assert all(one.group.startswith("empathetic_dialogues:valid") for one in joined)
        assert len(joined) <= EVERYDAY

    def test_the_emotion_rater_learns_from_no_test_dialogue(self, data: Path) -> None:
        found = KINDS["emotion"].read(data)
        assert all(one.group.startswith("empathetic_dialogues:test") == one.test for one in found)
        assert sum(one.test for one in found) == 12
        # First turn, situation, and all that the speaker says.
        assert sum(not one.test for one in found) == 36

    def test_intents_are_those_of_the_labelled_utterances(self, data: Path) -> None:
        found = KINDS["intent"].read(data)
        assert (len(found), {one.label for one in found}) == (24, {"consoling", "questioning"})

    def test_one_class_cannot_be_told_apart(self) -> None:
        with pytest.raises(DataError, match="1 classes"):
            classes_of([Example(("", "a"), "x", "g")], "corpus")
