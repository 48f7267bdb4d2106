"""TRL's SFTTrainer in the training benchmark, on rows that are tokens already.

    python -m benchmarks.peers.train_with_trl JOB OUT

Chosen for speed: no preparation of the data set, no reports, no progress bar, no checkpoint, no recomputed
activations, its logging every ten steps as by default, the fused AdamW; its head projects the trained tokens
only, by itself. On a GPU bfloat16 by autocast, TF32, pinned memory and two loading workers.
"""

from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.train_inputs import (
    CLIP,
    Clock,
    Job,
    Row,
    device_clock,
    read_job,
    read_rows,
    write_record,
)


class Stamp(TrainerCallback):  # type: ignore[misc]
    """Notes the end of each step."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock."""
        self._clock = clock

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note it."""
        self._clock()


def settings(job: Job, folder: str) -> SFTConfig:
    """Return the settings of the trainer."""
    on_gpu = job.device != "cpu"
    return SFTConfig(
        output_dir=folder,
        max_steps=job.updates,
        per_device_train_batch_size=job.micro,
        gradient_accumulation_steps=job.batch // job.micro,
        learning_rate=job.rate,
        lr_scheduler_type="constant",
        max_grad_norm=CLIP,
        optim="adamw_torch_fused",
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        gradient_checkpointing=False,
        bf16=job.precision == "bf16",
        tf32=True if on_gpu else None,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        dataloader_num_workers=2 if on_gpu else 0,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_nan_inf_filter=False,
    )


def columns(row: Row) -> dict[str, list[int]]:
    """Return a row as TRL's collator takes it."""
    return {"input_ids": row.ids, "labels": [-100] * row.prompt + row.ids[row.prompt :]}


def main() -> None:
    """Train."""
    job, out = read_job()
    clock = device_clock(job)
    network = AutoModelForCausalLM.from_pretrained(
        job.model, dtype=torch.float32, attn_implementation=job.attention
    )
    rank = job.rank
    adapters = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        network,
        args=settings(job, str(out.parent / "trl")),
        train_dataset=Dataset.from_list([columns(row) for row in read_rows(job.rows)]),
        processing_class=AutoTokenizer.from_pretrained(job.model),
        peft_config=adapters if rank else None,
        callbacks=[Stamp(clock)],
    )
    losses: list[float] = []
    inner = trainer.training_step

    def training_step(*given: Any, **named: Any) -> Any:
        loss = inner(*given, **named)
        losses.append(loss)
        return loss

    trainer.training_step = training_step
    trainer.train()
    parts = job.batch // job.micro
    sums = [
        float(sum(float(loss) for loss in losses[start : start + parts]))
        for start in range(0, len(losses), parts)
    ]
    write_record(out, clock, sums, job)


if __name__ == "__main__":
    main()
