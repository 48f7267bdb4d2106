"""Whole trainings by the recipe, also by `torch.distributed.run ... sharded_work.py FOLDER NAME...`.

Each case trains in FOLDER/NAME-WORLD; NAME@UPDATES goes on up to so many in FOLDER/NAME-shared. Rank 0 puts
what it found into FOLDER/found-WORLD.json.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.distributed.tensor import DTensor

from skillofmind.run.directory import RunDirectory
from skillofmind.run.log import read_log
from skillofmind.train import recipe
from skillofmind.train.recipe import End, Place, Split
from skillofmind.train.settings import (
    DpoSettings,
    Lora,
    Optimiser,
    Preference,
    Rows,
    Saving,
    Schedule,
    Training,
)
from skillofmind.train.shard import Ranks, full_tensors, ranks
from skillofmind.train.weights.folder import Base, open_base
from tests.train.tiny import examples, random_pairs, random_rows, tiny_folder

LENGTHS = [9, 14, 5, 22, 7, 11, 3, 17, 8, 12, 6]
ADAMW, SGD = Optimiser("adamw", learning_rate=3e-3), Optimiser("sgd", learning_rate=0.05)
UPDATES = 20


class Case(NamedTuple):
    """One training.

    Attributes:
        optimiser: SGD where weights are to be compared: AdamW makes steps of rounding errors.
        lora: rank of adapters; 0 trains all weights.
        batch: rows of an update.
        micro: rows of a forward pass.
        packing: several rows in a sequence of 32 tokens.
        preference: a loss over pairs, with its reference.
        tied: one matrix for input and output embedding.
    """

    optimiser: Optimiser = SGD
    lora: int = 0
    batch: int = 8
    micro: int = 2
    packing: bool = False
    preference: Preference | None = None
    tied: bool = False


CASES = {
    "sft-full": Case(),
    "sft-full-accumulated": Case(micro=1),
    "sft-full-whole": Case(micro=8),
    "sft-full-adamw": Case(ADAMW),
    "sft-lora": Case(lora=4),
    "sft-lora-adamw": Case(ADAMW, lora=4),
    "sft-tied": Case(tied=True),
    "sft-packed": Case(batch=3, packing=True),
    "sft-lora-packed": Case(lora=4, batch=3, packing=True),
    "sft-uneven": Case(batch=3, micro=1),
    "sft-one-row": Case(batch=1),
    "sft-lora-one-row": Case(lora=4, batch=1),
    "dpo-full": Case(batch=4, preference=Preference()),
    "dpo-full-adamw": Case(ADAMW, batch=4, preference=Preference(cross_entropy=0.1)),
    "dpo-lora": Case(lora=4, batch=4, preference=Preference(reference="adapter")),
    "dpo-lora-adamw": Case(ADAMW, lora=4, batch=3, preference=Preference("ipo", reference="adapter")),
    "dpo-one-pair": Case(batch=1, preference=Preference()),
}


def settings(case: Case) -> Training:
    return Training(
        optimiser=case.optimiser,
        schedule=Schedule("cosine", warmup=3),
        rows=Rows(
            batch=case.batch,
            micro=case.micro,
            passes=UPDATES,
            updates=UPDATES,
            max_tokens=32,
            packing=case.packing,
        ),
        lora=Lora(rank=case.lora, alpha=8) if case.lora else None,
        precision="fp32",
        clip=1.0,
        saving=Saving(every=7),
        evaluate_every=10,
    )


def base_of(case: Case) -> Base:
    # Before the ranks have joined: transformers writes a model on rank 0 only.
    base = open_base(tiny_folder(), torch.device("cpu"))
    if case.tied:
        base.network.config.tie_word_embeddings = True
        base.network.lm_head.weight = base.network.model.embed_tokens.weight
    return base


def trained(case: Case, folder: Path, here: Ranks, until: int = UPDATES) -> End:
    """Train in `folder`, or go on there, up to `until` updates."""
    run = RunDirectory.open(folder, command="train", options={}) if here.rank == 0 else None
    log = folder / "updates.jsonl"

    def stop() -> bool:
        # The update in question is written after this; one rank that says so is enough.
        return here.rank == 0 and sum(1 for _ in read_log(log)) >= until - 1

    place = Place(folder, here, run, stop, quiet=True)
    try:
        if case.preference is not None:
            pairs = random_pairs(11)
            both = DpoSettings(settings(case), case.preference)
            return recipe.dpo(base_of(case), Split(pairs, random_pairs(3, 5)), both, place)
        held_out = examples(random_rows([6, 10, 4], 9))
        return recipe.sft(
            base_of(case), Split(examples(random_rows(LENGTHS)), held_out), settings(case), place
        )
    finally:
        if run is not None:
            run.close()


def found(end: End, folder: Path) -> dict[str, Any]:
    """Return what the run told, and keep the weights beside it. Collective."""
    full = full_tensors(end.policy.network)
    # An evaluation leaves the outermost weights whole until the next step; asking for the state cuts them.
    weights = list(end.policy.network.parameters())
    cut = [isinstance(one, DTensor) and one.to_local().numel() < one.numel() for one in weights]
    if end.policy.ranks.rank:
        return {}
    torch.save(full, folder / "weights.pt")
    return told(folder) | {"cut": sum(cut), "parameters": len(cut)}


def told(folder: Path) -> dict[str, Any]:
    records = [(int(key), value) for key, value in read_log(folder / "updates.jsonl")]
    assert [number for number, _ in records] == [*range(1, len(records) + 1)]
    return {
        "losses": [one["loss"] for _, one in records],
        "norms": [one["gradient_norm"] for _, one in records],
        "trained": [one["trained"] for _, one in records],
        "told": [one.get("told", {}) for _, one in records],
        "held_out": [one.get("held_out", {}) for _, one in records],
    }


def main(folder: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    tiny_folder()
    with ranks("cpu") as here:
        everything = {}
        for name in names:
            plain, _, until = name.partition("@")
            place = folder / (f"{plain}-shared" if until else f"{plain}-{here.world}")
            end = trained(CASES[plain], place, here, int(until or UPDATES))
            everything[name] = found(end, place)
        if here.rank == 0:
            (folder / f"found-{here.world}.json").write_text(json.dumps(everything))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
