"""Planners compared on the starter dialogues: from always one skill to a fine-tuned sentence encoder.

    python -m benchmarks.planner_study --scores FOLDER --out results/planner_study.json

Needs the extra `embed` and scikit-learn. Everything is trained on `train`, chosen and calibrated (one
temperature an arm) on `validation`, and measured once on `test`; the two planners that ship keep the
temperature that `som fit` found out of fold. Intervals: 1,000 bootstrap resamples of whole dialogues;
differences between arms are taken within each resample. ECE: 15 bins of equal size. Thresholds for
abstaining are those of the validation turns.

`--scores` keeps each arm's scores, so that a study that was stopped goes on; remove the folder when data or
arms change. On one busy core the whole takes about half an hour, most of it the fine-tuned encoder.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import machine, parser, report
from benchmarks.planner_arms import ARMS, Arm, Floats, Splits, splits, text_encoder
from benchmarks.planner_starter import disguised, macro_f1, resamples
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.embedded.cues import load_lexicon
from skillofmind.mind.embedded.features import parts_of
from skillofmind.mind.embedded.fit import Example, features_of, fold_of, training_rows
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.embedded.regression import Design, best_temperature, fit_dual, pack, softmax
from skillofmind.mind.encoded.fit import best_pool, inputs_of
from skillofmind.mind.encoded.planner import EncoderPlanner
from skillofmind.scorers.calibration import expected_calibration_error, reliability, risk_coverage

CURVE = "learning_curve"
SIZES = (250, 500, 1000, 2000)
_DISGUISED = 150
COVERAGES = (1.0, 0.75, 0.5, 0.25, 0.1)
L2_LINEAR, L2_HEAD = 0.0005, 0.0003
DIFFERENCES = (
    ("embedded", "tfidf"),
    ("encoder", "embedded"),
    ("encoder", "frozen_head"),
    ("frozen_head", "static_head"),
    ("fine_tuned", "frozen_head"),
    ("encoder", "fine_tuned"),
)

# The same remark in three languages: the planners know the first two.
REMARKS = (
    ("I failed the exam again.", "또 시험에 떨어졌어.", "Ich bin wieder durch die Prüfung gefallen."),
    (
        "My dog died this morning.",
        "오늘 아침에 우리 강아지가 죽었어.",
        "Mein Hund ist heute Morgen gestorben.",
    ),
    ("I got the job!", "나 취직했어!", "Ich habe die Stelle bekommen!"),
    ("Which phone should I buy?", "어떤 휴대폰을 사야 할까?", "Welches Handy soll ich kaufen?"),
    ("You never listen to me.", "넌 내 말을 절대 안 들어.", "Du hörst mir nie zu."),
    (
        "Could you book a table for two?",
        "두 명 자리 예약해 줄래?",
        "Kannst du einen Tisch für zwei bestellen?",
    ),
    ("I don't know if I should move.", "이사를 가야 할지 모르겠어.", "Ich weiß nicht, ob ich umziehen soll."),
    (
        "Sorry I was so late yesterday.",
        "어제 너무 늦어서 미안해.",
        "Entschuldige, dass ich gestern so spät kam.",
    ),
    ("What did you do at the weekend?", "주말에 뭐 했어?", "Was hast du am Wochenende gemacht?"),
    (
        "He lied to me for a whole year.",
        "그 사람은 일 년 내내 나를 속였어.",
        "Er hat mich ein ganzes Jahr belogen.",
    ),
)


def main() -> None:
    """Measure, and print one JSON object."""
    made = parser(__doc__)
    made.add_argument("--scores", type=Path, metavar="FOLDER", help="keep the scores of every arm here")
    made.add_argument(
        "--only", choices=(*ARMS, CURVE), nargs="+", help="make these for the folder, no report"
    )
    options = made.parse_args()
    if options.only and not options.scores:
        made.error("--only needs --scores FOLDER to keep its result in.")
    data = splits()
    for name in options.only or ():
        made_curve(data, options.scores) if name == CURVE else made_arm(name, data, options.scores)
    if options.only:
        return
    report(study(data, options.scores), options.out)


def study(data: Splits, folder: Path | None) -> dict[str, Any]:
    """Return all numbers."""
    arms = {name: made_arm(name, data, folder) for name in ARMS}
    draws = resamples(groups_in(data.test))
    guesses = {name: np.argsort(-arm.test, axis=1, kind="stable")[:, :3] for name, arm in arms.items()}
    return {
        "benchmark": "planner_study",
        "machine": machine(),
        "turns": {name: len(getattr(data, name)) for name in ("train", "validation", "test")},
        "dialogues": {
            name: len({example.group for example in getattr(data, name)})
            for name in ("train", "validation", "test")
        },
        "planners": {"embedded": EmbeddedPlanner().identity, "encoder": EncoderPlanner().identity},
        "arms": {name: measured(arm, data, draws) for name, arm in arms.items()},
        "differences": [difference(a, b, guesses, data, draws) for a, b in DIFFERENCES],
        "learning_curve": made_curve(data, folder),
        "other_languages": other_languages(data.test),
    }


def made_arm(name: str, data: Splits, folder: Path | None) -> Arm:
    """Return an arm, from `folder` where it was kept."""
    file = folder / f"{name}.npz" if folder else None
    if file is not None and file.is_file():
        kept = np.load(file)
        return Arm(kept["validation"], kept["test"], json.loads(str(kept["note"])))
    arm = ARMS[name](data)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, validation=arm.validation, test=arm.test, note=json.dumps(arm.note))
    return arm


def made_curve(data: Splits, folder: Path | None) -> list[dict[str, Any]]:
    """Return the learning curve, from `folder` where it was kept."""
    file = folder / f"{CURVE}.json" if folder else None
    if file is not None and file.is_file():
        kept: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))
        return kept
    curve = learning_curve(data, resamples(groups_in(data.test)))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(curve), "utf-8")
    return curve


def groups_in(examples: Sequence[Example]) -> list[list[int]]:
    """Return the rows of each dialogue."""
    found = defaultdict(list)
    for row, example in enumerate(examples):
        found[example.group].append(row)
    return list(found.values())


def measured(arm: Arm, data: Splits, draws: Sequence[Any]) -> dict[str, Any]:
    """Return the metrics of one arm on test, calibrated on validation."""
    labels = data.labels("test")
    chosen = best_temperature(arm.validation, data.labels("validation"))
    # What ships says what it says: its temperature was found out of fold on train.
    temperature = arm.note.get("shipped_temperature", chosen)
    probabilities = softmax(arm.test / temperature)
    guess = np.argsort(-arm.test, axis=1, kind="stable")[:, :3]
    right, sure = guess[:, 0] == labels, probabilities.max(axis=1)
    return {
        **scored(guess, labels, draws, len(data.skills)),
        "validation_accuracy": _rounded((arm.validation.argmax(axis=1) == data.labels("validation")).mean()),
        "log_loss": _rounded(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean()),
        "temperature": temperature,
        "validation_temperature": chosen,
        "ece": _rounded(expected_calibration_error(sure.tolist(), right.tolist())),
        "reliability": [[_rounded(v) for v in part] for part in reliability(sure.tolist(), right.tolist())],
        "by_language": _by_language(guess, labels, sure, data.test),
        "abstaining": _abstaining(arm, temperature, data, sure, right),
        **arm.note,
    }


def scored(guess: Any, labels: Any, draws: Sequence[Any], skills: int) -> dict[str, Any]:
    """Return accuracy, top-3 accuracy and macro-F1, each with its interval; `guess` is [rows, 3]."""
    return {
        name: with_interval(metric, draws, len(labels)) for name, metric in _metrics(guess, labels, skills)
    }


def with_interval(metric: Callable[[Any], float], draws: Sequence[Any], rows: int) -> dict[str, Any]:
    """Return a metric over all rows and over resamples of them."""
    interval = np.quantile([metric(draw) for draw in draws], [0.025, 0.975])
    return {"value": _rounded(metric(np.arange(rows))), "interval95": [_rounded(v) for v in interval]}


def difference(
    first: str, second: str, guesses: dict[str, Any], data: Splits, draws: Sequence[Any]
) -> dict[str, Any]:
    """Return first minus second for every metric, within each resample."""
    labels, skills = data.labels("test"), len(data.skills)
    pairs = zip(
        _metrics(guesses[first], labels, skills), _metrics(guesses[second], labels, skills), strict=True
    )
    return {"first": first, "second": second} | {
        name: with_interval(lambda rows, a=a, b=b: a(rows) - b(rows), draws, len(labels))  # type: ignore[misc]
        for (name, a), (_, b) in pairs
    }


def learning_curve(data: Splits, draws: Sequence[Any]) -> list[dict[str, Any]]:
    """Return embedded, frozen head and both together, trained on ever more turns of whole dialogues."""
    order = sorted(data.train, key=lambda example: fold_of(f"order {example.group}", 2**30))
    lexicon, encoder = load_lexicon(), text_encoder()
    rows = training_rows(order)
    features = [features_of(row.dialogue, lexicon) for row in rows]
    inputs = inputs_of([row.dialogue for row in rows], encoder)
    asked = {name: inputs_of(data.dialogues(name), encoder) for name in ("validation", "test")}
    parts = {
        name: [[part.features for part in parts_of(d, lexicon)] for d in data.dialogues(name)]
        for name in ("validation", "test")
    }
    place = {id(example): number for number, example in enumerate(order)}
    # A shortened copy belongs to the turn that it was made of; both stand in the same order.
    owner = [place[id(row)] for row in rows[: len(order)]]
    owner += _owners(order, rows[len(order) :])
    curve = []
    for size in (*SIZES, len(order)):
        chosen = [row for row, of in enumerate(owner) if of < size]
        labels = np.array([data.skills.index(rows[row].skill) for row in chosen])
        linear = _linear([features[row] for row in chosen], labels, data.skills, lexicon)
        scores = {
            name: np.array([linear.scores(linear.contributions(one)) for one in given])
            for name, given in parts.items()
        }
        few: Any = inputs[chosen].astype(np.float32)
        dual, bias = fit_dual(few @ few.T, labels, len(data.skills), L2_HEAD)
        head = {name: given @ (few.T @ dual) + bias for name, given in asked.items()}
        share, _ = best_pool(scores["validation"], head["validation"], data.labels("validation"))
        found = {
            "embedded": scores["test"],
            "frozen_head": head["test"],
            "encoder": scores["test"] + share * head["test"],
        }
        point = {name: _point(values, data, draws) for name, values in found.items()}
        curve.append({"turns": size, "share": share, **point})
    return curve


def other_languages(test: Sequence[Example]) -> dict[str, Any]:
    """Return how sure the planners are of remarks in three languages, and of test turns in none."""
    found: dict[str, Any] = {"remarks": len(REMARKS), "disguised_turns": _DISGUISED}
    for name, planner in (("embedded", EmbeddedPlanner()), ("encoder", EncoderPlanner())):
        sure = {
            language: [
                max(planner.probabilities(Dialogue(turns=(Turn("Ana", remark[column]),))).values())
                for remark in REMARKS
            ]
            for column, language in enumerate(("en", "ko", "de"))
        }
        whole = [example.dialogue for example in test[:: len(test) // _DISGUISED][:_DISGUISED]]
        sure["test"] = [max(planner.probabilities(one).values()) for one in whole]
        sure["disguised"] = [max(planner.probabilities(disguised(one)).values()) for one in whole]
        found[name] = {language: _rounded(np.mean(values)) for language, values in sure.items()}
    return found


def _metrics(guess: Any, labels: Any, skills: int) -> list[tuple[str, Callable[[Any], float]]]:
    right, among = guess[:, 0] == labels, (guess == labels[:, None]).any(axis=1)
    return [
        ("accuracy", lambda rows: float(right[rows].mean())),
        ("top3", lambda rows: float(among[rows].mean())),
        ("macro_f1", lambda rows: macro_f1(labels[rows], guess[rows, 0], skills)),
    ]


def _by_language(guess: Any, labels: Any, sure: Floats, test: Sequence[Example]) -> dict[str, Any]:
    spoken = np.array([example.dialogue.lang for example in test])
    right, among = guess[:, 0] == labels, (guess == labels[:, None]).any(axis=1)
    return {
        str(language): {
            "turns": int(mask.sum()),
            "accuracy": _rounded(right[mask].mean()),
            "top3": _rounded(among[mask].mean()),
            "ece": _rounded(expected_calibration_error(sure[mask].tolist(), right[mask].tolist())),
        }
        for language in sorted(set(spoken.tolist()))
        for mask in [spoken == language]
    }


def _abstaining(
    arm: Arm, temperature: float, data: Splits, sure: Floats, right: Any
) -> list[dict[str, float]]:
    """Return, for thresholds that keep a share of the validation turns, what they keep of test."""
    held = softmax(arm.validation / temperature)
    hits = (held.argmax(axis=1) == data.labels("validation")).tolist()
    found = []
    for kept in risk_coverage(held.max(axis=1).tolist(), hits, COVERAGES):
        answered = sure >= kept.threshold
        found.append(
            {
                "threshold": _rounded(kept.threshold),
                "validation_coverage": _rounded(kept.coverage),
                "validation_accuracy": _rounded(kept.accuracy),
                "coverage": _rounded(answered.mean()),
                "accuracy": _rounded(right[answered].mean()) if answered.any() else 0.0,
            }
        )
    return found


def _linear(features: list[dict[str, float]], labels: Any, skills: tuple[str, ...], lexicon: Any) -> Any:
    design = Design(features)
    dual, bias = fit_dual(design.gram().astype(np.float32), labels, len(skills), L2_LINEAR)
    header = {"temperature": 1.0, "lexicon": lexicon, "trained_on": {}}
    return pack(design, dual, bias, header, skills)


def _owners(order: Sequence[Example], copies: Sequence[Example]) -> list[int]:
    """Return for each shortened copy the number of its example; copies follow the order of the examples."""
    found, at = [], 0
    for copy in copies:
        while order[at].group != copy.group or order[at].dialogue.turns[-1:] != copy.dialogue.turns[-1:]:
            at += 1
        found.append(at)
        at += 1
    return found


def _point(scores: Floats, data: Splits, draws: Sequence[Any]) -> dict[str, Any]:
    guess = np.argsort(-scores, axis=1, kind="stable")[:, :3]
    return scored(guess, data.labels("test"), draws, len(data.skills))


def _rounded(value: Any) -> float:
    return round(float(value), 4)


if __name__ == "__main__":
    main()
