"""How well a ranking has the right labels on top.

Label ranking average precision (LRAP; Tsoumakas et al., 2010) of one row with right labels Y and the rank of
each label, 1 for the first:

    (1 / |Y|) sum over y in Y of |{z in Y: rank z <= rank y}| / rank y

The rank of labels of equal score is that of the last of them, so ties never help. Labels that a ranking
leaves out are tied at its end. With one right label LRAP is 1 / rank.

    >>> average_precision(["Empathy", "Humor", "Ethics"], {"Empathy", "Ethics"}, labels=10)
    0.8333333333333333
"""

from collections.abc import Collection, Iterable, Mapping, Sequence


def average_precision_of_scores(scores: Mapping[str, float], right: Collection[str], labels: int) -> float:
    """Return the LRAP of one row, above 0 up to 1; 1 where no label or every label is right.

    Args:
        scores: label -> score, higher is better; labels that are left out are below all of these.
        right: the right labels; they may be left out of the scores.
        labels: how many labels there are.
    """
    wanted = frozenset(right)
    if not 0 < len(wanted) < labels:
        return 1.0
    found = 0.0
    for label in wanted:
        score = scores.get(label)
        if score is None:
            found += len(wanted) / labels
        else:
            above = [other for other, value in scores.items() if value >= score]
            found += sum(other in wanted for other in above) / len(above)
    return found / len(wanted)


def average_precision(ranked: Sequence[str], right: Collection[str], labels: int) -> float:
    """Return the LRAP of labels in their order, best first, as `average_precision_of_scores` does."""
    return average_precision_of_scores({label: -rank for rank, label in enumerate(ranked)}, right, labels)


def in_top(ranked: Iterable[str], right: str, count: int) -> bool:
    """Say whether `right` is among the first `count` distinct labels."""
    return right in list(dict.fromkeys(ranked))[:count]
