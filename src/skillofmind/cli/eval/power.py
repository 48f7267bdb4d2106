"""`som eval power`: how many items a comparison needs, and what it can see with those there are."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError

_EPILOG = """\
what is compared:
  win-rate   two systems, item by item, by a judge or a person; the effect is the true win rate, such as 0.6
  accuracy   two systems that are right or wrong on the same items; the effect is the difference, such as 0.05
  rating     mean ratings of two systems on the same items; the effect is the difference, such as 0.3

Power is the chance of finding a difference that is there; alpha is that of finding one that is not. Items of
one dialogue are alike, so they count for less: say how many there are of each and how alike they are (rho,
0 to 1; 0.1 to 0.3 is common). Without WHAT, tables for all three are printed.

examples:
  som eval power                                     tables to look things up in
  som eval power win-rate --effect 0.6               how many comparisons show a win rate of 60 %
  som eval power win-rate --items 100                the lowest win rate that 100 comparisons show
  som eval power accuracy --effect 0.03 --differ 0.2   one of the two alone is right on 20 % of the items
  som eval power rating --effect 0.3 --deviation 1.2 --per-dialogue 4 --rho 0.2
"""

_RATES = (0.55, 0.60, 0.65, 0.70, 0.75)
_ITEMS = (25, 30, 100, 500)
_DIFFERENCES = (0.02, 0.05, 0.10)
_DIFFER = (0.1, 0.2, 0.4)
_EFFECTS = (0.1, 0.2, 0.3, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class PowerOptions:
    """Options of `som eval power`."""

    what: Literal["", "win-rate", "accuracy", "rating"] = argument(
        "WHAT", "win-rate, accuracy or rating; tables of all are printed without it", default=""
    )
    effect: float | None = option(None, "what is to be found: a win rate, or a difference", value="NUMBER")
    items: int | None = option(None, "how many items there are", value="N")
    differ: float = option(0.2, "accuracy: share of items that just one system gets right", value="SHARE")
    deviation: float = option(1.0, "rating: standard deviation of the differences", value="NUMBER")
    per_dialogue: float = option(1.0, "items of each dialogue", value="N")
    rho: float = option(0.0, "how alike items of one dialogue are, 0 to 1", value="NUMBER")
    alpha: float = option(0.05, "chance of finding what is not there, two-sided", value="SHARE")
    power: float = option(0.8, "chance of finding what is there", value="SHARE")
    json: bool = option(False, "print JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som eval power`."""
    what = "Say how many items a comparison needs, or what it can see."
    options = parse(PowerOptions, "som eval power", what, argv, epilog=_EPILOG)
    if options.what:
        found = _answer(options)
        text = _said(found, options)
    else:
        if options.effect is not None or options.items is not None:
            raise ConfigurationError("--effect and --items need WHAT: win-rate, accuracy or rating.")
        found = _tables(options)
        text = _as_text(found)
    sys.stdout.write(json.dumps(found) + "\n" if options.json else text)
    return 0


def _answer(options: PowerOptions) -> dict[str, Any]:
    """Return what was asked for: the items for an effect, the effect for items, or the power of both."""
    from skillofmind.evals.statistics import power

    if options.effect is None and options.items is None:
        raise ConfigurationError(f"{options.what} needs --effect, --items or both; say what there is.")
    design = power.design_effect(options.per_dialogue, options.rho)
    found: dict[str, Any] = {"what": options.what, "alpha": options.alpha, "design_effect": design}
    if options.items is None:
        plain = _items(options, options.effect or 0.0)
        return {
            **found,
            "power": options.power,
            "effect": options.effect,
            "items": power.inflated(plain, design),
        }
    if options.items < 1:
        raise ConfigurationError(f"--items {options.items!r} are none; say how many there are.")
    worth = power.effective(options.items, design)
    found |= {"items": options.items, "worth": worth}
    if options.effect is None:
        return {**found, "power": options.power, "effect": _detectable(options, worth)}
    return {**found, "power": _power(options, worth, options.effect), "effect": options.effect}


def _items(options: PowerOptions, effect: float) -> int:
    from skillofmind.evals.statistics import power

    a, b = options.alpha, options.power
    if options.what == "win-rate":
        return power.items_for_win_rate(effect, alpha=a, power=b)
    if options.what == "accuracy":
        return power.items_for_accuracy(effect, options.differ, alpha=a, power=b)
    return power.items_for_rating(effect, options.deviation, alpha=a, power=b)


def _detectable(options: PowerOptions, items: int) -> float | None:
    from skillofmind.evals.statistics import power

    a, b = options.alpha, options.power
    if options.what == "win-rate":
        return power.detectable_win_rate(items, alpha=a, power=b)
    if options.what == "accuracy":
        return power.detectable_accuracy(items, options.differ, alpha=a, power=b)
    return power.detectable_rating(items, options.deviation, alpha=a, power=b)


def _power(options: PowerOptions, items: int, effect: float) -> float:
    from skillofmind.evals.statistics import power

    if options.what == "win-rate":
        return power.win_rate_power(items, effect, alpha=options.alpha)
    if options.what == "accuracy":
        return power.accuracy_power(items, effect, options.differ, alpha=options.alpha)
    return power.rating_power(items, effect, options.deviation, alpha=options.alpha)


def _said(found: dict[str, Any], options: PowerOptions) -> str:
    """Return the answer as sentences."""
    effect, items = found["effect"], found["items"]
    odds = f"in {found['power']:.0%} of such studies (alpha {options.alpha:g}, two-sided)"
    if effect is None:
        lines = [f"{items:,} items are too few: however large a difference is, it is not found {odds}."]
    elif options.items is None:
        lines = [f"{items:,} items show {_named(options.what, effect)} {odds}."]
    elif options.effect is None:
        lines = [f"{items:,} items show {_named(options.what, effect)} or more {odds}."]
    else:
        lines = [f"{items:,} items show {_named(options.what, effect)} {odds}; an exact test."]
    if found["design_effect"] > 1:
        lines.append(
            f"With {options.per_dialogue:g} items a dialogue and rho {options.rho:g}, "
            f"{found['design_effect']:.2f} items are worth one: that is counted in."
        )
    if options.what == "accuracy":
        lines.append(f"Taken for granted: on {options.differ:.0%} of the items just one of both is right.")
    return "\n".join(lines) + "\n"


def _named(what: str, effect: float) -> str:
    if what == "win-rate":
        return f"a win rate of {effect:.1%} against 50 %"
    return f"a difference of {effect:.3f} in {'accuracy' if what == 'accuracy' else 'mean rating'}"


def _tables(options: PowerOptions) -> dict[str, Any]:
    """Return the tables of the guide, for the design that the options describe."""
    from skillofmind.evals.statistics import power

    def needed(asked: PowerOptions, effect: float) -> dict[str, Any]:
        return {"effect": effect, "items": power.inflated(_items(asked, effect), design)}

    design = power.design_effect(options.per_dialogue, options.rho)
    wins = replace(options, what="win-rate")
    ratings = replace(options, what="rating", deviation=1.0)
    seen = [(n, _detectable(wins, power.effective(n, design))) for n in _ITEMS]
    return {
        "alpha": options.alpha,
        "power": options.power,
        "design_effect": design,
        "win_rate": [needed(wins, rate) for rate in _RATES],
        "win_rate_detectable": [{"items": items, "effect": effect} for items, effect in seen],
        "accuracy": [
            {"differ": differ, **needed(replace(options, what="accuracy", differ=differ), effect)}
            for effect in _DIFFERENCES
            for differ in _DIFFER
        ],
        "rating": [needed(ratings, effect) for effect in _EFFECTS],
    }


def _as_text(found: dict[str, Any]) -> str:
    lines = [f"Items needed for power {found['power']:g} at alpha {found['alpha']:g}, two-sided"]
    if found["design_effect"] > 1:
        lines.append(f"(items come in dialogues: {found['design_effect']:.2f} of them are worth one)")
    lines += ["", "win rate against 50 %"]
    lines += [f"  true win rate {row['effect']:.2f}  {row['items']:>7,} items" for row in found["win_rate"]]
    lines += ["", "lowest win rate that is seen"]
    for row in found["win_rate_detectable"]:
        seen = "none" if row["effect"] is None else f"{row['effect']:.2f}"
        lines.append(f"  {row['items']:>5,} items  {seen:>5}")
    lines += ["", "difference in accuracy on the same items, by the share on which just one is right"]
    lines.append("  difference" + "".join(f"{f'{differ:.0%} differ':>12}" for differ in _DIFFER))
    for effect in _DIFFERENCES:
        cells = [f"{row['items']:>12,}" for row in found["accuracy"] if row["effect"] == effect]
        lines.append(f"  {effect:>10.2f}" + "".join(cells))
    lines += ["", "difference in mean rating on the same items, in standard deviations of the differences"]
    lines += [f"  {row['effect']:.1f}  {row['items']:>7,} items" for row in found["rating"]]
    return "\n".join([*lines, "", "One answer: som eval power win-rate --effect 0.6"]) + "\n"
