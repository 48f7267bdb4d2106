"""Small networks, rows and pairs for the tests of training."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from skillofmind.train.rows.token_row import Example, PreferencePair, TokenRow, token_row
from skillofmind.train.settings import Lora, Optimiser
from tests.models.local.tiny import save_tiny

VOCABULARY = 300
PLAIN = Optimiser(learning_rate=1e-3)


@cache
def tiny_folder(kind: str = "llama") -> Path:
    return save_tiny(Path(mkdtemp(prefix="som-train-")) / kind, kind=kind)  # type: ignore[arg-type]


def tiny_network(kind: str = "llama") -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder(kind))


def adapted(rank: int = 4, **more: Any) -> Any:
    import torch

    from skillofmind.train.weights.lora import with_adapters

    with torch.random.fork_rng():
        torch.manual_seed(1)
        return with_adapters(tiny_network(), Lora(rank=rank, **more))


def random_rows(lengths: Sequence[int], seed: int = 0, *, codes: int = 3) -> list[TokenRow]:
    """Rows of random tokens; `codes` 2 has no unlikelihood."""
    draw = np.random.default_rng(seed)
    rows = []
    for number, length in enumerate(lengths):
        plan = draw.integers(0, codes, length)
        plan[-1] = 1
        weights = draw.uniform(0.5, 2.0, length)
        ids = draw.integers(5, VOCABULARY, length)
        rows.append(token_row(f"row-{number}", ids.tolist(), plan.tolist(), weights.tolist()))
    return rows


def examples(rows: Sequence[TokenRow]) -> list[Example]:
    return [Example(row.id, (row,)) for row in rows]


def random_pairs(count: int, seed: int = 0) -> list[PreferencePair]:
    """Pairs that share a prompt of four tokens."""
    draw = np.random.default_rng(seed)

    def answer(prompt: list[int], name: str) -> TokenRow:
        length = int(draw.integers(2, 8))
        ids = [*prompt, *draw.integers(5, VOCABULARY, length).tolist()]
        return token_row(name, ids, [0] * len(prompt) + [1] * length)

    pairs = []
    for number in range(count):
        prompt = draw.integers(5, VOCABULARY, 4).tolist()
        name = f"pair-{number}"
        pairs.append(PreferencePair(name, answer(prompt, name), answer(prompt, name), float(draw.normal())))
    return pairs
