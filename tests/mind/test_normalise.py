from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.mind.normalise import MAX_LABEL, LabelReport, Normaliser, normalise, report
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.world import taxonomy_in

TAXONOMY = load_taxonomy()
SPELLINGS = [
    (label, skill.name)
    for skill in TAXONOMY.skills
    for label in (skill.name, *skill.aliases, *skill.names.values())
]


@pytest.mark.parametrize(
    ("raw", "skill", "how"),
    [
        ("Empathy", "Empathy", "exact"),
        ("  EMPATHY \n", "Empathy", "exact"),
        ("image sharing", "Image-Sharing", "exact"),
        ("Image_Sharing", "Image-Sharing", "exact"),
        ("Decision Making.", "Decision-making", "exact"),
        ("self disclosure", "Self-disclosure", "exact"),
        ("“Ethics”", "Ethics", "exact"),
        ("**Ethics**", "Ethics", "exact"),
        ("`Ethics`;", "Ethics", "exact"),
        ("[Ethics]", "Ethics", "exact"),
        ('["Ethics"]', "Ethics", "exact"),
        ("Ethics!", "Ethics", "exact"),
        ("1. Ethics", "Ethics", "exact"),
        ("- Ethics", "Ethics", "exact"),
        ("Skill: Ethics", "Ethics", "exact"),
        ("**Skill:** Ethics", "Ethics", "exact"),
        ("skill name = Ethics", "Ethics", "exact"),
        ("2) Result skill: Ethics", "Ethics", "exact"),
        ("Empathy (Interpersonal)", "Empathy", "exact"),
        ("Ｅｔｈｉｃｓ", "Ethics", "exact"),
        ("Sympathy", "Empathy", "alias"),
        ("공감", "Empathy", "alias"),
        ("harmlesseness", "Harmlessness", "alias"),
        ("Empathy and Active Listening", "Empathy", "compound"),
        ("Clarification/Confirmation", "Clarification", "compound"),
        ("Small talk, Ethics", "Ethics", "compound"),
        ("Ethics: it is wrong to steal", "Ethics", "compound"),
        ("Ethics - it is wrong to steal", "Ethics", "compound"),
        ("Empathyy", "Empathy", "distance"),
        ("Negotiaton", "Negotiation", "distance"),
        ("Ethic", None, "oov"),
        ("Small talk", None, "oov"),
        ("", None, "oov"),
        ("...", None, "oov"),
        ("ethics committee", None, "oov"),
    ],
)
def test_each_step(raw: str, skill: str | None, how: str) -> None:
    found = normalise(raw)
    assert (found.raw, found.skill, found.how) == (raw, skill, how)


def test_a_compound_keeps_its_other_skills_once() -> None:
    found = normalise("Empathy & Active Listening, Ethics and empathy")
    assert (found.skill, found.others) == ("Empathy", ("Active Listening", "Ethics"))


def _cased(draw: st.DataObject, label: str) -> str:
    ups = draw.draw(st.lists(st.booleans(), min_size=len(label), max_size=len(label)))
    return "".join(char.upper() if up else char.lower() for char, up in zip(label, ups, strict=True))


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(SPELLINGS),
    st.sampled_from([" ", "-", "_", "  ", " - ", "\t"]),
    st.sampled_from(["", '"', "'", "**", "`", " ", "“"]),
    st.sampled_from(["", ".", "!", " ", ";", '."']),
    st.data(),
)
def test_decoration_of_any_spelling_does_not_matter(
    known: tuple[str, str], gap: str, before: str, after: str, data: st.DataObject
) -> None:
    label, skill = known
    gapped = _cased(data, label).replace("-", " ").replace(" ", gap)
    found = normalise(f"{before}{gapped}{before}{after}")
    assert found.skill == skill
    assert found.how in ("exact", "alias")


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from([*TAXONOMY.names(), "and", "/", "Skill:", "(", ")", "x", "-", "1."]), max_size=6
        ).map(" ".join),
    )
)
def test_no_text_gives_a_skill_outside_the_taxonomy_and_skills_stay_themselves(raw: str) -> None:
    found = normalise(raw)
    assert found.raw == raw
    assert (found.skill is None) == (found.how == "oov")
    for skill in (found.skill, *found.others):
        if skill is not None:
            again = normalise(skill)
            assert (again.skill, again.how, again.others) == (skill, "exact", ())


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(TAXONOMY.names()), st.integers(0, 30), st.sampled_from("qxz"))
def test_one_wrong_letter_in_a_long_name_is_forgiven(name: str, place: int, letter: str) -> None:
    if len(name) < 7:
        return
    at = place % len(name)
    assert normalise(f"{name[:at]}{letter}{name[at + 1 :]}").skill == name


@pytest.fixture
def similar(tmp_path: Path) -> Normaliser:
    path = tmp_path / "similar.toml"
    entry = '[[skills]]\nname = "{}"\ncategory = "All"\ndefinition = "d"\nwhen = "w"\naliases = {}\n'
    names = {"Teaching": ["Schooling"], "Reaching": [], "Asking": []}
    path.write_text("[categories]\nAll = {}\n" + "".join(entry.format(n, a) for n, a in names.items()))
    return Normaliser(load_taxonomy(path))


@pytest.mark.parametrize(
    ("raw", "skill", "how"),
    [
        ("Teaching", "Teaching", "exact"),
        ("Beaching", None, "oov"),
        ("Teachings", None, "oov"),
        ("Teachingss", "Teaching", "distance"),
        ("Reachingly", "Reaching", "distance"),
        ("Scholing", "Teaching", "distance"),
        ("Askinggg", "Asking", "distance"),
        ("Askingggg", None, "oov"),
        ("askin", None, "oov"),
    ],
)
def test_two_edits_count_only_where_one_skill_is_near(
    similar: Normaliser, raw: str, skill: str | None, how: str
) -> None:
    found = similar(raw)
    assert (found.skill, found.how) == (skill, how)


def test_a_custom_taxonomy_knows_only_its_own(tmp_path: Path) -> None:
    normaliser = Normaliser(taxonomy_in(tmp_path))
    assert normaliser("Empathy").skill is None
    assert normaliser("위로").skill == "Comfort"


@pytest.mark.parametrize(
    "raw",
    ["Empathy " * 100_000, "skill" + " " * 1_000_000 + "x", "(" * 500_000, "a" * (MAX_LABEL + 1)],
    ids=["words", "spaces", "brackets", "letters"],
)
def test_long_text_is_out_of_vocabulary_without_a_search(raw: str) -> None:
    assert normalise(raw).how == "oov"


def test_space_around_a_label_does_not_make_it_long() -> None:
    assert normalise(" " * 1000 + "Ethics" + "\n" * 1000).skill == "Ethics"


def test_the_report_counts_skills_steps_and_unknown_labels_verbatim() -> None:
    labels = ["Empathy", "empathy", "Sympathy", "Ethics", "Small Talk", "small talk", "Small Talk"]
    assert report(map(normalise, labels)) == LabelReport(
        skills={"Empathy": 3, "Ethics": 1},
        how={"exact": 3, "oov": 3, "alias": 1},
        oov={"Small Talk": 2, "small talk": 1},
    )
    assert report([]) == LabelReport({}, {}, {})
