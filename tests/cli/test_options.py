"""One dataclass is flags, help and manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from skillofmind.cli.options import argument, option, parse, resolved
from skillofmind.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Options:
    file: Path = argument("FILE", "what to read")  # noqa: RUF009
    other: str = argument("OTHER", "what else", default="none")
    kind: Literal["plain", "fancy"] = option("plain", "which kind")
    count: int = option(3, "how many; 100 % by default", value="N")
    rate: float | None = option(None, "how fast", value="RATE")
    out: Path | None = option(None, "where to", value="FILE")  # noqa: RUF009
    quiet: bool = option(False, "say nothing")
    seed: int = option(0, "randomness", name="--random-seed", value="N")


def parsed(*words: str) -> Options:
    return parse(Options, "som test", "Test.", words)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        parsed(*words)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("som test: ")
    assert err.count("\n") == 1
    return err


def test_defaults() -> None:
    assert parsed("in.txt") == Options(Path("in.txt"), "none", "plain", 3, None, None, False, 0)


def test_every_kind_of_option_is_converted() -> None:
    words = "in.txt more --kind fancy --count -7 --rate 1e-3 --out o --quiet --random-seed 5"
    expected = Options(Path("in.txt"), "more", "fancy", -7, 0.001, Path("o"), True, 5)
    assert parsed(*words.split()) == expected


def test_options_may_come_first_and_with_an_equals_sign() -> None:
    assert parsed("--count=4", "--quiet", "in.txt").count == 4
    assert parsed("--out=-x", "--", "-in.txt").file == Path("-in.txt")


def test_the_last_one_counts() -> None:
    assert parsed("in", "--count", "1", "--count", "2").count == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "FILE"),
        (("in", "--cuont", "3"), "Did you mean --count?"),
        (("in", "--coun", "3"), "Did you mean --count?"),
        (("in", "--random-sed=3"), "Did you mean --random-seed?"),
        (("in", "--seed=3"), "--seed=3"),
        (("in", "--zzz"), "unrecognized arguments: --zzz. See"),
        (("in", "a", "b"), "unrecognized arguments: b. See"),
        (("in", "--kind", "fance"), "Did you mean fancy?"),
        (("in", "--kind", "x"), "choose from 'plain', 'fancy'). See"),
        (("in", "--count", "1.5"), "--count: '1.5' is no whole number; write one such as 8."),
        (("in", "--rate", "fast"), "--rate: 'fast' is no finite number; write one such as 0.5."),
        (("in", "--rate", "inf"), "'inf' is no finite number"),
        (("in", "--out", ""), "--out: '' is no path"),
        (("in", "--out", "a\0b"), "is no path"),
        (("in\udcff",), "FILE: 'in\\\\udcff' is not UTF-8"),
        (("in", "\x1b[2J", "\x1b[31m"), "\\x1b[31m"),
        (("in", "--out"), "--out: expected one argument. A value that begins with - is written --out=VALUE."),
        (("in", "--quiet=yes"), "--quiet"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    err = refused(capsys, *words)
    assert said in err
    assert "See som test --help." in err
    assert "\x1b" not in err


def test_help_shows_every_option_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(Options, "som test", "Test it.", ["--help"], epilog="examples:\n  som test in.txt\n")
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for words in (
        "Test it.",
        "FILE",
        "OTHER",
        "--kind",
        "{plain,fancy}",
        "--count N",
        "100 %",
        "--rate RATE",
    ):
        assert words in text
    for words in ("(default: plain)", "(default: 3)", "(default: none)", "--random-seed N"):
        assert words in text
    assert text.endswith("examples:\n  som test in.txt\n")


def test_resolved_is_plain_json() -> None:
    assert resolved(parsed("in.txt", "--out", "o")) == {
        "file": "in.txt",
        "other": "none",
        "kind": "plain",
        "count": 3,
        "rate": None,
        "out": "o",
        "quiet": False,
        "seed": 0,
    }


@dataclass(frozen=True, slots=True)
class Checked:
    level: str = option("1", "how high", check=lambda word: level(word))


def level(word: str) -> None:
    if word != "1":
        raise ConfigurationError(f"--level {word!r} is too high; write 1.")


def test_a_checked_option_is_refused_in_the_words_of_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(Checked, "som test", "Test.", ["--level", "1"]) == Checked("1")
    with pytest.raises(SystemExit) as stop:
        parse(Checked, "som test", "Test.", ["--level=2"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "som test: --level: '2' is too high; write 1. See som test --help.\n"
