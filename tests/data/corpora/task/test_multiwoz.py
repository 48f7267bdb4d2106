import json
from pathlib import Path

from skillofmind.core.dialogue import Label, SocialContext, Turn
from tests.data.corpora.reading import only, shared, told, turn_count
from tests.data.corpora.samples import MULTIWOZ, MULTIWOZ_ACTS, listed


def test_acts_beside_the_dialogues_become_labels(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "dialogues_001.json").write_bytes(listed(MULTIWOZ))
    (tmp_path / "dialog_acts.json").write_text(json.dumps(MULTIWOZ_ACTS, indent=2))
    dialogue = only("multiwoz", tmp_path)
    assert dialogue == only("multiwoz", tmp_path / "dev" / "dialogues_001.json")
    assert dialogue.id == "multiwoz:OWN01.json"
    assert dialogue.turns == (
        Turn(
            "USER",
            "A room, please.",
            labels=(Label("multiwoz.act", "Hotel-Inform"),),
            meta={
                "frames": MULTIWOZ["turns"][0]["frames"][:1],
                "acts": {"Hotel-Inform": [["type", "hotel"]]},
            },
        ),
        Turn(
            "SYSTEM",
            "Which day?",
            labels=(Label("multiwoz.act", "Hotel-Request"), Label("multiwoz.act", "general-reqmore")),
            meta={"acts": {"Hotel-Request": [["day", "?"]], "general-reqmore": []}},
        ),
    )
    assert dialogue.context == SocialContext(services=("hotel", "taxi"))
    assert (dialogue.split, dialogue.licence, dialogue.scenario) == ("validation", "MIT", "task-oriented")
    assert dialogue.meta == {}


def test_no_acts_are_needed(tmp_path: Path) -> None:
    (tmp_path / "dialogues_001.json").write_bytes(listed(MULTIWOZ))
    assert all(turn.labels == () for turn in only("multiwoz", tmp_path).turns)


def test_broken_acts_are_said_and_the_dialogues_kept(tmp_path: Path) -> None:
    (tmp_path / "dialogues_001.json").write_bytes(listed(MULTIWOZ))
    (tmp_path / "dialog_acts.json").write_text('{"OWN01.json": {"0": 3}}')
    kept, (fault,) = told("multiwoz", tmp_path)
    assert len(kept) == 1
    assert fault.source == "dialog_acts.json"


def test_a_dialogue_without_a_service_is_kept_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "dialogues_001.json").write_bytes(listed(MULTIWOZ | {"services": []}))
    dialogue = only("multiwoz", tmp_path)
    assert dialogue.context == SocialContext()
    assert dialogue.meta == {"remark": "the source names no service"}


def test_the_published_examples() -> None:
    path = shared("dialogstudio_samples", "MULTIWOZ2_2.original_examples.json")
    rows = json.loads(path.read_bytes())
    kept, rejected = told("multiwoz", path)
    assert (len(kept), turn_count(kept), rejected) == (5, 46, [])
    assert [list(d.context.services) for d in kept] == [row["services"] for row in rows]
    assert sum("remark" in dialogue.meta for dialogue in kept) == 1
    assert [t.text for d in kept for t in d.turns] == [t["utterance"] for row in rows for t in row["turns"]]
    assert kept[0].turns[0].meta["frames"][0]["state"]["active_intent"] == "find_restaurant"
    assert len(kept[0].turns[0].meta["frames"]) == 1
