"""The prompted planner: any chat model, shown the taxonomy, answering in JSON.

    request -> reply -> parse -> (fault? one repair request that names it) -> Plan

A server that refuses the JSON schema is asked without it from then on.

The skill that leaves is a taxonomy name or `None`; what the model wrote is kept in `skill_raw`.
"""

import re
from typing import Any

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ModelError, RequestRejected
from skillofmind.core.plan import Alternative, Plan
from skillofmind.core.seams import Model
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.parser import parse_object
from skillofmind.mind.render import display_names, quoted, quoted_name, render_context, render_turns
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import Template, fill, load_template

PROMPTED_SAMPLING = Sampling(temperature=0.0, max_tokens=1200)
"""Greedy, so that the same dialogue gives the same plan; room for the JSON and for some thinking aloud."""

_MAX_ECHO = 2000


_MAX_RAW = 400
_SCHEMA_REFUSED = re.compile(r"response_format|schema|structured|grammar", re.IGNORECASE)


class PromptedPlanner:
    """Plans with any `Model`."""

    def __init__(
        self,
        model: Model,
        *,
        taxonomy: Taxonomy | None = None,
        template: Template | None = None,
        sampling: Sampling = PROMPTED_SAMPLING,
    ) -> None:
        """Plan with `model`; taxonomy and template default to those of the package."""
        self._model = model
        self._taxonomy = taxonomy or load_taxonomy()
        self._template = template or load_template()
        self._sampling = sampling
        self._normalise = Normaliser(self._taxonomy)
        # Hashing taxonomy and wording takes longer than reading an answer; every plan names them.
        hashes = f"{self._taxonomy.identity()}:{self._template.identity()}"
        self._identity = f"prompted:{model.identity}:{hashes}"
        self._with_schema = model.capabilities.json_schema

    @property
    def identity(self) -> str:
        """Model, taxonomy and wording."""
        return self._identity

    async def plan(self, dialogue: Dialogue) -> Plan:
        """Plan the next reply with one call, or two where the first answer cannot be used."""
        try:
            return await self._plan(dialogue)
        except RequestRejected as error:
            if not self._with_schema or not _SCHEMA_REFUSED.search(str(error)):
                return self._failed(dialogue, error)
        except ModelError as error:
            return self._failed(dialogue, error)
        # Not every server takes a JSON schema; the prompt asks for the same in words.
        self._with_schema = False
        return await self.plan(dialogue)

    async def _plan(self, dialogue: Dialogue) -> Plan:
        request, responder = self._request(dialogue), dialogue.next_speaker()
        reply = (await self._model.generate(request, self._sampling)).text
        plan, fault = self._read(reply, responder)
        if fault:
            repair = self._repair(request, reply, fault)
            again, _ = self._read((await self._model.generate(repair, self._sampling)).text, responder)
            plan = again if again.skill or not plan.skill else plan
        return plan

    def _failed(self, dialogue: Dialogue, error: ModelError) -> Plan:
        return Plan(error=str(error), planner=self.identity, responder=dialogue.next_speaker())

    def _request(self, dialogue: Dialogue) -> Conversation:
        names = display_names(dialogue)
        responder = dialogue.next_speaker()
        fields = {
            "skills": "\n".join(f"- {skill.name}: {skill.definition}" for skill in self._taxonomy.skills),
            "social_context": render_context(dialogue),
            "dialogue": render_turns(dialogue),
            "responder": quoted_name(names.get(responder, responder)),
        }
        wording = self._template.prompted
        messages: tuple[Message, ...] = (
            Message("system", wording.system),
            Message("user", fill(wording.user, fields)),
        )
        if not self._model.capabilities.system_role:
            messages = (Message("user", "\n\n".join(message.text() for message in messages)),)
        schema = self._schema() if self._with_schema else None
        return Conversation(messages, response_format=schema)

    def _repair(self, request: Conversation, reply: str, fault: str) -> Conversation:
        ask = Message("user", fill(self._template.prompted.repair, {"fault": fault}))
        # Servers refuse empty messages, and a runaway answer need not be paid for twice.
        said = reply.strip()[:_MAX_ECHO] or "{}"
        messages = (*request.messages, Message("assistant", said), ask)
        return Conversation(messages, response_format=request.response_format)

    def _schema(self) -> dict[str, Any]:
        name = {"type": "string", "enum": list(self._taxonomy.names())}
        properties = {
            "explanation": {"type": "string"},
            "skill": name,
            "alternatives": {"type": "array", "items": name},
        }
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": schema}}

    def _read(self, reply: str, responder: str) -> tuple[Plan, str]:
        """Return the plan in `reply`, and the fault that keeps it from being valid ("" when it is)."""
        found = parse_object(reply, "skill")
        if found is None:
            said = quoted(reply, _MAX_RAW)
            return Plan(skill_raw=said, planner=self.identity, responder=responder), "it held no JSON object."
        raw, explanation = found.get("skill"), found.get("explanation")
        raw = raw if isinstance(raw, str) else ""
        explanation = explanation.strip() if isinstance(explanation, str) else ""
        skill = self._normalise(raw).skill
        plan = Plan(
            explanation=explanation,
            skill=skill,
            skill_raw=raw,
            alternatives=self._alternatives(skill, found.get("alternatives")),
            valid=skill is not None and bool(explanation),
            planner=self.identity,
            responder=responder,
        )
        if skill is None:
            return plan, f"the skill {quoted(raw, 80)!r} is not in the list."
        return plan, "" if explanation else "the explanation was missing."

    def _alternatives(self, skill: str | None, listed: Any) -> tuple[Alternative, ...]:
        names = [skill] + [
            self._normalise(name).skill
            for name in (listed if isinstance(listed, list) else [])
            if isinstance(name, str)
        ]
        return tuple(Alternative(name) for name in dict.fromkeys(names) if name is not None)
