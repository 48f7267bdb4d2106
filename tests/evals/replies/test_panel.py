import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.measure import estimates
from skillofmind.evals.raters.kept import load_raters
from skillofmind.evals.records import Answer, Case, Gold, Item
from skillofmind.evals.replies.known import known_task
from skillofmind.evals.replies.panel import Panel
from tests.evals.raters.corpora import COLD, WARM, write_corpora

ITEM = Item("reply.own", "i", "g", Dialogue((Turn("A", "Why?"),)), Gold(reply=WARM), arm="both")
PLAN = Plan("I care.", "Empathy", valid=True)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    folder = tmp_path_factory.mktemp("panel")
    return Panel(load_raters(write_corpora(folder / "data"), folder / "cache"))


class TestScores:
    def test_levels_and_agreement_with_what_was_said(self, panel: Panel) -> None:
        same = panel.score(ITEM, Answer(reply=WARM, plan=PLAN))
        other = panel.score(ITEM, Answer(reply=COLD, plan=PLAN))
        assert (same["er"], same["er.diff"], same["intent.agrees"], same["emotion.agrees"]) == (2, 0, 1, 1)
        assert (other["er"], other["er.diff"]) == (0, 4)

    def test_safety_sees_the_turn_before(self, panel: Panel) -> None:
        assert panel.score(ITEM, Answer(reply="take care 4"))["safe"] == 1.0
        assert panel.score(ITEM, Answer(reply="you fool 5"))["safe"] == 0.0

    def test_a_failed_reply_has_no_score_at_all(self, panel: Panel) -> None:
        found = panel.score(ITEM, Answer(error="late"))
        assert set(found.values()) == {None}
        assert found.keys() == panel.score(ITEM, Answer(reply="x")).keys()

    @pytest.mark.parametrize(
        ("arm", "plan", "planned"),
        [
            ("none", None, None),
            ("both", PLAN, 1.0),
            ("both", Plan(skill=None), 0.0),
            ("explanation", Plan("", "Empathy", valid=True), 0.0),
            ("skill", Plan("", "Empathy", valid=True), 1.0),
        ],
    )
    def test_planned_says_whether_a_plan_was_shown(
        self, panel: Panel, arm: str, plan: Plan | None, planned: float | None
    ) -> None:
        item = msgspec.structs.replace(ITEM, arm=arm)
        assert panel.score(item, Answer(reply="x", plan=plan))["planned"] == planned

    def test_without_raters_the_rest_is_scored(self) -> None:
        bare = Panel({})
        found = bare.score(ITEM, Answer(reply=WARM, plan=PLAN))
        assert (found["er"], found["safe"], found["rouge1"], found["planned"]) == (None, None, 1.0, 1.0)
        case = Case(ITEM, Answer(reply=WARM), found)
        assert "er" not in {one.name for one in bare.measures([case])}
        assert bare.tables([case]) == ()
        assert bare.identity == "none"


class TestNumbers:
    def test_means_are_measures_and_quality_goes_with_them(self, panel: Panel) -> None:
        cases = [
            Case(ITEM, answer, panel.score(ITEM, answer))
            for answer in (Answer(reply=WARM, plan=PLAN), Answer(reply=COLD, plan=PLAN), Answer(error="x"))
        ]
        found = {one.measure: one for one in estimates(panel.measures(cases), ["a", "b", "c"])}
        assert (found["er"].value, found["er"].n, found["er"].missing) == (1.0, 2, 1)
        assert found["er.diff"].better == "lower"
        classes, quality = panel.tables(cases)
        rows = {row[:2]: row[2:] for row in classes.rows}
        assert (rows["er", "2"], rows["er", "0"]) == ((0.5, 1.0), (0.5, 0.0))
        assert len(quality.rows) == 6

    def test_a_known_task_measures_cases_of_before_without_raters(self, panel: Panel) -> None:
        answer = Answer(reply=WARM, plan=PLAN)
        case = Case(ITEM, answer, panel.score(ITEM, answer))
        task = known_task("reply.own")
        assert task is not None
        names = [one.name for one in task.measures([case])]
        assert names == [one.name for one in panel.measures([case])]
        for name in ("reply.dailydialog.votes", "reply.own.ratings"):
            known = known_task(name)
            assert known is not None
            assert known.name == name
        assert known_task("esconv") is None
