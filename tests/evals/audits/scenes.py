"""Dialogues, items and planners for the tests of audits."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.records import Answer, Case, Gold, Item

SKILLS = ("Empathy", "Ethics", "Clarification", "Self-disclosure", "Negotiation")

_SAID = "Mary told her mother that she's really scared, don't you think? He gave John a big hug! I am 34 … ok"
_WORDS = st.sampled_from(_SAID.split())
TEXTS = st.lists(_WORDS, min_size=1, max_size=12).map(" ".join)


@st.composite
def dialogues(draw: st.DrawFn) -> Dialogue:
    """Draw a dialogue of one to eight turns, with or without a context and known speakers."""
    count = draw(st.integers(1, 8))
    turns = tuple(Turn("AB"[n % 2], draw(TEXTS), meta={"n": n}) for n in range(count))
    context = SocialContext(
        text=draw(st.none() | TEXTS),
        emotion=draw(st.sampled_from([None, "sadness", "unheard of"])),
        priorities=tuple(draw(st.lists(TEXTS, max_size=2))),
    )
    known = (Speaker("A", attributes={"age": "40", "ethnicity": "white american"}), Speaker("B", "Mary"))
    return Dialogue(
        turns=turns,
        context=context,
        id="own:1",
        speakers=draw(st.sampled_from([(), known])),
        responder=draw(st.sampled_from([None, "A", "B"])),
        lang=draw(st.sampled_from(["", "en", "ko", "de"])),
    )


def item(number: int, dialogue: Dialogue | None = None, *, group: str = "", gold: str = "Empathy") -> Item:
    """Return an item, of a dialogue of its own unless told otherwise."""
    made = dialogue or Dialogue(
        turns=(Turn("A", f"I have read {number} books."), Turn("B", "Good."), Turn("A", "And now?")),
        context=SocialContext(situation=f"Case {number}."),
        lang="en",
    )
    return Item("own", str(number), group or f"g{number}", made, Gold(skills=(gold,)))


def asked(items: Iterable[Item], skill: Callable[[Dialogue], str | None]) -> list[Case]:
    """Return the cases of a planner that is a function."""
    found = []
    for one in items:
        chosen = skill(one.dialogue)
        found.append(Case(one, Answer(plan=Plan(skill=chosen, valid=chosen is not None, confidence=0.5))))
    return found


def chance(*what: object) -> float:
    """Return a number from 0 to 1 that is always the same for the same values."""
    digest = hashlib.sha256(repr(what).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def pick(names: Sequence[str], *what: object) -> str:
    """Return one of the names, always the same for the same values."""
    return names[int(chance("pick", *what) * len(names))]
