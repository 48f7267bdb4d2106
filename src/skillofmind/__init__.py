"""Conversational agents that think about how to answer before they answer.

A planner reads the social context and the dialogue, explains in the first person what matters now, and
names one conversational skill. Its plan can be handed to any response model:

    from skillofmind import Dialogue, EmbeddedPlanner, HttpModel, Message, Conversation, Turn, planned

    planner = EmbeddedPlanner()                                   # numpy only, no download
    plan = planner.plan_now(Dialogue(turns=(Turn("Ana", "I failed the exam again."),)))
    plan.skill, plan.explanation, plan.evidence

    async def answer() -> str:
        async with HttpModel("llama-3", "http://localhost:8000/v1") as model:
            question = Conversation((Message("user", "I failed the exam again."),))
            return (await planned(model, planner).generate(question)).text

Importing this package loads nothing heavy: each name is fetched from its module when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Annotation",
    "Completion",
    "Conversation",
    "Dialogue",
    "EmbeddedPlanner",
    "HttpModel",
    "Image",
    "LocalModel",
    "Message",
    "Model",
    "Plan",
    "Planner",
    "PromptedPlanner",
    "RunDirectory",
    "Sampling",
    "ScriptedModel",
    "Skill",
    "SkillOfMindError",
    "SocialContext",
    "Speaker",
    "Turn",
    "WeightsPlanner",
    "__version__",
    "load_taxonomy",
    "normalise",
    "planned",
    "read_dialogues",
]

_HOMES = {
    "Annotation": "skillofmind.core.dialogue",
    "Completion": "skillofmind.core.completion",
    "Conversation": "skillofmind.core.conversation",
    "Dialogue": "skillofmind.core.dialogue",
    "EmbeddedPlanner": "skillofmind.mind.embedded",
    "HttpModel": "skillofmind.models.http",
    "Image": "skillofmind.core.dialogue",
    "LocalModel": "skillofmind.models.local.model",
    "Message": "skillofmind.core.conversation",
    "Model": "skillofmind.core.seams",
    "Plan": "skillofmind.core.plan",
    "Planner": "skillofmind.core.seams",
    "PromptedPlanner": "skillofmind.mind.prompted",
    "RunDirectory": "skillofmind.run.directory",
    "Sampling": "skillofmind.core.completion",
    "ScriptedModel": "skillofmind.models.scripted",
    "Skill": "skillofmind.core.skill",
    "SkillOfMindError": "skillofmind.core.errors",
    "SocialContext": "skillofmind.core.dialogue",
    "Speaker": "skillofmind.core.dialogue",
    "Turn": "skillofmind.core.dialogue",
    "WeightsPlanner": "skillofmind.mind.weights",
    "load_taxonomy": "skillofmind.mind.taxonomy",
    "normalise": "skillofmind.mind.normalise",
    "planned": "skillofmind.mind.inject",
    "read_dialogues": "skillofmind.data.read",
}

if TYPE_CHECKING:
    from skillofmind.core.completion import Completion, Sampling
    from skillofmind.core.conversation import Conversation, Message
    from skillofmind.core.dialogue import Annotation, Dialogue, Image, SocialContext, Speaker, Turn
    from skillofmind.core.errors import SkillOfMindError
    from skillofmind.core.plan import Plan
    from skillofmind.core.seams import Model, Planner
    from skillofmind.core.skill import Skill
    from skillofmind.data.read import read_dialogues
    from skillofmind.mind.embedded import EmbeddedPlanner
    from skillofmind.mind.inject import planned
    from skillofmind.mind.normalise import normalise
    from skillofmind.mind.prompted import PromptedPlanner
    from skillofmind.mind.taxonomy import load_taxonomy
    from skillofmind.mind.weights import WeightsPlanner
    from skillofmind.models.http import HttpModel
    from skillofmind.models.local.model import LocalModel
    from skillofmind.models.scripted import ScriptedModel
    from skillofmind.run.directory import RunDirectory


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
