from pathlib import Path

import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.records import Gold
from skillofmind.evals.tasks import TASKS, task
from skillofmind.evals.tasks.labelled import SOURCES
from skillofmind.evals.tasks.next_skill import item_of
from skillofmind.mind.taxonomy import load_taxonomy
from tests.evals.tasks.small import always, answered, data_folder, read_all, values
from tests.evals.tasks.test_labelled import COUNTS

OFFICIAL = {"bst.official", "prosocial.official", "photochat.official"}


def test_the_table_names_every_task_once() -> None:
    assert set(TASKS) == {
        "starter",
        *SOURCES,
        *OFFICIAL,
        *{"bst", "prosocial", "prosocial.rules", "photochat"},
    }
    assert all(name == one.name and one.about.endswith(".") for name, one in TASKS.items())
    assert {name for name, one in TASKS.items() if one.official} == OFFICIAL
    assert len({one.about for one in TASKS.values()}) == len(TASKS)


def test_a_wrong_name_gets_a_suggestion() -> None:
    assert task("casino") is TASKS["casino"]
    with pytest.raises(ConfigurationError, match=r"task 'casinoo' is unknown; did you mean 'casino'\?"):
        task("casinoo")


@pytest.mark.parametrize("name", SOURCES)
def test_items_of_the_shared_corpora(name: str) -> None:
    data = data_folder(TASKS[name].corpus)
    items = read_all(TASKS[name], data)
    assert len(items) == len({item.key for item in items}) == COUNTS[name][1]
    skills = set(load_taxonomy().names())
    for item in items:
        place = int(item.id.rpartition("#")[2])
        assert len(item.dialogue.turns) == place
        assert item.dialogue.meta == {}
        assert not any(turn.labels or turn.annotations or turn.meta for turn in item.dialogue.turns)
        assert bool(item.gold.label) == SOURCES[name].by_class != bool(item.gold.skills)
        assert {*item.gold.skills, *item.gold.accept} <= skills
        assert item.gold.reply
        assert {"corpus", "lang", "scheme", "strength", "scenario", "turns"} <= set(item.slices)


def test_items_are_the_same_every_time() -> None:
    for name in ("casino.weak", "cima", "diasafety"):
        data = data_folder(TASKS[name].corpus)
        assert read_all(TASKS[name], data) == read_all(TASKS[name], data)


def test_parallel_items_pair_up_by_id() -> None:
    data = data_folder("xdailydialog")
    english, german = (read_all(TASKS[f"xdailydialog.{lang}"], data) for lang in ("en", "de"))
    assert [(item.id, item.group, item.gold.label) for item in english] == [
        (item.id, item.group, item.gold.label) for item in german
    ]
    assert english[0].dialogue.turns != german[0].dialogue.turns


def test_classes_are_scored_by_the_map_and_skills_by_name() -> None:
    data = data_folder("dailydialog", "casino")
    acts, items = TASKS["dailydialog"], read_all(TASKS["dailydialog"], data)
    found = values(acts, answered(acts, items, always("Clarification")))
    assert found["class"] == pytest.approx(1326 / 5209)
    camp, items = TASKS["casino"], read_all(TASKS["casino"], data)
    found = values(camp, answered(camp, items, always("Negotiation")))
    assert found["accuracy"] == pytest.approx(67 / 180)
    assert found["lenient"] > found["accuracy"]


def test_the_gold_of_a_turn_with_several_labels(tmp_path: Path) -> None:
    from skillofmind.data.labels import load_label_map
    from skillofmind.evals.tasks.labelled import items_of
    from tests.evals.tasks.test_labelled import casino

    talk = casino("elicit-pref", "vouch-fair")
    (row,) = items_of(talk, SOURCES["casino"], load_label_map())
    assert item_of("casino", row).gold == Gold(
        ("Preference Elicitation",), ("Clarification", "Ethics", "Negotiation", "Persuasion"), reply="words"
    )
