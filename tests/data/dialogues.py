"""Generated dialogues with every field, for round trips."""

from hypothesis import strategies as st

from skillofmind.core.dialogue import (
    Annotation,
    Dialogue,
    Image,
    Label,
    Session,
    SocialContext,
    Speaker,
    Turn,
)

CHARACTERS = st.characters(codec="utf-8")
TEXTS = st.text(CHARACTERS, max_size=20)
WORDS = st.text(CHARACTERS, min_size=1, max_size=8).filter(str.strip)
KEYS = st.sampled_from(["Ana", "Ben", "user", "assistant", "Ö 한"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
# The names that chat formats give a meaning are among the keys.
METAS = st.dictionaries(
    TEXTS
    | st.sampled_from(["message", "content", "messages_after", "messages_before", "row", "skillofmind"]),
    JSON | st.just([{"role": "tool", "content": "x"}]) | st.just({"tool_calls": [1]}),
    max_size=2,
)
IMAGES = st.builds(Image, TEXTS, st.none() | st.just("https://example.com/c.png"))
TURNS = st.builds(
    Turn,
    KEYS,
    TEXTS,
    images=st.lists(IMAGES, max_size=2).map(tuple),
    annotations=st.lists(st.builds(Annotation, WORDS, TEXTS), max_size=1).map(tuple),
    labels=st.lists(st.builds(Label, WORDS, WORDS), max_size=1).map(tuple),
    lang=st.none() | st.just("ko"),
    meta=METAS,
)
CONTEXTS = st.builds(
    SocialContext,
    text=st.none() | TEXTS,
    emotion=st.none() | TEXTS,
    services=st.lists(TEXTS, max_size=2).map(tuple),
    extra=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
SPEAKERS = st.builds(
    Speaker,
    KEYS,
    name=TEXTS,
    role=st.none() | st.sampled_from(["user", "assistant", "therapist"]),
    human=st.none() | st.booleans(),
    attributes=st.dictionaries(TEXTS, TEXTS, max_size=1),
    persona=st.lists(TEXTS, max_size=1).map(tuple),
)
DIALOGUES = st.builds(
    Dialogue,
    st.lists(TURNS, min_size=1, max_size=5).map(tuple),
    context=CONTEXTS,
    id=WORDS,
    speakers=st.lists(SPEAKERS, max_size=3).map(tuple),
    responder=st.none() | KEYS,
    corpus=TEXTS,
    split=st.none() | st.just("train"),
    lang=TEXTS,
    history=st.lists(st.builds(Session, summary=st.none() | TEXTS), max_size=1).map(tuple),
    meta=METAS,
)
CORPORA = st.lists(DIALOGUES, max_size=4, unique_by=lambda dialogue: dialogue.id)
