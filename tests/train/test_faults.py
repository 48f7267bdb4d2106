"""What breaks in the middle of a run, at the level of the recipe: the last good checkpoint goes on."""

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skillofmind.core.errors import DataError, SkillOfMindError, StorageError, TrainingDiverged
from skillofmind.run.directory import RunDirectory
from skillofmind.train import recipe
from skillofmind.train.checkpoint import weights_fingerprint
from skillofmind.train.policy import ONE
from skillofmind.train.recipe import End, Place, Split
from skillofmind.train.rows.token_row import Example, TokenRow
from skillofmind.train.settings import Optimiser, Rows, Saving, Training
from skillofmind.train.weights.folder import open_base
from tests.train.tiny import examples, random_rows, tiny_folder

TRAINING = Training(
    optimiser=Optimiser(learning_rate=1e-3),
    rows=Rows(batch=2, micro=1, passes=2, max_tokens=32),
    precision="fp32",
    saving=Saving(every=1, keep=2),
)
ROWS = random_rows([5, 9, 3, 12, 7, 6, 8, 4])


def sft(folder: Path, rows: Sequence[Example], training: Training = TRAINING) -> End:
    with RunDirectory.open(folder, command="train", options={}) as run:
        base = open_base(tiny_folder(), torch.device("cpu"))
        return recipe.sft(base, Split(rows), training, Place(folder, ONE, run, quiet=True))


def stopped(folder: Path, rows: Sequence[Example], kind: type[SkillOfMindError]) -> tuple[int, str]:
    """Train until it breaks; return the update of the newest checkpoint, and what was said."""
    with pytest.raises(kind) as caught:
        sft(folder, rows)
    names = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert not [name for name in names if name.startswith(".")]
    return (int(names[-1].removeprefix("step-")) if names else 0), str(caught.value)


def with_one(bad: TokenRow) -> list[Example]:
    """The rows, of which one is not what it should be."""
    return examples([*ROWS[:3], bad, *ROWS[4:]])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[float]]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    end = sft(folder, examples(ROWS))
    return weights_fingerprint(end.policy.state()), losses(folder)


def losses(folder: Path) -> list[float]:
    lines = (folder / "updates.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == [str(one) for one in range(1, len(lines) + 1)]
    return [json.loads(line)["value"]["loss"] for line in lines]


class TestRows:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_a_loss_that_is_not_finite_names_the_rows_and_mending_them_lets_it_go_on(
        self, value: float, tmp_path: Path, whole: tuple[str, list[float]]
    ) -> None:
        weight = np.full(len(ROWS[3].ids), value, np.float32)
        step, said = stopped(tmp_path, with_one(ROWS[3]._replace(weight=weight)), TrainingDiverged)
        assert f"update {step + 1} has loss " in said
        assert "'row-3'" in said
        assert len(losses(tmp_path)) == step
        end = sft(tmp_path, examples(ROWS))
        assert (weights_fingerprint(end.policy.state()), losses(tmp_path)) == whole

    def test_an_update_without_a_trained_token_names_its_rows(
        self, tmp_path: Path, whole: tuple[str, list[float]]
    ) -> None:
        masked = [row._replace(loss_plan=row.loss_plan * 0) for row in ROWS]
        step, said = stopped(tmp_path, examples(masked), DataError)
        assert step == 0
        assert said.startswith("update 1 has no trained token; its rows are 'row-")
        assert said.count("'row-") == 2
        end = sft(tmp_path, examples(ROWS))
        assert (weights_fingerprint(end.policy.state()), losses(tmp_path)) == whole

    def test_one_row_without_a_trained_token_does_no_harm(self, tmp_path: Path) -> None:
        masked = ROWS[3]._replace(loss_plan=ROWS[3].loss_plan * 0)
        assert sft(tmp_path, with_one(masked)).finished


class TestDisk:
    @pytest.mark.parametrize("background", [False, True])
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
    def test_a_write_that_fails_keeps_what_is_there(
        self,
        number: int,
        background: bool,
        tmp_path: Path,
        whole: tuple[str, list[float]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        training = Training(
            optimiser=TRAINING.optimiser,
            rows=TRAINING.rows,
            precision="fp32",
            saving=Saving(every=1, keep=2, background=background),
        )
        flush, count = os.fsync, 0

        def failing(descriptor: Any) -> None:
            nonlocal count
            if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".safetensors"):
                count += 1
                if count == 3:
                    raise OSError(number, os.strerror(number))
            flush(descriptor)

        monkeypatch.setattr(os, "fsync", failing)
        with pytest.raises(StorageError, match=r"rank-00000\.safetensors"):
            sft(tmp_path, examples(ROWS), training)
        names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
        assert names == ["step-00000001", "step-00000002"]
        end = sft(tmp_path, examples(ROWS), training)
        assert (weights_fingerprint(end.policy.state()), losses(tmp_path)) == whole
