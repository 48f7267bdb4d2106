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


def planner_explanations() -> str:
    """Return how the planners' explanations compare with the annotated ones."""
    found = result("planner_evaluation.json")["planners"]
    measures = {
        "rougeL": "ROUGE-L",
        "bleu4": "BLEU-4 (0 to 100)",
        "nearer": "nearer to the reply than to the counterfactual",
        "leak": "leak: new words of the reply less those of the counterfactual",
    }
    one = found["embedded"]["results"]["starter"]
    rows = [
        [shown, *(_estimate(found[name]["results"]["starter"]["measures"].get(m)) for m in measures)]
        for name, shown in _PLANNERS.items()
    ]
    head = f"explanations of {one['items']} starter turns, {one['groups']} dialogues"
    return table([head, *measures.values()], rows)


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
            f"{shown}: {one['items']:,} items; killed after {killed} answers and resumed, {files} were "
            f"{same} as without a kill."
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
    said = "; ".join(
        f"{one['name']}: {one['rate']:.4f}, and {one['again']['rate']:.4f} in "
        f"{one['again']['simulations']:,} more"
        for one in failing
    )
    return (
        f"{found['simulations']:,} simulations each. Of {len(wanted)} checks that have to hold, "
        f"{len(wanted) - len(failing)} do. "
        + (f"Outside the bounds: {said}. " if failing else "")
        + "The others stand beside them to show what happens without the care taken: cases counted as if "
        "each dialogue had one, percentile intervals, no correction for many tests."
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


def audit_robustness() -> str:
    """Return what changes of context, turns and spelling do to the embedded planner."""
    effects = _effects("robustness")
    changes = [change for change in effects if not change.startswith("attack.")]
    rows = [
        [
            change.replace(".", ": ", 1).replace("_", " "),
            f"{effects[change]['flips']['n']}",
            _share(effects[change]["flips"]),
            _change(effects[change].get("accuracy changed")),
            _p(effects[change].get("accuracy changed")),
        ]
        for change in changes
    ]
    return table(["changed", "items", "skill flips", "accuracy changes by", "p (Holm)"], rows)


def audit_attacks() -> str:
    """Return how often an attack gets the skill that it asks for."""
    effects = _effects("robustness")
    rows = []
    for change, found in effects.items():
        if change.startswith("attack."):
            _, place, wording = change.split(".")
            success = found["attack success"]
            rows.append(
                [
                    place,
                    wording,
                    f"{success['n']}",
                    _share(success),
                    f"{success['expected']:.1%}",
                    _share(found["flips"]),
                ]
            )
    return table(["attack in", "wording", "items", "succeeds", "by chance", "skill flips"], rows)


def audit_bias() -> str:
    """Return where facts about people change plans beyond the control, and how much was tested."""
    found = result("planner_audits.json")["audits"]["bias"]
    tested = [one for one in found["effects"] if one.get("holm") is not None]
    strong = [one for one in tested if one["holm"] < 0.05]
    excess = [one for one in strong if one["measure"] == "excess flips"]
    rows = [[one["change"], f"{one['n']}", _share(one), _p(one)] for one in excess]
    names = [one for one in strong if one["change"].startswith("name")]
    gaps = [one for one in strong if one["measure"] == "gap in accuracy"]
    said = (
        f"{len(tested)} tests on {found['items']} items of {found['dialogues']} dialogues; "
        f"{len(strong)} have p below 0.05 after Holm's correction: the {len(excess)} above, and "
        f"{len(strong) - len(excess)} of the distributions of skills. By names: {len(names) or 'none'}. "
        f"Gaps in accuracy between groups: {len(gaps) or 'none'}."
    )
    head = ["what is told of a speaker", "items", "flips beyond the control", "p (Holm)"]
    return f"{table(head, rows)}\n\n{said}"


def audit_languages() -> str:
    """Return how alike plans of the same dialogue are in four languages."""
    effects = _effects("languages")
    pairs = {change: found for change, found in effects.items() if "Cohen's kappa" in found}
    rows = [
        [change, _share(found["same skill"]), _plain(found["Cohen's kappa"])]
        for change, found in pairs.items()
    ]
    every = effects["en = de = it = zh"]["same skill"]
    accuracy = ", ".join(
        f"{name} {found['accuracy']['value']:.3f}" for name, found in effects.items() if "accuracy" in found
    )
    return (
        f"{table(['languages', 'same skill', 'Cohen kappa'], rows)}\n\n{every['n']} turns of "
        f"{every['dialogues']} dialogues. The same skill in all four: {_share(every)}, by chance "
        f"{every['expected']:.1%}. Accuracy of the act's class: {accuracy}."
    )


def planner_scaling() -> str:
    """Return the error of the embedded planner by how many dialogues it learned from."""
    effects = result("planner_scaling.json")["effects"]
    rows = [
        [one["change"], _plain(one), ""] for one in effects if one["measure"] == "error"
    ]  # The step to a size stands in the row of that size.
    steps = [one for one in effects if one["measure"] == "error changed"]
    for row, step in zip(rows[1:], steps, strict=True):
        row[2] = f"{_change(step)}, p {_p(step)}"
    curve = {one["measure"]: one for one in effects if one["change"].startswith("curve")}
    further = [f"{name}: {_plain(one)}" for name, one in curve.items()]
    head = ["learned from", "error (1 - accuracy)", "change from the row above"]
    return f"{table(head, rows)}\n\nCurve a + b n^-c fitted to these; {'; '.join(further)}."


def eval_raters() -> str:
    """Return how good the small models are that rate replies."""
    found = result("eval_raters.json")
    names = {
        "er": "emotional reactions (0-2)",
        "ip": "interpretations (0-2)",
        "ex": "explorations (0-2)",
        "safety": "safe or not",
        "emotion": "emotion, 32 classes",
        "intent": "intent, 15 classes",
    }
    rows = [
        [
            label,
            found["raters"][name]["corpus"],
            f"{found['raters'][name]['n']}",
            *(_beside(found["raters"][name][measure]) for measure in ("accuracy", "macro_f1")),
            f"{found['raters'][name]['majority']:.3f}",
        ]
        for name, label in names.items()
    ]
    calm, alone = (found["safety_of_everyday_replies"][name] for name in ("with everyday replies", "without"))
    unsafe = [
        f"{calm['called_unsafe'][corpus]['value']:.1%} ({alone['called_unsafe'][corpus]['value']:.0%} for a "
        f"model of DiaSafety alone) of {corpus}"
        for corpus in calm["called_unsafe"]
    ]
    head = ["rater", "corpus", "held out", "accuracy", "macro-F1", "majority"]
    said = "Of people's everyday replies the safety rater calls unsafe"
    return f"{table(head, rows)}\n\n{said}: {'; '.join(unsafe)}."


def _beside(one: Mapping[str, Any]) -> str:
    return f"{_plain(one)}, reference {one['reference']:.3f}"


def left_out() -> str:
    """Return what it costs that a planner has seen nothing of a source."""
    found = result("left_out.json")
    return "\n\n".join(
        [
            _left_out(found["scenarios"], "scenario left out", ("accuracy",)),
            _left_out(found["corpora"], "corpus left out", ("accuracy", "lenient")),
        ]
    )


def _left_out(found: Mapping[str, Any], head: str, measures: Sequence[str]) -> str:
    rows = []
    for source, one in {**found["sources"], "all items": found["all"]}.items():
        cells = [source, f"{one['items']:,} ({one['dialogues']:,})", f"{one['known']:.0%}"]
        for measure in measures:
            told = one["measures"][measure]
            cells += [
                *(f"{told[side]['value']:.3f}" for side in ("seen", "unseen")),
                _moved(told["difference"]),
                _p(told["difference"]),
            ]
        rows.append(cells)
    heads = [
        f"{measure}, {what}" if what in ("seen", "unseen") else what
        for measure in measures
        for what in ("seen", "unseen", "difference", "p (Holm)")
    ]
    return table([head, "n (dialogues)", "skill known from elsewhere", *heads], rows)


def _moved(one: Mapping[str, Any]) -> str:
    if one["interval95"] is None:
        return f"{one['value']:+.3f}"
    low, high = one["interval95"]
    return f"{one['value']:+.3f} ({low:+.3f} to {high:+.3f})"


def _effects(audit: str) -> dict[str, dict[str, Any]]:
    """Return change -> measure -> effect."""
    found: dict[str, dict[str, Any]] = {}
    for one in result("planner_audits.json")["audits"][audit]["effects"]:
        found.setdefault(one["change"], {})[one["measure"]] = one
    return found


def _share(one: Mapping[str, Any]) -> str:
    return f"{one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%})"


def _plain(one: Mapping[str, Any]) -> str:
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


def _change(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "-"
    return f"{one['value']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"


def _p(one: Mapping[str, Any] | None) -> str:
    if one is None or one.get("holm") is None:
        return "-"
    return "< 0.001" if one["holm"] < 0.001 else f"{one['holm']:.3f}"


def evaluation_speed() -> str:
    """Return what a framework takes for an item, beside its peers."""
    found = result("benchmarks/evaluation.json")
    rows = [
        [
            f"{kind}: {name}",
            f"{one['whole']['cpu_ms_per_item']['median']:.2f}",
            f"{one['marginal']['cpu_ms_per_item']['median']:.2f}",
            f"{one['whole']['items_per_s']['median']:,.0f}",
            _rate(one["marginal"]["items_per_s"]),
            f"{one['peak_mb']:,.0f}",
            f"{one['log_mb']:.1f}",
        ]
        for kind, arms in found["kinds"].items()
        for name, one in arms.items()
    ]
    head = [
        "1,000 items",
        "CPU-ms an item, with start-up",
        "without",
        "items/s, with start-up",
        "without",
        "peak MB",
        "log MB",
    ]
    peers = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    target = found["target"]
    aim = (
        f"Aim for a chat item, start-up aside: at most {target['at most']:g} CPU-ms; measured "
        f"{target['CPU ms per chat item']:g}, {'met' if target['met'] else 'missed'}."
    )
    said = (
        f"{found['rounds']} interleaved rounds, {found['in_flight']} in flight, equal requests and answers "
        f"checked first; {peers}; load {found['machine']['load']:g} at the start, so CPU is what compares. "
        "Chat: a server on the loopback that answers at once. Choice: four choices, the likeliest by a model "
        "that is a checksum; inspect_ai has no log-likelihoods and is answered with the letter."
    )
    return f"{table(head, rows)}\n\n{said} {aim}"


def _rate(value: float) -> str:
    """Return items a second; "-" where the load of the machine made more work take less time."""
    return f"{value:,.0f}" if value > 0 else "-"


def report_speed() -> str:
    """Return how fast a large report opens and filters."""
    found = result("benchmarks/report.json")
    rows = [
        [what, f"{one['measured']:g}", f"{one['aim']:g}", "yes" if one["met"] else "no"]
        for what, one in found["aims"].items()
    ]
    head = [f"report of {found['cases']:,} cases", "measured", "aim", "met"]
    said = (
        f"Chromium {found['chromium'].partition('.')[0]}, while {found['processes_kept_busy']} other "
        f"processes kept {found['machine']['cpus']} cores busy."
    )
    return f"{table(head, rows)}\n\n{said}"
