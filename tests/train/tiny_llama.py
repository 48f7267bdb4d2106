"""Tiny networks and rows for tests of training: everything follows from a seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from skillofmind.train.rows.token_row import CE, IGNORE, PreferencePair, TokenRow, token_row

VOCABULARY = 96


def llama(seed: int = 0) -> Any:
    """Return a Llama of two layers; its weights are large, so that gradients are not tiny."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.1,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config)


def rows(count: int, seed: int = 0) -> list[TokenRow]:
    """Return rows of 6 to 20 tokens; the first 2 to 5 are a prompt."""
    generator = np.random.default_rng(seed)
    return [_row(str(number), generator) for number in range(count)]


def _row(name: str, generator: np.random.Generator, prompt: Sequence[int] | None = None) -> TokenRow:
    asked = _prompt(generator) if prompt is None else list(prompt)
    answer = generator.integers(3, VOCABULARY, generator.integers(4, 16)).tolist()
    return token_row(name, [*asked, *answer], [IGNORE] * len(asked) + [CE] * len(answer))


def _prompt(generator: np.random.Generator) -> list[int]:
    drawn: list[int] = generator.integers(3, VOCABULARY, generator.integers(2, 6)).tolist()
    return drawn


def pairs(count: int, seed: int = 0) -> list[PreferencePair]:
    """Return pairs of answers to one prompt, of different lengths."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        prompt = _prompt(generator)
        one, other = (_row(f"{number}{side}", generator, prompt) for side in "wl")
        found.append(PreferencePair(str(number), one, other))
    return found
