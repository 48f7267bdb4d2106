from skillofmind.data.duplicates import Pair, duplicates_between
from skillofmind.mind.audit.likeness.copies import copies_between, copies_within, verdicts
from tests.mind.audit.corpus import answer, talk

STORY = "the train to the coast was late again and so was I, and nobody said a word about it all day"


def test_a_copy_is_found_and_pairs_that_are_meant_are_not() -> None:
    rows = [
        talk("a", opening=STORY),
        talk("b", opening=STORY),
        talk("c", answer("What a day."), opening=STORY[::-1], pair="1"),
        talk("d", answer("What a day."), opening=STORY[::-1], pair="1"),
    ]
    found, named = copies_within(rows)
    assert (found.duplicates, found.meant, found.across_splits) == (1, 1, 0)
    assert found.nearest == (Pair("a", "b", 1.0),)
    assert [(row.check, row.id) for row in named] == [("duplicate", "a")]
    assert [row.count for row in verdicts(named)] == [1, 0, 0]


def test_pairs_that_are_meant_stay_in_one_split() -> None:
    rows = [talk("a", pair="1"), talk("b", pair="1", split="test")]
    found, named = copies_within(rows)
    assert (found.duplicates, found.across_splits) == (0, 1)
    assert [(row.check, row.id) for row in named] == [("split_leak", "a")]


def test_far_pairs_are_listed_and_no_finding() -> None:
    ending = "and then we went back to the house and slept until noon the next day"
    one, other = talk("a", answer(STORY), opening="Tell me."), talk("b", answer(STORY), opening=ending)
    found, named = copies_within([one, other])
    assert found.duplicates == 0
    assert named == []
    assert [(pair.first, pair.second) for pair in found.nearest] == [("a", "b")]
    assert 0.05 <= found.nearest[0].jaccard < 0.7


def test_a_taken_id_and_an_empty_one_do_not_stop_the_check() -> None:
    found, _ = copies_within([talk("a", opening=STORY), talk("a"), talk(""), talk("b", opening=STORY)])
    assert found.duplicates == 1


def test_rows_of_other_corpora_are_named_with_the_corpus() -> None:
    ours, theirs = [talk("a", opening=STORY)], [talk("z", opening=STORY)]
    found, named = copies_between(duplicates_between(ours, theirs, 0.05), "esconv")
    assert found.duplicates == 1
    assert [(row.check, row.id, row.why) for row in named] == [
        ("copied", "a", "near-duplicate 'z' (Jaccard 1.00) of esconv.")
    ]
