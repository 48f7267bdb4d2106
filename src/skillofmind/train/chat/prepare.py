"""All rows of the training data as token rows, with the page to read before training starts.

    prepared = prepare(read_rows([Path("train.jsonl")]), tokenizer, RowOptions(max_tokens=2048))
    prepared.counts.share_trained, prepared.refused

A row that cannot be used is refused with its reason and does not stop the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from skillofmind.core.errors import ConfigurationError, DataError, RequestRejected
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.train.chat.encode import RowEncoder
from skillofmind.train.chat.options import RowOptions
from skillofmind.train.chat.read import Placed
from skillofmind.train.chat.shapes import Ask, Shape, shape_of
from skillofmind.train.chat.tokenizer import prepare_tokenizer
from skillofmind.train.rows.token_row import Example, PreferencePair, Refused, TokenRow

_NAMED = 5
"""How many refused rows an error names."""


class Counts(Record, frozen=True):
    """What the data comes to.

    Attributes:
        rows: read.
        refused: of them, too long ones included.
        examples: made; one row can make several, several rows one.
        pairs: made.
        token_rows: sequences in them, all choices counted.
        tokens: in those.
        trained_tokens: of them.
        share_trained: trained tokens per token, 0 to 1.
        longest: tokens of the longest token row.
        truncated: token rows that were cut.
        dropped: token rows that were too long.
        split: rows that became an example for each turn, because the template changes earlier turns.
        stop: text of the token that ends an answer.
        template_hash: SHA-256 of the chat template, empty without one.
    """

    rows: int
    refused: int
    examples: int
    pairs: int
    token_rows: int
    tokens: int
    trained_tokens: int
    share_trained: float
    longest: int
    truncated: int
    dropped: int
    split: int
    stop: str
    template_hash: str


class Prepared(NamedTuple):
    """The training data.

    Attributes:
        examples: for supervised training.
        pairs: for preference training.
        refused: rows that cannot be used.
        counts: of all of it.
    """

    examples: tuple[Example, ...]
    pairs: tuple[PreferencePair, ...]
    refused: tuple[Refused, ...]
    counts: Counts


class _Read(NamedTuple):
    """A row of the data in its form."""

    id: str
    place: str
    shape: Shape


class _Length:
    """The policy for rows that are too long, and what it did."""

    def __init__(self, options: RowOptions) -> None:
        self.truncated = self.dropped = 0
        self._most, self._policy = options.max_tokens, options.over_length

    def fitted(self, row: TokenRow, place: str) -> TokenRow | str:
        """Return the row, cut where that is the policy, or why it is dropped."""
        most, length = self._most, len(row.ids)
        if most is None or length <= most:
            return row if row.trained() else "no token of it is trained"
        fault = f"{length} tokens, more than max_tokens {most}"
        if self._policy == "error":
            raise DataError(
                f"{place}: row {row.id!r} has {fault}; allow more, or drop or truncate such rows."
            )
        if self._policy == "drop":
            self.dropped += 1
            return fault
        weight = None if row.weight is None else row.weight[:most]
        cut = TokenRow(row.id, row.ids[:most], row.loss_plan[:most], weight)
        if not cut.trained():
            return f"{fault}, and no trained token is left when it is cut"
        self.truncated += 1
        return cut


def prepare(
    rows: Iterable[Mapping[str, Any] | Placed | Refused],
    tokenizer: Any,
    options: RowOptions | None = None,
    *,
    network_vocab_size: int | None = None,
) -> Prepared:
    """Return the training data of rows, in their order.

    Args:
        rows: of `read_rows`, or plain objects, which are called `row 1`, `row 2`, …
        tokenizer: of transformers; its pad token is set where it has none.
        options: how rows become token rows.
        network_vocab_size: rows of the network's embedding, to be checked.

    Raises:
        ConfigurationError: the tokenizer cannot be used, lacks a chat template that a row needs, or
            `max_tokens` is too small.
        DataError: nothing can be trained, or a row is too long and that is to be an error.
    """
    options = options or RowOptions()
    if options.max_tokens is not None and options.max_tokens < 2:
        raise ConfigurationError(
            f"max_tokens is {options.max_tokens!r}; give 2 or more, or None for no limit"
        )
    facts = prepare_tokenizer(tokenizer, network_vocab_size)
    encoder = RowEncoder(tokenizer, facts, options)
    refused: list[Refused] = []
    read = list(_shapes(rows, options, refused))
    total = len(read) + len(refused)
    grouped = _grouped(read) if options.one_per_pass else [row for row, _ in read]
    length = _Length(options)
    examples: list[Example] = []
    pairs: list[PreferencePair] = []
    split = 0
    for row in grouped:
        made = _made(row, encoder, length)
        if isinstance(made, Refused):
            refused.append(made)
        elif isinstance(made, PreferencePair):
            pairs.append(made)
        else:
            examples += made
            split += len(made) > 1
    if not examples and not pairs:
        raise DataError(_nothing(refused))
    counts = _counts(
        examples,
        pairs,
        rows=total,
        refused=len(refused),
        truncated=length.truncated,
        dropped=length.dropped,
        split=split,
        stop=encoder.stop(),
        template_hash=facts.template_hash,
    )
    return Prepared(tuple(examples), tuple(pairs), tuple(refused), counts)


def _shapes(
    rows: Iterable[Mapping[str, Any] | Placed | Refused], options: RowOptions, refused: list[Refused]
) -> Iterator[tuple[_Read, bool]]:
    """Yield the rows in their forms, and whether each has an id of its own; add the others to `refused`."""
    for number, row in enumerate(rows, 1):
        if isinstance(row, Refused):
            refused.append(row)
            continue
        place, fields = row if isinstance(row, Placed) else (f"row {number}", row)
        named = fields.get("id") not in (None, "")
        id = str(fields["id"]) if named else place
        try:
            shape = shape_of(fields, options.risk, options.template_options)
        except DataError as error:
            refused.append(Refused(id, f"{place}: {error}"))
        else:
            yield _Read(id, place, shape), named


def _grouped(rows: Iterable[tuple[_Read, bool]]) -> list[_Read]:
    """Return the rows with those of one id and one prompt joined, at the place of the first."""
    found: dict[str, _Read] = {}
    for number, (row, named) in enumerate(rows):
        asked = row.shape.prompt if named and isinstance(row.shape, Ask) else None
        key = str(number) if asked is None else fingerprint((row.id, asked))
        before = found.get(key)
        if before is not None and isinstance(before.shape, Ask) and isinstance(row.shape, Ask):
            joined = before.shape._replace(answers=(*before.shape.answers, *row.shape.answers))
            found[key] = before._replace(shape=joined)
        else:
            found[key] = row
    return list(found.values())


def _made(row: _Read, encoder: RowEncoder, length: _Length) -> tuple[Example, ...] | PreferencePair | Refused:
    try:
        made = encoder.encoded(row.id, row.shape)
    except (DataError, RequestRejected) as error:
        return Refused(row.id, f"{row.place}: {error}")
    fault = "no token of it is trained"

    def fitted(found: TokenRow) -> TokenRow | None:
        nonlocal fault
        fit = length.fitted(found, row.place)
        fault = fit if isinstance(fit, str) else fault
        return None if isinstance(fit, str) else fit

    kept = _fitted_pair(made, fitted) if isinstance(made, PreferencePair) else _fitted_examples(made, fitted)
    return kept or Refused(row.id, f"{row.place}: {fault}")


def _fitted_pair(
    pair: PreferencePair, fitted: Callable[[TokenRow], TokenRow | None]
) -> PreferencePair | None:
    chosen, rejected = fitted(pair.chosen), fitted(pair.rejected)
    if chosen is None or rejected is None:
        return None
    return pair._replace(chosen=chosen, rejected=rejected)


def _fitted_examples(
    examples: tuple[Example, ...], fitted: Callable[[TokenRow], TokenRow | None]
) -> tuple[Example, ...]:
    found = []
    for example in examples:
        choices = [fit for choice in example.choices if (fit := fitted(choice)) is not None]
        if choices:
            found.append(Example(example.id, tuple(choices)))
    return tuple(found)


def _nothing(refused: list[Refused]) -> str:
    if not refused:
        return "there are no rows to train on; give a file that has some."
    named = "; ".join(one.reason for one in refused[:_NAMED])
    more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    return f"none of the rows can be trained on: {named}{more}."


def _counts(examples: list[Example], pairs: list[PreferencePair], **facts: Any) -> Counts:
    rows = [row for example in examples for row in example.choices]
    rows += [row for pair in pairs for row in (pair.chosen, pair.rejected)]
    lengths = np.array([len(row.ids) for row in rows])
    tokens, trained = int(lengths.sum()), sum(row.trained() for row in rows)
    return Counts(
        examples=len(examples),
        pairs=len(pairs),
        token_rows=len(rows),
        tokens=tokens,
        trained_tokens=trained,
        share_trained=trained / tokens,
        longest=int(lengths.max()),
        **facts,
    )
