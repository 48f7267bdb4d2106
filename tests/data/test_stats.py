import msgspec
import pytest
from hypothesis import given, settings

from skillofmind.core.dialogue import (
    Annotation,
    Dialogue,
    Image,
    Label,
    Session,
    SocialContext,
    Speaker,
    Turn,
)
from skillofmind.data import stats as module
from skillofmind.data.stats import NONE, OTHER, Counting, Stats, merge, quantile, stats
from tests.data.dialogues import CORPORA


def test_everything_is_counted() -> None:
    said = (
        Turn("A", "one two three", labels=(Label("s", "x"), Label("s", "y", rank=2))),
        Turn("B", "one", annotations=(Annotation("Empathy"),), images=(Image("i"),)),
    )
    first = Dialogue(
        said,
        SocialContext(emotion="sad"),
        "1",
        speakers=(Speaker("A", role="client", persona=("p",)),),
        corpus="c",
        split="train",
        lang="en",
        scenario="talk",
        history=(Session(),),
        licence="CC0-1.0",
    )
    found = stats([first, Dialogue((Turn("A", "x"),), id="2")])
    assert found == Stats(
        dialogues=2,
        turns=3,
        words=5,
        characters=17,
        images=1,
        annotated=1,
        turn_words={3: 1, 1: 2},
        dialogue_turns={2: 1, 1: 1},
        dialogue_speakers={2: 1, 1: 1},
        contexts={"emotion": 1, "persona": 1, "history": 1, NONE: 1},
        labels={"s": {"x": 1, "y": 1}},
        skills={"Empathy": 1},
        languages={"en": 1, NONE: 1},
        scenarios={"talk": 1, NONE: 1},
        splits={"train": 1, NONE: 1},
        corpora={"c": 1, NONE: 1},
        licences={"CC0-1.0": 1, NONE: 1},
        roles={"client": 1},
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Stats) == found


@settings(deadline=None, max_examples=40)
@given(CORPORA, CORPORA)
def test_merged_parts_equal_the_whole(one: list[Dialogue], other: list[Dialogue]) -> None:
    assert merge(stats(one), stats(other)) == stats([*one, *other])


def test_tables_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 3)
    counting = Counting()
    for number in range(10):
        label = Label(f"s{number}", "x")
        counting.add(Dialogue((Turn("A", "x " * 600, labels=(label,)),), scenario=str(number)))
    found = counting.stats()
    assert found.scenarios == {"0": 1, "1": 1, "2": 1, OTHER: 7}
    assert len(found.labels) == 4
    assert found.turn_words == {500: 10}


def test_quantiles_of_a_histogram() -> None:
    histogram = {1: 1, 2: 2, 10: 1}
    assert [quantile(histogram, share) for share in (0, 0.25, 0.5, 0.75, 0.76, 1)] == [1, 1, 2, 2, 10, 10]
    assert quantile({}, 0.5) == 0
