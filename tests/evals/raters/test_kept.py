from pathlib import Path

import pytest

from skillofmind.evals.raters.examples import KINDS
from skillofmind.evals.raters.kept import cache_folder, identity_of, load_raters
from skillofmind.evals.raters.rater import rated
from tests.evals.raters.corpora import COLD, WARM, write_corpora


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_corpora(tmp_path / "data")


class Told(list[str]):
    def __call__(self, phase: str) -> None:
        self.append(phase)


class TestKept:
    def test_a_rater_is_trained_once_and_rates_the_same_from_the_cache(
        self, data: Path, tmp_path: Path
    ) -> None:
        told = Told()
        first = load_raters(data, tmp_path / "cache", on_phase=told)
        assert list(first) == list(KINDS)
        assert len(told) == len(KINDS)
        second = load_raters(data, tmp_path / "cache", on_phase=told)
        assert len(told) == len(KINDS)
        pairs = [("Why?", WARM), ("", COLD)]
        for name, rater in first.items():
            assert rated(rater, pairs).tolist() == rated(second[name], pairs).tolist()
            assert rater.quality == second[name].quality
            assert rater.identity == second[name].identity

    def test_other_data_make_another_rater(self, data: Path, tmp_path: Path) -> None:
        before = load_raters(data, tmp_path / "cache", ["er"])["er"]
        other = write_corpora(tmp_path / "other", posts=32)
        after = load_raters(other, tmp_path / "cache", ["er"])["er"]
        assert before.identity != after.identity
        assert len(list((tmp_path / "cache").glob("er-*.npz"))) == 2

    @pytest.mark.parametrize("damage", ["cut", "other", "empty"])
    def test_a_damaged_file_is_made_anew(self, data: Path, tmp_path: Path, damage: str) -> None:
        told = Told()
        load_raters(data, tmp_path / "cache", ["er"], told)
        (file,) = (tmp_path / "cache").glob("*.npz")
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[:-99], "other": b"hello", "empty": b""}[damage])
        assert load_raters(data, tmp_path / "cache", ["er"], told)["er"].quality.n == 30
        assert len(told) == 2

    def test_corpora_that_are_missing_leave_their_raters_out(self, data: Path, tmp_path: Path) -> None:
        assert load_raters(tmp_path / "nowhere", tmp_path / "cache") == {}

    def test_a_cache_that_cannot_be_written_costs_only_time(self, data: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        told = Told()
        assert "er" in load_raters(data, tmp_path / "file" / "cache", ["er"], told)
        assert "not kept" in told[-1]

    def test_the_identity_follows_every_example(self, data: Path) -> None:
        kind = KINDS["er"]
        examples = kind.read(data)
        changed = [examples[0]._replace(label="1"), *examples[1:]]
        assert identity_of(kind, examples) != identity_of(kind, changed)
        assert identity_of(kind, examples) == identity_of(kind, kind.read(data))

    def test_the_cache_is_where_the_system_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
        assert cache_folder() == Path("/somewhere/skillofmind")
        monkeypatch.setenv("XDG_CACHE_HOME", "")
        assert cache_folder() == Path.home() / ".cache" / "skillofmind"
