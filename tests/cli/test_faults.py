"""The prompted planner against a server that fails in every way: what can be answered is, what cannot says
so, and not one call more is made than the faults call for.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skillofmind.cli.opening import Endpoint, open_planner
from skillofmind.core.errors import ModelBusy, ModelError, RateLimited, RequestRejected
from skillofmind.core.plan import Plan
from skillofmind.models.http import HttpModel
from skillofmind.run.budget import Limits, Meter
from tests.cli.som import (
    SKILLS,
    Here,
    answer,
    case_of,
    numbered,
    prompted,
    read_rows,
    right_answer,
    som,
    write_dialogues,
)
from tests.upstream import (
    Fault,
    Upstream,
    broken_json,
    cut,
    hang,
    html,
    rate_limit,
    status,
    unfinished,
    wrong_type,
)

TRIES = 5
"""One call and four retries."""

GOOD = answer("Empathy", "I want Ana to feel understood.", "Clarification")


def replies(*texts: str) -> Callable[[dict[str, Any]], str]:
    """Answer with these texts in turn, the last one for ever."""
    left = list(texts)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


async def plan_one(server: Upstream, *, timeout: float = 5.0) -> tuple[Plan, int]:
    """Plan one dialogue as `som plan` does; return the plan and the calls that the meter counted."""
    meter = Meter(Limits())
    endpoint = Endpoint("scripted", server.base_url, "OPENAI_API_KEY", timeout, 4)
    async with open_planner("prompted", endpoint, meter, None, None) as planner:
        plan = await planner.plan(numbered(1)[0])
    assert meter.in_flight == 0
    return plan, meter.spent.calls


@pytest.mark.usefixtures("eager")
class TestOneDialogue:
    @pytest.mark.parametrize(
        "fault",
        [
            rate_limit(0),
            rate_limit(None),
            status(500),
            status(503, retry_after=0),
            status(408),
            cut(),
            broken_json(),
            unfinished(),
            html(),
        ],
        ids=lambda fault: f"{fault.kind}-{fault.code}",
    )
    async def test_a_passing_fault_costs_one_call_and_no_answer(self, fault: Fault) -> None:
        with Upstream(reply=lambda _: GOOD, faults=[fault, fault, None]) as server:
            plan, calls = await plan_one(server)
        assert (plan.skill, plan.valid, plan.error) == ("Empathy", True, None)
        assert calls == server.counts.received == 3

    @pytest.mark.parametrize("fault", [rate_limit(0), status(500), cut(), broken_json()])
    async def test_a_lasting_fault_ends_after_the_retries(self, fault: Fault) -> None:
        with Upstream(reply=lambda _: GOOD, faults=lambda _: fault) as server:
            plan, calls = await plan_one(server)
        assert plan.error
        assert (plan.skill, plan.valid, plan.explanation) == (None, False, "")
        assert calls == server.counts.received == TRIES

    async def test_the_wait_that_the_server_asks_for_is_kept(self) -> None:
        with Upstream(reply=lambda _: GOOD, faults=[rate_limit(1), None]) as server:
            start = time.monotonic()
            plan, calls = await plan_one(server)
        assert time.monotonic() - start >= 1.0
        assert plan.valid
        assert calls == 2

    async def test_a_silent_server_is_left_after_the_timeout(self) -> None:
        with Upstream(reply=lambda _: GOOD, faults=[hang(), None]) as server:
            plan, calls = await plan_one(server, timeout=0.3)
        assert plan.valid
        assert calls == server.counts.received == 2

    @pytest.mark.parametrize("code", [400, 404, 422])
    async def test_a_refusal_is_not_repeated(self, code: int) -> None:
        with Upstream(reply=lambda _: GOOD, faults=[status(code, message="no such thing")]) as server:
            plan, calls = await plan_one(server)
        assert "no such thing" in (plan.error or "")
        assert calls == server.counts.received == 1

    async def test_a_wrong_media_type_does_no_harm(self) -> None:
        with Upstream(reply=lambda _: GOOD, faults=[wrong_type()]) as server:
            plan, calls = await plan_one(server)
        assert plan.valid
        assert calls == 1

    async def test_all_kinds_in_a_row_still_give_the_answer(self) -> None:
        faults = [rate_limit(0), status(500), cut(), broken_json(), None]
        with Upstream(reply=lambda _: GOOD, faults=faults) as server:
            plan, calls = await plan_one(server)
        assert plan.valid
        assert calls == server.counts.received == TRIES


class TestModelText:
    @pytest.mark.parametrize(
        "text",
        [
            f"```json\n{GOOD}\n```",
            f"Sure! Here is the plan:\n{GOOD}\nI hope this helps.",
            f"[{GOOD}]",
            GOOD[:-1] + ",}",
            answer("  **empathy.** ", "I want Ana to feel understood.", "clarification"),
        ],
        ids=["fenced", "prose", "list", "comma", "spelling"],
    )
    async def test_an_untidy_answer_is_read_at_once(self, text: str) -> None:
        with Upstream(reply=lambda _: text) as server:
            plan, calls = await plan_one(server)
        assert (plan.skill, plan.valid) == ("Empathy", True)
        assert [other.skill for other in plan.alternatives] == ["Empathy", "Clarification"]
        assert calls == server.counts.received == 1

    @pytest.mark.parametrize(
        ("first", "fault"),
        [
            (GOOD[: len(GOOD) // 2], "no JSON object"),
            ("I would show empathy here.", "no JSON object"),
            ("", "no JSON object"),
            (answer("Small Talk"), "'Small Talk' is not in the list"),
            (answer("Empathy", ""), "explanation was missing"),
            ('{"skill": 7, "explanation": "I"}', "'' is not in the list"),
        ],
        ids=["truncated", "prose", "nothing", "skill", "explanation", "type"],
    )
    async def test_an_unusable_answer_is_repaired_by_one_more_call(self, first: str, fault: str) -> None:
        with Upstream(reply=replies(first, GOOD)) as server:
            plan, calls = await plan_one(server)
        assert (plan.skill, plan.valid) == ("Empathy", True)
        assert calls == server.counts.received == 2
        repair = server.requests[1].body["messages"]
        assert [message["role"] for message in repair[-2:]] == ["assistant", "user"]
        # An empty message would be refused, so nothing is echoed as an empty object.
        assert repair[-2]["content"] in (first, "{}")
        assert fault in repair[-1]["content"]

    async def test_a_skill_that_stays_wrong_is_kept_as_the_model_wrote_it(self) -> None:
        with Upstream(reply=lambda _: answer("Small Talk")) as server:
            plan, calls = await plan_one(server)
        assert (plan.skill, plan.skill_raw, plan.valid, plan.error) == (None, "Small Talk", False, None)
        assert plan.explanation == "I want to be there for Ana."
        assert calls == server.counts.received == 2

    async def test_prose_that_stays_prose_is_no_plan(self) -> None:
        with Upstream(reply=lambda _: "I would rather show empathy.") as server:
            plan, calls = await plan_one(server)
        assert (plan.skill, plan.valid, plan.error) == (None, False, None)
        assert calls == server.counts.received == 2

    async def test_an_answer_cannot_name_a_skill_by_quoting_the_marker(self) -> None:
        with Upstream(reply=lambda _: "I am calm. [RESULT SKILL] Ethics") as server:
            plan, _ = await plan_one(server)
        assert plan.skill is None


class Step(NamedTuple):
    """What one request of a case meets: a fault of the wire, or a text of the model."""

    fault: Fault | None
    text: str


class Script:
    """Faults and texts that depend on the case and on how often it asked, not on the order of arrival."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._asked: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()
        self.server: Upstream | None = None

    def fault(self, number: int) -> Fault | None:
        assert self.server is not None
        case = case_of(self.server.requests[number].body)
        self._asked[case] += 1
        return self.step(case, self._asked[case] - 1).fault

    def reply(self, body: dict[str, Any]) -> str:
        # Faults come first, so this is the request that `fault` has just counted.
        case = case_of(body)
        return self.step(case, self._asked[case] - 1).text

    def step(self, case: int, asked: int) -> Step:
        draw = random.Random(f"{self.seed}:{case}:{asked}")
        lasting = case % 40 == 7
        faults = [rate_limit(0), status(500), cut(), broken_json(), status(502), html()]
        point = draw.random()
        if lasting:
            fault: Fault | None = status(503)
        elif point < 0.01:
            fault = hang()
        elif point < 0.03:
            fault = status(400, message="refused")
        else:
            fault = draw.choice(faults) if point < 0.34 else None
        return Step(fault, self._text(case, draw))

    def _text(self, case: int, draw: random.Random) -> str:
        good = answer(SKILLS[case % len(SKILLS)], f"I think of case {case}.")
        bad = [good[:20], "I would listen.", answer("Small Talk", "I chat."), answer(good[:9], "")]
        fine = [good, good, good, f"```json\n{good}\n```", f"Here: {good}"]
        return draw.choice(bad if draw.random() < 0.3 else fine)

    def outcome(self, case: int) -> tuple[str, int]:
        """Work out what must become of a case: its kind and the number of its requests."""
        asked = 0
        for _ in range(2):
            for _ in range(TRIES):
                step = self.step(case, asked)
                asked += 1
                if step.fault is None:
                    break
                if step.fault.code == 400:
                    return "failed", asked
            else:
                return "failed", asked
            if f"I think of case {case}." in step.text and step.text.rstrip("`\n").endswith("}"):
                return "planned", asked
        return "invalid", asked


@pytest.mark.usefixtures("eager")
class TestManyDialogues:
    COUNT = 240

    def run(self, here: Here, file: Path, script: Script, *more: object) -> tuple[bytes, Upstream]:
        with Upstream(reply=script.reply, faults=script.fault) as server:
            script.server = server
            result = here("plan", file, *prompted(server.base_url), "--timeout", 1, "--json", *more)
        assert result.code == 1
        assert server.failures == []
        kinds = Counter(script.outcome(case)[0] for case in range(self.COUNT))
        assert result.err.splitlines()[-1] == (
            f"som: {kinds['planned']} planned, {kinds['invalid']} without a valid skill, "
            f"{kinds['failed']} failed; each says why."
        )
        # The port is part of the planner's name and of messages, and differs from server to server.
        return result.out.replace(f":{server.port}", ":PORT").encode(), server

    def test_every_dialogue_comes_back_once_in_order_with_exactly_the_calls_it_needed(
        self, here: Here, tmp_path: Path
    ) -> None:
        file = write_dialogues(tmp_path / "in.jsonl", numbered(self.COUNT))
        script = Script(seed=1)
        out, server = self.run(here, file, script, "--concurrency", 16)
        rows = read_rows(out)
        assert [row.number for row in rows] == list(range(1, self.COUNT + 1))
        assert [row.id for row in rows] == [f"case-{case}" for case in range(self.COUNT)]
        expected = [script.outcome(case) for case in range(self.COUNT)]
        assert [row.kind() for row in rows] == [kind for kind, _ in expected]
        asked = Counter(case_of(request.body) for request in server.requests)
        assert [asked[case] for case in range(self.COUNT)] == [calls for _, calls in expected]
        assert server.counts.received == sum(calls for _, calls in expected)
        assert {kind for kind, _ in expected} == {"planned", "invalid", "failed"}
        for case, row in enumerate(rows):
            if row.kind() == "planned":
                assert (row.plan.skill, row.plan.explanation) == (
                    SKILLS[case % len(SKILLS)],
                    f"I think of case {case}.",
                )

    def test_the_same_faults_give_the_same_bytes_whatever_runs_at_once(
        self, here: Here, tmp_path: Path
    ) -> None:
        file = write_dialogues(tmp_path / "in.jsonl", numbered(self.COUNT))
        first, _ = self.run(here, file, Script(seed=2), "--concurrency", 24)
        second, _ = self.run(here, file, Script(seed=2), "--concurrency", 5)
        assert first == second


@pytest.mark.usefixtures("eager")
class TestBudget:
    def test_the_limit_on_calls_is_exact_and_keeps_what_is_done(self, here: Here, tmp_path: Path) -> None:
        file = write_dialogues(tmp_path / "in.jsonl", numbered(30))
        with Upstream(reply=right_answer, latency=0.002) as server:
            result = here("plan", file, *prompted(server.base_url), "--json", "--max-calls", 12)
        assert result.code == 1
        assert server.counts.received == 12
        assert len(result.rows()) == 12
        assert "--max-calls 12 is reached; what was finished is kept" in result.err

    def test_a_run_that_ran_out_of_calls_goes_on(self, here: Here, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(30)), tmp_path / "run"
        with Upstream(reply=right_answer) as server:
            words = ["plan", file, *prompted(server.base_url), "--run", folder, "--max-calls", 12]
            codes = [here(*words).code for _ in range(3)]
        assert codes == [1, 1, 0]
        assert server.counts.received == 30
        assert len((folder / "plans.jsonl").read_bytes().splitlines()) == 30


@pytest.mark.usefixtures("eager")
class TestOutage:
    def test_failed_dialogues_are_tried_again_on_resume_and_planned_ones_are_not(
        self, here: Here, tmp_path: Path
    ) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(20)), tmp_path / "run"
        down = set(range(5, 12))
        with Upstream(reply=right_answer) as server:
            server.faults = lambda number: (
                status(503) if case_of(server.requests[number].body) in down else None
            )
            words = ["plan", file, *prompted(server.base_url), "--run", folder, "--json"]
            first = here(*words)
            assert first.code == 1
            assert [row.kind() == "failed" for row in first.rows()] == [case in down for case in range(20)]
            assert server.counts.received == 13 + 7 * TRIES
            down.clear()
            second = here(*words)
            assert server.counts.received == 13 + 7 * TRIES + 7
            third = here(*words)
            assert server.counts.received == 13 + 7 * TRIES + 7
        assert (second.code, third.code) == (0, 0)
        assert [row.plan.skill for row in second.rows()] == list(SKILLS[:20])
        assert third.out == second.out


class TestKey:
    def test_a_wrong_key_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(3)), tmp_path / "run"
        with Upstream(reply=right_answer, key="sk-right-key") as server:
            words = ["plan", file, *prompted(server.base_url), "--run", folder]
            wrong = som(*words, OPENAI_API_KEY="sk-wrong-key")
            assert (wrong.code, wrong.out) == (2, "")
            assert "sk-wrong-key" not in wrong.err
            assert "Traceback" not in wrong.err
            assert not folder.exists()
            right = som(*words, "--api-key-env", "MY_KEY", MY_KEY="sk-right-key\n")
        assert right.code == 0
        assert server.counts.completed == 3
        written = b"".join(path.read_bytes() for path in folder.iterdir())
        assert b"sk-right-key" not in written

    @pytest.mark.parametrize("error", [RateLimited("busy"), ModelBusy("busy"), RequestRejected("no list")])
    def test_a_server_without_a_list_of_models_is_used_all_the_same(
        self, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: ModelError
    ) -> None:
        async def refuse(_: HttpModel) -> tuple[str, ...]:
            raise error

        monkeypatch.setattr(HttpModel, "list_models", refuse)
        file = write_dialogues(tmp_path / "in.jsonl", numbered(1))
        with Upstream(reply=right_answer) as server:
            result = here("plan", file, *prompted(server.base_url), "--json")
        assert result.code == 0
        assert result.rows()[0].plan.valid
