r"""The forward passes of a local model: write replies in a batch, score a reply, read activations.

Rows of one batch may have different settings. Prompts are padded on the left and the padding is masked, with
positions counted from the first real token, so padding has no influence. Every row has its own random
generator on the CPU, from which each step takes one number $u$; the token is the first at which the summed
probabilities, largest first, exceed $u$ times the kept mass (inverse transform sampling, with `top_p` as the
kept mass). So a seed gives the same text whatever else is in the batch, up to rounding of the logits.

Letters: B rows, T positions, V vocabulary, K candidates.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from skillofmind.core.completion import Sampling, StopReason, TokenLogprob

NetworkOutput = Any

DEFAULT_MAX_TOKENS = 256
"""Most new tokens where nobody says."""


class Settings(NamedTuple):
    """How to sample one row; nothing is left open.

    Attributes:
        temperature: 0 is greedy.
        top_p: nucleus mass in (0, 1].
        max_tokens: most new tokens.
        stop: strings that end the text.
        seed: of the row's generator; `None` takes one from the system.
        logprobs: whether to return log-probabilities.
        top_logprobs: further candidates a position.
    """

    temperature: float
    top_p: float
    max_tokens: int
    stop: tuple[str, ...]
    seed: int | None
    logprobs: bool
    top_logprobs: int


def settings(sampling: Sampling, network: Any, room: int, place: int = 0) -> Settings:
    """Return how to sample one row of a request.

    Args:
        sampling: as asked for; temperature and `top_p` that are not set are the network's own, else 1.
        network: with its generation settings.
        room: tokens that fit.
        place: of the row among the samples of its request; each has a seed of its own.
    """
    own = network.generation_config
    most = DEFAULT_MAX_TOKENS if sampling.max_tokens is None else sampling.max_tokens
    return Settings(
        temperature=_first(sampling.temperature, own.temperature),
        top_p=_first(sampling.top_p, own.top_p),
        max_tokens=min(most, room),
        stop=sampling.stop,
        seed=None if sampling.seed is None else sampling.seed + place,
        logprobs=sampling.logprobs,
        top_logprobs=sampling.top_logprobs,
    )


def _first(*values: float | None) -> float:
    return next((value for value in values if value is not None), 1.0)


class Job(NamedTuple):
    """One reply to write: the prompt's ids, the settings, and whether nobody waits for it any more."""

    prompt: Sequence[int]
    settings: Settings
    cancelled: Callable[[], bool]


class Written(NamedTuple):
    """One reply.

    Attributes:
        text: without stop string and control tokens.
        stop: why it ended.
        tokens: the tokens of `text`, where asked for.
        spent: tokens that were sampled, an end token and a stop string included.
    """

    text: str
    stop: StopReason
    tokens: tuple[TokenLogprob, ...] | None
    spent: int


class _Step(NamedTuple):
    """What one step found for one row."""

    number: int
    logprob: float
    top: tuple[tuple[int, float], ...]


class _Row:
    """One reply on its way."""

    def __init__(self, job: Job, tokenizer: Any, ends: frozenset[int]) -> None:
        self.job = job
        self.settings = job.settings
        self.steps: list[_Step] = []
        self.stop: StopReason | None = None if job.settings.max_tokens > 0 else "length"
        self._tokenizer, self._ends = tokenizer, ends
        self._generator = torch.Generator()
        if job.settings.seed is None:
            self._generator.seed()
        else:
            # Generators take 64 bits; seeds of other libraries may be longer or negative.
            self._generator.manual_seed(job.settings.seed % 2**63)
        longest = max((len(stop.encode()) for stop in job.settings.stop), default=0)
        # Every token has a byte at least, so this many tokens hold any stop string that just came.
        self._window = longest + 8

    def draw(self) -> float:
        return float(torch.rand((), generator=self._generator, dtype=torch.float64))

    def update(self, step: _Step) -> None:
        self.steps.append(step)
        if step.number in self._ends or self._at_stop_string():
            self.stop = "stop"
        elif self.job.cancelled():
            self.stop = "cancelled"
        elif len(self.steps) >= self.settings.max_tokens:
            self.stop = "length"

    def _at_stop_string(self) -> bool:
        if not self.settings.stop:
            return False
        return self._first_stop(self.decode(self.steps[-self._window :])) is not None

    def decode(self, steps: Sequence[_Step]) -> str:
        numbers = [step.number for step in steps]
        text: str = self._tokenizer.decode(
            numbers, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def _first_stop(self, text: str) -> int | None:
        places = [place for stop in self.settings.stop if (place := text.find(stop)) >= 0]
        return min(places, default=None)

    def written(self) -> Written:
        kept = self.steps[:-1] if self.steps and self.steps[-1].number in self._ends else self.steps
        text = self.decode(kept)
        end = self._first_stop(text)
        if end is not None:
            text = text[:end]
            while kept and self.decode(kept[:-1]).startswith(text):
                kept = kept[:-1]
        tokens = tuple(self._token(step) for step in kept) if self.settings.logprobs else None
        return Written(text, self.stop or "unknown", tokens, len(self.steps))

    def _token(self, step: _Step) -> TokenLogprob:
        top = tuple((self._tokenizer.decode([number]), logprob) for number, logprob in step.top)
        return TokenLogprob(self._tokenizer.decode([step.number]), step.logprob, step.number, top)


def write(network: Any, tokenizer: Any, jobs: Sequence[Job], ends: frozenset[int]) -> list[Written]:
    """Write one reply for each job; the batch shrinks as replies end."""
    rows = [_Row(job, tokenizer, ends) for job in jobs]
    live = [row for row in rows if row.stop is None]
    if live:
        with torch.inference_mode():
            _write(network, live)
    return [row.written() for row in rows]


def _write(network: Any, live: list[_Row]) -> None:
    """Take steps until every row has stopped."""
    ids_BT, mask_BT = pad_left([row.job.prompt for row in live], network.device)
    position_BT = (mask_BT.cumsum(1) - 1).clamp(min=0)
    past = None
    while live:
        out: NetworkOutput = network(
            input_ids=ids_BT,
            attention_mask=mask_BT,
            position_ids=position_BT,
            past_key_values=past,
            use_cache=True,
            logits_to_keep=1,
        )
        past = out.past_key_values
        for row, step in zip(live, _steps(out.logits[:, -1], live), strict=True):
            row.update(step)
        keep = [place for place, row in enumerate(live) if row.stop is None]
        if keep and len(keep) < len(live):
            keep_B = torch.tensor(keep, device=mask_BT.device)
            past.batch_select_indices(keep_B)
            mask_BT, position_BT = mask_BT[keep_B], position_BT[keep_B]
        live = [live[place] for place in keep]
        ids_BT = torch.tensor([[row.steps[-1].number] for row in live], device=mask_BT.device)
        mask_BT = torch.cat([mask_BT, mask_BT.new_ones(len(mask_BT), 1)], dim=1)
        position_BT = position_BT[:, -1:] + 1


def pad_left(prompts: Sequence[Sequence[int]], device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, [B, T] each; padding has id 0 and mask 0."""
    longest = max(map(len, prompts))
    ids = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _steps(logits_BV: torch.Tensor, rows: Sequence[_Row]) -> list[_Step]:
    logits_BV = logits_BV.float()
    settings = [row.settings for row in rows]
    number_B = pick(
        logits_BV,
        logits_BV.new_tensor([row.temperature for row in settings]),
        logits_BV.new_tensor([row.top_p for row in settings]),
        [row.draw() for row in rows],
    )
    logp_BV = torch.log_softmax(logits_BV, dim=-1)
    logp_B = logp_BV.gather(1, number_B[:, None])[:, 0].tolist()
    most = min(max(row.top_logprobs for row in settings), logp_BV.shape[1])
    top = torch.topk(logp_BV, most, dim=-1)
    pairs = zip(top.indices.tolist(), top.values.tolist(), settings, strict=True)
    top_B = [tuple(zip(ids, values, strict=True))[: row.top_logprobs] for ids, values, row in pairs]
    return [_Step(*step) for step in zip(number_B.tolist(), logp_B, top_B, strict=True)]


def pick(
    logits_BV: torch.Tensor, temperature_B: torch.Tensor, top_p_B: torch.Tensor, point_B: Sequence[float]
) -> torch.Tensor:
    """Return the id of each row's next token, [B].

    Args:
        logits_BV: scores.
        temperature_B: 0 takes the largest.
        top_p_B: mass in (0, 1] of the most probable tokens to choose from; the token that reaches it counts.
        point_B: random numbers in [0, 1).
    """
    greedy_B = logits_BV.argmax(dim=-1)
    if not bool((temperature_B > 0).any()):
        return greedy_B
    # Sums of very many small numbers need the longer type, which one kind of device lacks.
    exact = torch.float32 if logits_BV.device.type == "mps" else torch.float64
    heat_B = torch.where(temperature_B > 0, temperature_B, 1.0)
    prob_BV, order_BV = torch.softmax(logits_BV.to(exact) / heat_B[:, None], dim=-1).sort(
        dim=-1, descending=True, stable=True
    )
    sum_BV = prob_BV.cumsum(dim=-1)
    kept_BV = (sum_BV - prob_BV) < top_p_B[:, None]
    mass_B = (prob_BV * kept_BV).sum(dim=-1)
    goal_B = torch.tensor(point_B, dtype=exact, device=logits_BV.device) * mass_B
    place_B = (sum_BV <= goal_B[:, None]).sum(dim=-1).minimum(kept_BV.sum(dim=-1) - 1)
    drawn_B = order_BV.gather(1, place_B[:, None])[:, 0]
    return torch.where(temperature_B > 0, drawn_B, greedy_B)


def score(network: Any, prompt: Sequence[int], reply: Sequence[int]) -> list[float]:
    """Return the log-probability of every token of `reply` after `prompt`, at temperature 1."""
    if not reply:
        return []
    ids_BT = torch.tensor([[*prompt, *reply]], device=network.device)
    with torch.inference_mode():
        out: NetworkOutput = network(input_ids=ids_BT, logits_to_keep=len(reply) + 1)
    logp_TV = torch.log_softmax(out.logits[0, :-1].float(), dim=-1)
    logp: list[float] = logp_TV.gather(1, ids_BT[0, -len(reply) :, None])[:, 0].tolist()
    return logp


def hidden_states(network: Any, prompt: Sequence[int], layer: int) -> Any:
    """Return the activations of one layer over the prompt as a float32 array [T, H]."""
    ids_BT = torch.tensor([list(prompt)], device=network.device)
    with torch.inference_mode():
        out: NetworkOutput = network(input_ids=ids_BT, output_hidden_states=True, logits_to_keep=1)
    return out.hidden_states[layer][0].float().cpu().numpy()
