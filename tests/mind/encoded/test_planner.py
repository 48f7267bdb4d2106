"""The encoder planner with a stand-in encoder: vectors of hashed words, so no torch is needed."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Plan
from skillofmind.mind.embedded.features import parts_of
from skillofmind.mind.embedded.fit import examples_in, fit_planner
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.encoded.fit import SHARES, best_pool, fit_head, inputs_of
from skillofmind.mind.encoded.head import load_head
from skillofmind.mind.encoded.planner import EncoderPlanner
from skillofmind.mind.encoded.zones import ZONES, heard_in
from tests.mind.world import LEXICON, SKILLS, dialogues, taxonomy_in

SIZE = 32


class WordHashes:
    """Sums of one pseudo-random direction a word; counts the texts that it was asked for."""

    identity = "hashes"
    size = SIZE

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        found = np.zeros((len(texts), SIZE), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                found[row] += np.random.default_rng(zlib.crc32(word.encode())).normal(size=SIZE)
            found[row] /= np.linalg.norm(found[row]) or 1.0
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoded")
    taxonomy = taxonomy_in(folder)
    examples = examples_in(dialogues(8, seed=0), taxonomy)
    model, _ = fit_planner(examples, LEXICON, taxonomy, 1e-3)
    (folder / "linear.bin").write_bytes(model.to_bytes())
    base = EmbeddedPlanner(folder / "linear.bin", taxonomy=taxonomy)
    head, report = fit_head(examples, base, WordHashes(), taxonomy, 1e-3)
    assert report.examples == len(examples) == 32
    (folder / "head.bin").write_bytes(head.to_bytes())
    return folder


def open_planner(folder: Path, encoder: WordHashes | None = None, **more: Any) -> EncoderPlanner:
    more.setdefault("taxonomy", taxonomy_in(folder))
    more.setdefault("linear", folder / "linear.bin")
    return EncoderPlanner(folder / "head.bin", encoder=encoder or WordHashes(), **more)


ASKED = [dialogue.before(len(dialogue.turns) - 1) for dialogue in dialogues(4, seed=9)]


def test_training_again_gives_the_same_bytes(folder: Path) -> None:
    taxonomy = taxonomy_in(folder)
    base = EmbeddedPlanner(folder / "linear.bin", taxonomy=taxonomy)
    again, _ = fit_head(examples_in(dialogues(8, seed=0), taxonomy), base, WordHashes(), taxonomy, 1e-3)
    assert again.to_bytes() == (folder / "head.bin").read_bytes()


def test_scores_are_the_linear_ones_and_the_share_of_the_head(folder: Path) -> None:
    planner, head = open_planner(folder), load_head((folder / "head.bin").read_bytes(), "head")
    linear = EmbeddedPlanner(folder / "linear.bin", taxonomy=taxonomy_in(folder))
    inputs = inputs_of(ASKED, WordHashes())
    weights = head.weights.reshape(len(ZONES) * SIZE, len(SKILLS))
    header = head.header
    for dialogue, row in zip(ASKED, inputs, strict=True):
        expected = np.array(linear.score(dialogue).scores) + header.share * (row @ weights + header.bias)
        assert planner.score(dialogue).scores == pytest.approx(expected.tolist(), abs=1e-9)
        powers = np.exp((expected - expected.max()) / header.temperature)
        found = list(planner.probabilities(dialogue).values())
        assert found == pytest.approx((powers / powers.sum()).tolist(), abs=1e-9)


def test_contributions_and_biases_sum_to_the_scores(folder: Path) -> None:
    planner, head = open_planner(folder), load_head((folder / "head.bin").read_bytes(), "head")
    linear = EmbeddedPlanner(folder / "linear.bin", taxonomy=taxonomy_in(folder)).model.header
    bias = np.array(linear.bias) + head.header.share * np.array(head.header.bias)
    for dialogue in ASKED:
        scored = planner.score(dialogue)
        assert len(scored.parts) == len(scored.contributions)
        total = bias + np.sum(scored.contributions, axis=0)
        assert scored.scores == pytest.approx(total.tolist(), abs=1e-9)


def test_parts_are_heard_in_the_order_of_the_linear_model(folder: Path) -> None:
    for dialogue in ASKED:
        parts = parts_of(dialogue, LEXICON)[1:]
        assert [part.kind == "context" for part in parts] == [
            ZONES[one.zone] == "context" for one in heard_in(dialogue)
        ]


def test_it_chooses_what_the_rule_says(folder: Path) -> None:
    planner = open_planner(folder)
    right = sum(
        planner.plan_now(asked).skill == whole.turns[-1].annotations[0].skill
        for asked, whole in zip(ASKED, dialogues(4, seed=9), strict=True)
    )
    assert right >= 14


async def test_plans_are_the_same_whatever_was_planned_before(folder: Path) -> None:
    used = open_planner(folder)
    for dialogue in ASKED:
        used.plan_now(dialogue)
    for dialogue in ASKED[::-1]:
        fresh = open_planner(folder).plan_now(dialogue)
        assert msgspec.json.encode(await used.plan(dialogue)) == msgspec.json.encode(fresh)


def test_a_text_is_encoded_once(folder: Path) -> None:
    encoder = WordHashes()
    planner = open_planner(folder, encoder)
    for _ in range(2):
        planner.plan_now(ASKED[0])
    assert sorted(encoder.asked) == sorted({part.text for part in heard_in(ASKED[0]) if part.text})


@pytest.mark.parametrize("text", ["", "x" * 100_000, "\n[RESULT SKILL] Service", "\x00\ufffd"])
def test_any_text_is_planned(folder: Path, text: str) -> None:
    dialogue = Dialogue(turns=(Turn("A", text),), context=SocialContext(text=text))
    plan = open_planner(folder).plan_now(dialogue)
    assert plan.valid
    assert plan.skill in SKILLS


def test_a_dialogue_without_turns_is_an_error_plan(folder: Path) -> None:
    planner = open_planner(folder)
    expected = Plan(error="The dialogue has no turns.", planner=planner.identity, responder="Listener")
    assert planner.plan_now(Dialogue(turns=())) == expected


def test_an_unsure_planner_abstains(folder: Path) -> None:
    planner = open_planner(folder, threshold=1.0)
    plan = planner.plan_now(ASKED[0])
    assert (plan.skill, plan.valid, plan.confidence) == (None, False, None)
    assert plan.explanation.startswith("No skill is likely enough: ")
    assert planner.identity == f"{open_planner(folder).identity}:at-least-1"


def test_parts_that_do_not_belong_together_are_refused(folder: Path, tmp_path: Path) -> None:
    other = WordHashes()
    other.identity = "others"
    with pytest.raises(ConfigurationError, match="the encoder 'hashes', not 'others'; train one"):
        open_planner(folder, other)
    taxonomy = taxonomy_in(tmp_path)
    examples = examples_in(dialogues(8, seed=1), taxonomy)
    model, _ = fit_planner(examples, LEXICON, taxonomy, 1e-3)
    (tmp_path / "other.bin").write_bytes(model.to_bytes())
    with pytest.raises(ConfigurationError, match="the head was trained with the embedded planner"):
        open_planner(folder, linear=tmp_path / "other.bin")
    base = EmbeddedPlanner(folder / "linear.bin", taxonomy=taxonomy)
    with pytest.raises(ConfigurationError, match="trained on other dialogues than these"):
        fit_head(examples, base, WordHashes(), taxonomy, 1e-3)


def test_a_damaged_head_is_refused(folder: Path) -> None:
    data = (folder / "head.bin").read_bytes()
    for broken, fault in (
        (b"nothing", "not a file of this version's"),
        (data[:-1], "cut or changed"),
        (data[:60] + bytes([data[60] ^ 1]) + data[61:], "cut or changed"),
    ):
        with pytest.raises(DataError, match=f"^h: .*{fault}"):
            load_head(broken, "h")
    with pytest.raises(DataError, match=r"no\.bin: cannot be read"):
        EncoderPlanner(folder / "no.bin", encoder=WordHashes())


def test_the_share_is_that_of_the_lowest_log_loss() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(4, size=400)
    useful = 2 * np.eye(4)[labels] + draw.normal(size=(400, 4))
    noise = draw.normal(size=(400, 4))
    assert best_pool(useful, noise, labels)[0] <= 0.2
    assert best_pool(noise, useful, labels)[0] == SHARES[-1]
    assert 0.5 <= best_pool(useful, 2 * np.eye(4)[labels] + draw.normal(size=(400, 4)), labels)[0] <= 1.5
