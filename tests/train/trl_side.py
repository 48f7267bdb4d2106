"""TRL's trainers on rows that are tokens already, in the given order, offline; what each step logged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from skillofmind.train.rows.token_row import PreferencePair, TokenRow


class Step(NamedTuple):
    """One optimiser step: loss, norm of the gradient before clipping, learning rate of the step."""

    loss: float
    norm: float
    rate: float


class Recipe(NamedTuple):
    """What both sides are told.

    Attributes:
        steps: optimiser steps.
        micro: rows (or pairs) of a forward pass.
        windows: forward passes of a step.
        rate: peak learning rate.
        schedule: `linear` or `cosine`.
        warmup: steps.
        decay: weight decay.
        clip: largest norm.
    """

    steps: int = 30
    micro: int = 4
    windows: int = 1
    rate: float = 3e-3
    schedule: Literal["linear", "cosine"] = "linear"
    warmup: int = 4
    decay: float = 0.1
    clip: float = 1.0

    def rows(self) -> int:
        """Return how many rows all steps need."""
        return self.steps * self.micro * self.windows


def arguments(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Return the settings of transformers' Trainer."""
    return {
        "output_dir": str(folder),
        "max_steps": recipe.steps,
        "per_device_train_batch_size": recipe.micro,
        "gradient_accumulation_steps": recipe.windows,
        "learning_rate": recipe.rate,
        "lr_scheduler_type": recipe.schedule,
        "warmup_steps": recipe.warmup,
        "weight_decay": recipe.decay,
        "max_grad_norm": recipe.clip,
        "train_sampling_strategy": "sequential",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
        "max_length": None,
    }


def tokenizer() -> Any:
    """Return a tokenizer of words that are numbers; TRL asks for one, rows are tokens already."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<s>": 1, "</s>": 2, **{str(number): number for number in range(3, 96)}}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(words, unk_token="<pad>")),
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    )


def quiet(patch: pytest.MonkeyPatch) -> None:
    """Keep TRL from telling its makers that a trainer was made, and from tokenising again."""
    import trl

    for kind in (trl.SFTTrainer, trl.DPOTrainer):
        patch.setattr(kind, "_send_telemetry", lambda self: None)
        patch.setattr(kind, "_prepare_dataset", lambda self, dataset, *rest: dataset)


def sft_trainer(
    network: Any, rows: Sequence[TokenRow], recipe: Recipe, folder: Path, adapters: Any = None
) -> Any:
    """Return TRL's SFTTrainer on `rows`; `adapters` is a `LoraConfig`."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    return SFTTrainer(
        network,
        args=SFTConfig(**arguments(recipe, folder)),
        train_dataset=Dataset.from_list(
            [{"input_ids": one.ids.tolist(), "labels": labels(one)} for one in rows]
        ),
        processing_class=tokenizer(),
        peft_config=adapters,
    )


def labels(row: TokenRow) -> list[int]:
    """Return the tokens with -100 where the loss does not look."""
    return [int(token) if plan else -100 for token, plan in zip(row.ids, row.loss_plan, strict=True)]


def dpo_trainer(
    network: Any,
    pairs: Sequence[PreferencePair],
    recipe: Recipe,
    folder: Path,
    *,
    adapters: Any = None,
    reference: Any = None,
    **preference: Any,
) -> Any:
    """Return TRL's DPOTrainer on `pairs`; `reference` is a network of its own."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    return DPOTrainer(
        network,
        ref_model=reference,
        args=DPOConfig(**arguments(recipe, folder), **preference),
        train_dataset=Dataset.from_list([columns(one) for one in pairs]),
        processing_class=tokenizer(),
        peft_config=adapters,
    )


def columns(pair: PreferencePair) -> dict[str, list[int]]:
    """Return a pair as TRL's collator takes it."""
    prompt = int((pair.chosen.loss_plan == 0).sum())
    return {
        "prompt_ids": pair.chosen.ids[:prompt].tolist(),
        "chosen_ids": pair.chosen.ids[prompt:].tolist(),
        "rejected_ids": pair.rejected.ids[prompt:].tolist(),
    }


def trained(trainer: Any) -> list[Step]:
    """Train and return what each step logged."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return [
        Step(one["loss"], one["grad_norm"], one["learning_rate"])
        for one in trainer.state.log_history
        if "grad_norm" in one
    ]
