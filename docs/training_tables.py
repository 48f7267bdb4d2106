"""The generated part of docs/train.md: what training was measured to do, from committed results."""

from typing import Any

from tables import result, table

_WAYS = {
    "whole": "everything",
    "without_context": "no social context",
    "other_context": "the context of another dialogue",
    "without_turn": "no last turn",
}
_STATES = {
    "before": "before",
    "dpo": "DPO",
    "ipo": "IPO",
    "simpo": "SimPO",
    "supervised": "as many updates of SFT on the chosen replies",
}
_KEYS = {
    "prefers": "prefers the real reply",
    "right": "reply fits the skill",
    "ended": "reply ends by itself",
    "plans_valid": "valid plans",
    "plans_right": "right plans",
}
_ARMS = {
    "low_risk": "risky tokens deleted",
    "toxic": "plain",
    "masked": "masked",
    "unlikelihood": "unlikelihood",
}


def training() -> str:
    """Return all tables of docs/train.md."""
    return "\n\n".join([speed(), rule_world(), preferences(), slung()])


def speed() -> str:
    """Return CPU seconds of an update and of a start beside TRL and bare loops."""
    found = result("benchmarks/train_speed.json")
    rows = []
    for size, one in found["sizes"].items():
        for arm, name in {
            "som": "`som train`'s loop",
            "torch, lean": "a bare loop that projects trained tokens only",
            "torch": "a bare loop",
            "trl": "TRL `SFTTrainer`",
        }.items():
            arms = one["arms"][arm]
            seconds = (arms["update"]["cpu_s"]["median"], arms["start_up"]["cpu_s"]["median"])
            tokens = arms["tokens_per_s"]["cpu_s"]["median"]
            rows.append(
                [
                    size,
                    name,
                    f"{seconds[0]:.3f}",
                    f"{tokens:,.0f}",
                    f"{seconds[1]:.2f}",
                    f"{arms['peak_mb']:.0f}",
                ]
            )
    figures = table(
        ["weights", "", "CPU s an update", "tokens a CPU s", "CPU s to the first update", "peak MB"], rows
    )
    aims = [
        f"{name}: {aim['measured']:.2f} (aim at most {aim['aim']:.2f})" for name, aim in found["aims"].items()
    ]
    missed = [text for text, aim in zip(aims, found["aims"].values(), strict=True) if not aim["met"]]
    return (
        f"**Speed** on one core, medians of {found['rounds']} interleaved rounds, equal losses checked first "
        f"(`python -m benchmarks.train_speed`). Not met: {'; '.join(missed) or 'nothing'}. Importing torch "
        "and transformers is most of any start. Not measured on a GPU.\n\n" + figures
    )


def rule_world() -> str:
    """Return what a planner trained from nothing learns of the rule world."""
    found = result("train_rule_world.json")
    rows = []
    for run in found["runs"]:
        for way, name in _WAYS.items():
            if way in run["test"]:
                one = run["test"][way]
                rows.append(
                    [
                        str(run["seed"]),
                        name,
                        _rate(one["right"]),
                        f"{one['predicted']:.3f}",
                        _rate(one["valid"]),
                    ]
                )
    first = found["runs"][0]
    return (
        "**A planner from nothing** in a world where a rule decides the skill from the social context and "
        f"the last turn ({first['dialogues']:,} dialogues, {first['train']['parameters']:,} weights, "
        f"{first['cpu_s']:.0f} CPU s with testing). Test dialogues have other names, things, places and "
        "wordings (`python -m benchmarks.train_rule_world`).\n\n"
        + table(["seed", "what it is shown", "right skill", "the rule allows", "valid plans"], rows)
    )


def preferences() -> str:
    """Return what preference losses do to a taught network."""
    found = result("train_preferences.json")
    rows = [
        [str(run["seed"]), name, *(_share(run[state][key]) for key in _KEYS)]
        for run in found["runs"]
        for state, name in _STATES.items()
    ]
    holds = [name for name, one in found["holds"].items() if all(one.values())]
    verdict = ", ".join(_STATES[name] for name in holds) or "none"
    pairs, dialogues = (found["settings"][key] for key in ("pairs", "dialogues"))
    return (
        f"**Preferences**: {pairs:,} pairs of gold and counterfactual replies, after supervised learning on "
        f"{dialogues:,} dialogues that was stopped early (`python -m benchmarks.train_preferences`). Prefers "
        f"more, and stays as valid, in every seed: {verdict}.\n\n"
        + table(["seed", "", *_KEYS.values()], rows)
    )


def slung() -> str:
    """Return the contrast of SLUNG in its toy world."""
    found = result("slung.json")
    rows = []
    for arm, name in _ARMS.items():
        fresh = [run["fresh"][arm] for run in found["runs"]]
        rows.append(["fresh", name, *_spread(fresh)])
    for regime, told in {
        "half_safe": "half of the triggers go on safely",
        "always_risky": "none does",
    }.items():
        for arm in ("before", "masked", "unlikelihood"):
            exposed = [run["pre_exposed"][regime][arm] for run in found["runs"]]
            rows.append([f"pre-exposed, {told}", arm, *_spread(exposed)])
    return (
        "**Selective losses** ([arXiv 2505.03052](https://arxiv.org/abs/2505.03052)), least to most of "
        f"{len(found['runs'])} seeds: masking does not unlearn what a model knows; unlikelihood does; both "
        "understand (`python -m benchmarks.slung`).\n\n"
        + table(["model", "loss", "writes a risky token", "understands it"], rows)
    )


def _spread(found: list[dict[str, float]]) -> list[str]:
    texts = []
    for key in ("generates", "understands"):
        values = [one[key] for one in found]
        low, high = f"{min(values):.3f}", f"{max(values):.3f}"
        texts.append(low if low == high else f"{low} to {high}")
    return texts


def _rate(found: dict[str, Any]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _share(found: dict[str, float]) -> str:
    return f"{found['share']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
