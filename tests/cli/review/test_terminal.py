"""`som review` with its keys piped in, and at a real terminal."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import msgspec
import pytest

from skillofmind.cli.main import main
from skillofmind.mind.dataset.review import NONE, Decision, decisions
from tests.cli.som import Result, assert_refused, command, environment, started
from tests.cli.test_bad_input import raw_controls
from tests.mind.dataset.annotated_run import mixed_run, noted, row, write_run


def review(folder: Path, *lines: str, options: Sequence[object] = (), reviewer: str = "ana") -> Result:
    stdin = io.TextIOWrapper(io.BytesIO("".join(f"{line}\n" for line in lines).encode()))
    return here("review", folder, "--reviewer", reviewer, *options, stdin=stdin)


def here(*words: object, stdin: io.TextIOBase | None = None) -> Result:
    """Run `som` in this process, which is quicker than a child."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", stdin or io.StringIO())
        code = main([str(word) for word in words])
    return Result(code, out.getvalue(), err.getvalue())


def made(folder: Path, reviewer: str = "ana") -> list[Decision]:
    return [of_one[reviewer] for of_one in decisions(folder).values() if reviewer in of_one]


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three rows with one skill each."""
    skills = ("Empathy", "Clarification", "Ethics")
    return write_run(tmp_path / "run", [row(skill, noted(skill, f"of {skill}")) for skill in skills])


class TestKeys:
    def test_accept_edit_and_reject(self, three: Path) -> None:
        result = review(three, "a", "e", "rhetorics", "I know better.", "r", "not at all")
        assert (result.code, result.err) == (0, "")
        first, second, third = made(three)
        assert (first.verdict, first.skill) == ("accept", first.teacher)
        assert (second.verdict, second.skill, second.explanation) == ("edit", "Rhetoric", "I know better.")
        assert (third.verdict, third.note) == ("reject", "not at all")
        assert [one.number for one in made(three)] == [0, 0, 0]
        assert [f"{place} of 3" in result.out for place in (1, 2, 3)] == [True] * 3
        assert "3 decisions" in result.out
        assert "nothing left" in result.out

    def test_the_card_shows_everything(self, three: Path) -> None:
        out = review(three).out
        for words in (
            "Relationship: flatmates",
            "Ana: I failed the exam again",
            "[Sharing Image] two friends in a café",
            "→ Ben: I'd be crushed too.",
            "explanation     of ",
            "skill ",
            "counterfactual  You should have studied more.",
        ):
            assert words in out

    def test_what_was_decided_is_not_shown_again(self, three: Path) -> None:
        first = review(three, "a", "a", "q")
        assert "2 decisions" in first.out
        second = review(three, "a")
        assert "2 of 3 are decided already." in second.out
        assert ("1 of 3\n" in second.out, second.out.count("→ Ben")) == (False, 1)
        assert len(made(three)) == 3
        assert "→ Ben" not in review(three, "a").out

    def test_back_shows_the_decision_and_allows_another(self, three: Path) -> None:
        result = review(three, "a", "b", "r", "after all", "q")
        assert "you decided: accept" in result.out
        [one] = made(three)
        assert (one.verdict, one.note) == ("reject", "after all")
        assert len((three / "reviews.jsonl").read_bytes().splitlines()) == 2

    def test_skip_leaves_it_for_later(self, three: Path) -> None:
        result = review(three, "s", "a", "s")
        assert "2 left, the same command goes on" in result.out
        assert len(made(three)) == 1

    def test_a_skill_is_picked_by_number_and_blank_lines_keep(self, three: Path) -> None:
        review(three, "e", "1", "", "e", "", "")
        first, second = made(three)
        assert first.skill == "Empathy"
        assert second.verdict == "accept"
        assert all(one.explanation == f"of {one.teacher}" for one in (first, second))

    def test_a_skill_that_is_none_changes_nothing(self, three: Path) -> None:
        result = review(three, "e", "small talk", "e", "99")
        assert "'small talk' is no skill" in result.out
        assert "'99' is no skill" in result.out
        assert made(three) == []

    def test_an_unknown_key_explains_the_keys(self, three: Path) -> None:
        assert review(three, "x").out.count("a accept   skill and explanation hold") == 1

    def test_keys_of_a_korean_keyboard_count(self, three: Path) -> None:
        review(three, "ㅁ", "ㄱ", "", "ㅂ")
        assert [one.verdict for one in made(three)] == ["accept", "reject"]

    def test_a_long_explanation_survives_the_edit_of_its_skill(self, tmp_path: Path) -> None:
        folder = write_run(tmp_path / "run", [row("long", noted("Empathy", "first\nsecond " + "x" * 9000))])
        review(folder, "e", "Ethics", "")
        [one] = made(folder)
        assert (one.skill, one.explanation) == ("Ethics", "first\nsecond " + "x" * 9000)

    def test_bytes_that_are_no_text_do_no_harm(self, three: Path) -> None:
        stdin = io.TextIOWrapper(io.BytesIO(b"r\ncaf\xe9 \x1b[2J\n"))
        assert here("review", three, "--reviewer", "ana", stdin=stdin).code == 0
        assert [one.note for one in made(three)] == ["caf\ufffd \x1b[2J"]

    def test_two_reviewers_see_the_same_order(self, three: Path) -> None:
        review(three, "a", "a", "a")
        review(three, "a", "a", "a", reviewer="ben")
        assert [one.row for one in made(three)] == [one.row for one in made(three, "ben")]


class TestDraws:
    def test_rejected_rows_show_reason_and_replies(self, tmp_path: Path) -> None:
        folder = mixed_run(tmp_path)
        result = review(folder, "a", "r", "was fine", options=("--reason", "leak"))
        assert "was the rejection right" not in result.out  # prompts are for terminals
        assert "rejected  leak" in result.out
        assert '"Small talk"' in result.out
        assert [(one.verdict, one.number, one.teacher) for one in made(folder)] == [
            ("accept", -1, "leak"),
            ("reject", -1, "leak"),
        ]

    def test_a_rejection_cannot_be_edited(self, tmp_path: Path) -> None:
        folder = mixed_run(tmp_path)
        review(folder, "e", options=("--reason", "any"))
        assert made(folder) == []

    def test_one_skill(self, tmp_path: Path) -> None:
        result = review(mixed_run(tmp_path), "a", "a", options=("--skill", "recommendation"))
        assert "1 of 1" in result.out

    def test_hostile_text_is_spelled_out(self, tmp_path: Path) -> None:
        result = review(mixed_run(tmp_path), *"ssssssssssssssss")
        assert raw_controls(result.out) == set()
        assert "\\u202eevil" in result.out
        assert "지수" in result.out

    def test_blind_hides_until_a_skill_is_chosen(self, three: Path) -> None:
        hidden = review(three, options=("--blind",)).out
        assert "explanation  " not in hidden
        assert "counterfactual  " not in hidden
        result = review(three, "nonsense", "empathy", "a", "0", "r", "", "q", options=("--blind",))
        assert "'nonsense' is no skill" in result.out
        assert "you chose Empathy without seeing it" in result.out
        assert [one.blind for one in made(three)] == ["Empathy", NONE]

    def test_the_agreement_is_shown_and_is_json(self, three: Path) -> None:
        review(three, "a", "a", "r", "", options=("--blind",))
        assert here("review", three, "--agreement").out.startswith("Nobody has reviewed yet")
        review(three, "a", "a", "r", "")
        review(three, "a", "r", "", "r", "", reviewer="ben")
        out = here("review", three, "--agreement").out
        assert "6 decisions on 3 annotations" in out
        assert "66.7%" in out
        assert "ana and ben: which skill" in out
        found = msgspec.json.decode(here("review", three, "--agreement", "--json").out)
        assert (found["decisions"], found["precision"]["right"]) == (6, 2)


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((), "--reviewer NAME is missing"),
            (("--reviewer", "a\tb"), "needs a name"),
            (("--reviewer", "ana", "--n", "0"), "--n 0"),
            (("--reviewer", "ana", "--port", "70000"), "--port 70000"),
            (("--reviewer", "ana", "--skill", "juggling"), "'juggling' is no skill"),
            (("--reviewer", "ana", "--skill", "Rhetoric"), "no annotation with the skill 'Rhetoric'"),
            (("--reviewer", "ana", "--reason", "leek"), "no rejected row with the reason 'leek'"),
            (("--reviewer", "ana", "--reason", "leak", "--skill", "Ethics"), "exclude each other"),
            (("--reviewer", "ana", "--json"), "--json goes with --agreement"),
        ],
    )
    def test_wrong_use(self, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
        assert_refused(here("review", mixed_run(tmp_path), *words), said)

    def test_a_folder_that_is_no_run(self, tmp_path: Path) -> None:
        assert_refused(here("review", tmp_path, "--reviewer", "ana"), "som annotate")
        assert_refused(here("review", tmp_path / "no", "--reviewer", "ana"), "is no folder")


class TestTerminal:
    def test_keys_count_without_enter(self, three: Path) -> None:
        out = at_terminal(three, b"a", b"r", b"no\r", b"q")
        assert [one.verdict for one in made(three)] == ["accept", "reject"]
        assert made(three)[1].note == "no"
        assert "a accept, e edit" in out

    def test_the_explanation_is_edited_in_line(self, three: Path) -> None:
        pytest.importorskip("readline")
        at_terminal(three, b"e", b"rhet\t\r", b" and more\r", b"q")
        [one] = made(three)
        assert (one.skill, one.explanation) == ("Rhetoric", f"of {one.teacher} and more")

    def test_ctrl_c_keeps_everything(self, three: Path) -> None:
        out = at_terminal(three, b"a", b"\x03", code=130)
        assert len(made(three)) == 1
        assert "what was finished is kept" in out

    def test_a_signal_while_waiting_keeps_everything(self, three: Path) -> None:
        with started("review", three, "--reviewer", "ana", stdin=b"a\n") as process:
            process.wait(20)
        assert (process.returncode, len(made(three))) == (0, 1)


def at_terminal(folder: Path, *keys: bytes, code: int = 0) -> str:
    """Type each of `keys` when the review asks for it; return what stood on the screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("review", folder, "--reviewer", "ana"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="dumb"),
        start_new_session=True,
        preexec_fn=_own_terminal,
    )
    os.close(theirs)
    screen = b""
    try:
        for key in keys:
            screen += _until_asked(ours)
            os.write(ours, key)
        screen += _rest(ours)
        assert process.wait(20) == code, screen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return screen.decode()


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _until_asked(terminal: int) -> bytes:
    """Read until a prompt stands at the end; prompts end with `> ` or `: ` and what is pre-filled."""
    seen, end = b"", time.monotonic() + 20
    asked = (b"? help > ", b"or Enter: ", b"keeps ", b"explanation: of ")
    while time.monotonic() < end and not any(mark in seen.rsplit(b"\n", 1)[-1] for mark in asked):
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 4096)
    return seen


def _rest(terminal: int) -> bytes:
    seen = b""
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            return seen
        if not more:
            return seen
        seen += more
