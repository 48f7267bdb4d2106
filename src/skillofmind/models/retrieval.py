"""A responder that needs no weights: it answers with a reply from annotated dialogues.

Among the replies that show the planned skill (all replies, where there is no plan), it takes the one whose
preceding turns share the most informative words with the last turns of the conversation:

    score(reply) = sum over shared words of idf(word)^2 / (|query| |before|)

It cannot say anything new. It is there so that the whole loop can be tried on any machine, offline.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.core.seams import Capabilities

_WORD = re.compile(r"\w+")
_CONTEXT_TURNS = 3


class Reply(Record, frozen=True):
    """A reply that somebody gave: the turns right before it, its words, its skill and language."""

    before: str
    text: str
    skill: str
    lang: str


def replies_in(dialogues: Iterable[Dialogue]) -> tuple[Reply, ...]:
    """Return every annotated turn with the three turns before it."""
    return tuple(
        Reply(
            before="\n".join(earlier.text for earlier in dialogue.turns[max(0, i - _CONTEXT_TURNS) : i]),
            text=turn.text,
            skill=turn.annotations[0].skill,
            lang=dialogue.lang,
        )
        for dialogue in dialogues
        for i, turn in enumerate(dialogue.turns)
        if i > 0 and turn.annotations
    )


class RetrievalModel:
    """Answers with the best-fitting stored reply; deterministic."""

    def __init__(self, replies: Iterable[Reply], name: str = "starter") -> None:
        """Index `replies`.

        Raises:
            ConfigurationError: there are none.
        """
        self._replies = tuple(replies)
        if not self._replies:
            raise ConfigurationError("the retrieval responder needs at least one annotated reply; got none.")
        self._name = name
        words = [set(_words(reply.before)) for reply in self._replies]
        seen = Counter(word for found in words for word in found)
        self._idf = {word: math.log(len(words) / count) + 1 for word, count in seen.items()}
        self._norms = [math.sqrt(sum(self._idf[w] ** 2 for w in found)) or 1.0 for found in words]
        self._postings: defaultdict[str, list[int]] = defaultdict(list)
        for index, found in enumerate(words):
            for word in found:
                self._postings[word].append(index)

    @property
    def identity(self) -> str:
        """Name of the collection and its size."""
        return f"retrieval:{self._name}:{len(self._replies)}"

    @property
    def capabilities(self) -> Capabilities:
        """Plain text, the best n of it."""
        return Capabilities(n=True, seed=True)

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        """Return the stored reply that fits best; with `n` samples, the best n (or all, if fewer)."""
        said = [m.text() for m in conversation.messages if m.role in ("user", "assistant")]
        scores = self._scores("\n".join(said[-_CONTEXT_TURNS:]))
        skill = conversation.plan.skill if conversation.plan else None
        korean = _korean("".join(said[-1:]))

        def rank(index: int) -> tuple[bool, bool, bool, float, int]:
            reply = self._replies[index]
            fits = skill is None or reply.skill == skill
            return (reply.text in said, _korean(reply.text) != korean, not fits, -scores[index], index)

        best = sorted(range(len(self._replies)), key=rank)[: sampling.n]
        samples = tuple(Sample(self._replies[index].text, stop="stop") for index in best)
        return Completion(samples, usage=Usage(), model=self.identity)

    def _scores(self, query: str) -> list[float]:
        words = {word for word in _words(query) if word in self._idf}
        norm = math.sqrt(sum(self._idf[word] ** 2 for word in words)) or 1.0
        scores = [0.0] * len(self._replies)
        # Sorted, because float sums depend on the order and set order on the hash seed.
        for word in sorted(words):
            for index in self._postings[word]:
                scores[index] += self._idf[word] ** 2 / (norm * self._norms[index])
        return scores


def _korean(text: str) -> bool:
    return any("가" <= char <= "힣" for char in text)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
