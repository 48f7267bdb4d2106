"""A bare torch loop in the training benchmark: what one would write with nothing but torch and transformers.

    python -m benchmarks.peers.train_with_torch JOB OUT

It pads on the right without a mask (causality hides padding), takes the cross-entropy at every position with
-100 where nothing is learned, and updates with the fused AdamW. With `lean` it projects the vocabulary at the
trained tokens only, which is the floor for what we and TRL do.
"""

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM

from benchmarks.train_inputs import CLIP, Job, Row, device_clock, read_job, read_rows, write_record


def adapted(network: Any, rank: int) -> Any:
    """Return the network with adapters on all linear layers."""
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        network, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    )


def batch(rows: list[Row], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return tokens and targets, -100 where nothing is learned; the target stands where it is predicted."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    goal = torch.full((len(rows), longest), -100)
    for number, row in enumerate(rows):
        line = torch.tensor(row.ids)
        ids[number, : len(line)] = line
        goal[number, row.prompt - 1 : len(line) - 1] = line[row.prompt :]
    return ids.to(device, non_blocking=True), goal.to(device, non_blocking=True)


def loss_sum(network: Any, ids: torch.Tensor, goal: torch.Tensor, lean: bool) -> torch.Tensor:
    """Return the summed cross-entropy."""
    if not lean:
        logits = network(input_ids=ids, use_cache=False).logits
        return cross_entropy(logits.flatten(0, 1).float(), goal.flatten(), reduction="sum")
    hidden = network.model(input_ids=ids, use_cache=False).last_hidden_state
    chosen = goal != -100
    return cross_entropy(network.lm_head(hidden[chosen]).float(), goal[chosen], reduction="sum")


def update(network: Any, optimiser: Any, window: list[list[Row]], job: Job) -> float:
    """Take one step and return the loss."""
    trained = sum(len(row.ids) - row.prompt for rows in window for row in rows)
    total = torch.zeros((), device=job.device)
    for rows in window:
        ids, goal = batch(rows, job.device)
        with torch.autocast(job.device, torch.bfloat16, enabled=job.precision == "bf16"):
            loss = loss_sum(network, ids, goal, job.lean) / trained
        loss.backward()
        total += loss.detach()
    torch.nn.utils.clip_grad_norm_([one for one in network.parameters() if one.requires_grad], CLIP)
    optimiser.step()
    optimiser.zero_grad()
    return float(total)


def main() -> None:
    """Train."""
    job, out = read_job()
    rows, clock = read_rows(job.rows), device_clock(job)
    network = AutoModelForCausalLM.from_pretrained(
        job.model, dtype=torch.float32, attn_implementation=job.attention
    )
    network = network.to(job.device).train()
    network = adapted(network, job.rank) if job.rank else network
    weights = [one for one in network.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=job.rate, weight_decay=0.0, fused=True)
    losses = []
    for number in range(job.updates):
        chosen = rows[number * job.batch : (number + 1) * job.batch]
        window = [chosen[place : place + job.micro] for place in range(0, job.batch, job.micro)]
        losses.append(update(network, optimiser, window, job))
        clock()
    write_record(out, clock, losses, job)


if __name__ == "__main__":
    main()
