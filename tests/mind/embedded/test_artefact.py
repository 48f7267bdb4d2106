"""The planner in the package: what it is, how good it is, and that one command makes it again."""

import json
from pathlib import Path

import pytest
from benchmarks.planner_starter import disguised

from skillofmind.cli.main import main
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.embedded.fit import examples_in
from skillofmind.mind.embedded.linear import load_linear
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.starter import asset, demo_path, starter_dialogues, starter_path
from skillofmind.mind.taxonomy import load_taxonomy
from tests.structure.source import ROOT

# The same remarks in English, Korean and German.
REMARKS = (
    ("I failed the exam again.", "또 시험에 떨어졌어.", "Ich bin wieder durch die Prüfung gefallen."),
    (
        "My dog died this morning.",
        "오늘 아침에 우리 강아지가 죽었어.",
        "Mein Hund ist heute Morgen gestorben.",
    ),
    ("I got the job!", "나 취직했어!", "Ich habe die Stelle bekommen!"),
    ("You never listen to me.", "넌 내 말을 절대 안 들어.", "Du hörst mir nie zu."),
    ("Sorry I was so late yesterday.", "어제 너무 늦어서 미안해.", "Verzeih, dass ich gestern so spät kam."),
    ("What did you do at the weekend?", "주말에 뭐 했어?", "Was hast du am Wochenende gemacht?"),
)

DATA = asset("embedded.bin").read_bytes()
MODEL = load_linear(DATA, "embedded.bin")


def test_it_is_small_and_knows_the_skills_of_the_package() -> None:
    assert len(DATA) < 10_000_000
    assert MODEL.header.labels == load_taxonomy().names()
    assert MODEL.header.rows > 10_000


def test_it_says_what_it_was_trained_on_and_the_test_dialogues_are_not_in_it() -> None:
    train = examples_in((d for d in starter_dialogues() if d.split == "train"), load_taxonomy())
    assert MODEL.header.trained_on["examples"] == len(train)
    test = [d.id for d in starter_dialogues() if d.split == "test"]
    assert len(test) > 200
    assert not set(test) & {example.dialogue.id for example in train}


def test_pairs_with_equal_turns_are_in_the_same_split() -> None:
    splits: dict[str, set[str | None]] = {}
    for dialogue in starter_dialogues():
        if "pair" in dialogue.meta:
            splits.setdefault(str(dialogue.meta["pair"]), set()).add(dialogue.split)
    assert len(splits) > 30
    assert all(len(found) == 1 for found in splits.values())


def test_on_held_out_dialogues_it_is_as_good_as_published() -> None:
    published = json.loads((ROOT / "results" / "planner_starter.json").read_text("utf-8"))
    planner, test = EmbeddedPlanner(), [d for d in starter_dialogues() if d.split == "test"]
    examples = examples_in(test, load_taxonomy())
    right = sum(planner.plan_now(example.dialogue).skill == example.skill for example in examples)
    assert published["planner"] == planner.identity
    assert round(right / len(examples), 4) == published["scores"]["embedded"]["accuracy"]["value"]


def test_its_choice_differs_over_the_demo_dialogues(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    skills = [json.loads(line)["plan"]["skill"] for line in capsys.readouterr().out.splitlines()]
    assert len(skills) == len(demo_path().read_bytes().splitlines())
    assert len(set(skills)) >= 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_makes_it_again_to_the_byte(tmp_path: Path) -> None:
    assert main(["fit", str(starter_path()), "--out", str(tmp_path / "again.bin")]) == 0
    assert (tmp_path / "again.bin").read_bytes() == DATA


def test_it_is_less_sure_of_remarks_in_german() -> None:
    planner = EmbeddedPlanner()
    asked = [
        [Dialogue(turns=(Turn("Ana", words),)) for words in column] for column in zip(*REMARKS, strict=True)
    ]
    sure = [[max(planner.probabilities(dialogue).values()) for dialogue in column] for column in asked]
    english, korean, german = (sum(column) / len(column) for column in sure)
    assert german < 0.9 * min(english, korean)


def test_where_it_knows_no_word_it_is_less_sure_and_abstains() -> None:
    planner, careful = EmbeddedPlanner(), EmbeddedPlanner(threshold=0.15)
    known = [d for d in starter_dialogues() if d.split == "validation" and len(d.turns) > 4][::2]
    asked = [dialogue.before(4) for dialogue in known]
    assert len(asked) >= 20
    hidden = [disguised(dialogue) for dialogue in asked]
    sure, unsure = ([max(planner.probabilities(d).values()) for d in some] for some in (asked, hidden))
    assert sum(unsure) < 0.75 * sum(sure)
    answered, left = (sum(careful.plan_now(d).valid for d in some) for some in (asked, hidden))
    assert left < 0.6 * answered
