"""Tables of the pages on evaluation, from the committed results."""

from collections.abc import Mapping, Sequence
from typing import Any

from tables import result, table

_PLANNERS = {"embedded": "embedded", "word_matcher": "prompted, word-matching stand-in"}
_SKILLS = (
    ("accuracy", "accuracy"),
    ("lenient", "lenient"),
    ("macro_f1", "macro-F1"),
    ("majority", "majority"),
)
_CLASSES = (("class", "accuracy"), ("macro_f1_class", "macro-F1"), ("majority_class", "majority"))
_WEAK = "weak labels or classes"


def planner_evaluation() -> str:
    """Return the scores of the planners, by task."""
    found = result("planner_evaluation.json")["planners"]
    tasks = [task for task in found["embedded"]["results"] if task != "mean over tasks"]
    by_class = [task for task in tasks if "class" in found["embedded"]["results"][task]["measures"]]
    by_skill = [task for task in tasks if task not in by_class]
    return "\n\n".join(
        [
            _scores(found, by_skill, _SKILLS, "tasks with skills"),
            _scores(found, by_class, _CLASSES, "tasks with classes"),
            _bytes(found),
        ]
    )


def _scores(
    found: Mapping[str, Any], tasks: Sequence[str], measures: Sequence[tuple[str, str]], head: str
) -> str:
    rows = []
    for task in tasks:
        for name, shown in _PLANNERS.items():
            one = found[name]["results"][task]
            first = name == next(iter(_PLANNERS))
            rows.append(
                [
                    f"{task} ({one['items']} items, {one['groups']} dialogues)" if first else "",
                    shown,
                    *(_estimate(one["measures"].get(measure)) for measure, _ in measures),
                ]
            )
    return table([head, "planner", *(label for _, label in measures)], rows)


def _estimate(one: Mapping[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "-"
    if one["interval95"] is None:
        return f"{one['value']:.3f}"
    low, high = one["interval95"]
    return f"{one['value']:.3f} ({low:.3f} to {high:.3f})"


def _bytes(found: Mapping[str, Any]) -> str:
    sentences = []
    for name, shown in _PLANNERS.items():
        one = found[name]
        same = "the same bytes" if all(one["same_bytes"].values()) else "OTHER BYTES"
        files = ", ".join(one["same_bytes"])
        killed = ", ".join(f"{count:,}" for count in one["killed_after"])
        sentences.append(
            f"{shown}: {one['items']:,} items; killed after {killed} answers and resumed, {files} were {same} "
            "as without a kill."
        )
    return "\n\n".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def false_alarms() -> str:
    """Return how often tests find what is not there."""
    found = result("statistics_check.json")
    rows = [_checked(one) for one in found["tests"]]
    head = ["nothing is there to be found", "found in", "expected", "bounds", ""]
    return table(head, rows)


def coverage() -> str:
    """Return how often intervals hold the truth."""
    found = result("statistics_check.json")
    rows = [_checked(one) for one in found["intervals"]]
    return table(["95 % interval", "holds the truth in", "expected", "bounds", ""], rows)


def check_verdict() -> str:
    """Return the numbers of checks that hold, and those that do not."""
    found = result("statistics_check.json")
    wanted = [one for one in (*found["tests"], *found["intervals"]) if not one["contrast"]]
    failing = [one for one in wanted if one["verdict"] != "holds"]
    said = "; ".join(f"{one['name']}: {one['rate']:.4f}" for one in failing)
    return (
        f"{found['simulations']:,} simulations each. Of {len(wanted)} checks that have to hold, "
        f"{len(wanted) - len(failing)} do. "
        + (f"Outside the bounds: {said}. " if failing else "")
        + "The others stand beside them to show what happens without the care taken: cases counted as if each "
        "dialogue had one, percentile intervals, no correction for many tests."
    )


def _checked(one: Mapping[str, Any]) -> list[str]:
    mark = {"holds": "holds"}.get(one["verdict"], f"**{one['verdict']}**")
    shown = f"{mark} (for contrast)" if one["contrast"] else mark
    return [
        one["name"],
        f"{one['rate']:.4f}",
        f"{one['expected']:.4f}",
        f"{one['low']:.4f} to {one['high']:.4f}",
        shown,
    ]
