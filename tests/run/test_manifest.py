import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind import __version__
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.run.manifest import (
    Git,
    Manifest,
    data_fingerprints,
    difference,
    git_state,
    installed_versions,
    new_manifest,
    plain_options,
)

_EMPTY_SHA = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_difference_shows_options_as_they_are_typed() -> None:
    old = {"planner": "embedded", "max_tokens": 5, "same": [1], "gone": None}
    new = {"planner": "prompted", "max_tokens": 5.0, "same": [1], "added": True}
    assert difference(old, new, {}, {}) == [
        "--planner: 'embedded' -> 'prompted'",
        "--max-tokens: 5 -> 5.0",
        "--gone: None -> (absent)",
        "--added: (absent) -> True",
    ]


def test_difference_goes_into_nested_options_and_names_data_files() -> None:
    lines = difference(
        {"limits": {"calls": 1, "tokens": 2}}, {"limits": {"calls": 1}}, {"a": "00"}, {"a": "01"}
    )
    assert lines == ["--limits.tokens: 2 -> (absent)", "data a: '00' -> '01'"]


_OPTIONS = st.dictionaries(st.text("ab_", min_size=1), st.integers() | st.lists(st.text("x")), max_size=4)


@given(_OPTIONS, _OPTIONS)
def test_difference_is_empty_exactly_for_equal_options(
    old: dict[str, object], new: dict[str, object]
) -> None:
    assert difference(old, dict(reversed(old.items())), {}, {}) == []
    assert bool(difference(old, new, {}, {})) == (old != new)


def test_plain_options_are_what_a_manifest_on_disk_holds() -> None:
    plain = plain_options({"path": Path("a/b"), "sizes": (1, 2), "n": 3})
    assert plain == {"path": "a/b", "sizes": [1, 2], "n": 3}
    manifest = Manifest("x", plain)
    assert msgspec.json.decode(msgspec.json.encode(manifest), type=Manifest) == manifest


def test_an_option_without_a_json_form_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the options cannot be written as JSON"):
        plain_options({"f": print})


def test_data_is_named_by_file_name_unless_two_are_equal(tmp_path: Path) -> None:
    for name in ("a/x.txt", "b/x.txt", "b/y.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    x, other, y = tmp_path / "a/x.txt", tmp_path / "b/x.txt", tmp_path / "b/y.txt"
    assert data_fingerprints([x, y, x]) == {"x.txt": _EMPTY_SHA, "y.txt": _EMPTY_SHA}
    assert list(data_fingerprints([x, other])) == [str(x), str(other)]


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt': No such file"):
        data_fingerprints([tmp_path / "none.txt"])


def test_versions_hold_python_and_what_is_installed() -> None:
    versions = installed_versions()
    assert versions["python"] == platform.python_version()
    assert versions["msgspec"] == msgspec.__version__
    assert versions["skillofmind"] == __version__


def _run_git(folder: Path, *arguments: str) -> None:
    options = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_state_follows_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert git_state() is None
    _run_git(tmp_path, "init")
    assert git_state() is None
    (tmp_path / "a").write_text("1")
    _run_git(tmp_path, "add", "a")
    _run_git(tmp_path, "commit", "-m", "x")
    clean = git_state()
    assert clean is not None
    assert (len(clean.commit), clean.dirty) == (40, False)
    (tmp_path / "a").write_text("2")
    assert git_state() == Git(clean.commit, True)


def test_git_state_is_none_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state() is None


def test_new_manifest_tells_when_and_where() -> None:
    manifest = new_manifest("teach", {"n": 1}, {"split": 3}, {}, datetime(2026, 1, 2, tzinfo=UTC))
    assert manifest.created == "2026-01-02T00:00:00+00:00"
    assert manifest.platform == platform.platform()
    assert manifest.seeds == {"split": 3}
