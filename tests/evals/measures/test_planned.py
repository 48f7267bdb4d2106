from skillofmind.core.plan import Plan
from skillofmind.evals.measures.planned import categories, classes, guessed_class, planned, ranking
from skillofmind.evals.records import Answer, Gold
from tests.evals.measures.cases import item, told


def plan_of(answer: Answer) -> Plan:
    found = planned(answer)
    assert found is not None
    return found


def test_a_failure_has_no_plan() -> None:
    assert planned(told("Empathy")) == told("Empathy").plan
    for answer in (Answer(), Answer(error="x"), Answer(Plan(error="x"))):
        assert planned(answer) is None


def test_the_ranking_begins_with_the_choice_where_it_is_not_listed() -> None:
    assert ranking(plan_of(told("Empathy", "Ethics", "Empathy"))) == ["Ethics", "Empathy"]
    assert ranking(plan_of(told("Empathy", "Ethics", "Ethics"))) == ["Empathy", "Ethics"]
    assert ranking(plan_of(told("Empathy"))) == ["Empathy"]
    assert ranking(plan_of(told(None, "Empathy"))) == []


def test_the_class_of_a_skill_is_that_of_the_scheme() -> None:
    asked = item(Gold(label="empathy"), scheme="bst.suggestion")
    assert guessed_class(asked, plan_of(told("Active Listening"))) == "empathy"
    assert guessed_class(asked, plan_of(told("Ethics"))) == "other"
    assert guessed_class(asked, plan_of(told(None))) is None


def test_classes_and_categories_are_those_of_the_package() -> None:
    assert set(classes("prosocial.safety")) == {"casual", "needs_caution", "needs_intervention"}
    assert classes("nothing") == ()
    assert categories()["Empathy"] == "Interpersonal"
    assert len(categories()) == 39
