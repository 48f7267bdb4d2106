import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.mind.audit.people import names_of, people, places_of
from tests.mind.audit.corpus import talk


def test_names_are_counted_once_a_dialogue_and_labels_are_no_names() -> None:
    rows = [
        talk("a"),
        talk("b"),
        Dialogue((Turn("User", "x"), Turn("S", "y")), speakers=(Speaker("S", "Sol"),)),
    ]
    found = people(rows)
    assert found.names["en"].top == {"Ana": 2, "Ben": 2}
    assert found.names["en"].entropy == found.names["en"].evenness == 1
    assert found.names["(none)"].top == {"Sol": 1}
    assert found.generic == 1


def test_gender_is_counted_where_it_is_stated_and_never_from_a_name() -> None:
    speakers = (
        Speaker("Maria", role="tram driver"),
        Speaker("X", role="Mother of two"),
        Speaker("Y", attributes={"gender": "male"}),
        Speaker("Z", role="father and mother"),
    )
    found = people(
        [
            Dialogue(
                (Turn("X", "He likes her."),),
                SocialContext(relationship="sister and brother"),
                speakers=speakers,
                lang="en",
            )
        ]
    )
    assert found.gendered == {"(none)": 1, "both": 1, "female": 1, "male": 1}
    assert found.relationships == {"female": 1, "male": 1}
    assert found.pronouns == {"she": 1, "he": 1, "they": 0}


def test_ages_fall_into_bands() -> None:
    ages = ["0", "12", "13", "17", "18", "29 years", "30", "65", "99", "old", ""]
    speakers = tuple(Speaker(str(n), attributes={"age": age}) for n, age in enumerate(ages))
    found = people([Dialogue((Turn("0", "x"),), speakers=speakers)])
    assert found.ages == {"0-12": 2, "13-17": 2, "18-29": 2, "30-44": 1, "45-64": 0, "65+": 2, "(none)": 2}


def test_places_are_attributes_and_what_follows_a_preposition() -> None:
    story = "Ana waits in Accra, near New Delhi Station, in May, at home, in Ben's car, from Ana."
    row = msgspec.structs.replace(
        talk(situation=story), speakers=(Speaker("Ana", attributes={"city": "Lyon"}), Speaker("Ben"))
    )
    assert places_of(row) == {"Accra", "New Delhi Station", "Lyon"}
    assert places_of(msgspec.structs.replace(row, lang="ko")) == {"Lyon"}


def test_who_is_listed_and_says_nothing_is_not_named() -> None:
    assert names_of(Dialogue((Turn("A", "x"),), speakers=(Speaker("A", "Ana"), Speaker("B")))) == {"Ana"}


def test_a_corpus_without_people_has_no_spread() -> None:
    found = people([])
    assert (found.names, found.roles.total, found.roles.evenness) == ({}, 0, None)
