"""Every step's loss and gradient norm are those of TRL, PEFT and a hand-written loop, to 1e-5 in float32.

Both sides get the same weights, token rows, order, micro-batches and settings: AdamW with weight decay,
clipping (of some gradients and not of others), warm-up and decay of the rate. Adapters start from the
same tensors, with B drawn instead of 0, so that policy and reference differ from the first step on.

Where the definitions themselves agree, and where they do not (TRL 1.16, transformers 5.23):

- Supervised: both divide the sum over an update by its trained tokens, all micro-batches together.
- Pairs: we divide by the pairs of the update. TRL takes the mean over each micro-batch and then the mean of
  these means; that is the same where micro-batches are of one size, as here, and not in the last update of a
  pass that does not come out even.
- `sigmoid` is our `dpo`, `sigmoid_norm` our `dpo` with `length_normalised`; `ipo` is per token on both sides.
- Not compared, as the definitions differ: TRL's `sigmoid` has no smoothing and its `robust` subtracts the
  flipped term (arXiv 2403.00409) that our label smoothing adds; TRL's `sft` term is a mean over the tokens of
  a micro-batch, our `cross_entropy` one over pairs of means over tokens; TRL's DPOTrainer has no SimPO.
- An adapter that TRL is given ready-made becomes its reference; ours is always the base. Here TRL makes the
  adapter itself, whose reference is the base, too.
"""

import copy
import itertools
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from skillofmind.train.loop import Cadence, Told, reference_logprobs, train
from skillofmind.train.losses import Loss, PreferenceLoss, TokenLoss
from skillofmind.train.policy import TorchPolicy
from skillofmind.train.rows.batch import Batch, collated
from skillofmind.train.rows.feeds import paired
from skillofmind.train.rows.token_row import PreferencePair, TokenRow
from skillofmind.train.settings import Lora, Optimiser, Preference, Schedule
from skillofmind.train.weights.lora import merged, with_adapters
from tests.train import tiny_llama, trl_side
from tests.train.trl_side import Recipe, Step

T = TypeVar("T")
TOLERANCE = 1e-5
LEARNS_WITHIN = 30
LORA = Lora(rank=4, alpha=8.0)
SHORT = Recipe(steps=4, windows=2, warmup=1)
LONG = {
    "linear": Recipe(),
    "linear, accumulated": Recipe(micro=2, windows=3),
    "cosine, accumulated": Recipe(windows=2, schedule="cosine"),
}
NAMES = {
    "sigmoid": Preference(),
    "sigmoid_norm": Preference(beta=2.0, length_normalised=True),
    "ipo": Preference(name="ipo", beta=0.2),
    "hinge": Preference(name="hinge", beta=0.05),
}

# Between the shortest and the longest gradient: were all clipped, AdamW would not notice by how much.
CLIPS = {
    "sft": (2.0, 1.03),
    "sigmoid": (0.8, 0.58),
    "sigmoid_norm": (1.1, 1.1),
    "ipo": (8.5, 6.0),
    "hinge": (1.2, 0.58),
}

pytestmark = [
    # The name of a setting that transformers renames in version 6; TRL's default for it is on.
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning"),
]


@pytest.fixture(scope="module")
def trl() -> Iterator[None]:
    """Make TRL ready, or skip; a connection to anywhere fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refused)
        pytest.importorskip("trl", reason="trl is not installed; it comes with the extra 'dev'")
        trl_side.quiet(patch)
        yield


def _refused(_: socket.socket, address: object) -> None:
    raise AssertionError(f"a test of parity has to stay offline, and asked for {address!r}")


class Windows(NamedTuple):
    """A feed of windows made by hand."""

    windows: Sequence[Sequence[Batch]]

    def __len__(self) -> int:
        return len(self.windows)

    def window(self, update: int) -> Sequence[Batch]:
        return self.windows[update]

    def held_out(self) -> Sequence[Batch]:
        return ()

    def passed(self, update: int) -> float:
        return 0.0


class Gap(NamedTuple):
    """Largest differences over all steps."""

    loss: float
    norm: float
    rate: float


def gap(ours: Sequence[Step], theirs: Sequence[Step]) -> Gap:
    assert len(ours) == len(theirs) > 0
    apart = np.abs(np.array(ours) - np.array(theirs))
    return Gap(*(float(most) for most in apart.max(0)))


def policy(network: Any, recipe: Recipe) -> TorchPolicy:
    schedule = Schedule(name=recipe.schedule, warmup=recipe.warmup)
    return TorchPolicy(
        network,
        None,
        Optimiser(learning_rate=recipe.rate, weight_decay=recipe.decay),
        clip=recipe.clip,
        rate=lambda update: schedule.factor(update, recipe.steps),
    )


def ours(trained: TorchPolicy, windows: Sequence[Sequence[Batch]], loss: Loss) -> list[Step]:
    told: list[Told] = []
    train(trained, Windows(windows), loss, Cadence(), told.append)
    assert [one.update for one in told] == list(range(1, len(windows) + 1))
    return [Step(*(one.means[name] for name in ("loss", "gradient_norm", "learning_rate"))) for one in told]


def cut(members: Sequence[T], recipe: Recipe) -> list[list[list[T]]]:
    """Return the members of each micro-batch of each update, in order."""
    micro = [list(members[place : place + recipe.micro]) for place in range(0, len(members), recipe.micro)]
    return [micro[place : place + recipe.windows] for place in range(0, len(micro), recipe.windows)]


def row_windows(rows: Sequence[TokenRow], recipe: Recipe) -> list[list[Batch]]:
    return [[collated([[row] for row in micro], 0) for micro in window] for window in cut(rows, recipe)]


def adapted(network: Any) -> Any:
    """Return the network with adapters whose B is not 0."""
    made = with_adapters(network, LORA)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, one in made.named_parameters():
            if "lora_B" in name:
                one.normal_(0, 0.1, generator=generator)
    return made


def peft_config() -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=LORA.rank,
        lora_alpha=LORA.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def copy_adapters_(into: Any, source: Any) -> None:
    names = {name for name, one in source.named_parameters() if one.requires_grad}
    found = {name: one for name, one in into.named_parameters() if one.requires_grad}
    assert found.keys() == names
    with torch.no_grad():
        for name, one in source.named_parameters():
            if name in found:
                found[name].copy_(one)


def check_sft(recipe: Recipe, lora: bool, folder: Path) -> None:
    recipe = recipe._replace(clip=CLIPS["sft"][lora])
    network, rows = tiny_llama.llama(), repeated(tiny_llama.rows(recipe.rows() // 3), recipe)
    trainer = trl_side.sft_trainer(
        copy.deepcopy(network), rows, recipe, folder, adapters=peft_config() if lora else None
    )
    mine = adapted(network) if lora else network
    if lora:
        copy_adapters_(trainer.model, mine)
    theirs = trl_side.trained(trainer)
    check(ours(policy(mine, recipe), row_windows(rows, recipe), TokenLoss()), theirs, recipe)


def check_dpo(recipe: Recipe, name: str, lora: bool, folder: Path) -> None:
    recipe = recipe._replace(clip=CLIPS[name][lora])
    network, pairs = tiny_llama.llama(), repeated(tiny_llama.pairs(recipe.rows() // 3), recipe)
    trainer = trl_side.dpo_trainer(
        copy.deepcopy(network),
        pairs,
        recipe,
        folder,
        adapters=peft_config() if lora else None,
        reference=None if lora else copy.deepcopy(network),
        loss_type=[name],
        beta=NAMES[name].beta,
    )
    mine = policy(adapted(network) if lora else network, recipe)
    if lora:
        copy_adapters_(trainer.model, mine.network)
    theirs = trl_side.trained(trainer)
    windows = pair_windows(pairs, recipe, None if lora else mine)
    check(ours(mine, windows, PreferenceLoss(NAMES[name])), theirs, recipe)


def repeated(members: Sequence[T], recipe: Recipe) -> list[T]:
    """Return the members over and over, so that there is something to learn."""
    return list(itertools.islice(itertools.cycle(members), recipe.rows()))


def pair_windows(
    pairs: Sequence[PreferencePair], recipe: Recipe, before: TorchPolicy | None
) -> list[list[Batch]]:
    """Return windows of pairs; the reference is what `before` says before it is trained."""
    windows = [[paired(micro, 0) for micro in window] for window in cut(pairs, recipe)]
    if before is None:
        return windows
    known = reference_logprobs(before, pairs, micro=recipe.micro, pad_id=0).astype(np.float32)
    micro = iter(known.reshape(-1, recipe.micro, 2))
    return [
        [batch._replace(reference_R=torch.from_numpy(next(micro).T.flatten())) for batch in window]
        for window in windows
    ]


def check(mine: list[Step], theirs: list[Step], recipe: Recipe) -> None:
    assert len(mine) == recipe.steps
    found = gap(mine, theirs)
    print(f"largest differences over {recipe.steps} steps: {found}; last step: {mine[-1]}")  # noqa: T201
    assert max(found) <= TOLERANCE
    assert min(one.norm for one in mine) < recipe.clip < max(one.norm for one in mine)
    if recipe.steps == LEARNS_WITHIN:
        assert mine[-1].loss < mine[0].loss


@pytest.mark.usefixtures("trl")
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_first_steps_are_those_of_trl(lora: bool, tmp_path: Path) -> None:
    check_sft(SHORT, lora, tmp_path)
    check_dpo(SHORT, "sigmoid", lora, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("trl")
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("name", LONG)
def test_thirty_supervised_steps_are_those_of_trl(name: str, lora: bool, tmp_path: Path) -> None:
    check_sft(LONG[name], lora, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("trl")
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("name", NAMES)
def test_thirty_preference_steps_are_those_of_trl(name: str, lora: bool, tmp_path: Path) -> None:
    check_dpo(LONG["cosine, accumulated"], name, lora, tmp_path)


def test_thirty_steps_of_adapters_are_those_of_a_loop_over_peft_by_hand() -> None:
    recipe = LONG["linear, accumulated"]._replace(clip=CLIPS["sft"][True])
    network, rows = tiny_llama.llama(), repeated(tiny_llama.rows(recipe.rows() // 3), recipe)
    mine = adapted(copy.deepcopy(network))
    theirs = by_hand(bare_peft(network, mine), rows, recipe)
    check(ours(policy(mine, recipe), row_windows(rows, recipe), TokenLoss()), theirs, recipe)


def bare_peft(network: Any, source: Any) -> Any:
    from peft import get_peft_model

    made = get_peft_model(network, peft_config())
    copy_adapters_(made, source)
    return made


def by_hand(network: Any, rows: Sequence[TokenRow], recipe: Recipe) -> list[Step]:
    """Train as one would without any trainer: masks, labels, a sum of losses, torch's own AdamW."""
    from transformers import get_linear_schedule_with_warmup

    weights = [one for one in network.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=recipe.decay)
    rates = get_linear_schedule_with_warmup(optimiser, recipe.warmup, recipe.steps)
    found = []
    for window in cut(rows, recipe):
        trained = sum(one.trained() for micro in window for one in micro)
        loss = torch.zeros(())
        for micro in window:
            part = cross_entropy_sum(network, micro) / trained
            part.backward()
            loss += part.detach()
        norm = torch.nn.utils.clip_grad_norm_(weights, recipe.clip)
        found.append(Step(float(loss), float(norm), rates.get_last_lr()[0]))
        optimiser.step()
        rates.step()
        optimiser.zero_grad()
    return found


def cross_entropy_sum(network: Any, rows: Sequence[TokenRow]) -> torch.Tensor:
    ids, mask, goal = (
        pad_sequence([torch.tensor(values) for values in column], batch_first=True, padding_value=filler)
        for column, filler in (
            ([row.ids.tolist() for row in rows], 0),
            ([[1] * len(row.ids) for row in rows], 0),
            ([trl_side.labels(row) for row in rows], -100),
        )
    )
    logits = network(input_ids=ids, attention_mask=mask).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), goal[:, 1:].flatten(), ignore_index=-100, reduction="sum")


def test_a_merged_network_has_the_logits_of_its_adapters() -> None:
    recipe = LONG["linear"]
    mine = policy(adapted(tiny_llama.llama()), recipe)
    ours(mine, row_windows(tiny_llama.rows(recipe.rows()), recipe), TokenLoss())
    mine.network.eval()
    ids = collated([[row] for row in tiny_llama.rows(4, seed=9)], 0).ids_BT
    with torch.no_grad():
        apart = mine.network(input_ids=ids).logits
        with mine.network.disable_adapter():
            base = mine.network(input_ids=ids).logits
        whole = merged(mine.network)
        together = whole(input_ids=ids).logits
    assert not any("lora" in name for name, _ in whole.named_parameters())
    assert (apart - base).abs().max() > 0.1
    assert (apart - together).abs().max() <= TOLERANCE
