from skillofmind.data.synthesize.rule_world import SKILLS, generate
from skillofmind.mind.annotate.first_person import is_first_person
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.weights import planner_target


def test_the_skills_of_the_rule_world_are_in_the_taxonomy() -> None:
    assert {*SKILLS} <= {*load_taxonomy().names()}


def test_its_explanations_are_first_person_and_name_no_skill() -> None:
    for one in generate(200, seed=0):
        (annotation,) = one.turns[-1].annotations
        assert is_first_person(annotation.explanation, "en")
        assert annotation.skill.lower() not in annotation.explanation.lower()
        assert planner_target(annotation.explanation, annotation.skill).count("[RESULT SKILL]") == 1
