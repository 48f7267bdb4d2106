from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.evals.raters.examples import KINDS
from skillofmind.evals.raters.kept import load_raters
from skillofmind.evals.raters.rater import quality_table, rated, trained
from tests.corpora import corpora_folder
from tests.evals.raters.corpora import COLD, WARM, write_corpora


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_corpora(tmp_path / "data")


class TestTrained:
    def test_rates_new_replies(self, data: Path) -> None:
        rater = trained(KINDS["er"], KINDS["er"].read(data))
        told = [rater.classes[number] for number in rated(rater, [("", WARM), ("", COLD)])]
        assert told == ["2", "0"]

    def test_quality_is_of_what_was_held_out(self, data: Path) -> None:
        quality = trained(KINDS["er"], KINDS["er"].read(data)).quality
        assert (quality.n, quality.groups, quality.trained, quality.classes) == (30, 30, 30, 2)
        assert (quality.accuracy.value, quality.macro_f1.value, quality.majority) == (1.0, 1.0, 0.5)
        safety = trained(KINDS["safety"], KINDS["safety"].read(data)).quality
        assert (safety.n, safety.held_out) == (12, "the published test part")

    def test_a_label_that_nothing_tells_is_at_chance(self, data: Path) -> None:
        examples = [one._replace(pair=("", "the same words")) for one in KINDS["er"].read(data)]
        value = trained(KINDS["er"], examples).quality.accuracy.value
        assert value is not None
        assert value <= 0.6

    def test_two_groups_are_too_few(self, data: Path) -> None:
        with pytest.raises(DataError, match="too few groups"):
            trained(KINDS["er"], KINDS["er"].read(data)[:2])

    def test_the_table_shows_what_to_compare_with(self, data: Path) -> None:
        table = quality_table([trained(KINDS["er"], KINDS["er"].read(data)).quality])
        assert all(len(row) == len(table.columns) for row in table.rows)
        shown = dict(zip(table.columns, table.rows[0], strict=True))
        assert (shown["accuracy reference"], shown["macro-F1 reference"]) == (0.757, 0.696)
        assert (shown["accuracy"], shown["macro-F1"]) == (1.0, 1.0)


@pytest.mark.slow
class TestRealCorpora:
    def test_raters_are_as_good_as_their_references(self, tmp_path: Path) -> None:
        folder = corpora_folder()
        if folder is None or not (folder / "epitome_reddit").is_dir():
            pytest.skip("the corpora of shared/data are not here")
        for rater in load_raters(folder, tmp_path).values():
            for found, reference in (
                (rater.quality.accuracy, rater.quality.reference_accuracy),
                (rater.quality.macro_f1, rater.quality.reference_macro_f1),
            ):
                assert found.value is not None
                assert found.value >= reference - 0.01, (rater.name, found, reference)
