"""The sentence encoder's upper half trained on the starter dialogues: an arm of `benchmarks.planner_study`.

A dialogue is `[CLS] context [SEP] last turns [SEP]` in 128 tokens: at most 40 of what is known beforehand and
the last of what was said, each turn behind `me:` or `them:`. The embeddings and the first three layers stay
as they are, so their output is computed once; the last three layers and a linear layer on the mean of the
hidden states are trained (AdamW, linear warm-up and decay, bfloat16, one thread). The epoch with the lowest
log loss on the validation dialogues is kept. The result is compared with, not shipped.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.picture import image_of, spoken
from skillofmind.mind.render import context_lines, quoted
from skillofmind.models.local.encoder import packaged_folder

TOKENS, CONTEXT_TOKENS = 128, 40
EPOCHS, BATCH, SEED = 4, 16, 7
FROZEN_LAYERS = 3
ENCODER_RATE, HEAD_RATE = 1e-4, 2e-3
_SMOOTHING = 0.05


class Rows(NamedTuple):
    """What the frozen layers make of each dialogue, [tokens, size], and the number of its skill."""

    hidden: list[torch.Tensor]
    labels: "np.typing.NDArray[np.int64]"


class Network(torch.nn.Module):  # type: ignore[misc]
    """The upper layers of the encoder, mean over tokens, linear layer."""

    def __init__(self, encoder: Any, skills: int) -> None:
        """Take the upper layers of `encoder`; the layer on them starts from zero."""
        super().__init__()
        self.layers = torch.nn.ModuleList(encoder.encoder.layer[FROZEN_LAYERS:])
        self.head = torch.nn.Linear(encoder.config.hidden_size, skills)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return scores [batch, skills]."""
        hidden_BTD = torch.nn.utils.rnn.pad_sequence(list(batch), batch_first=True)
        sizes_B = torch.tensor([len(row) for row in batch])
        mask_BT = (torch.arange(hidden_BTD.shape[1])[None, :] < sizes_B[:, None]).float()
        hidden_BTD = _through(self.layers, hidden_BTD.float(), mask_BT)
        mean_BD = (hidden_BTD.float() * mask_BT[:, :, None]).sum(1) / sizes_B[:, None]
        scores: torch.Tensor = self.head(mean_BD)
        return scores


def load_encoder() -> Any:
    """Return the packaged encoder."""
    return AutoModel.from_pretrained(packaged_folder(), local_files_only=True).eval()


def hidden_of(encoder: Any, tokens: Sequence[list[int]]) -> list[torch.Tensor]:
    """Return what the frozen layers make of each row alone, [tokens, size], in bfloat16."""
    lower = encoder.encoder.layer[:FROZEN_LAYERS]
    with torch.inference_mode():
        found = []
        for row in tokens:
            start_1TD = encoder.embeddings(input_ids=torch.tensor([row]))
            found.append(_through(lower, start_1TD, torch.ones(1, len(row)))[0].bfloat16())
    # Inference tensors may not enter a graph.
    return [row.clone() for row in found]


def _through(layers: Any, hidden_BTD: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
    """Send hidden states through layers; a token attends to those with 1 in the mask."""
    away_B11T = ((1 - mask_BT) * -1e9)[:, None, None, :]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for layer in layers:
            found = layer(hidden_BTD, away_B11T)
            hidden_BTD = found[0] if isinstance(found, tuple) else found
    return hidden_BTD


def tokens_of(dialogues: Sequence[Dialogue]) -> list[list[int]]:
    """Return the token lists of dialogues, as the module's docstring says."""
    tokenizer: Any = AutoTokenizer.from_pretrained(packaged_folder(), local_files_only=True)

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return found

    made = []
    for dialogue in dialogues:
        me = dialogue.next_speaker()
        known = ids(" ".join(line.said for line in context_lines(dialogue)))[:CONTEXT_TOKENS]
        said = ids(
            " ".join(
                f"{'me' if turn.speaker == me else 'them'}: {quoted(spoken(turn))} "
                f"{'[picture]' if image_of(turn) else ''}"
                for turn in dialogue.turns[-8:]
            )
        )
        said = said[-(TOKENS - 3 - len(known)) :]
        made.append([tokenizer.cls_token_id, *known, tokenizer.sep_token_id, *said, tokenizer.sep_token_id])
    return made


def fine_tune(
    encoder: Any, train: Rows, validation: Rows, skills: int, on_epoch: Callable[[dict[str, float]], None]
) -> tuple[Network, list[dict[str, float]]]:
    """Return the network after the epoch that was best on `validation`, and the course of all epochs."""
    torch.manual_seed(SEED)
    network = Network(encoder, skills)
    optimiser = torch.optim.AdamW(
        [
            {"params": network.layers.parameters(), "lr": ENCODER_RATE},
            {"params": network.head.parameters(), "lr": HEAD_RATE},
        ],
        weight_decay=0.01,
    )
    steps = EPOCHS * (len(train.hidden) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps))
    )
    course: list[dict[str, float]] = []
    best: dict[str, torch.Tensor] = {}
    for epoch in range(EPOCHS):
        _epoch(network, train, optimiser, schedule, np.random.default_rng([SEED, epoch]))
        found = _losses(scores_of(network, validation.hidden), validation.labels) | {"epoch": epoch + 1}
        if not course or found["log_loss"] < min(one["log_loss"] for one in course):
            best = {name: value.clone() for name, value in network.state_dict().items()}
        course.append(found)
        on_epoch(found)
    network.load_state_dict(best)
    return network, course


def scores_of(network: Network, hidden: Sequence[torch.Tensor]) -> "np.typing.NDArray[np.float64]":
    """Return scores [rows, skills], long rows with long ones."""
    network.eval()
    order = sorted(range(len(hidden)), key=lambda row: len(hidden[row]))
    found = np.zeros((len(hidden), network.head.out_features))
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            found[chosen] = network([hidden[row] for row in chosen]).double().numpy()
    return found


def _epoch(network: Network, rows: Rows, optimiser: Any, schedule: Any, draw: np.random.Generator) -> None:
    network.train()
    order = draw.permutation(len(rows.hidden))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        scores = network([rows.hidden[row] for row in chosen])
        loss = torch.nn.functional.cross_entropy(
            scores, torch.from_numpy(rows.labels[chosen]), label_smoothing=_SMOOTHING
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()


def _losses(
    scores: "np.typing.NDArray[np.float64]", labels: "np.typing.NDArray[np.int64]"
) -> dict[str, float]:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = scores.argmax(axis=1) == labels
    return {
        "log_loss": round(float(-logs[np.arange(len(labels)), labels].mean()), 4),
        "accuracy": round(float(right.mean()), 4),
    }
