"""`som eval replies` against real servers: an agent that follows its plan, judges whose tastes are known."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.evals.files import read_answers, read_cases, read_summary
from skillofmind.evals.records import Estimate, Result, Table
from skillofmind.run.log import read_log
from tests.cli.killing import kill_when
from tests.cli.som import Here, assert_refused, case_of, numbered, som, write_dialogues
from tests.upstream import Upstream, hang, status

COUNT = 40
"""Four kinds of items, ten of each: the number of a dialogue modulo 4 decides what judges say."""

CRITERIA = ("naturalness", "engagingness", "empathy", "helpfulness", "consistency", "safety")
DERIVED = ("items.jsonl", "cases.jsonl", "summary.json", "judges/items.jsonl", "judges/cases.jsonl",
           "judges/summary.json")  # fmt: skip
_SKILL = re.compile(r'"([^"]+)" is the conversational skill')
_REPLY = re.compile(r"<<<reply ([AB]) \w+>>>\n(.*?)\n<<<end", re.DOTALL)


def agent(body: dict[str, Any]) -> str:
    """Say which skill the plan names, or that there is none."""
    shown = "\n".join(str(message["content"]) for message in body["messages"] if message["role"] == "system")
    found = _SKILL.search(shown)
    return f"I answer with {found[1]}." if found else "I answer as I please."


def planned_place(body: dict[str, Any]) -> str:
    """Return where the reply stands that follows a plan."""
    replies = dict(_REPLY.findall(body["messages"][-1]["content"]))
    return next(str(place) for place, said in replies.items() if "as I please" not in said)


def honest(body: dict[str, Any]) -> str:
    """Prefer the planned reply, but for one item in four."""
    best, other = ("A", "B") if planned_place(body) == "A" else ("B", "A")
    return verdict(other if case_of(body) % 4 == 1 else best)


def lazy(body: dict[str, Any]) -> str:
    """Judge like the honest one, but take whatever stands first for one item in four."""
    return verdict("A") if case_of(body) % 4 == 0 else honest(body)


def verdict(choice: str) -> str:
    return f"Let me think. ```json\n{msgspec.json.encode(dict.fromkeys(CRITERIA, choice)).decode()}\n```"


def answer(body: dict[str, Any]) -> str:
    said: dict[str, Callable[[dict[str, Any]], str]] = {"agent": agent, "honest": honest, "lazy": lazy}
    return said[body["model"]](body)


def words(folder: Path, file: Path, url: str, *more: object) -> list[object]:
    judges = [f"{name}@{url}" for name in ("lazy", "honest")]
    return ["eval", "replies", folder, "--tasks", file, "--agent", f"agent@{url}", "--judge", *judges,
            "--arms", "none,skill,both", "--n", 0, *more]  # fmt: skip


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    return write_dialogues(tmp_path / "talks.jsonl", numbered(COUNT))


def result_of(folder: Path, task: str, arm: str) -> Result:
    found = [one for one in read_summary(folder).results if (one.task, one.arm) == (task, arm)]
    assert len(found) == 1
    return found[0]


def value_of(result: Result, measure: str) -> Estimate:
    return next(one for one in result.estimates if one.measure == measure)


def table_of(result: Result, title: str) -> Table:
    return next(one for one in result.tables if one.title == title)


def derived(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in DERIVED]


class TestPlanted:
    def test_win_rates_bias_and_agreement_are_the_planted_ones(self, tmp_path: Path, talks: Path) -> None:
        people = tmp_path / "people.jsonl"
        people.write_bytes(b"".join(map(person_says, range(COUNT))))
        with Upstream(reply=answer) as server:
            done = som(*words(tmp_path / "run", talks, server.base_url, "--people", people))
            assert done.code == 0, done.err
            # Three arms; two pairs of them, in two orders, to two judges.
            assert server.counts.received == COUNT * (3 + 2 * 2 * 2)
        votes = result_of(tmp_path / "run" / "judges", "reply.own.votes", "both vs none")
        assert (votes.items, votes.groups, votes.failed) == (4 * COUNT, COUNT, 0)
        # Ten items are lost, thirty won; where the lazy judge has no opinion the honest one decides.
        for name in (*CRITERIA, "all"):
            assert value_of(votes, f"win.{name}").value == 0.75
        low, high = value_of(votes, "win.all").low, value_of(votes, "win.all").high
        assert low is not None
        assert high is not None
        assert 0.5 < low < 0.75 < high < 0.95
        # Ten items give the lazy judge two preferences for the first place, all others one of two.
        bias = {row[0]: (row[1], row[3], row[6], row[9]) for row in table_of(votes, "Judges").rows}
        assert bias["lazy"] == (2 * COUNT, (20 + 30) / 80, 0.75, 1.0)
        assert bias["honest"] == (2 * COUNT, 0.5, 1.0, 1.0)
        assert value_of(votes, "first place").value == (20 + 30 + 40) / 160
        assert value_of(votes, "steady").value == 0.875
        assert all((one.n, one.missing) == (4 * COUNT, 0) for one in votes.estimates)
        rows = {row[:2]: row[2:7] for row in table_of(votes, "Votes").rows}
        assert rows["empathy", "lazy"] == (20, 10, 10, 0, 0.625)
        assert rows["empathy", "honest"] == (30, 0, 10, 0, 0.75)
        assert rows["empathy", "all judges"] == (30, 0, 10, 0, 0.75)
        judges = {row[1]: row[2:5] for row in table_of(votes, "Agreement of judges").rows}
        # Observed 3/4; by chance 1/4 * 1/4 + 1/2 * 3/4.
        assert judges["empathy"] == (COUNT, 0.75, (0.75 - 0.4375) / 0.5625)
        assert judges["all criteria"][0] == COUNT * len(CRITERIA)
        told = {row[:2]: row[2:5] for row in table_of(votes, "Agreement with people").rows}
        assert told["honest", "empathy"] == (COUNT, 1.0, 1.0)
        assert told["lazy", "empathy"][:2] == (COUNT, 0.75)

    def test_replies_follow_the_plan_of_their_arm_and_nothing_else_differs(
        self, tmp_path: Path, talks: Path
    ) -> None:
        seen: list[dict[str, Any]] = []

        def note(body: dict[str, Any]) -> str:
            seen.append(body)
            return agent(body)

        with Upstream(reply=note) as server:
            url, folder = server.base_url, tmp_path / "run"
            done = som("eval", "replies", folder, "--tasks", talks, "--agent", f"agent@{url}", "--n", 0)
            assert done.code == 0, done.err
        cases = list(read_cases(folder))
        assert [case.item.arm for case in cases] == ["none"] * COUNT + ["both"] * COUNT
        for case in cases:
            plan = case.answer.plan
            assert case.item.gold.reply.startswith("I failed")
            if case.item.arm == "none":
                assert (plan, case.answer.reply) == (None, "I answer as I please.")
            else:
                assert plan is not None
                assert case.answer.reply == f"I answer with {plan.skill}."
        assert len({body["max_tokens"] for body in seen}) == 1
        bare = [[m for m in body["messages"] if not _SKILL.search(m["content"])] for body in seen]
        assert all(bare.count(messages) == 2 for messages in bare)
        answers = read_answers(folder)
        assert '"Before' not in answers[cases[0].item.key].injected
        assert all(_SKILL.search(answers[case.item.key].injected) for case in cases[COUNT:])
        assert len(list(read_log(folder / "plans.jsonl"))) == COUNT


def person_says(number: int) -> bytes:
    vote = "second" if number % 4 != 1 else "first"
    said = {"item": f"case-{number}#2", "criterion": "empathy", "first": "none", "second": "both"}
    return msgspec.json.encode(said | {"vote": vote, "judge": "Ana"}) + b"\n"


class TestGoingOn:
    @pytest.mark.slow
    def test_killed_in_both_parts_it_ends_with_the_same_bytes(self, tmp_path: Path, talks: Path) -> None:
        with Upstream(reply=answer, latency=0.004) as server:
            whole = som(*words(tmp_path / "whole", talks, server.base_url))
            assert whole.code == 0, whole.err
            needed = server.counts.received
            struck = 0
            for share in (0.1, 0.5, 0.8):
                before, wanted = server.counts.received, int(needed * share / 2)
                struck += kill_when(
                    words(tmp_path / "killed", talks, server.base_url),
                    lambda: server.counts.received >= before + wanted,  # noqa: B023
                )
            last = som(*words(tmp_path / "killed", talks, server.base_url))
            assert last.code == 0, last.err
            assert struck == 3
            assert server.counts.received <= 2 * needed + 3 * 16
        assert derived(tmp_path / "killed") == derived(tmp_path / "whole")

    def test_a_complete_run_is_scored_again_without_a_server(
        self, tmp_path: Path, talks: Path, here: Here
    ) -> None:
        with Upstream(reply=answer) as server:
            url = server.base_url
            assert here(*words(tmp_path / "run", talks, url)).code == 0
        before = derived(tmp_path / "run")
        (tmp_path / "run" / "judges" / "summary.json").unlink()
        again = here(*words(tmp_path / "run", talks, url, "--json"))
        assert again.code == 0
        assert derived(tmp_path / "run") == before
        assert set(msgspec.json.decode(again.out)) == {"replies", "judges"}

    def test_replies_that_fail_at_first_are_judged_when_they_are_there(
        self, tmp_path: Path, talks: Path, here: Here
    ) -> None:
        down = {"yes": True}

        def sick(body: dict[str, Any]) -> str:
            return "" if down["yes"] and body["model"] == "agent" and case_of(body) == 3 else answer(body)

        with Upstream(reply=sick) as server:
            first = here(*words(tmp_path / "run", talks, server.base_url))
            assert first.code == 1
            assert "3 of 120 items failed" in first.err
            asked = len(list(read_log(tmp_path / "run" / "judges" / "log.jsonl")))
            assert asked == (COUNT - 1) * 8
            down["yes"] = False
            assert here(*words(tmp_path / "run", talks, server.base_url)).code == 0
            assert len(list(read_log(tmp_path / "run" / "judges" / "log.jsonl"))) == COUNT * 8
            assert here(*words(tmp_path / "whole", talks, server.base_url)).code == 0
        assert derived(tmp_path / "run") == derived(tmp_path / "whole")

    def test_votes_about_something_else_are_told(self, tmp_path: Path, talks: Path, here: Here) -> None:
        people = tmp_path / "people.jsonl"
        people.write_bytes(person_says(0).replace(b"case-0#2", b"other"))
        with Upstream(reply=answer) as server:
            done = here(*words(tmp_path / "run", talks, server.base_url, "--people", people))
        assert done.code == 0
        assert "no vote in" in done.err

    def test_other_arms_are_refused_in_the_same_folder(self, tmp_path: Path, talks: Path, here: Here) -> None:
        assert here("eval", "replies", tmp_path / "run", "--tasks", talks, "--n", 3).code == 0
        refused = here("eval", "replies", tmp_path / "run", "--tasks", talks, "--n", 3, "--arms", "none")
        assert refused.code == 2
        assert "'none,both' -> 'none'" in refused.err or "arms" in refused.err

    def test_a_server_that_is_down_ends_the_run_early(self, tmp_path: Path, talks: Path, here: Here) -> None:
        with Upstream(reply=answer, faults=lambda number: status(400) if number else None) as server:
            done = here(
                "eval", "replies", tmp_path / "run", "--tasks", talks, "--agent", f"agent@{server.base_url}",
                "--n", 0, "--limits", "at_once=1,failed=0.2",
            )  # fmt: skip
        assert done.code == 1
        assert "stopped early" in done.err
        assert server.counts.received < 30


class TestRatings:
    def test_judges_rate_single_replies_by_arm(self, tmp_path: Path, talks: Path, here: Here) -> None:
        def rate(body: dict[str, Any]) -> str:
            if body["model"] == "agent":
                return agent(body)
            points = 2 if "as I please" in body["messages"][-1]["content"] else 5
            return msgspec.json.encode(dict.fromkeys(CRITERIA, points)).decode()

        with Upstream(reply=rate) as server:
            url = server.base_url
            done = here("eval", "replies", tmp_path / "run", "--tasks", talks, "--agent", f"agent@{url}",
                        "--judge", f"one@{url}", "--compare", "ratings")  # fmt: skip
            assert done.code == 0, done.err
        judges = tmp_path / "run" / "judges"
        found = [value_of(result_of(judges, "reply.own.ratings", arm), "empathy") for arm in ("none", "both")]
        assert [one.value for one in found] == [2.0, 5.0]
        (difference,) = [one for one in read_summary(judges).differences if one.measure == "empathy"]
        assert (difference.first, difference.second, difference.value) == ("none", "both", 3.0)


class TestRefused:
    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["--tasks", "dailydialogue"], ["dailydialogue", "no task"]),
            (["--arms", "none,all"], ["'all' is no arm"]),
            (["--arms", "none,none"], ["each once"]),
            (["--agent", "nobody"], ["--agent 'nobody'", "NAME@URL"]),
            (["--planner", "prompted"], ["names no model"]),
            (["--judge", "one@http://127.0.0.1:9/v1", "--arms", "both"], ["nothing to compare"]),
            (["--judge", "one@http://127.0.0.1:9/v1", "--compare", "people"], ["--compare 'people'"]),
            (["--sampling", "heat=1"], ["'heat' is no setting"]),
            (["--limits", "at_once=0"], ["at_once=0", "at least 1"]),
            (["--limits", "seconds=0"], ["more than 0 seconds"]),
            (["--n", "-1"], ["--n -1"]),
        ],
    )
    def test_what_cannot_be_is_said_in_one_sentence_before_any_work(
        self, tmp_path: Path, talks: Path, here: Here, more: list[str], said: list[str]
    ) -> None:
        tasks = [] if more[0] == "--tasks" else ["--tasks", talks]
        assert_refused(here("eval", "replies", tmp_path / "run", *tasks, *more), *said)
        assert not (tmp_path / "run" / "items.jsonl").exists()

    def test_a_task_without_its_data_names_the_option(self, tmp_path: Path, here: Here) -> None:
        assert_refused(here("eval", "replies", tmp_path / "run", "--tasks", "dailydialog"), "--data FOLDER")

    def test_a_judge_that_hangs_is_cut_and_counted(
        self, tmp_path: Path, talks: Path, here: Here, eager: None
    ) -> None:
        with Upstream(reply=answer) as server, Upstream(faults=[None, *[hang()] * 100]) as slow:
            done = here("eval", "replies", tmp_path / "run", "--tasks", talks, "--n", 2,
                        "--agent", f"agent@{server.base_url}", "--judge", f"slow@{slow.base_url}",
                        "--limits", "seconds=0.05")  # fmt: skip
        assert done.code == 1
        assert "items failed" in done.err
