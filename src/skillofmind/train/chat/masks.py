"""Turns to token rows: which token belongs to which part, exactly.

The ids before an answer must be those of `PromptEncoder.prompt`, for every trained turn. For one turn that is
so by construction: the prompt is encoded, and what follows is encoded after it. Several turns fit in one row
if each answer stands in the text of the last prompt as it was, and if no token reaches over a border in the
joint encoding; else each turn gets a row of its own, with the history that inference would show it.

A border is found without encoding twice: a special token never merges with its neighbours, so what stands
between the last special token and the border is encoded alone and must be found at that place.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from skillofmind.core.errors import DataError
from skillofmind.train.chat.template import ChatTemplate, Turn
from skillofmind.train.rows.token_row import CE, IGNORE

_CACHED = 64
"""Longest text between a special token and a border that is remembered, in characters."""


class Coded(NamedTuple):
    """Token ids and the code of the loss plan for each."""

    ids: list[int]
    codes: list[int]


class TurnEncoder:
    """Encodes the turns of one tokenizer's chat template."""

    def __init__(self, tokenizer: Any, template: ChatTemplate) -> None:
        self._template, self._encoder = template, template.encoder
        self._adds_up = adds_up(tokenizer)
        self._bos, self._eos = tokenizer.bos_token_id, tokenizer.eos_token_id
        self._numbers = set(template.special.values())
        self._short = lru_cache(maxsize=4096)(lambda text: self._encoder.ids(text, ()))

    def prompt(self, text: str, literals: Sequence[str]) -> list[int]:
        """Return the ids of a prompt as inference has them."""
        return self._encoder.with_one_bos(self._encoder.ids(text, literals))

    def single(self, turn: Turn, literals: Sequence[str], prompt: list[int]) -> Coded:
        """Return one turn behind the ids of its prompt.

        Raises:
            DataError: a token of this tokenizer would reach over a border, or there is a second begin token.
        """
        if not self._adds_up:
            coded = self._cut([turn], literals)
            if coded is None or coded.ids[: len(prompt)] != prompt:
                raise DataError(
                    f"the first token of message {turn.number + 1} would merge with the prompt's last; "
                    "begin it with another character, or use a byte-level tokenizer"
                )
            return coded
        ids, codes = list(prompt), [IGNORE] * len(prompt)
        for text, code in _parts(turn):
            found = self._encoder.ids(text, literals)
            ids += found
            codes += [code] * len(found)
        return self._checked(Coded(ids, codes))

    def joined(self, turns: Sequence[Turn], literals: Sequence[str]) -> Coded | None:
        """Return several turns as one row, or `None` if inference would show one of them another prompt.

        Raises:
            DataError: there is a second begin token.
        """
        last = turns[-1].prompt
        if not all(last.startswith(turn.prompt + turn.answer) for turn in turns[:-1]):
            return None
        return self._cut(turns, literals)

    def _cut(self, turns: Sequence[Turn], literals: Sequence[str]) -> Coded | None:
        """Return the joint encoding with its codes, or `None` if a token reaches over a border."""
        text = turns[-1].prompt + turns[-1].answer
        raw = self._encoder.ids(text, literals)
        ids = self._encoder.with_one_bos(raw)
        shift = len(ids) - len(raw)
        borders = _Borders(self, text, raw, literals)
        codes = [IGNORE] * len(ids)
        for turn in turns:
            start = len(turn.prompt)
            if borders.at(start) is None:
                return None
            for begin, end in turn.trained:
                first, last = borders.at(start + begin), borders.at(start + end)
                if first is None or last is None:
                    return None
                codes[first + shift : last + shift] = [CE] * (last - first)
        return self._checked(Coded(ids, codes))

    def _checked(self, coded: Coded) -> Coded:
        if self._bos is not None and self._bos != self._eos and self._bos in coded.ids[1:]:
            raise DataError("the chat template writes a begin token in the middle; a text may have one only")
        return coded

    def encoded(self, text: str, literals: Sequence[str]) -> list[int]:
        """Return the ids of a piece of rendered text; short ones are remembered."""
        return self._short(text) if len(text) <= _CACHED and "\ue000" not in text else self._encoder.ids(
            text, literals
        )  # fmt: skip

    def anchors(self, text: str, ids: Sequence[int]) -> list[tuple[int, int, int]] | None:
        """Return start, end and token of each special token in a text, or `None` where they do not agree."""
        found = self._template.specials(text)
        places = [place for place, number in enumerate(ids) if number in self._numbers]
        special = self._template.special
        if [special[one[0]] for one in found] != [ids[place] for place in places]:
            return None
        return [(*one.span(), place) for one, place in zip(found, places, strict=True)]


class _Borders:
    """Where characters of one text stand among its tokens."""

    def __init__(self, owner: TurnEncoder, text: str, ids: list[int], literals: Sequence[str]) -> None:
        self._owner, self._text, self._ids, self._literals = owner, text, ids, literals
        self._anchors = owner.anchors(text, ids)

    def at(self, place: int) -> int | None:
        """Return how many tokens make up exactly `text[:place]`, or `None` if no number of them does."""
        begin, skipped = 0, 0
        for start, end, token in self._anchors or ():
            if end > place:
                break
            begin, skipped = start, token
        head = self._owner.encoded(self._text[begin:place], self._literals)
        stop = skipped + len(head)
        return stop if self._ids[skipped:stop] == head else None


def adds_up(tokenizer: Any) -> bool:
    """Say whether texts may be encoded piece by piece: the pieces decode to the whole."""
    for first, second in (("a", "b"), ("a", " b"), ("a ", "b"), ("a\n", "\nb")):
        ids = [
            number for text in (first, second) for number in tokenizer.encode(text, add_special_tokens=False)
        ]
        if tokenizer.decode(ids, clean_up_tokenization_spaces=False) != first + second:
            return False
    return True


def _parts(turn: Turn) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    place = 0
    for begin, end in turn.trained:
        parts += [(turn.answer[place:begin], IGNORE), (turn.answer[begin:end], CE)]
        place = end
    return [(text, code) for text, code in [*parts, (turn.answer[place:], IGNORE)] if text]
