"""A token row as text that shows what is trained.

    {+trained+}  {-pushed down-}  ‹a token that only the template can write›

in plain text; at a terminal colours say the same. Foreign text goes through the `clean` that is passed in, as
control characters could rule the terminal.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from skillofmind.train.chat.template import special_tokens
from skillofmind.train.rows.token_row import CE, IGNORE, UNLIKELIHOOD, TokenRow

if TYPE_CHECKING:
    from rich.text import Text

PlanName = Literal["ignore", "ce", "unlikelihood"]

_NAMES: dict[int, PlanName] = {IGNORE: "ignore", CE: "ce", UNLIKELIHOOD: "unlikelihood"}
_SIGNS: dict[PlanName, tuple[str, str]] = {
    "ignore": ("", ""),
    "ce": ("{+", "+}"),
    "unlikelihood": ("{-", "-}"),
}
_STYLES: dict[PlanName, str] = {"ignore": "dim", "ce": "bold green", "unlikelihood": "bold red"}


class Segment(NamedTuple):
    """Neighbouring tokens of one kind.

    Attributes:
        text: of the tokens.
        plan: what the loss makes of them.
        special: they are tokens that only the template or the tokenizer writes.
        tokens: how many they are.
    """

    text: str
    plan: PlanName
    special: bool
    tokens: int


def segments(row: TokenRow, tokenizer: Any) -> tuple[Segment, ...]:
    """Return a row in segments; their texts one after the other are what the row decodes to."""
    special = {*special_tokens(tokenizer).values()}
    tokens = [
        (_NAMES[code], number in special)
        for number, code in zip(row.ids.tolist(), row.loss_plan.tolist(), strict=True)
    ]
    ids: list[int] = row.ids.tolist()
    found: list[Segment] = []
    done, shown = 0, ""
    for (plan, is_special), group in groupby(tokens):
        count = sum(1 for _ in group)
        done += count
        # From the start each time, because some tokenizers drop a space where decoding begins.
        text = tokenizer.decode(ids[:done], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        found.append(Segment(text[len(shown) :], plan, is_special, count))
        shown = text
    return tuple(found)


def bracketed(found: Iterable[Segment], clean: Callable[[str], str]) -> str:
    """Return segments as plain text with signs around what is trained, and around special tokens."""
    pieces = []
    for plan, group in groupby(found, key=lambda segment: segment.plan):
        begin, end = _SIGNS[plan]
        pieces.append(begin + "".join(_shown(segment, clean) for segment in group) + end)
    return "".join(pieces)


def coloured(found: Iterable[Segment], clean: Callable[[str], str]) -> "Text":
    """Return segments as text for rich: trained green, pushed down red, special tokens reversed."""
    from rich.text import Text

    text = Text()
    for segment in found:
        text.append(clean(segment.text), _STYLES[segment.plan] + (" reverse" if segment.special else ""))
    return text


def _shown(segment: Segment, clean: Callable[[str], str]) -> str:
    return f"‹{clean(segment.text)}›" if segment.special else clean(segment.text)
