from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.audit.likeness.runs import RUN, Run, Runs

WORDS = tuple(f"w{n}" for n in range(40))


def said(id: str, *texts: str, pair: str | None = None) -> Dialogue:
    return Dialogue(tuple(Turn("A", text) for text in texts), id=id, meta={"pair": pair} if pair else {})


def test_a_run_inside_other_text_is_found_whatever_its_case() -> None:
    run = " ".join(WORDS[:14])
    ours = Runs([said("a", f"oh well {run} and so on"), said("b", "nothing")])
    found = list(ours.with_others([said("z", f"they say: {run.upper()}! really")]))
    assert found == [Run("a", "z", 14, run)]


def test_a_run_may_cross_turns_and_eleven_words_are_none() -> None:
    ours = Runs([said("a", " ".join(WORDS[:6]), " ".join(WORDS[6:12]))])
    assert [run.words for run in ours.with_others([said("z", " ".join(WORDS[:12]))])] == [12]
    assert list(ours.with_others([said("z", " ".join(WORDS[:11]))])) == []


def test_within_a_corpus_every_pair_counts_once_and_meant_ones_do_not() -> None:
    text = " ".join(WORDS[:12])
    rows = [said("a", text), said("b", text), said("c", text, pair="1"), said("d", text, pair="1")]
    found = [(run.first, run.second) for run in Runs(rows).within()]
    assert found == [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("b", "d")]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_it_is_the_longest_common_run(one: list[str], other: list[str]) -> None:
    found = list(Runs([said("a", " ".join(one))]).with_others([said("z", " ".join(other))]))
    spans = [one[i:j] for i in range(len(one)) for j in range(i + RUN, len(one) + 1)]
    common = [span for span in spans if any(other[k : k + len(span)] == span for k in range(len(other)))]
    assert [run.words for run in found] == ([max(map(len, common))] if common else [])
