from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Label
from skillofmind.core.errors import DataError
from skillofmind.data.labels import LabelMap, Place, SkillMatch, load_label_map
from skillofmind.mind.taxonomy import load_taxonomy

TABLE = load_label_map()
SKILLS = load_taxonomy().names()
ROWS = [
    (Label(name, value), rule.on)
    for scheme in TABLE.schemes
    for name in scheme.names
    for rule in scheme.labels
    for value in rule.values
]


def matched(scheme: str, value: str, on: Place = "turn") -> SkillMatch:
    found = TABLE.match(Label(scheme, value), on)
    assert found is not None
    return found


def test_every_skill_of_the_table_is_in_the_taxonomy() -> None:
    assert TABLE.skills() - set(SKILLS) == set()


@pytest.mark.parametrize(
    ("scheme", "value", "primary", "accept", "strength"),
    [
        ("esconv.strategy", "Reflection of feelings", "Reflective Listening", ("Empathy",), "exact"),
        ("esconv.strategy", "Others", None, (), "none"),
        ("casino.strategy", "other-need", "Persuasion", ("Negotiation", "Empathy"), "plausible"),
        ("casino.strategy", "showing_empathy", "Empathy", (), "exact"),
        ("persuasionforgood.persuader", "emotion-appeal", "Persuasion", ("Empathy", "Rhetoric"), "exact"),
        (
            "persuasionforgood.persuadee",
            "disagree-donation-more",
            "Decision-making",
            ("Confirmation", "Conflict Avoidance"),
            "weak",
        ),
        ("empathetic_dialogues.intent", "wishing", "Empathy", (), "plausible"),
        ("empathetic_dialogues.emotion", "nostalgic", None, (), "none"),
        ("annomi.therapist_behaviour", "Reflection (complex)", "Reflective Listening", ("Empathy",), "exact"),
        ("annomi.therapist_behaviour", "reflection", None, (), "none"),
        ("annomi.therapist_input", "options", "Recommendation", ("Creative Problem Solving",), "plausible"),
        ("cima.tutor_action", "Correction", "Factual Problem Solving", ("Mentoring",), "plausible"),
        ("diasafety.category", "Biased Opinion", "Avoiding Social Bias", ("Ethics",), "weak"),
        ("socialdial.norm", "apology", "Conflict Resolution", (), "weak"),
        ("multiwoz.act", "Train-OfferBooked", "Task Execution", (), "plausible"),
        ("multiwoz.act", "general-reqmore", "Confirmation", (), "plausible"),
    ],
)
def test_a_label_has_the_skill_of_the_table(
    scheme: str, value: str, primary: str | None, accept: tuple[str, ...], strength: str
) -> None:
    found = matched(scheme, value)
    assert (found.primary, found.accept, found.strength) == (primary, accept, strength)


def test_what_the_table_does_not_know_is_unknown() -> None:
    assert TABLE.match(Label("esconv.strategy", "Singing")) is None
    assert TABLE.match(Label("nowhere.at_all", "Question")) is None
    assert TABLE.match(Label("multiwoz.act", "Booking-NoBook")) is None


def test_a_label_may_speak_of_the_next_turn() -> None:
    assert TABLE.match(Label("socialdial.violation", "violation")) is None
    assert TABLE.match(Label("prosocial.safety_label", "__casual__")) is None
    assert matched("socialdial.violation", "violation", "next").primary == "Cultural Sensitivity"
    assert matched("photochat.share_photo", "true").primary == "Image-Sharing"
    assert matched("photochat.share_photo", "true", "next").primary == "Image-Commenting"


@pytest.mark.parametrize(
    ("scheme", "skill", "group"),
    [
        ("prosocial.safety", "Harmlessness", "needs_caution"),
        ("prosocial.safety", "Urgency Recognition", "needs_intervention"),
        ("prosocial.safety", "Empathy", "casual"),
        ("bst.suggestion", "Persona Recall", "personal background"),
        ("bst.suggestion", "Active Listening", "empathy"),
        ("bst.suggestion", "Knowledge Searching", "knowledge"),
        ("bst.suggestion", "Ethics", "other"),
        ("dailydialog.act", "Decision-making", "commissive"),
        ("xdailydialog.act", "Mentoring", "directive"),
        ("dailydialog.act", "Empathy", "inform"),
    ],
)
def test_a_skill_has_the_class_of_the_table(scheme: str, skill: str, group: str) -> None:
    assert TABLE.class_of(scheme, skill) == group


@pytest.mark.parametrize("scheme", ["esconv.strategy", "nowhere.at_all"])
def test_a_scheme_without_classes_has_no_class(scheme: str) -> None:
    with pytest.raises(KeyError):
        TABLE.class_of(scheme, "Empathy")


def test_a_class_label_names_its_class_and_skills() -> None:
    found = matched("prosocial.safety_label", "__possibly_needs_caution__", "next")
    assert (found.primary, found.group, found.source) == (None, "needs_caution", "official")
    assert "Cultural Sensitivity" in found.accept
    assert matched("dailydialog.act", "4").group == "commissive"
    assert matched("bst.suggestion", "wizard_of_wikipedia").group == "knowledge"


def test_only_what_the_paper_evaluates_is_official() -> None:
    official = {name for s in TABLE.schemes if s.source == "official" for name in s.names}
    assert official == {
        "prosocial.safety",
        "prosocial.safety_label",
        "prosocial.safety_annotation",
        "bst.suggestion",
        "blended_skill_talk.chosen_suggestion",
    }


@given(st.sampled_from(ROWS), st.sampled_from([*SKILLS, "", "Singing"]))
def test_strict_is_never_more_than_lenient(row: tuple[Label, Place], skill: str) -> None:
    found = TABLE.match(*row)
    assert found is not None
    assert found.strict(skill) <= found.lenient(skill)


@given(st.sampled_from(ROWS))
def test_case_and_marks_of_a_label_do_not_count(row: tuple[Label, Place]) -> None:
    label, on = row
    other = Label(label.scheme, f" {label.value.upper().replace('-', '_')}.")
    assert TABLE.match(other, on) == TABLE.match(label, on)


def test_labels_are_counted_by_what_is_known_of_them() -> None:
    labels = [
        *[Label("esconv.strategy", "Question")] * 2,
        Label("esconv.strategy", "Others"),
        *[Label("esconv.strategy", "Singing")] * 3,
        Label("socialdial.violation", "violation"),
        Label("own.scheme", "x"),
    ]
    report = TABLE.report(labels)
    assert report.mapped == {"esconv.strategy": {"Question": 2}, "socialdial.violation": {"violation": 1}}
    assert report.left_out == {"esconv.strategy": {"Others": 1}}
    assert report.unmapped == {"esconv.strategy": {"Singing": 3}, "own.scheme": {"x": 1}}


def test_six_skills_have_no_human_label_at_all() -> None:
    named = TABLE.primaries("exact", "plausible", "weak") | TABLE.classed()
    assert set(SKILLS) - named == {
        "Topic Transition",
        "Helpfulness",
        "Commonsense Understanding",
        "Logical Thinking",
        "Creative Problem Solving",
        "Echoing",
    }


def test_twenty_skills_have_a_label_that_is_more_than_a_hint() -> None:
    assert TABLE.primaries("exact", "plausible") == {
        *("Clarification", "Rephrasing", "Reflective Listening", "Self-disclosure", "Empathy"),
        *("Recommendation", "Knowledge Sharing", "Preference Elicitation", "Negotiation", "Persuasion"),
        *("Knowledge Acquisition", "Personal Background", "Confirmation", "Active Listening", "Mentoring"),
        *("Critical Thinking", "Factual Problem Solving"),
        *("Image-Sharing", "Image-Commenting", "Task Execution"),
    }


def own(tmp_path: Path, labels: str, more: str = "", name: str = "x.y") -> LabelMap:
    path = tmp_path / "own.toml"
    head = f'version = 7\n[[schemes]]\nnames = ["{name}"]\nabout = ""\nsource = "proposal"\n'
    path.write_text(f"{head}labels = [{labels}]\n{more}", encoding="utf-8")
    return load_label_map(path)


def test_a_table_of_ones_own_is_read(tmp_path: Path) -> None:
    table = own(tmp_path, '{ values = ["a"], primary = "Juggling", strength = "weak" }')
    found = table.match(Label("x.y", "A"))
    assert found is not None
    assert found.primary == "Juggling"
    assert table.identity().startswith("7-")
    assert table.identity() != TABLE.identity()


@pytest.mark.parametrize(
    ("labels", "more", "fault"),
    [
        ('{ values = ["a"], primary = "B", strength = "strong" }', "", "Invalid enum value 'strong'"),
        ('{ values = ["a"], primary = "B", strenth = "weak" }', "", "strenth"),
        ('{ values = ["a"], primary = "B", accept = ["B"], strength = "weak" }', "", "primary and accepted"),
        ('{ values = ["a"], strength = "weak" }', "", "needs a `primary`"),
        ('{ values = ["a"], primary = "B", strength = "none" }', "", "needs a `primary`"),
        ('{ values = ["a", "b"], strength = "none" }, { values = ["B"], strength = "none" }', "", "'b'"),
        ('{ values = ["a"], class = "z", strength = "weak" }', "", "class 'z'"),
        ("", 'default = "z"', "go together"),
        ("", 'default = "z"\nclasses = { p = ["B"], q = ["B"] }', "'B' is in two classes"),
        ("", '[[schemes]]\nnames = ["x.y"]\nabout = ""\nsource = "official"\nlabels = []', "twice"),
        ("", "[", "own.toml"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    tmp_path: Path, labels: str, more: str, fault: str
) -> None:
    with pytest.raises(DataError, match=r"own\.toml") as caught:
        own(tmp_path, labels, more)
    assert fault in str(caught.value)


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_label_map(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(DataError, match="not UTF-8"):
        load_label_map(tmp_path / "latin.toml")
