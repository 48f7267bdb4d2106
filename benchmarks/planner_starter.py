"""The embedded planner on the starter dialogues that it was not trained on.

    python -m benchmarks.planner_starter --out results/planner_starter.json

Accuracy, top-3 accuracy and macro-F1 on the `test` dialogues, beside always naming the commonest skill and
beside TF-IDF (words 1-2, characters 2-4) with balanced logistic regression on context and dialogue, both
trained on the same `train` dialogues. Intervals: 1,000 bootstrap resamples of whole dialogues.

Then what moves the choice: how often it flips when the turn that weighed most is taken away, when another
turn is, and when the social context is; and what happens on pairs with equal turns and different contexts.
"""

import codecs
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from benchmarks.measure import parser, report
from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.core.plan import Plan
from skillofmind.mind.dataset.reviewed import wilson
from skillofmind.mind.embedded.fit import Example, examples_in
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.render import render_context, render_turns
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.scorers.calibration import expected_calibration_error

RESAMPLES = 1000
SEED = 7


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__).parse_args()
    report(measure(), options.out)


def measure() -> dict[str, Any]:
    """Return all numbers."""
    taxonomy = load_taxonomy()
    dialogues = starter_dialogues()
    train = examples_in((d for d in dialogues if d.split == "train"), taxonomy)
    test = examples_in((d for d in dialogues if d.split == "test"), taxonomy)
    planner = EmbeddedPlanner()
    plans = [planner.plan_now(example.dialogue) for example in test]
    gold = [example.skill for example in test]
    rankings = {
        "embedded": [[a.skill for a in plan.alternatives] for plan in plans],
        "majority": _majority(train, len(test)),
        "tfidf_logistic_regression": _tfidf(train, test),
    }
    return {
        "planner": planner.identity,
        "train": {"dialogues": len({e.group for e in train}), "turns": len(train)},
        "test": {"dialogues": len({e.group for e in test}), "turns": len(test)},
        "skills": len(taxonomy.skills),
        "scores": {name: _scores(gold, ranks, test, taxonomy.names()) for name, ranks in rankings.items()},
        "category_accuracy": _categories(gold, rankings["embedded"], taxonomy.get),
        "by_language": _by_language(gold, rankings["embedded"], test),
        "expected_calibration_error": round(
            expected_calibration_error(
                [p.confidence or 0.0 for p in plans], [p.skill == g for p, g in zip(plans, gold, strict=True)]
            ),
            4,
        ),
        "flips": _flips(planner, test, plans),
        "pairs": _pairs(planner, dialogues, "test"),
        "per_skill_f1": _per_skill(gold, [ranks[0] for ranks in rankings["embedded"]], taxonomy.names()),
    }


def _majority(train: Sequence[Example], count: int) -> list[list[str]]:
    common = [skill for skill, _ in Counter(example.skill for example in train).most_common(3)]
    return [common] * count


def text_of(example: Example) -> str:
    """Return context and turns as one text."""
    return f"{render_context(example.dialogue)}\n{render_turns(example.dialogue)}"


def tfidf_vectors() -> Any:
    """Return the vectorizer of the word-counting baseline: words 1-2 and characters 2-4."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2),
    )


def _tfidf(train: Sequence[Example], test: Sequence[Example]) -> list[list[str]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(tfidf_vectors(), LogisticRegression(C=4, class_weight="balanced", max_iter=300))
    model.fit([text_of(example) for example in train], [example.skill for example in train])
    order = np.argsort(-model.predict_proba([text_of(example) for example in test]), axis=1)[:, :3]
    return [[str(model.classes_[i]) for i in row] for row in order]


def _scores(
    gold: Sequence[str], ranks: Sequence[Sequence[str]], test: Sequence[Example], names: Sequence[str]
) -> dict[str, Any]:
    first = np.array([names.index(r[0]) for r in ranks])
    target = np.array([names.index(g) for g in gold])
    top3 = np.array([g in r[:3] for g, r in zip(gold, ranks, strict=True)])
    groups = defaultdict(list)
    for index, example in enumerate(test):
        groups[example.group].append(index)
    draws = resamples(list(groups.values()))

    def with_interval(metric: Callable[[Any], float]) -> dict[str, Any]:
        values = sorted(metric(draw) for draw in draws)
        interval = [round(values[int(q * (len(values) - 1))], 4) for q in (0.025, 0.975)]
        return {"value": round(metric(np.arange(len(gold))), 4), "interval95": interval}

    return {
        "accuracy": with_interval(lambda rows: float((first[rows] == target[rows]).mean())),
        "top3": with_interval(lambda rows: float(top3[rows].mean())),
        "macro_f1": with_interval(lambda rows: macro_f1(target[rows], first[rows], len(names))),
    }


def macro_f1(target: Any, guess: Any, classes: int) -> float:
    """Return the mean F1 over the classes that occur in `target` or `guess`."""
    hits = np.bincount(target[target == guess], minlength=classes)
    seen = np.bincount(target, minlength=classes) + np.bincount(guess, minlength=classes)
    scores: list[float] = (2 * hits[seen > 0] / seen[seen > 0]).tolist()
    return sum(scores) / len(scores)


def resamples(groups: list[list[int]]) -> list[Any]:
    """Return rows of resampled dialogues, `RESAMPLES` times."""
    draw = random.Random(SEED)
    return [np.array([i for g in draw.choices(groups, k=len(groups)) for i in g]) for _ in range(RESAMPLES)]


def _categories(gold: Sequence[str], ranks: Sequence[Sequence[str]], get: Callable[[str], Any]) -> float:
    same: list[bool] = [get(g).category == get(r[0]).category for g, r in zip(gold, ranks, strict=True)]
    return round(float(sum(same)) / len(same), 4)


def _by_language(
    gold: Sequence[str], ranks: Sequence[Sequence[str]], test: Sequence[Example]
) -> dict[str, dict[str, float]]:
    found: dict[str, list[bool]] = defaultdict(list)
    for g, r, example in zip(gold, ranks, test, strict=True):
        found[example.dialogue.lang].append(g == r[0])
    return {
        lang: {"turns": len(hits), "accuracy": round(sum(hits) / len(hits), 4)}
        for lang, hits in found.items()
    }


def without_turn(dialogue: Dialogue, index: int) -> Dialogue:
    """Return the dialogue with the words of one turn taken away; the turn keeps its place."""
    turns = list(dialogue.turns)
    turns[index] = msgspec.structs.replace(turns[index], text="", images=())
    return msgspec.structs.replace(dialogue, turns=tuple(turns))


def without_context(dialogue: Dialogue) -> Dialogue:
    """Return the dialogue with nothing known beforehand."""
    bare = tuple(Speaker(speaker.key, speaker.name) for speaker in dialogue.speakers)
    return msgspec.structs.replace(dialogue, context=SocialContext(), speakers=bare, history=())


def disguised(dialogue: Dialogue) -> Dialogue:
    """Return the dialogue in a language that nobody speaks: letters moved on by 13, Korean ones by 1000."""
    first, count = ord("가"), ord("힣") - ord("가") + 1
    korean = {first + place: first + (place + 1000) % count for place in range(count)}

    def moved(value: Any) -> Any:
        if isinstance(value, str):
            return codecs.encode(value, "rot13").translate(korean)
        if isinstance(value, dict):
            return {key: moved(one) for key, one in value.items()}
        return [moved(one) for one in value] if isinstance(value, list) else value

    context = msgspec.convert(moved(msgspec.to_builtins(dialogue.context)), SocialContext)
    turns = tuple(msgspec.structs.replace(turn, text=moved(turn.text)) for turn in dialogue.turns)
    return msgspec.structs.replace(dialogue, turns=turns, context=context)


def _flips(planner: EmbeddedPlanner, test: Sequence[Example], plans: Sequence[Plan]) -> dict[str, Any]:
    draw = random.Random(SEED)
    flips: dict[str, list[bool]] = {"deciding_turn": [], "another_turn": [], "social_context": []}
    right_without_context = 0
    for example, plan in zip(test, plans, strict=True):
        dialogue = example.dialogue
        turns = [item for item in plan.evidence if item.kind == "turn" and item.effect > 0]
        if turns and len(dialogue.turns) > 1:
            deciding = int(turns[0].where)
            other = draw.choice([i for i in range(len(dialogue.turns)) if i != deciding])
            flips["deciding_turn"].append(
                planner.plan_now(without_turn(dialogue, deciding)).skill != plan.skill
            )
            flips["another_turn"].append(planner.plan_now(without_turn(dialogue, other)).skill != plan.skill)
        bare = planner.plan_now(without_context(dialogue)).skill
        flips["social_context"].append(bare != plan.skill)
        right_without_context += bare == example.skill
    rates = {
        name: {"turns": len(found), "rate": round(sum(found) / len(found), 4), "interval95": _wilson(found)}
        for name, found in flips.items()
    }
    return rates | {"accuracy_without_context": round(right_without_context / len(test), 4)}


def _wilson(found: Sequence[bool]) -> list[float]:
    rate = wilson(sum(found), len(found))
    return [round(bound, 4) for bound in (rate.low, rate.high) if bound is not None]


def _pairs(planner: EmbeddedPlanner, dialogues: Sequence[Dialogue], split: str) -> dict[str, Any]:
    """Measure pairs with equal turns, different contexts and different skills.

    `right_direction` is the share of pairs where each context favours its own skill: the product of the
    two skills' probabilities under their own contexts is larger than under the swapped ones. Chance is 0.5.
    """
    by_pair: dict[str, list[Example]] = defaultdict(list)
    chosen = (d for d in dialogues if d.split == split and "pair" in d.meta)
    for example in examples_in(chosen, load_taxonomy()):
        by_pair[str(example.dialogue.meta["pair"])].append(example)
    pairs = [found for found in by_pair.values() if len(found) == 2]
    differs, right = [], []
    for a, b in pairs:
        under_a, under_b = (dict(planner.probabilities(example.dialogue)) for example in (a, b))
        differs.append(max(under_a, key=under_a.__getitem__) != max(under_b, key=under_b.__getitem__))
        right.append(under_a[a.skill] * under_b[b.skill] > under_a[b.skill] * under_b[a.skill])
    return {
        "pairs": len(pairs),
        "choice_differs": round(sum(differs) / len(pairs), 4),
        "right_direction": round(sum(right) / len(pairs), 4),
        "right_direction_interval95": _wilson(right),
    }


def _per_skill(gold: Sequence[str], guess: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    found = {}
    for name in names:
        hits = sum(g == name == p for g, p in zip(gold, guess, strict=True))
        seen = sum((g == name) + (p == name) for g, p in zip(gold, guess, strict=True))
        found[name] = round(2 * hits / seen, 3) if seen else 0.0
    return dict(sorted(found.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    main()
