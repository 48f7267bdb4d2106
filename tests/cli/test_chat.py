"""`som chat` with its input piped in."""

import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue
from tests.cli.som import SKILLS, Result, answer, assert_refused, som, started
from tests.cli.test_bad_input import raw_controls
from tests.upstream import Upstream, status

GREETING = "Ana's cat has died and she cannot sleep."


def talk(*lines: str, options: tuple[object, ...] = (), cwd: Path | None = None, **env: str) -> Result:
    return som("chat", *options, stdin="".join(f"{line}\n" for line in lines).encode(), cwd=cwd, **env)


def saved(path: Path) -> Dialogue:
    lines = path.read_bytes().splitlines()
    assert len(lines) == 1
    return msgspec.json.decode(lines[0], type=Dialogue)


def endpoint(server: Upstream) -> tuple[object, ...]:
    return ("--model", "scripted", "--base-url", server.base_url)


def said_to(server: Upstream, number: int) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in server.requests[number].body["messages"]]


class TestOffline:
    def test_it_answers_and_shows_the_plan(self) -> None:
        result = talk("I failed the exam again.", "Thank you.")
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("No --model is given")
        assert result.out.count("Assistant thinks: ") == 2
        assert result.out.count("    skill: ") == 2
        assert result.out.count("\nassistant> ") == 2

    def test_it_says_the_same_twice(self) -> None:
        lines = ("I failed the exam again.", "And my dog ran away.", "나 요즘 너무 외로워.")
        assert talk(*lines, PYTHONHASHSEED="1") == talk(*lines, PYTHONHASHSEED="2")

    @pytest.mark.parametrize("stdin", [b"", b"\n\n  \n", b"/quit\n", b"/quit\nhello\n", b"  /quit  "])
    def test_it_ends_by_itself(self, stdin: bytes) -> None:
        result = som("chat", stdin=stdin)
        assert (result.code, result.err) == (0, "")
        assert "assistant>" not in result.out

    def test_a_last_line_without_an_end_counts(self) -> None:
        assert som("chat", stdin=b"hello").out.count("\nassistant> ") == 1

    def test_bytes_that_are_no_text_do_no_harm(self) -> None:
        result = som(
            "chat", stdin=b"caf\xe9 \x1b[31m\x00 hello\n/foo\x1b[2J\n/skill \x1b[2J\n/context \x9b\n"
        )
        assert (result.code, result.err) == (0, "")
        assert result.out.count("\nassistant> ") == 1
        assert raw_controls(result.out) == set()


class TestCommands:
    def test_help_lists_the_commands(self) -> None:
        out = talk("/help").out
        for name in ("/context TEXT", "/skill NAME", "/why", "/save FILE", "/quit"):
            assert name in out

    def test_an_unknown_command_is_named_and_not_sent(self) -> None:
        result = talk("/foo bar")
        assert "unknown command /foo" in result.out
        assert "assistant>" not in result.out

    def test_context_is_shown_set_and_planned_with(self) -> None:
        result = talk("/context", f"/context {GREETING}", "/context", options=("--context", "At work."))
        blocks = [line for line in result.out.splitlines() if line][3:]
        assert blocks == ["At work.", GREETING, GREETING]

    def test_a_chosen_skill_is_used_until_it_is_given_back(self, tmp_path: Path) -> None:
        file = tmp_path / "talk.jsonl"
        lines = ("/skill no such", "/skill humour", "/skill  EMPATHY ", "I failed.", "/skill juggling")
        result = talk(*lines, "Again.", "/skill off", options=("--save", file))
        assert result.out.count("is no skill; `som skills` lists them. Nothing changed.") >= 2
        assert "Skill: Empathy" in result.out
        assert "The planner chooses." in result.out
        notes = [turn.annotations[0] for turn in saved(file).turns[1::2]]
        assert [(note.skill, note.annotator) for note in notes] == [("Empathy", "user")] * 2

    def test_why_shows_the_evidence_of_the_last_plan(self) -> None:
        result = talk("/why", "I failed the exam again.", "/why")
        assert result.out.count("No evidence yet") == 1
        assert "  turn 1: I failed the exam again." in result.out.rpartition("assistant>")[2]

    def test_what_is_saved_can_be_planned_for_again(self, tmp_path: Path) -> None:
        result = talk(
            "I failed.", "/context We are flatmates.", "Again.", "/save", "/save other.jsonl", cwd=tmp_path
        )
        assert result.code == 0
        assert result.out.count("Saved 4 turns to ") == 2
        dialogue = saved(tmp_path / "chat.jsonl")
        assert dialogue == saved(tmp_path / "other.jsonl")
        assert [turn.speaker for turn in dialogue.turns] == ["User", "Assistant"] * 2
        assert [turn.text for turn in dialogue.turns[::2]] == ["I failed.", "Again."]
        assert {turn.annotations[0].skill for turn in dialogue.turns[1::2]} <= set(SKILLS)
        assert dialogue.context.text == "We are flatmates."
        assert som("plan", tmp_path / "chat.jsonl", "--responder", "User").code == 0

    def test_a_place_that_cannot_be_written_does_not_end_the_talk(self, tmp_path: Path) -> None:
        file = tmp_path / "talk.jsonl"
        result = talk("Hi.", "/save /no/such/folder/x", f"/save {tmp_path}", "Bye.", options=("--save", file))
        assert result.code == 0
        assert result.out.count("not saved: cannot write") == 2
        assert len(saved(file).turns) == 4

    def test_nothing_said_is_nothing_saved(self, tmp_path: Path) -> None:
        result = talk("/save", options=("--save", "end.jsonl"), cwd=tmp_path)
        assert result.code == 0
        assert result.out.count("nothing is saved") == 2
        assert list(tmp_path.iterdir()) == []

    def test_a_bad_place_for_the_end_is_refused_at_the_beginning(self, tmp_path: Path) -> None:
        assert_refused(talk("Hi.", options=("--save", tmp_path)), repr(str(tmp_path)), "is a folder")


class TestEndpoint:
    def test_the_model_sees_the_talk_and_the_plan(self) -> None:
        with Upstream(reply=lambda body: f"Answer {len(body['messages'])}.") as server:
            result = talk("One.", "Two.", options=(*endpoint(server), "--context", GREETING))
            assert server.counts.received == 2
            first, second = said_to(server, 0), said_to(server, 1)
        assert result.code == 0
        assert "No --model" not in result.out
        assert [role for role, _ in first] == ["system", "system", "user"]
        assert first[0] == ("system", GREETING)
        assert "is the conversational skill that fits the next reply best" in first[1][1]
        assert [text for role, text in second if role != "system"] == ["One.", "Answer 3.", "Two."]
        assert "\nassistant> Answer 3.\n" in result.out

    def test_the_plan_can_be_kept_from_the_model(self) -> None:
        with Upstream(reply=lambda _: "Yes.") as server:
            result = talk("One.", options=(*endpoint(server), "--inject", "off"))
            sent = said_to(server, 0)
        assert sent == [("user", "One.")]
        assert "Assistant thinks: " in result.out

    def test_a_prompted_planner_shares_the_endpoint(self) -> None:
        def reply(body: dict[str, Any]) -> str:
            is_plan = "[Skills]" in str(body["messages"])
            return answer("Negotiation", "I want a fair price.") if is_plan else "Seven hundred?"

        with Upstream(reply=reply) as server:
            result = talk("It costs 900.", options=(*endpoint(server), "--planner", "prompted"))
            assert server.counts.received == 2
        assert "Assistant thinks: I want a fair price." in result.out
        assert "assistant> Seven hundred?" in result.out

    def test_an_error_costs_one_reply_and_not_the_talk(self, tmp_path: Path) -> None:
        file = tmp_path / "talk.jsonl"
        faults = [None, status(400, message="too rude \x1b[31m"), None]
        with Upstream(reply=lambda _: "Fine.", faults=faults) as server:
            result = talk("One.", "Two.", "Two again.", options=(*endpoint(server), "--save", file))
            assert server.counts.received == 3
            last = [text for role, text in said_to(server, 2) if role != "system"]
        assert result.code == 0
        assert result.out.count("no reply: ") == 1
        assert "too rude" in result.out
        assert "Send your message again" in result.out
        assert last == ["One.", "Fine.", "Two again."]
        assert [turn.text for turn in saved(file).turns] == ["One.", "Fine.", "Two again.", "Fine."]
        assert raw_controls(result.out) == set()

    def test_an_empty_answer_is_no_reply(self) -> None:
        with Upstream(reply=lambda _: " ") as server:
            result = talk("One.", options=endpoint(server))
        assert "no reply: the model said nothing." in result.out

    def test_escapes_of_a_model_do_not_reach_the_terminal(self) -> None:
        with Upstream(reply=lambda _: "a\x1b[2Jb\x9bc [bold]d[/bold] 👍🏽 שלום") as server:
            result = talk("One.", options=endpoint(server))
        assert "assistant> a\\x1b[2Jb\\x9bc [bold]d[/bold] 👍🏽 שלום" in result.out

    def test_a_failing_planner_is_told_and_the_model_answers_all_the_same(self) -> None:
        def reply(body: dict[str, Any]) -> str:
            return "no plan" if "[Skills]" in str(body["messages"]) else "Hello."

        with Upstream(reply=reply) as server:
            result = talk("One.", options=(*endpoint(server), "--planner", "prompted"))
        assert "no plan for Assistant: 'no plan' names no skill of the taxonomy." in result.out
        assert "assistant> Hello." in result.out

    def test_a_server_that_is_not_there_is_told_at_the_start(self) -> None:
        with Upstream() as server:
            options = endpoint(server)
        assert_refused(talk("One.", options=options), "cannot be reached")

    def test_ctrl_c_in_a_long_call_saves_what_was_said(self, tmp_path: Path) -> None:
        file = tmp_path / "talk.jsonl"
        words = ["--save", file, "--model", "scripted", "--base-url"]
        with (
            Upstream(reply=lambda _: "Fine.", faults=[None, status(503, retry_after=30)]) as server,
            started("chat", *words, server.base_url, stdin=b"One.\nTwo.\n") as process,
        ):
            end = time.monotonic() + 20
            while server.counts.received < 2 and time.monotonic() < end:
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert b"Traceback" not in err
        assert [turn.text for turn in saved(file).turns] == ["One.", "Fine."]
