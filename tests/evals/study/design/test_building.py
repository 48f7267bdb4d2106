from pathlib import Path

import pytest

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.evals.study.design.building import Design, build, names_in_texts, title_of
from skillofmind.evals.study.design.material import Gathered, gather, source
from skillofmind.evals.study.design.wording import Wording, read_wording
from tests.evals.study.talks import GOOD, PLAIN, small_study, write_plans, write_replies


@pytest.fixture
def replies(tmp_path: Path) -> Gathered:
    return gather([source(str(write_replies(tmp_path / "r.jsonl", 10)))])


def test_every_pair_of_systems_is_a_task(replies: Gathered) -> None:
    study, tasks = build(replies, Design(), Wording(), "x")
    assert study.systems == (GOOD, PLAIN)
    assert [(task.first, task.second) for task in tasks[:10]] == [(GOOD, PLAIN)] * 10
    assert [one.name for one in study.criteria] == [
        "naturalness", "engagingness", "empathy", "helpfulness", "consistency", "safety", "overall",
    ]  # fmt: skip
    assert (study.ties, study.scale, study.overlap) == (True, (), 2)


def test_ratings_have_a_task_for_each_system(replies: Gathered) -> None:
    study, tasks = build(replies, Design(kind="ratings", points=5, checks=0), Wording(), "x")
    assert len(tasks) == 20
    assert len(study.scale) == 5
    assert {len(task.texts) for task in tasks} == {1}
    assert not study.ties


def test_explanations_are_asked_about_as_thanos_was(tmp_path: Path) -> None:
    found = gather([source(str(write_plans(tmp_path / "p.jsonl", 3)))])
    study, _ = build(found, Design(kind="ratings"), Wording(), "x")
    assert [one.name for one in study.criteria] == ["relevance", "plausibility", "understanding"]
    assert study.subject == "explanation"


def test_a_limit_draws_items(replies: Gathered) -> None:
    items = [{task.item for task in small[1]} for small in (
        build(replies, Design(limit=4, seed=seed), Wording(), "x") for seed in (0, 0, 1)
    )]  # fmt: skip
    assert [len(one) for one in items] == [4, 4, 4]
    assert items[0] == items[1] != items[2]


@pytest.mark.parametrize(
    ("design", "said"),
    [
        (Design(raters=0), "--raters 0"),
        (Design(raters=2, overlap=3), "--overlap 3 must be 1 to 2"),
        (Design(kind="ratings", points=2), "3 to 9 points"),
        (Design(criteria=("empaty",)), "did you mean 'empathy'"),
        (Design(criteria=("empathy", "empathy")), "name one twice"),
    ],
)
def test_a_design_that_cannot_be_is_refused(replies: Gathered, design: Design, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        build(replies, design, Wording(), "x")


def test_a_comparison_needs_two_systems(tmp_path: Path) -> None:
    found = gather([source(str(write_plans(tmp_path / "p.jsonl", 3)))])
    with pytest.raises(ConfigurationError, match="needs two systems and there is only 'p'"):
        build(found, Design(), Wording(), "x")


def test_a_name_in_a_text_is_found(replies: Gathered) -> None:
    assert names_in_texts(replies) == ()
    named = replies._replace(systems=("The", "zz"))
    assert names_in_texts(named) == ("The",)


def test_a_wording_says_it_in_other_words(tmp_path: Path, replies: Gathered) -> None:
    file = tmp_path / "w.toml"
    file.write_text(
        'title = "Antworten"\nconsent = "Ja."\nscale = ["nein", "etwas", "ja"]\n'
        '[criteria.empathy]\nrating = "Versteht sie?"\n'
        '[criteria.wit]\npair = "Which is wittier?"\nrating = "Is it witty?"\ntelling = true\n'
    )
    design = Design(kind="ratings", criteria=("empathy", "wit"))
    study, _ = build(replies, design, read_wording(file), "x")
    assert (study.title, study.consent, study.scale) == ("Antworten", "Ja.", ("nein", "etwas", "ja"))
    assert [one.rating for one in study.criteria] == ["Versteht sie?", "Is it witty?"]
    assert study.criteria[0].about.startswith("The reply notices")


@pytest.mark.parametrize(
    "text", ['titel = "x"', "title = 3", "title =", '[criteria.wit]\npair = "Which is wittier?"']
)
def test_a_wrong_wording_is_refused(tmp_path: Path, replies: Gathered, text: str) -> None:
    file = tmp_path / "w.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        build(replies, Design(criteria=("wit",)), read_wording(file), "x")
    with pytest.raises(DataError, match="cannot be read"):
        read_wording(tmp_path / "none.toml")


def test_the_title_is_that_of_the_folder(tmp_path: Path) -> None:
    assert title_of(tmp_path / "first-study") == "first study"
    assert small_study(tmp_path, 3)[0].title == "Replies"
