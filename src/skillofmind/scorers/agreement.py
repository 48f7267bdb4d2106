"""Agreement between raters beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha.

Cohen's is of two raters and Fleiss' of any fixed number. Krippendorff's takes any number that may differ from
item to item, and values that are near each other as well as equal ones.

    kappa = (observed - expected) / (1 - expected)
    alpha = 1 - observed disagreement / expected disagreement

1. *observed*: the share of pairs of ratings of one item that agree.
2. *expected*: the share that would agree by chance. Cohen: sum over labels of the product of both raters'
   shares of it. Fleiss: sum of the squared share of each label in all ratings.
3. The 95 % interval is `value` ± 1.96 standard errors by the jackknife: the measure without item i, for each
   i, gives variance (n - 1) / n * sum (k_i - mean)^2. Items that were rated alike give the same k_i, and each
   k_i follows from the totals, so the cost is that of the *distinct* cells, not of n^2.
4. *disagreement*: the mean distance of two ratings of one item, and of two ratings of any items. The distance
   is 0 or 1 (nominal), (c - k)^2 (interval), or that of the mean ranks of both values among all ratings
   (ordinal). An item's pairs are weighted by 1 / (its ratings - 1); an item with one rating does not count.

Counts are whole numbers until the last division and sums are exact, so the order of items never changes a
result. Kappa is
undefined where chance alone gives full agreement (everything has one label) and where there are no items:
the value is then `None`, not 0 and not nan. Zero is a statement, a missing value is none.

    >>> cohen_kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"]).value
    0.5
    >>> cohen_kappa(["a", "a"], ["a", "a"]).value is None
    True
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, combinations
from typing import Literal, NamedTuple

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record

_Z = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

Scale = Literal["nominal", "ordinal", "interval"]
"""What values mean: names, places in an order, or amounts."""

Rating = str | float
"""One value that a rater gave: a name, or a number."""

_Cells = Mapping[tuple[str, str], int]
_Pattern = tuple[tuple[str, int], ...]
_Unit = tuple[tuple[int, int], ...]


class Agreement(Record, frozen=True):
    """How far raters agree.

    The interval is a normal approximation: it is rough below some 30 items, and it has no width where every
    item without which kappa is taken gives the same value, such as at full agreement.

    Attributes:
        measure: `cohen_kappa` or `fleiss_kappa`.
        value: at most 1, 0 at chance level; `None` where it is undefined.
        observed: share of agreeing pairs, 0 to 1; `None` without items.
        expected: share that chance would give, 0 to 1; `None` without items.
        items: number of items.
        raters: ratings of each item; 0 for Fleiss without items.
        low: lower end of the 95 % interval, at least -1; `None` where the value without one of the items is
            undefined.
        high: upper end, at most 1; `None` where `low` is.
    """

    measure: str
    value: float | None
    observed: float | None
    expected: float | None
    items: int
    raters: int
    low: float | None = None
    high: float | None = None


class Alpha(Record, frozen=True):
    """How far raters agree by Krippendorff's alpha (2011, "Computing Krippendorff's Alpha-Reliability").

    The interval is a normal approximation, as that of `Agreement`.

    Attributes:
        scale: what the values mean.
        value: at most 1, 0 at chance level; `None` where it is undefined: no item has two ratings, or all of
            their values are equal.
        observed: mean distance of two ratings of one item, at least 0; `None` where no item has two.
        expected: mean distance of two ratings of any items; `None` where no item has two.
        items: items with two ratings or more.
        ratings: of these items.
        left_out: items with fewer than two ratings.
        low: lower end of the 95 % interval, at least -1; `None` where the value without one of the items is
            undefined.
        high: upper end, at most 1; `None` where `low` is.
    """

    scale: str
    value: float | None
    observed: float | None
    expected: float | None
    items: int
    ratings: int
    left_out: int
    low: float | None = None
    high: float | None = None


class _LeftOut(NamedTuple):
    """The measure without one item of a kind, and how many items of that kind there are."""

    value: float | None
    items: int


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Return Cohen's kappa of two raters who each gave every item one label.

    Raises:
        ConfigurationError: one rater labelled more items than the other.
    """
    return kappa_of_cells(confusion(first, second))


def kappa_by_label(first: Sequence[str], second: Sequence[str]) -> dict[str, Agreement]:
    """Return label -> Cohen's kappa of that label against all others together, by label name.

    Raises:
        ConfigurationError: one rater labelled more items than the other.
    """
    cells = confusion(first, second)
    rows, columns = _margins(cells)
    total = sum(cells.values())
    found = {}
    for label in sorted(rows.keys() | columns.keys()):
        both = cells.get((label, label), 0)
        one, other = rows[label] - both, columns[label] - both
        two_by_two = {
            ("label", "label"): both,
            ("label", "rest"): one,
            ("rest", "label"): other,
            ("rest", "rest"): total - both - one - other,
        }
        found[label] = kappa_of_cells({cell: count for cell, count in two_by_two.items() if count})
    return found


def confusion(first: Sequence[str], second: Sequence[str]) -> dict[tuple[str, str], int]:
    """Return (label by the first, label by the second) -> items, in the order of the names.

    Raises:
        ConfigurationError: one rater labelled more items than the other.
    """
    if len(first) != len(second):
        raise ConfigurationError(
            f"the raters labelled {len(first)!r} and {len(second)!r} items; give both the same items."
        )
    return dict(sorted(Counter(zip(first, second, strict=True)).items()))


def fleiss_kappa(items: Iterable[Mapping[str, int]]) -> Agreement:
    """Return Fleiss' kappa of raters who need not be the same people from item to item.

    Args:
        items: of each, label -> how many raters gave it; all with the same number of raters. Read once.

    Raises:
        ConfigurationError: an item has fewer than two raters, more or fewer than the first item, or a count
            below 0. The message numbers items from 1.
    """
    patterns: Counter[_Pattern] = Counter()
    raters = 0
    for number, item in enumerate(items, 1):
        raters = raters or sum(item.values())
        _check(number, item, raters)
        patterns[tuple(sorted((label, count) for label, count in item.items() if count))] += 1
    return _fleiss(patterns, raters)


def _check(number: int, item: Mapping[str, int], raters: int) -> None:
    found = sum(item.values())
    if min(item.values(), default=0) < 0:
        raise ConfigurationError(f"item {number} has a count below 0, {dict(item)!r}; count its raters.")
    if found < 2:
        raise ConfigurationError(f"item {number} has {found!r} raters, {dict(item)!r}; agreement needs two.")
    if found != raters:
        raise ConfigurationError(
            f"item {number} has {found!r} raters and item 1 has {raters!r}; leave out one of them."
        )


def krippendorff_alpha(items: Iterable[Sequence[Rating | None]], scale: Scale = "nominal") -> Alpha:
    """Return Krippendorff's alpha of ratings that may be missing.

    Args:
        items: of each, its ratings in any order; `None` is a missing one. Read once.
        scale: what the values mean; numbers are needed for "ordinal" and "interval".

    Raises:
        ConfigurationError: a value is not finite, or is no number where one is needed. The message numbers
            items from 1.
    """
    patterns: Counter[tuple[tuple[Rating, int], ...]] = Counter()
    left_out = 0
    for number, item in enumerate(items, 1):
        given = Counter(_rating(number, value, scale) for value in item if value is not None)
        if given.total() < 2:
            left_out += 1
        else:
            patterns[tuple(sorted(given.items(), key=_by_value))] += 1
    values = sorted(
        {value for pattern in patterns for value, _ in pattern}, key=lambda one: _by_value((one, 0))
    )
    number_of = {value: index for index, value in enumerate(values)}
    units = {
        tuple((number_of[value], count) for value, count in pattern): times
        for pattern, times in patterns.items()
    }
    places = [float(value) for value in values] if scale == "interval" else None
    return _alpha(units, len(values), places, scale, left_out)


def _rating(number: int, value: Rating, scale: Scale) -> Rating:
    if isinstance(value, str):
        if scale != "nominal":
            raise ConfigurationError(f"item {number} has the rating {value!r}; {scale} ratings are numbers.")
    elif not math.isfinite(value):
        raise ConfigurationError(f"item {number} has the rating {value!r}; write None for a missing one.")
    return value


def _by_value(counted: tuple[Rating, int]) -> tuple[bool, float, str]:
    value = counted[0]
    return (True, 0.0, value) if isinstance(value, str) else (False, float(value), "")


def _margins(cells: _Cells) -> tuple[Counter[str], Counter[str]]:
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (one, other), count in cells.items():
        rows[one] += count
        columns[other] += count
    return rows, columns


def kappa_of_cells(cells: Mapping[tuple[str, str], int]) -> Agreement:
    """Return Cohen's kappa from the counts of `confusion`, all above 0, in any order."""
    rows, columns = _margins(cells)
    total = sum(cells.values())
    agreed = sum(count for (one, other), count in cells.items() if one == other)
    chance = sum(count * columns[label] for label, count in rows.items())
    left_out = []
    for (one, other), count in cells.items():
        same = one == other
        # One rating of `one` fewer in the rows and of `other` fewer in the columns.
        rest = chance - columns[one] - rows[other] + same
        left_out.append(_LeftOut(_cohen_of(total - 1, agreed - same, rest), count))
    return _agreement(
        "cohen_kappa",
        _cohen_of(total, agreed, chance),
        (agreed / total, chance / total**2) if total else None,
        2,
        left_out,
    )


def _cohen_of(total: int, agreed: int, chance: int) -> float | None:
    """Return kappa from whole numbers: items, agreeing items, sum of the products of the margins."""
    return (agreed * total - chance) / (total**2 - chance) if total**2 > chance else None


def _fleiss(patterns: Mapping[_Pattern, int], raters: int) -> Agreement:
    total = sum(patterns.values())
    totals: Counter[str] = Counter()
    for pattern, count in patterns.items():
        for label, given in pattern:
            totals[label] += given * count
    agreed = sum(_pairs(pattern) * count for pattern, count in patterns.items())
    chance = sum(given**2 for given in totals.values())
    left_out = []
    for pattern, count in patterns.items():
        rest = chance - sum(totals[label] ** 2 - (totals[label] - given) ** 2 for label, given in pattern)
        left_out.append(_LeftOut(_fleiss_of(total - 1, raters, agreed - _pairs(pattern), rest), count))
    ratings = total * raters
    return _agreement(
        "fleiss_kappa",
        _fleiss_of(total, raters, agreed, chance),
        (agreed / (ratings * (raters - 1)), chance / ratings**2) if total else None,
        raters,
        left_out,
    )


def _pairs(pattern: _Pattern) -> int:
    """Return the ordered pairs of raters who agree on an item."""
    return sum(given * (given - 1) for _, given in pattern)


def _fleiss_of(total: int, raters: int, agreed: int, chance: int) -> float | None:
    """Return kappa from whole numbers: items, raters, agreeing pairs, sum of the squared label totals."""
    ratings = total * raters
    if ratings**2 <= chance:
        return None
    return (agreed * ratings - chance * (raters - 1)) / ((raters - 1) * (ratings**2 - chance))


def _agreement(
    measure: str,
    value: float | None,
    shares: tuple[float, float] | None,
    raters: int,
    left_out: Sequence[_LeftOut],
) -> Agreement:
    observed, expected = shares if shares else (None, None)
    low, high = _interval(value, left_out)
    items = sum(cell.items for cell in left_out)
    return Agreement(measure, value, observed, expected, items, raters, low, high)


def _alpha(
    units: Mapping[_Unit, int], values: int, places: Sequence[float] | None, scale: Scale, left_out: int
) -> Alpha:
    totals = [0] * values
    for unit, times in units.items():
        for value, count in unit:
            totals[value] += count * times
    # Every weight 1 / (ratings - 1) is a whole number of these, so pairs add up exactly.
    share = math.lcm(*(_size(unit) - 1 for unit in units))
    pairs: Counter[tuple[int, int]] = Counter()
    for unit, times in units.items():
        pairs.update({pair: weight * times for pair, weight in _weights(unit, share).items()})
    found = _disagreement(pairs, totals, places, scale, share)
    jackknife = []
    for unit, times in units.items():
        fewer = list(totals)
        for value, count in unit:
            fewer[value] -= count
        rest = pairs.copy()
        rest.subtract(_weights(unit, share))
        jackknife.append(_LeftOut(_alpha_of(_disagreement(rest, fewer, places, scale, share)), times))
    low, high = _interval(_alpha_of(found), jackknife)
    observed, expected = found if found else (None, None)
    items = sum(units.values())
    return Alpha(scale, _alpha_of(found), observed, expected, items, sum(totals), left_out, low, high)


def _size(unit: _Unit) -> int:
    return sum(count for _, count in unit)


def _weights(unit: _Unit, share: int) -> dict[tuple[int, int], int]:
    """Return (value, higher value) -> pairs of such ratings in both orders, over the ratings but one."""
    each = 2 * share // (_size(unit) - 1)
    return {(one[0], other[0]): one[1] * other[1] * each for one, other in combinations(unit, 2)}


def _disagreement(
    pairs: Mapping[tuple[int, int], int],
    totals: Sequence[int],
    places: Sequence[float] | None,
    scale: Scale,
    share: int,
) -> tuple[float, float] | None:
    """Return the mean distance of two ratings of one item and of any two, `None` without pairs of ratings."""
    n = sum(totals)
    if n < 2:
        return None
    if sum(count > 0 for count in totals) < 2:
        return 0.0, 0.0
    if scale == "nominal":
        within = float(sum(pairs.values()))
        among = float(n**2 - sum(count**2 for count in totals))
    else:
        at = places if places is not None else _middles(totals)
        within = math.fsum(weight * (at[one] - at[other]) ** 2 for (one, other), weight in pairs.items())
        mean = math.fsum(count * place for count, place in zip(totals, at, strict=True)) / n
        among = 2 * n * math.fsum(c * (place - mean) ** 2 for c, place in zip(totals, at, strict=True))
    return within / share / n, among / (n * (n - 1))


def _middles(totals: Sequence[int]) -> list[float]:
    """Return the mean rank of each value among all ratings: those below it, and half of its own."""
    return [below + count / 2 for below, count in zip(accumulate(totals, initial=0), totals, strict=False)]


def _alpha_of(disagreement: tuple[float, float] | None) -> float | None:
    if disagreement is None or disagreement[1] <= 0:
        return None
    return 1 - disagreement[0] / disagreement[1]


def _interval(value: float | None, left_out: Sequence[_LeftOut]) -> tuple[float | None, float | None]:
    """Return the 95 % interval by the jackknife, cut to -1 and 1."""
    cells = [(cell.value, cell.items) for cell in left_out if cell.value is not None]
    if value is None or len(cells) < len(left_out):
        return None, None
    items = sum(count for _, count in cells)
    mean = math.fsum(one * count for one, count in cells) / items
    spread = math.fsum((one - mean) ** 2 * count for one, count in cells)
    margin = _Z * math.sqrt(spread * (items - 1) / items)
    return max(-1.0, value - margin), min(1.0, value + margin)
