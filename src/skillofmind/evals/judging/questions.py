"""Questions to judges, as items that the runner keeps, asks once and resumes.

    item id     <id of the item>|<judge>|<order>       order: 12, 21, or 1 for a single reply
    arm         <second> vs <first>, or the arm of the single reply
    dialogue    one turn: the whole question as the judge reads it; the role of the judge is its context

The marks around material hold a code that is a hash of all of it: a reply would have to contain the hash of
itself to close them.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.judging.wording import Wording
from skillofmind.evals.records import Answer, Item
from skillofmind.mind.render import display_names, quoted, quoted_name, render_context, render_turns
from skillofmind.mind.template import fill

Order = Literal["12", "21", "1"]
"""Which of the two replies stands first; `1` where there is one."""

GOLD = "gold"
"""Name of what was really said, as one of the systems."""

MOST_CHARS = 4000
"""Longer replies lose their middle before a judge reads them."""

_TO_A_JUDGE = re.compile(
    r"\b(?:choose|pick|select|prefer|vote(?:\s+for)?|rate|rank|score|answer(?:\s+with)?|output|respond\s+with)\b"
    r"[^.!?\n]{0,40}\b(?:a|b|reply|response|answer|option|this|me|tie|[1-9]|highest|best)\b"
    r"|\b(?:ignore|disregard|forget)\b[^.!?\n]{0,40}\b(?:instructions?|criteria|above|previous|rules)\b"
    r"|\b(?:as|dear|attention|note to|to)\s+(?:the\s+|a\s+)?(?:judge|evaluator|grader|reviewer)\b"
    r"|\bthis\s+(?:is|reply|response|answer)\b[^.!?\n]{0,20}\b(?:best|better|superior|winner)\b",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """What the id of a question says.

    Attributes:
        item: id of the item.
        judge: who is asked.
        order: of the replies.
    """

    item: str
    judge: str
    order: str


class Pair(NamedTuple):
    """Two systems that are compared."""

    first: str
    second: str

    @property
    def arm(self) -> str:
        """Name of the comparison."""
        return f"{self.second} vs {self.first}"


class Said(NamedTuple):
    """One item with what each system said: the material of judges.

    Attributes:
        item: the question; its arm does not matter.
        replies: system -> reply; `GOLD` is what was really said.
    """

    item: Item
    replies: dict[str, str]


def place_of(item: Item) -> Place:
    """Return what the id of a question says."""
    return Place(*item.id.rsplit("|", 2))


def pair_of(arm: str) -> Pair:
    """Return the systems of an arm."""
    second, _, first = arm.partition(" vs ")
    return Pair(first, second)


def said_by_arm(items: Iterable[Item], answers: Mapping[str, Answer]) -> list[Said]:
    """Return what every arm replied, by item, and what was really said; failed replies are left out."""
    found: dict[tuple[str, str], Said] = {}
    for item in items:
        one = found.setdefault((item.task, item.id), Said(item, {}))
        answer = answers.get(item.key)
        if answer is not None and answer.error is None and answer.reply:
            one.replies[item.arm] = answer.reply
        if item.gold.reply.strip():
            one.replies[GOLD] = item.gold.reply.strip()
    return list(found.values())


def pair_questions(
    said: Sequence[Said], pairs: Sequence[Pair], judges: Sequence[str], wording: Wording
) -> list[Item]:
    """Return the questions about pairs, each in both orders, to every judge; a pair needs both replies.

    Raises:
        ConfigurationError: a judge's name cannot stand in an id, or a name occurs twice.
    """
    _check(judges)
    orders: tuple[Order, Order] = ("12", "21")
    return [
        _pair_question(one, pair, judge, order, wording)
        for pair in pairs
        for one in said
        if {pair.first, pair.second} <= one.replies.keys()
        for judge in judges
        for order in orders
    ]


def single_questions(
    said: Sequence[Said], systems: Sequence[str], judges: Sequence[str], wording: Wording
) -> list[Item]:
    """Return the questions about single replies, to every judge.

    Raises:
        ConfigurationError: a judge's name cannot stand in an id, or a name occurs twice.
    """
    _check(judges)
    return [
        _single_question(one, system, judge, wording)
        for system in systems
        for one in said
        if system in one.replies
        for judge in judges
    ]


def talks_to_a_judge(reply: str) -> bool:
    """Say whether a reply seems to tell a judge what to choose; a heuristic for English."""
    return _TO_A_JUDGE.search(reply) is not None


def votes_task(task: str) -> str:
    """Return the name of the task of pairs."""
    return f"{task}.votes"


def ratings_task(task: str) -> str:
    """Return the name of the task of single replies."""
    return f"{task}.ratings"


def _pair_question(said: Said, pair: Pair, judge: str, order: Order, wording: Wording) -> Item:
    systems = (pair.first, pair.second) if order == "12" else (pair.second, pair.first)
    first, second = (said.replies[system] for system in systems)
    code = _code(said.item, first, second)
    fields = {
        "first": _shown(first),
        "second": _shown(second),
        "answer": _answer(wording, '"..."'),
        **_marks(("_first", "reply A"), ("_second", "reply B"), code=code),
    }
    prompt = fill(wording.pair, _shared(said.item.dialogue, wording) | fields)
    slices = {"judge": judge, "order": order}
    slices["talks to a judge"] = _yes(any(talks_to_a_judge(reply) for reply in (first, second)))
    return _item(votes_task(said.item.task), said.item, pair.arm, (judge, order), prompt, wording, slices)


def _single_question(said: Said, system: str, judge: str, wording: Wording) -> Item:
    reply = said.replies[system]
    fields = {
        "reply": _shown(reply),
        "answer": _answer(wording, "..."),
        **_marks(("", "reply"), code=_code(said.item, reply)),
    }
    prompt = fill(wording.single, _shared(said.item.dialogue, wording) | fields)
    slices = {"judge": judge, "talks to a judge": _yes(talks_to_a_judge(reply))}
    return _item(ratings_task(said.item.task), said.item, system, (judge, "1"), prompt, wording, slices)


def _item(
    task: str,
    about: Item,
    arm: str,
    place: tuple[str, str],
    prompt: str,
    wording: Wording,
    slices: dict[str, str],
) -> Item:
    return Item(
        task,
        "|".join((about.id, *place)),
        about.group,
        Dialogue((Turn("user", prompt),), SocialContext(text=wording.system)),
        arm=arm,
        slices=slices,
    )


def _shared(dialogue: Dialogue, wording: Wording) -> dict[str, str]:
    responder = dialogue.next_speaker()
    return {
        "social_context": render_context(dialogue),
        "dialogue": render_turns(dialogue),
        "responder": quoted_name(display_names(dialogue).get(responder, responder)),
        "criteria": "\n".join(f"- {name}: {about}" for name, about in wording.criteria.items()),
        "scale": str(wording.scale),
    }


def _marks(*named: tuple[str, str], code: str) -> dict[str, str]:
    found = {}
    for suffix, name in named:
        found[f"open{suffix}"] = f"<<<{name} {code}>>>"
        found[f"close{suffix}"] = f"<<<end of {name} {code}>>>"
    return found


def _answer(wording: Wording, value: str) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name in wording.criteria) + "}"


def _shown(reply: str) -> str:
    return quoted(reply, MOST_CHARS)


def _code(item: Item, *replies: str) -> str:
    told = "\0".join((item.task, item.id, *replies)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()[:16]


def _yes(said: bool) -> str:
    return "yes" if said else "no"


def _check(judges: Sequence[str]) -> None:
    for name in judges:
        if not name or "|" in name:
            raise ConfigurationError(f"judge {name!r} needs a name without '|'; rename it.")
    if len(set(judges)) < len(judges):
        raise ConfigurationError(f"judges {', '.join(judges)!r}: one is named twice; name each once.")
