"""What decides the token rows of a data file; no torch is needed to read these settings."""

from typing import Any, Literal

from skillofmind.core.record import Record

OverLength = Literal["drop", "truncate", "error"]
Risk = Literal["plain", "masked", "unlikelihood"]


class RowOptions(Record, frozen=True):
    """How rows become token rows.

    Attributes:
        train: of `messages`, all turns of the assistant or the last one; a message's own `train` flag wins.
        max_tokens: longest token row; `None` is no limit.
        over_length: `drop` a longer row and count it, `truncate` it on the right (it then does not teach
            where to stop), or stop with an `error`.
        one_per_pass: rows of one `id` and one prompt are the choices of one example.
        risk: what the loss makes of a span's risk: 0 and 1 are harmless, 2 is in between, 3 is the worst.
            `masked` ignores 2 and 3, `unlikelihood` pushes 3 down and learns the rest, `plain` learns all.
        control_tokens: let texts outside of chats (`text`, `spans`, a prompt that is one text) write control
            tokens; for texts that were rendered before.
        template_options: what the chat template can be told, such as `enable_thinking`.
    """

    train: Literal["all", "last"] = "all"
    max_tokens: int | None = None
    over_length: OverLength = "drop"
    one_per_pass: bool = False
    risk: Risk = "masked"
    control_tokens: bool = False
    template_options: dict[str, Any] = {}
