"""Changes of the social context: without it, with a stranger's, or with a contradiction."""

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.evals.audits.arms import Scene
from skillofmind.evals.audits.changes.texts import language, with_fact
from skillofmind.evals.audits.changes.wording import load_wording


def dropped(scene: Scene) -> Dialogue | None:
    """Take away all that is known beforehand: context, sessions, and what is known of the speakers."""
    return msgspec.structs.replace(
        scene.dialogue,
        context=SocialContext(),
        history=(),
        speakers=tuple(map(bare, scene.dialogue.speakers)),
    )


def bare(speaker: Speaker) -> Speaker:
    """Return a speaker of whom nothing but the name is known."""
    return Speaker(speaker.key, speaker.name, human=speaker.human)


def swapped(scene: Scene) -> Dialogue | None:
    """Put the context of another dialogue in place of a context; names and turns stay."""
    if scene.donor is None or scene.dialogue.context == SocialContext():
        return None
    return msgspec.structs.replace(scene.dialogue, context=scene.donor.context)


def contradicted(scene: Scene) -> Dialogue | None:
    """Turn the feeling into its opposite, where there is one, and deny the rest in one sentence."""
    context = scene.dialogue.context
    if context == SocialContext():
        return None
    contradict = load_wording().contradict
    opposite = contradict.feelings.get((context.emotion or "").casefold())
    feeling = opposite or context.emotion
    told = with_fact(scene.dialogue, contradict.said(language(scene.dialogue)))
    return msgspec.structs.replace(told, context=msgspec.structs.replace(told.context, emotion=feeling))
