from pathlib import Path

import pytest

from skillofmind.core.dialogue import SocialContext, Speaker
from tests.data.corpora.reading import lines, said, told
from tests.data.corpora.samples import CHRONICLE

NAME = "conversation_chronicles"


def test_each_session_is_a_dialogue(tmp_path: Path) -> None:
    kept, rejected = told(NAME, lines(tmp_path / "valid.jsonl", [CHRONICLE]))
    assert rejected == []
    assert [dialogue.id for dialogue in kept] == [f"{NAME}:episode-7:session{k}" for k in range(1, 6)]
    third = kept[2]
    assert said(third) == [("Neighbors A", "Plan 3?"), ("Neighbors B", "Yes, plan 3.")]
    assert third.speakers == (
        Speaker("Neighbors A", role="Neighbors A"),
        Speaker("Neighbors B", role="Neighbors B"),
    )
    assert (third.split, third.licence, third.scenario) == (
        "validation",
        "CC BY 4.0",
        "long-term acquaintance",
    )
    assert third.meta == {
        "episode": "episode-7",
        "session": 3,
        "time_interval": "A couple of weeks",
        "summary": "They talk about plan 3.",
    }


def test_a_later_session_knows_the_one_before(tmp_path: Path) -> None:
    kept, _ = told(NAME, lines(tmp_path / "valid.jsonl", [CHRONICLE]))
    assert kept[0].context == SocialContext(relationship="Neighbors")
    assert kept[1].context == SocialContext(
        relationship="Neighbors", elapsed="A few hours", previous_summary="They talk about plan 1."
    )
    assert [dialogue.context.elapsed for dialogue in kept] == [
        None,
        "A few hours",
        "A couple of weeks",
        "A month",
        "A year",
    ]
    assert kept[4].context.previous_summary == "They talk about plan 4."


def test_a_broken_session_leaves_the_others(tmp_path: Path) -> None:
    broken = CHRONICLE | {"second_session_speakers": ["Neighbors A"], "fifth_session_dialogue": None}
    kept, rejected = told(NAME, lines(tmp_path / "train.jsonl", [broken]))
    assert [dialogue.meta["session"] for dialogue in kept] == [1, 3, 4]
    assert [str(row) for row in rejected] == [
        "train.jsonl:1: session 2 of episode 'episode-7' has 1 speakers for 2 utterances; "
        "each utterance needs its speaker.",
        "train.jsonl:1: session 5 of episode 'episode-7' has 2 speakers for 0 utterances; "
        "each utterance needs its speaker.",
    ]


@pytest.mark.parametrize("field", ["time_interval", "summary"])
def test_an_episode_needs_five_intervals_and_summaries(tmp_path: Path, field: str) -> None:
    short = CHRONICLE | {field: CHRONICLE[field][:4]}
    kept, rejected = told(NAME, lines(tmp_path / "train.jsonl", [short, CHRONICLE]))
    assert (len(kept), len(rejected)) == (5, 1)
    assert "five of each belong there" in rejected[0].reason
