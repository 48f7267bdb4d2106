from skillofmind.core.dialogue import Dialogue, Image, Turn
from skillofmind.mind.audit.composition import alternates, composition, malformed, table, verdicts
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.audit.corpus import answer, talk

TAXONOMY = load_taxonomy()


def test_counts_by_hand() -> None:
    long = talk("own:2", *[answer(), Turn("Ana", "Thanks.")] * 3, split="test", lang="ko")
    found = composition([talk(), long, talk("own:3", answer(skill="Nonsense"))], TAXONOMY)
    assert (found.dialogues, found.turns, found.annotated) == (3, 2 + 7 + 2, 1 + 3 + 1)
    assert (found.usual_length, found.alternating) == (1, 3)
    assert found.lengths == {2: 2, 7: 1}
    assert found.languages == {"en": 2, "ko": 1}
    assert found.annotated_languages == {"ko": 3, "en": 2}
    assert found.annotated_splits == {"test": 3, "train": 2}
    assert found.skills["Empathy"] == 4
    assert found.skills["Nonsense"] == 1
    assert len(found.skills) == len(TAXONOMY.names()) + 1
    assert found.skills[found.rarest] == 0
    assert found.categories == {"Interpersonal": 4}


def test_speaking_twice_in_a_row_is_seen() -> None:
    assert alternates(talk())
    assert not alternates(Dialogue((Turn("A", "a"), Turn("A", "b"))))


def test_values_are_ranked_and_missing_ones_have_a_name() -> None:
    assert list(table(["b", "a", None, "a", "b", ""]).items()) == [("(none)", 2), ("a", 2), ("b", 2)]


def test_malformed_dialogues_are_named() -> None:
    picture = Turn("Ana", "", images=(Image("a dog"),))
    rows = [
        talk("a"),
        talk("a"),
        talk("", answer()),
        Dialogue((Turn("A", "only"),), id="c"),
        Dialogue((Turn("A", "x"), Turn("B", "  "), picture), id="d"),
    ]
    found = list(malformed(rows))
    assert [(row.check, row.id, row.turn) for row in found] == [
        ("id", "a", None),
        ("id", "", None),
        ("turns", "c", None),
        ("empty_turn", "d", 2),
    ]
    assert {row.check: row.count for row in verdicts(found)} == {
        "row": 0,
        "id": 2,
        "turns": 1,
        "empty_turn": 1,
    }
    assert [row.passed() for row in verdicts(found)] == [True, False, False, False]
