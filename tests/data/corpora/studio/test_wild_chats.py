import json
from pathlib import Path

from skillofmind.core.dialogue import Speaker
from tests.data.corpora.reading import only, said, shared, told, turn_count
from tests.data.corpora.samples import WILD, columns


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_bytes(columns(WILD))
    dialogue = only("convai2_table", path)
    assert dialogue.id == "convai2:0x1"
    assert said(dialogue) == [("participant2", "beep"), ("participant1", "hello")]
    assert dialogue.speakers == (
        Speaker("participant2", role="bot", human=False, persona=("i sing.",)),
        Speaker("participant1", role="human", human=True, persona=("i row.",)),
    )
    assert dialogue.meta == {"outcome": {"eval_score": 3, "profile_match": 1}}
    assert (dialogue.split, dialogue.licence) == ("train", "Apache-2.0")


def test_the_published_examples() -> None:
    path = shared("dialogstudio_samples", "ConvAI2.original_examples.json")
    table = json.loads(path.read_bytes())
    kept, rejected = told("convai2_table", path)
    assert (len(kept), rejected) == (5, [])
    assert turn_count(kept) == sum(map(len, table["dialog"])) == 17
    assert kept[0].speakers[1].persona[0] == "".join(table["user_profile"][0][0])
