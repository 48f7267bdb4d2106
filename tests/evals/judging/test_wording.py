from pathlib import Path

import pytest

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.evals.judging.wording import load_wording


class TestWording:
    def test_the_package_has_six_criteria_in_one_sentence_each(self) -> None:
        found = load_wording()
        names = ["naturalness", "engagingness", "empathy", "helpfulness", "consistency", "safety"]
        assert list(found.criteria) == names
        assert all(about.count(".") == 1 and about.endswith(".") for about in found.criteria.values())

    def test_a_file_replaces_parts_and_changes_the_identity(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_text('scale = 7\n[criteria]\nwarmth = "It is warm."\n', "utf-8")
        found = load_wording(file)
        assert (found.criteria, found.scale) == ({"warmth": "It is warm."}, 7)
        assert found.pair == load_wording().pair
        assert found.identity() != load_wording().identity()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('sistem = "x"', "did you mean 'system'"),
            ("scale = 'five'", "scale"),
            ("scale =", "not a TOML file"),
        ],
    )
    def test_what_a_file_cannot_say_is_told(self, tmp_path: Path, text: str, said: str) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(text, "utf-8")
        with pytest.raises(DataError, match=said):
            load_wording(file)

    @pytest.mark.parametrize("text", ["scale = 1", "criteria = {}"])
    def test_a_question_needs_a_scale_and_a_criterion(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(text, "utf-8")
        with pytest.raises(ConfigurationError):
            load_wording(file)

    def test_a_missing_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="cannot be read"):
            load_wording(tmp_path / "none.toml")
