"""Generated parts of docs/transfer.md: planners on labels that people gave."""

from typing import Any

from tables import result, table, with_interval

_CORPORA = {
    "esconv": "ESConv",
    "casino": "CaSiNo",
    "persuasionforgood": "PersuasionForGood",
    "annomi": "AnnoMI",
    "empathetic_dialogues": "EmpatheticDialogues",
    "dailydialog": "DailyDialog",
}
_TRANSFER_ARMS = {
    "majority": "always the commonest label",
    "stratified": "a draw from the labels",
    "tfidf": "TF-IDF + logistic regression",
    "embedded": "embedded planner",
    "embedded_told": "embedded, told what can occur",
    "encoder": "encoder planner",
    "encoder_told": "encoder, told what can occur",
    "embedded_minilm": "embedded + sentence vectors",
}


def transfer_rows() -> str:
    """Return how many labelled turns each corpus has."""
    rows = [
        [
            _CORPORA[name],
            *(f"{found[part]['rows']} of {found[part]['dialogues']}" for part in ("train", "test")),
            ", ".join(f"{label} {count}" for label, count in found["labels"].items()),
            ", ".join(f"{label} {count}" for label, count in found["guesses"].items()),
        ]
        for name, found in result("planner_transfer.json")["corpora"].items()
    ]
    return table(
        [
            "corpus",
            "train turns of dialogues",
            "test turns of dialogues",
            "labels of the test turns",
            "commonest guesses of the embedded planner",
        ],
        rows,
    )


def transfer_scores() -> str:
    """Return the scores on every corpus, one table each."""
    found = result("planner_transfer.json")["corpora"]
    return "\n\n".join(
        f"### {_CORPORA[name]}\n\n{_transfer_table(one['scores'])}" for name, one in found.items()
    )


def _transfer_table(scores: dict[str, Any]) -> str:
    measures = list(scores["majority"])
    rows = []
    for name, found in scores.items():
        arm, _, added = name.partition("+")
        alone = "-" if arm in ("majority", "stratified") else "0"
        rows.append([_TRANSFER_ARMS[arm], added or alone, *(with_interval(found[m]) for m in measures)])
    return table(["", "rows of the corpus", *(m.replace("macro_f1", "macro-F1") for m in measures)], rows)


def transfer_verdicts() -> str:
    """Return, for each corpus, where the planner is above and below the word-counting baseline."""
    found = result("planner_transfer.json")["corpora"]
    head = [
        "corpus",
        "without its rows, against chance",
        "with all its rows, against TF-IDF on the same rows",
    ]
    return table(head, [[_CORPORA[name], *_verdicts(one)] for name, one in found.items()])


def _verdicts(found: dict[str, Any]) -> list[str]:
    scores, rows = found["scores"], found["train"]["rows"]
    first = "strict" if "strict" in scores["majority"] else "class"

    def beside(arm: str, other: str, measure: str) -> str:
        a, b = scores[arm][measure], scores[other][measure]
        clear = a["interval95"][0] > b["interval95"][1] or b["interval95"][0] > a["interval95"][1]
        word = "above" if a["value"] > b["value"] else "below" if a["value"] < b["value"] else "equal"
        return f"{word}{' (clear)' if clear else ''} {a['value']:.3f} / {b['value']:.3f}"

    return [
        f"{first} {beside('embedded', 'majority', first)}; "
        f"macro-F1 {beside('embedded', 'stratified', 'macro_f1')}",
        *(
            f"{first} {beside(f'{arm}+{rows}', f'tfidf+{rows}', first)}; "
            f"macro-F1 {beside(f'{arm}+{rows}', f'tfidf+{rows}', 'macro_f1')}"
            for arm in ("embedded",)
        ),
    ]


def esconv_scores() -> str:
    """Return the table of next-strategy prediction."""
    found = result("esconv_strategy.json")["test"]
    names = {
        "stack": "stack, balanced rule",
        "stack_most_probable": "stack, most probable strategy",
        "reference": "TF-IDF, position, last strategy",
        "reference_weighted": "the same, class-weighted",
        "reference_more_rows": "TF-IDF, on train and validation",
        "reference_weighted_more_rows": "the same, class-weighted",
        "majority": "always the commonest strategy",
    }
    names |= {name: name.replace("member_", "member: ") for name in found if name.startswith("member_")}
    rows = [
        [label, *(with_interval(found[n][m]) for m in ("accuracy", "macro_f1"))] for n, label in names.items()
    ]
    return table(["", "accuracy", "macro-F1"], rows)


def esconv_choice() -> str:
    """Return how lambda was chosen on the validation part."""
    found = result("esconv_strategy.json")["validation"]
    rows = [
        [
            weight + (" (chosen)" if float(weight) == found["lambda"] else ""),
            f"{s['accuracy']:.3f}",
            f"{s['macro_f1']:.3f}",
        ]
        for weight, s in found["lambdas"].items()
    ]
    return table(["lambda", "accuracy", "macro-F1"], rows)
