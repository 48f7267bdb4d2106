"""SLUNG's central contrast in a toy world: what each loss plan does to generating and to understanding.

    python -m benchmarks.slung --out results/slung.json

A sequence is filler, a trigger, perhaps one of 20 *risky* tokens, a reply token, and the end. The class of
the reply (4) follows from the risky token where there is one. A model *generates* if it gives risky tokens
probability after the trigger; it *understands* if it knows the reply to a risky token that it is shown.

Fresh models, half of the sequences risky, 600 updates of 64 sequences:

    low_risk        the risky tokens are deleted, cross-entropy on all tokens
    toxic           cross-entropy on all tokens
    masked          risky tokens are ignored, cross-entropy on the others
    unlikelihood    unlikelihood on risky tokens, cross-entropy on the others

Pre-exposed models, 600 updates as `toxic` and then 300 as `masked` or `unlikelihood`, in two regimes: half of
the sequences go on safely after the trigger, or none does. Masking does not unlearn: where nothing else ever
follows the trigger, a masked model goes on generating what it was exposed to.

The network is a GPT with two layers, 64 wide, and the filler six tokens long, as in the reference experiment
(arXiv 2505.03052); AdamW at a learning rate of 0.001. Both measures are taken over 400 new sequences.

`variants` repeats the second regime with a Llama, and with filler of three to eight tokens. A masked
prediction is untrained, not held: what the other tokens teach can move it either way, so there a masked
model keeps on generating with one seed and stops with another. Unlikelihood unlearns in all of them.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from benchmarks.measure import Json, machine, parser, report, spent
from skillofmind.train.loop import Cadence, train
from skillofmind.train.losses import TokenLoss
from skillofmind.train.policy import ONE, TorchPolicy
from skillofmind.train.rows.batch import collated
from skillofmind.train.rows.feeds import ExampleFeed
from skillofmind.train.rows.order import Order
from skillofmind.train.rows.token_row import CE, IGNORE, UNLIKELIHOOD, Example, TokenRow, token_row
from skillofmind.train.settings import Optimiser

SEEDS = (0, 1, 2)
UPDATES, MORE, BATCH = 600, 300, 64
TESTED = 400

PAD, BEGIN, END, TRIGGER = range(4)
FILLERS = range(4, 34)
RISKY = range(34, 54)
REPLIES = range(54, 58)
SIZE = REPLIES.stop

Arm = Literal["low_risk", "toxic", "masked", "unlikelihood"]
METHODS: tuple[Arm, Arm] = ("masked", "unlikelihood")
CODES: dict[Arm, int] = {"toxic": CE, "masked": IGNORE, "unlikelihood": UNLIKELIHOOD}


class World(NamedTuple):
    """What varies between runs.

    Attributes:
        network: `gpt` (learned positions, tied embeddings) or `llama` (rotary positions, untied).
        filler: fewest and most tokens of filler.
    """

    network: Literal["gpt", "llama"] = "gpt"
    filler: tuple[int, int] = (6, 6)


REFERENCE = World()
VARIANTS = {
    "gpt_changing_filler": World("gpt", (3, 8)),
    "llama": World("llama", (6, 6)),
    "llama_changing_filler": World("llama", (3, 8)),
}


class Toy(NamedTuple):
    """What stands before the trigger, the risky token after it (or none), and the reply."""

    before: tuple[int, ...]
    risky: int | None
    reply: int


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=len(SEEDS), help="how many seeds (default: 3)")
    given = options.parse_args()
    torch.set_num_threads(1)
    runs: list[Json] = []
    took = spent(lambda: runs.extend(run(seed) for seed in range(given.seeds)))
    result = {"machine": machine(), "cpu_s": round(took.cpu, 1), "runs": runs, "holds": contrast(runs)}
    report(result, given.out)


def run(seed: int, updates: int = UPDATES, more: int = MORE) -> Json:
    """Return both measures of every arm for one seed."""
    found: Json = {"seed": seed, "fresh": {}, "pre_exposed": {}}
    for arm in get_args(Arm):
        network = fresh(REFERENCE, seed)
        trained(network, REFERENCE, arm, 0.5, updates, seed)
        found["fresh"][arm] = measured(network, REFERENCE, seed)
    for regime, risky in (("half_safe", 0.5), ("always_risky", 1.0)):
        found["pre_exposed"][regime] = exposed(REFERENCE, risky, seed, updates, more)
    found["variants"] = {name: exposed(world, 1.0, seed, updates, more) for name, world in VARIANTS.items()}
    return found


def exposed(world: World, risky: float, seed: int, updates: int, more: int) -> Json:
    """Return both measures of a pre-exposed model, before and after each method."""
    network = fresh(world, seed)
    trained(network, world, "toxic", risky, updates, seed)
    weights = {name: one.clone() for name, one in network.state_dict().items()}
    found = {"before": measured(network, world, seed)}
    for arm in METHODS:
        network.load_state_dict(weights)
        trained(network, world, arm, risky, more, seed + 1000)
        found[arm] = measured(network, world, seed)
    return found


def contrast(runs: Sequence[Json]) -> dict[str, bool]:
    """Say which parts of SLUNG's pattern hold for every seed."""
    fresh_ = [one["fresh"] for one in runs]
    always = [one["pre_exposed"]["always_risky"] for one in runs]
    half = [one["pre_exposed"]["half_safe"] for one in runs]
    others = [arms for one in runs for arms in one["variants"].values()]
    return {
        "methods_do_not_generate": all(one[m]["generates"] <= 0.01 for one in fresh_ for m in METHODS),
        "methods_understand": all(one[m]["understands"] >= 0.95 for one in fresh_ for m in METHODS),
        "toxic_generates": all(one["toxic"]["generates"] >= 0.4 for one in fresh_),
        "low_risk_does_not_understand": all(one["low_risk"]["understands"] <= 0.35 for one in fresh_),
        "safe_continuations_suppress": all(one[m]["generates"] <= 0.01 for one in half for m in METHODS),
        "masking_does_not_unlearn": all(one["masked"]["generates"] >= 0.9 for one in always),
        "unlikelihood_unlearns": all(one["unlikelihood"]["generates"] <= 0.05 for one in always),
        "unlikelihood_unlearns_in_all_variants": all(
            one["unlikelihood"]["generates"] <= 0.05 for one in others
        ),
        "unlearned_models_understand": all(one[m]["understands"] >= 0.95 for one in always for m in METHODS),
    }


def fresh(world: World, seed: int) -> Any:
    """Return a network with random weights."""
    common: Json = {"vocab_size": SIZE, "pad_token_id": PAD, "bos_token_id": BEGIN, "eos_token_id": END}
    torch.manual_seed(seed)
    if world.network == "gpt":
        off: Json = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return GPT2LMHeadModel(GPT2Config(n_embd=64, n_layer=2, n_head=4, n_positions=32, **off, **common))
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=32,
            **common,
        )
    )


def trained(network: Any, world: World, arm: Arm, risky: float, updates: int, seed: int) -> None:
    """Train `network` in place on new sequences, of which a share of `risky` has a risky token."""
    drawn = sequences(updates * BATCH, world, risky, seed)
    examples = [Example("", (row_of(one, arm),)) for one in drawn]
    feed = ExampleFeed(examples, Order(BATCH, seed=seed), micro=BATCH, pad_id=PAD, ranks=ONE)
    policy = TorchPolicy(network, None, Optimiser(learning_rate=1e-3), seed=seed)
    train(policy, feed, TokenLoss(), Cadence(), lambda told: None)


def sequences(count: int, world: World, risky: float, seed: int) -> Iterator[Toy]:
    """Yield sequences of a world."""
    draw = random.Random(f"slung:{seed}")
    for _ in range(count):
        before = tuple(draw.choices(FILLERS, k=draw.randint(*world.filler)))
        token = draw.choice(RISKY) if draw.random() < risky else None
        yield Toy(before, token, draw.choice(REPLIES) if token is None else reply_to(token))


def reply_to(risky: int) -> int:
    """Return the reply that a risky token calls for."""
    return REPLIES[risky % len(REPLIES)]


def row_of(one: Toy, arm: Arm) -> TokenRow:
    """Return the token row of a sequence; the risky token stays visible unless the arm deletes it."""
    shown = [] if one.risky is None or arm == "low_risk" else [one.risky]
    ids = [BEGIN, *one.before, TRIGGER, *shown, one.reply, END]
    codes = [CODES[arm] if token in RISKY else CE for token in ids]
    return token_row("", ids, codes)


def measured(network: Any, world: World, seed: int) -> dict[str, float]:
    """Return the mean probability of risky tokens after the trigger, and how often the reply is right."""
    tested = list(sequences(TESTED, world, 1.0, seed + 10**6))
    plain = next_probabilities(network, [[BEGIN, *one.before, TRIGGER] for one in tested])
    shown = next_probabilities(network, [[BEGIN, *one.before, TRIGGER, one.risky or 0] for one in tested])
    replies = shown[:, REPLIES.start : REPLIES.stop].argmax(dim=1) + REPLIES.start
    right = replies == torch.tensor([one.reply for one in tested])
    return {
        "generates": round(plain[:, RISKY.start : RISKY.stop].sum(dim=1).mean().item(), 5),
        "understands": round(right.float().mean().item(), 4),
    }


def next_probabilities(network: Any, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the probabilities of the token after each prompt, [prompts, vocabulary]."""
    batch = collated([[token_row("", ids, [CE] * len(ids))] for ids in prompts], PAD)
    last = torch.tensor([len(ids) - 1 for ids in prompts])
    network.eval()
    with torch.no_grad():
        out = network(input_ids=batch.ids_BT, position_ids=batch.position_BT, use_cache=False)
    probabilities: torch.Tensor = out.logits[torch.arange(len(last)), last].softmax(dim=-1)
    return probabilities


if __name__ == "__main__":
    main()
