"""The weights planner: a model fine-tuned to write `<explanation> [RESULT SKILL] <skill>`.

It is shown the social context and the dialogue under fixed headers, and no list of skills. It runs from a
local folder or behind an endpoint; both are Models. An answer without a marker, or with a skill outside
the taxonomy, is asked for again (another sample), at most `attempts` times in all.
"""

import math

import msgspec

from skillofmind.core.completion import Completion, Sampling, TokenLogprob
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ModelError
from skillofmind.core.plan import Alternative, Plan
from skillofmind.core.seams import Model
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.parser import parse_marked
from skillofmind.mind.render import (
    MARKER,
    MARKER_REGEX,
    display_names,
    quoted,
    quoted_name,
    render_context,
    render_turns,
)
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, fill, load_template

WEIGHTS_SAMPLING = Sampling(temperature=0.0, max_tokens=256)
"""Greedy at first; the paper samples at temperature 0.9, which costs repeatability."""

RETRY_TEMPERATURE = 0.9
"""A greedy answer that failed would only fail again, so further attempts sample as the paper does."""


def planner_messages(dialogue: Dialogue, template: Template) -> tuple[Message, ...]:
    """Return the system and user message that a fine-tuned planner is trained on and asked with."""
    names, responder = display_names(dialogue), dialogue.next_speaker()
    fields = {
        "social_context": render_context(dialogue),
        "dialogue": render_turns(dialogue),
        "responder": quoted_name(names.get(responder, responder)),
    }
    wording = template.planner
    return (Message("system", wording.system), Message("user", fill(wording.user, fields)))


def planner_target(explanation: str, skill: str) -> str:
    """Return the assistant text of one training example; a marker inside the explanation is broken up."""
    return f"{quoted(explanation)} {MARKER} {skill}"


class WeightsPlanner:
    """Plans with a fine-tuned model."""

    def __init__(
        self,
        model: Model,
        *,
        taxonomy: Taxonomy | None = None,
        template: Template | None = None,
        sampling: Sampling = WEIGHTS_SAMPLING,
        attempts: int = 3,
    ) -> None:
        """Plan with `model`, asking at most `attempts` times (at least 1) for a usable answer."""
        self._model = model
        self._taxonomy = taxonomy or load_taxonomy()
        self._template = template or load_template()
        self._sampling = msgspec.structs.replace(sampling, logprobs=model.capabilities.logprobs)
        self._attempts = max(1, attempts)
        self._normalise = Normaliser(self._taxonomy)
        # Hashing taxonomy and wording takes longer than reading an answer; every plan names them.
        hashes = f"{self._taxonomy.identity()}:{self._template.identity()}"
        self._identity = f"weights:{model.identity}:{hashes}"

    @property
    def identity(self) -> str:
        """Model, taxonomy and wording."""
        return self._identity

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply; the last invalid answer is returned as such when none was valid."""
        responder = dialogue.next_speaker()
        messages = planner_messages(dialogue, self._template)
        if not self._model.capabilities.system_role:
            messages = (Message("user", "\n\n".join(message.text() for message in messages)),)
        request = Conversation(messages)
        plan = Plan(planner=self.identity, responder=responder)
        for attempt in range(self._attempts):
            try:
                completion = await self._model.generate(request, self._sampled(attempt))
            except ModelError as error:
                return Plan(error=str(error), planner=self.identity, responder=responder)
            plan = self._read(completion, responder)
            if plan.valid:
                break
        return plan

    def _sampled(self, attempt: int) -> Sampling:
        if attempt == 0:
            return self._sampling
        temperature = self._sampling.temperature or RETRY_TEMPERATURE
        seed = (self._sampling.seed or 0) + attempt
        return msgspec.structs.replace(self._sampling, temperature=temperature, seed=seed)

    def _read(self, completion: Completion, responder: str) -> Plan:
        marked = parse_marked(completion.text)
        if marked is None:
            return Plan(explanation=completion.text.strip(), planner=self.identity, responder=responder)
        skill = self._normalise(marked.skill).skill
        confidence = _skill_confidence(completion.samples[0].tokens, marked.skill)
        return Plan(
            explanation=marked.explanation,
            skill=skill,
            skill_raw=marked.skill,
            confidence=confidence if skill else None,
            alternatives=(Alternative(skill, confidence),) if skill else (),
            valid=skill is not None,
            planner=self.identity,
            responder=responder,
        )


def _skill_confidence(tokens: tuple[TokenLogprob, ...] | None, skill: str) -> float | None:
    """Return the probability of the tokens that spell the skill, given all before them.

    `None` without log-probabilities. Tokens after the skill (an end token) do not count.
    """
    text = "".join(token.token for token in tokens or ())
    marker = MARKER_REGEX.search(text)
    start = text.find(skill, marker.end()) if marker else -1
    if not tokens or start < 0:
        return None
    total, position = 0.0, 0
    for token in tokens:
        if position < start + len(skill) and position + len(token.token) > start:
            total += token.logprob
        position += len(token.token)
    return math.exp(total)
