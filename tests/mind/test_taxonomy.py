from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.mind.taxonomy import load_taxonomy, spelling, taxonomy_source
from tests.mind.world import SKILLS, TAXONOMY, taxonomy_in

NAMES = """Empathy|Personal Background|Persona Recall|Self-disclosure|Negotiation|Conflict Resolution
Conflict Avoidance|Persuasion|Memory Recall|Topic Transition|Ethics|Harmlessness|Helpfulness
Avoiding Social Bias|Cultural Sensitivity|Commonsense Understanding|Rhetoric|Preference Elicitation
Knowledge Sharing|Knowledge Acquisition|Knowledge Searching|Active Listening|Factual Problem Solving
Logical Thinking|Critical Thinking|Creative Problem Solving|Immediate Response|Rephrasing|Echoing|Mentoring
Reflective Listening|Image-Sharing|Image-Commenting|Recommendation|Task Execution|Urgency Recognition
Clarification|Confirmation|Decision-making""".replace("\n", "|").split("|")

CATEGORIES = {
    "Interpersonal": "1 2 4 5 6 7 8 11 12 13 14 15 16 18 30 32 33",
    "Memory & Knowledge Management": "3 9 19 20 21",
    "Cognitive & Problem-Solving": "23 24 25 26 39",
    "Communication & Listening": "10 17 22 27 28 29 31 37 38",
    "Task-Oriented": "34 35 36",
}


def test_the_package_holds_the_thirty_nine_skills_in_the_published_order() -> None:
    assert load_taxonomy().names() == tuple(NAMES)
    assert len(NAMES) == 39


def test_every_skill_stands_in_its_category() -> None:
    taxonomy = load_taxonomy()
    assert tuple(taxonomy.categories) == tuple(CATEGORIES)
    for category, numbers in CATEGORIES.items():
        found = [i for i, skill in enumerate(taxonomy.skills, 1) if skill.category == category]
        assert found == [int(number) for number in numbers.split()]


@pytest.mark.parametrize("name", NAMES)
def test_every_skill_is_told_in_full(name: str) -> None:
    skill = load_taxonomy().get(name)
    for sentence in (skill.definition, skill.when, skill.difference):
        assert len(sentence.split()) >= 4
        assert sentence.endswith(".")
    assert skill.contrast in NAMES
    assert skill.contrast != name
    assert skill.aim
    assert not skill.aim.endswith(".")
    for korean in (skill.names["ko"], skill.aims["ko"]):
        assert any("가" <= char <= "힣" for char in korean)
    assert skill.label("ko") == skill.names["ko"]
    assert skill.label("fr") == name


def test_no_spelling_means_two_skills() -> None:
    skills = load_taxonomy().skills
    spellings = [
        found
        for skill in skills
        for found in {spelling(label) for label in (skill.name, *skill.aliases, *skill.names.values())}
    ]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize(
    "label",
    ["SELF-DISCLOSURE", "self_disclosure", " Self  Disclosure.", '"Self-Disclosure"', "**Self–disclosure**:"],
)
def test_case_gaps_and_marks_do_not_count_in_a_spelling(label: str) -> None:
    assert spelling(label) == "self disclosure"


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="Small talk"):
        load_taxonomy().get("Small talk")


def test_a_file_gives_its_own_skills(tmp_path: Path) -> None:
    taxonomy = taxonomy_in(tmp_path)
    assert taxonomy.names() == SKILLS
    assert taxonomy.identity() != load_taxonomy().identity()
    assert taxonomy_source(tmp_path / "four.toml") == TAXONOMY


def test_an_edited_file_is_read_again_and_changes_the_identity(tmp_path: Path) -> None:
    before = taxonomy_in(tmp_path)
    path = tmp_path / "four.toml"
    path.write_text(TAXONOMY.replace("Gives comfort.", "Holds a hand."), encoding="utf-8-sig")
    after = load_taxonomy(path)
    assert after.get("Comfort").definition == "Holds a hand."
    assert after.identity() != before.identity()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("when = ", "whenever = ", "unknown field `whenever`"),
        ('name = "Advice"', 'name = "Comfort"', "skill 'Comfort' stands twice"),
        ('name = "Advice"', 'name = "comfort"', "'comfort' is a spelling of 'Comfort' and of 'comfort'"),
        (
            'contrast = "Advice"',
            'contrast = "Advise"',
            "'Comfort' contrasts with 'Advise', which is not in the file",
        ),
        ('contrast = "Advice"', 'aliases = ["Apology"]', "'Apology' is a spelling of 'Comfort'"),
        ('contrast = "Advice"', 'aliases = ["..."]', "'Comfort' has the spelling '...'"),
        ('category = "All"', 'category = "None"', "'Comfort' is in category 'None'"),
        ('name = "Comfort"', "name = 3", "Expected `str`, got `int`"),
        ("[categories]", "[categories", "Expected ']' at the end of a table declaration"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(TAXONOMY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_taxonomy(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert message.endswith((".", "format."))
    assert "\n" not in message


def test_a_file_without_skills_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("skills = []\n[categories]\n")
    with pytest.raises(DataError, match=r"empty\.toml: no \[\[skills\]\] entry"):
        load_taxonomy(path)


def test_a_file_that_is_not_utf8_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes("# Größe\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.toml: not UTF-8"):
        load_taxonomy(path)
    with pytest.raises(DataError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        load_taxonomy(tmp_path / "none.toml")
