"""Rewriting the texts of a dialogue: its turns, and what is known beforehand."""

import re
from collections.abc import Callable

import msgspec

from skillofmind.core.dialogue import Dialogue, Session, SocialContext, Speaker, Turn

Rewrite = Callable[[str], str]

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""A word, with apostrophes inside."""

_PICTURE = re.compile(r"(\[Sharing Image\s*(?::[^\]]*)?\])", re.IGNORECASE)


def with_turns(dialogue: Dialogue, rewrite: Rewrite) -> Dialogue:
    """Return the dialogue with the text of every turn rewritten; nothing else differs."""
    turns = tuple(msgspec.structs.replace(turn, text=rewrite(turn.text)) for turn in dialogue.turns)
    return msgspec.structs.replace(dialogue, turns=turns)


def with_prose(dialogue: Dialogue, rewrite: Rewrite) -> Dialogue:
    """Return the dialogue with its turns rewritten, apart from the marks of shared pictures.

    `[Sharing Image]` is a sign between programs; nobody types it, and a change to it takes the picture away.
    """

    def rewritten(text: str) -> str:
        # Every second piece is a mark.
        return "".join(
            piece if place % 2 else rewrite(piece) for place, piece in enumerate(_PICTURE.split(text))
        )

    return with_turns(dialogue, rewritten)


def with_last_turn(dialogue: Dialogue, rewrite: Rewrite) -> Dialogue | None:
    """Return the dialogue with its last turn rewritten; `None` where there is no turn."""
    if not dialogue.turns:
        return None
    last = dialogue.turns[-1]
    turns = (*dialogue.turns[:-1], msgspec.structs.replace(last, text=rewrite(last.text)))
    return msgspec.structs.replace(dialogue, turns=turns)


def with_texts(dialogue: Dialogue, rewrite: Rewrite) -> Dialogue:
    """Return the dialogue with turns, context, speakers' names and personas, and sessions rewritten."""
    changed = with_turns(dialogue, rewrite)
    return msgspec.structs.replace(
        changed,
        context=rewritten_context(dialogue.context, rewrite),
        speakers=tuple(_speaker(one, rewrite) for one in dialogue.speakers),
        history=tuple(_session(one, rewrite) for one in dialogue.history),
    )


def texts_of(dialogue: Dialogue) -> list[str]:
    """Return all texts that `with_texts` rewrites."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    with_texts(dialogue, keep)
    return found


def rewritten_context(context: SocialContext, rewrite: Rewrite) -> SocialContext:
    """Return the context with every text rewritten; fields that are not there stay so."""
    fields: dict[str, object] = {}
    for name in SocialContext.__struct_fields__:
        value = getattr(context, name)
        if isinstance(value, str):
            fields[name] = rewrite(value)
        elif isinstance(value, tuple):
            fields[name] = tuple(map(rewrite, value))
        elif isinstance(value, dict):
            fields[name] = {key: rewrite(one) for key, one in value.items()}
    return msgspec.structs.replace(context, **fields)


def with_fact(dialogue: Dialogue, fact: str) -> Dialogue:
    """Return the dialogue with one more sentence in the free text of its context."""
    text = f"{dialogue.context.text} {fact}" if dialogue.context.text else fact
    return msgspec.structs.replace(dialogue, context=msgspec.structs.replace(dialogue.context, text=text))


def with_speaker(dialogue: Dialogue, key: str, change: Callable[[Speaker], Speaker]) -> Dialogue:
    """Return the dialogue with what is known of a speaker changed; one who is not listed is added."""
    listed = dialogue.speakers
    if all(one.key != key for one in listed):
        listed = (*listed, Speaker(key))
    speakers = tuple(change(one) if one.key == key else one for one in listed)
    return msgspec.structs.replace(dialogue, speakers=speakers)


def addressee(dialogue: Dialogue) -> str:
    """Return who is answered: the latest speaker who is not about to speak, or "" where there is none."""
    responder = dialogue.next_speaker()
    said = (turn.speaker for turn in reversed(dialogue.turns) if turn.speaker != responder)
    return next(said, "")


def language(dialogue: Dialogue, known: tuple[str, ...] = ("en", "ko")) -> str:
    """Return the language of a dialogue where it is known, else English."""
    return dialogue.lang if dialogue.lang in known else "en"


def _speaker(speaker: Speaker, rewrite: Rewrite) -> Speaker:
    return msgspec.structs.replace(
        speaker, name=rewrite(speaker.name), persona=tuple(map(rewrite, speaker.persona))
    )


def _session(session: Session, rewrite: Rewrite) -> Session:
    def said(turn: Turn) -> Turn:
        return msgspec.structs.replace(turn, text=rewrite(turn.text))

    summary = None if session.summary is None else rewrite(session.summary)
    return msgspec.structs.replace(session, summary=summary, turns=tuple(map(said, session.turns)))
