from pathlib import Path

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import RunMismatch
from skillofmind.evals.files import ITEMS, keep_items, read_items
from skillofmind.evals.judging.files import admit_questions
from skillofmind.evals.judging.questions import pair_questions
from skillofmind.evals.judging.wording import load_wording
from tests.evals.judging.scenes import PAIR, said

QUESTIONS = pair_questions(said(3), [PAIR], ["j"], load_wording())


class TestAdmitted:
    def test_further_questions_may_join(self, tmp_path: Path) -> None:
        admit_questions(tmp_path, QUESTIONS[:4])
        keep_items(tmp_path, QUESTIONS[:4])
        admit_questions(tmp_path, QUESTIONS)
        keep_items(tmp_path, QUESTIONS)
        assert list(read_items(tmp_path)) == QUESTIONS

    def test_the_same_questions_leave_everything_as_it_is(self, tmp_path: Path) -> None:
        keep_items(tmp_path, QUESTIONS)
        (tmp_path / "summary.json").write_text("{}")
        admit_questions(tmp_path, QUESTIONS)
        assert (tmp_path / "summary.json").exists()
        assert (tmp_path / ITEMS).exists()

    def test_a_question_that_changed_is_refused(self, tmp_path: Path) -> None:
        keep_items(tmp_path, QUESTIONS)
        other = msgspec.structs.replace(QUESTIONS[0], dialogue=Dialogue((Turn("user", "else"),)))
        with pytest.raises(RunMismatch, match="another question"):
            admit_questions(tmp_path, [other, *QUESTIONS[1:]])
        assert list(read_items(tmp_path)) == QUESTIONS
