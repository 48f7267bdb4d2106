from pathlib import Path

from skillofmind.core.dialogue import SocialContext, Speaker, Turn
from tests.data.corpora.reading import lines, only, said, told
from tests.data.corpora.samples import CACTUS


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    dialogue = only("cactus", lines(tmp_path / "cactus.jsonl", [CACTUS]))
    assert dialogue.id == "cactus:cactus:1"
    assert dialogue.context == SocialContext(intake_form="Name:\nAlex\nAge:\n30", attitude="neutral")
    assert dialogue.speakers == (Speaker("Client", role="client"), Speaker("Counselor", role="counsellor"))
    assert (dialogue.licence, dialogue.scenario, dialogue.split) == ("not stated", "counselling", None)
    assert dialogue.meta == {
        name: CACTUS[name] for name in ("thought", "patterns", "cbt_technique", "cbt_plan")
    }


def test_only_the_prefix_at_the_start_of_a_line_counts(tmp_path: Path) -> None:
    dialogue = only("cactus", lines(tmp_path / "cactus.jsonl", [CACTUS]))
    assert dialogue.turns == (
        Turn("Counselor", "What did you say?"),
        Turn(
            "Client",
            "I said: Client: nobody, Counselor: nobody.\n\nIt was odd.",
            meta={"stage": ["sighs"]},
        ),
        Turn("Counselor", "And then? "),
    )


def test_what_stands_before_the_first_turn_is_kept(tmp_path: Path) -> None:
    text = "Session 1\n\nClient: Hello.\nCounselor: \nClient: Still here."
    dialogue = only("cactus", lines(tmp_path / "a.jsonl", [{"dialogue": text, "intake_form": ""}]))
    assert said(dialogue) == [("Client", "Hello."), ("Client", "Still here.")]
    assert dialogue.meta == {"preamble": "Session 1", "empty_turns": 1}
    assert dialogue.context == SocialContext()


def test_text_without_a_speaker_is_rejected(tmp_path: Path) -> None:
    kept, rejected = told("cactus", lines(tmp_path / "a.jsonl", [CACTUS | {"dialogue": "He Client: x"}]))
    assert kept == []
    assert [row.line for row in rejected] == [1]
