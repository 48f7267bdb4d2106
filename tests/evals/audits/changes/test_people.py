from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.core.errors import DataError
from skillofmind.evals.audits.arms import Scene
from skillofmind.evals.audits.changes.facts import DRAWS, named, replaced, told
from skillofmind.evals.audits.changes.gender import genders_in, opposite, same, swapped
from skillofmind.evals.audits.changes.names import known_names, name_in, name_swapped
from skillofmind.evals.audits.changes.people import load_people
from skillofmind.evals.audits.changes.texts import texts_of, with_texts
from skillofmind.evals.audits.changes.wording import load_wording
from tests.evals.audits.scenes import dialogues

PEOPLE = load_people()
TALK = Dialogue((Turn("A", "Hello."), Turn("B", "Hi."), Turn("A", "How are you?")))


def scene(dialogue: Dialogue, seed: int = 1) -> Scene:
    return Scene(dialogue, Random(seed))


def test_groups_are_balanced_and_their_terms_differ() -> None:
    for attribute in PEOPLE.attributes:
        for lang in attribute.told:
            terms = [attribute.terms(group.name, lang) for group in attribute.groups]
            assert len({len(one) for one in terms}) == 1, (attribute.name, lang)
            assert all(len(set(one)) == len(one) for one in terms), (attribute.name, lang)
            assert "{term}" in attribute.told[lang]
        assert attribute.source


def test_genders_of_names_are_known_and_agree() -> None:
    known = known_names(PEOPLE)
    assert known["Lakisha"] == known["Mary"] == known["Emily"] == "female"
    assert known["Jamal"] == known["John"] == known["Greg"] == "male"
    common = PEOPLE.common_names
    assert not set(common.female) & set(common.male)
    assert not {"Will", "Grace", "May", "Mark", "Joy", "Hope", "Bill"} & known.keys()


@given(dialogues(), st.integers(0, 50))
def test_a_told_fact_is_one_sentence_more(dialogue: Dialogue, seed: int) -> None:
    for attribute in PEOPLE.attributes:
        lang = "ko" if dialogue.lang == "ko" else "en"
        sentences = []
        for group in attribute.groups:
            for draw in DRAWS:
                found = told(attribute, group.name, draw)(scene(dialogue, seed))
                assert found is not None
                assert msgspec.structs.replace(found, context=dialogue.context) == dialogue
                text = found.context.text or ""
                assert text.startswith(dialogue.context.text or "")
                sentence = text.removeprefix(dialogue.context.text or "").strip()
                terms = attribute.terms(group.name, lang)
                assert sentence in {attribute.told[lang].replace("{term}", term) for term in terms}
                sentences.append(sentence)
        assert len(set(sentences)) == len(sentences)


def test_details_are_another_one_in_every_draw() -> None:
    gender = PEOPLE.attribute("gender")
    for seed in range(20):
        details = set()
        for group, noun in (("woman", "woman"), ("man", "man"), ("non-binary", "non-binary person")):
            for draw in DRAWS:
                found = told(gender, group, draw)(scene(TALK, seed))
                assert found is not None
                details.add((found.context.text or "").replace(f"a {noun} ", ""))
        assert len(details) == 6


def test_a_name_is_shown_for_the_person_who_is_answered() -> None:
    found = named(PEOPLE.attribute("name_culture"), "black", 0)(scene(TALK))
    assert found is not None
    assert [(one.key, one.name) for one in found.speakers] == [("A", found.speakers[0].name)]
    assert found.speakers[0].name in PEOPLE.attribute("name_culture").terms("black", "en")
    assert found.turns == TALK.turns


def test_what_a_corpus_knows_is_replaced_only_where_it_knows_it() -> None:
    age = PEOPLE.attribute("age")
    known = msgspec.structs.replace(
        TALK, speakers=(Speaker("A", attributes={"age": "40", "job": "baker"}), Speaker("B"))
    )
    found = replaced(age, "old", 0)(scene(known))
    assert found is not None
    assert found.speakers[0].attributes["age"] in age.terms("old", "en")
    assert found.speakers[0].attributes["job"] == "baker"
    assert found.speakers[1] == Speaker("B")
    assert replaced(age, "old", 0)(scene(TALK)) is None


def test_a_name_is_swapped_everywhere_and_consistently() -> None:
    culture = PEOPLE.attribute("name_culture")
    dialogue = Dialogue(
        (Turn("Mary", "I'm Mary."), Turn("Tom", "Hi Mary! Mary's book? Maryland?"), Turn("Mary", "Yes.")),
        SocialContext(situation="Mary meets Tom."),
        speakers=(Speaker("Mary", "Mary", persona=("Mary likes tea.",)), Speaker("Tom")),
        responder="Tom",
        lang="en",
    )
    found = name_swapped(PEOPLE, culture, "hispanic", 1)(scene(dialogue))
    assert found is not None
    name = found.speakers[0].name
    assert name in culture.terms("hispanic", "en")[:8]
    assert found.turns == (
        Turn(name, f"I'm {name}."),
        Turn("Tom", f"Hi {name}! {name}'s book? Maryland?"),
        Turn(name, "Yes."),
    )
    assert found.context.situation == f"{name} meets Tom."
    assert found.speakers == (Speaker(name, name, persona=(f"{name} likes tea.",)), Speaker("Tom"))
    assert found.responder == "Tom"


def test_a_swap_of_gender_by_name_needs_a_text_without_other_gender() -> None:
    gender = PEOPLE.attribute("name_gender")
    plain = Dialogue((Turn("A", "Mary is late."),), lang="en")
    spoken = Dialogue((Turn("A", "Mary is late. Is she?"),), lang="en")
    assert name_swapped(PEOPLE, gender, "male", 0)(scene(plain)) is not None
    assert name_swapped(PEOPLE, gender, "male", 0)(scene(spoken)) is None
    assert name_in(Dialogue((Turn("A", "Mary"),), lang="de"), known_names(PEOPLE)) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("She told her, and he left.", "He told him, and she left."),
        ("Her mother is with her brother.", "His father is with his sister."),
        ("I saw him. It is his.", "I saw her. It is hers."),
        ("His car, not hers! HE knows.", "Her car, not his! SHE knows."),
        ("I like her a lot; the girl's nice", "I like him a lot; the girl's nice"),
        ("Nothing here.", "Nothing here."),
    ],
)
def test_gender_is_swapped_word_by_word(text: str, other: str) -> None:
    assert swapped(text, PEOPLE.gendered) == other


def test_a_her_that_could_be_either_is_left_out() -> None:
    with pytest.raises(ValueError, match="could be 'him' or 'his'"):
        swapped("I gave her flowers.", PEOPLE.gendered)
    undecided = Dialogue((Turn("A", "My mother: I gave her flowers."),), lang="en")
    assert opposite(PEOPLE.gendered)(scene(undecided)) is None
    assert same(PEOPLE.gendered)(scene(undecided)) is None


def test_the_control_takes_words_of_the_same_gender() -> None:
    dialogue = Dialogue((Turn("A", "My mother said that she knows a Man."),), lang="en")
    found = same(PEOPLE.gendered)(scene(dialogue))
    assert found is not None
    assert found.turns[0].text == "My mom said that she knows a Gentleman."
    assert genders_in(found, PEOPLE.gendered) == genders_in(dialogue, PEOPLE.gendered) == {"female", "male"}


@given(dialogues())
def test_all_texts_are_those_that_are_rewritten(dialogue: Dialogue) -> None:
    assert with_texts(dialogue, lambda text: text) == dialogue
    assert set(texts_of(with_texts(dialogue, lambda _: "x"))) <= {"x"}


def test_faulty_tables_are_refused(tmp_path: Path) -> None:
    source = Path("src/skillofmind/evals/audits/assets")
    people = (source / "people.toml").read_text("utf-8").replace('"Lagos", ', "", 1)
    (tmp_path / "people.toml").write_text(people, "utf-8")
    with pytest.raises(DataError, match=r"'place': groups have \[3, 4\] terms for 'en'"):
        load_people(tmp_path / "people.toml")
    (tmp_path / "wording.toml").write_text(
        (source / "wording.toml").read_text("utf-8").replace("SKILL] {target}", "", 1)
    )
    with pytest.raises(DataError, match="attack 'marker' names no"):
        load_wording(tmp_path / "wording.toml")
    with pytest.raises(DataError, match="cannot be read"):
        load_people(tmp_path / "none.toml")
