"""`som eval report`: names of runs, formats, and where files go."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks.made_cases import TASKS

from skillofmind.cli.eval.report import named, read_formats, run
from skillofmind.core.errors import ConfigurationError
from tests.evals.report.material import made_runs


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders whose reader gives made-up runs."""
    folders = [tmp_path / "one", tmp_path / "two"]
    read = dict(zip(folders, made_runs(20, arms=("",)), strict=True))
    found = {folder: SimpleNamespace(summary=made[1], cases=made[2]) for folder, made in read.items()}
    monkeypatch.setattr("skillofmind.evals.files.read_run", found.__getitem__)
    monkeypatch.setattr("skillofmind.evals.files.tasks_of", lambda items: TASKS)
    for folder in folders:
        folder.mkdir()
    return folders


def test_the_report_goes_beside_the_first_run(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(runs[0])]) == 0
    assert {path.name for path in runs[0].iterdir()} == {"report.html", "report.md"}
    said = capsys.readouterr()
    assert said.err.count("som: wrote ") == 2
    firsts = [line.split()[0] for line in said.out.splitlines() if line.split()]
    assert [word for word in firsts if word in TASKS] == list(TASKS)


def test_out_is_a_folder_or_a_file(runs: list[Path], tmp_path: Path) -> None:
    words = [str(path) for path in runs]
    assert run([*words, "--out", str(tmp_path / "compare.html")]) == 0
    assert run([*words, "--out", str(tmp_path / "all"), "--format", "json, md"]) == 0
    assert (tmp_path / "compare.html").read_text("utf-8").startswith("<!doctype html>")
    assert {path.name for path in (tmp_path / "all").iterdir()} == {"report.md", "report.json"}


def test_open_shows_the_page(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run([str(runs[0]), "--open"]) == 0
    assert opened == [(runs[0] / "report.html").as_uri()]
    with pytest.raises(ConfigurationError, match="--open needs the page"):
        run([str(runs[0]), "--open", "--format", "md"])


def test_formats_are_known_ones() -> None:
    assert read_formats("json, HTML") == ("html", "json")
    with pytest.raises(ConfigurationError, match="'pdf' is none of html, md, json"):
        read_formats("html,pdf")


def test_names_are_the_shortest_ends_that_differ() -> None:
    one, two = Path("runs/a/esconv"), Path("runs/b/esconv")
    assert [name for _, name in named([one, two])] == ["a/esconv", "b/esconv"]
    assert [name for _, name in named([one])] == ["esconv"]
    with pytest.raises(ConfigurationError, match="named twice"):
        named([one, Path("runs/b/../a/esconv")])
