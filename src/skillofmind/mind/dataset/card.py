r"""The dataset card: README.md with the metadata of the Hugging Face Hub, made from the counts alone.

Same report, same bytes: no time, no host, no opinion. Names of corpora, licences and labels were written by
others, so none of them may end a table row, open a tag or close the metadata: text goes through `words`,
metadata through `quoted_yaml`.

    >>> words("a | b\n<img src=x> `c`")
    'a \\| b &lt;img src=x&gt; \\`c\\`'
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from skillofmind.core.record import Record
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.dataset.files import ANNOTATED, Finish
from skillofmind.mind.dataset.licences import common_id, kind_of
from skillofmind.mind.dataset.report import Report
from skillofmind.mind.dataset.rows import Maker
from skillofmind.run.atomic import write_atomic
from skillofmind.scorers.agreement import Agreement

CARD = "README.md"

_BAR = 20
_LONGEST = 200
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~!$@^]|://|www\.)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?=$|[-_])")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
_FLAGS = {
    "leak": "leak >= {leak:g}, and {leak_units} words or more",
    "not_first_person": "thinker seen from outside",
    "counterfactual_close": "F1 with the real reply >= {close:g}",
    "counterfactual_length": "{shortest:g} to {longest:g} times the real reply, give or take {slack}",
    "duplicate_explanation": "same explanation as in an earlier row",
    "oov": "skill outside the taxonomy",
}


class Shelf(Record, frozen=True):
    """What lies next to the card.

    Attributes:
        files: split -> its files, as the metadata name them; no split without a row.
        splits: split -> rows.
        licences: corpus -> licence, of what lies there.
        form: one sentence about the rows.
    """

    files: dict[str, tuple[str, ...]]
    splits: dict[str, int]
    licences: dict[str, str]
    form: str = ""


def write_card(report: Report, finish: Finish, folder: Path) -> None:
    """Write README.md of a run directory.

    Raises:
        StorageError: the disk said no; an earlier card is as it was.
    """
    licences = {name: source.licence for name, source in report.corpora.items() if source.annotated}
    shelf = Shelf({"train": (ANNOTATED,)}, {"train": report.annotated}, licences)
    write_atomic(folder / CARD, card(report, finish, shelf).encode())


def card(report: Report, finish: Finish, shelf: Shelf) -> str:
    """Return the text of the card.

    Args:
        report: the counts of the annotation run.
        finish: who annotated, and which filters decided.
        shelf: what lies next to the card.
    """
    parts: list[Iterable[str]] = [
        _metadata(report, shelf),
        ["", "# Skill-of-mind annotations", "", *_summary(report, shelf)],
        _splits(shelf) if shelf.form else [],
        _counts(report),
        _corpora(report),
        _skills(report),
        _oov(report),
        _rejected(report),
        _filters(report, finish.filters),
        _making(report, finish.maker),
        _agreement(report),
        _cost(report, finish.maker),
        _limits(report),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def words(text: str, limit: int = _LONGEST) -> str:
    """Return foreign text as one line of Markdown that reads as it is written and does nothing."""
    line = _one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", line)


def quoted_yaml(text: str) -> str:
    """Return foreign text as a double-quoted YAML scalar on one line."""
    return json.dumps(_one_line(text, _LONGEST), ensure_ascii=False)


def _one_line(text: str, limit: int) -> str:
    # Joiners are unprintable by name, and yet letters of Persian and Hindi need them.
    seen = "".join(
        char if char.isprintable() or char in "\u200c\u200d" else " " for char in text[: 4 * limit]
    )
    line = " ".join(seen.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _metadata(report: Report, shelf: Shelf) -> Iterator[str]:
    yield "---"
    yield f"pretty_name: {quoted_yaml('Skill-of-mind annotations: ' + ', '.join(shelf.licences))}"
    yield from _licence_lines(shelf.licences)
    found = (_LANGUAGE.match(code) for code in report.languages)
    yield from _listed("language", sorted({match[0].casefold() for match in found if match}))
    yield from _listed("size_categories", [_size(sum(shelf.splits.values()))])
    yield from _listed("task_categories", ["text-generation", "text-classification"])
    yield from _listed("annotations_creators", ["machine-generated"])
    if shelf.files:
        yield from ("configs:", "- config_name: default", "  data_files:")
    for name, files in shelf.files.items():
        yield f"  - split: {quoted_yaml(name)}"
        yield "    path:"
        yield from (f"    - {quoted_yaml(file)}" for file in files)
    yield "---"


def _listed(key: str, values: Iterable[str]) -> list[str]:
    # Without quotes the code of Norwegian would be read as `false`.
    lines = [f"- {quoted_yaml(value)}" for value in values]
    return [f"{key}:", *lines] if lines else []


def _licence_lines(licences: Mapping[str, str]) -> list[str]:
    common = common_id(licences.values())
    if common is not None:
        return [f"license: {common}"]
    several = len(set(licences.values())) > 1
    told = "; ".join(
        f"{corpus or 'unnamed corpus'}: {_stated(licence)}" for corpus, licence in licences.items()
    )
    return [
        "license: other",
        f"license_name: {'mixed-by-corpus' if several else 'as-stated-by-the-corpus'}",
        f"license_details: {json.dumps(_one_line(told, 2000), ensure_ascii=False)}",
    ]


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")


def _stated(licence: str) -> str:
    return licence or "not stated"


def _summary(report: Report, shelf: Shelf) -> list[str]:
    corpora = ", ".join(words(name) or "an unnamed corpus" for name in report.corpora) or "no corpus"
    return [
        f"Turns of human and synthetic dialogues from {corpora}, each with the conversational skill that its "
        "speaker draws on, the thought behind it in the first person, and a reply that would not follow from "
        "that thought.",
        f"The annotations were written by a language model; of {report.rows:,} rows asked, "
        f"{report.annotated:,} have one.",
    ]


def _splits(shelf: Shelf) -> Iterator[str]:
    yield from _heading("Files")
    yield shelf.form
    yield ""
    files = {name: ", ".join(f"`{file}`" for file in found) for name, found in shelf.files.items()}
    rows = [[words(name), f"{count:,}", files.get(name, "none")] for name, count in shelf.splits.items()]
    yield from _table(["split", "rows", "files"], rows)
    yield ""
    yield "All rows cut from one dialogue, and dialogues that belong together, are in one split."
    yield "The counts further down are those of the whole annotation run."


def _counts(report: Report) -> Iterator[str]:
    yield from _heading("Counts")
    rows: list[tuple[str, int]] = [
        ("rows asked", report.rows),
        ("rows with an annotation", report.annotated),
        ("rows rejected", sum(report.rejected.values())),
        ("rows not asked to the end", report.unfinished),
        ("annotations", report.annotations),
        *((f"rows with {n} annotation{'s' * (n != '1')}", count) for n, count in report.per_row.items()),
        *((f"annotated rows in {words(lang)}", count) for lang, count in report.languages.items()),
    ]
    yield from _table(["what", "count"], [[what, f"{count:,}"] for what, count in rows])


def _corpora(report: Report) -> Iterator[str]:
    yield from _heading("Corpora and licences")
    yield (
        "Every row keeps the licence of the corpus that its text comes from; "
        "annotations do not change it. The field `licence` of a row says which one it is."
    )
    yield ""
    meaning = {
        "free": "allowed",
        "noncommercial": "**not allowed**",
        "unknown": "**unknown: ask the authors**",
    }
    rows = [
        [
            words(name) or "(unnamed)",
            f"{found.rows:,}",
            f"{found.annotated:,}",
            words(_stated(found.licence)),
            meaning[kind_of(found.licence)],
        ]
        for name, found in report.corpora.items()
    ]
    yield from _table(["corpus", "rows", "annotated", "licence of the text", "commercial use"], rows)
    limited = [name for name, found in report.corpora.items() if kind_of(found.licence) == "noncommercial"]
    if limited:
        named = ", ".join(words(name) or "(unnamed)" for name in limited)
        yield ""
        yield f"Non-commercial or for research only: {named}."


def _skills(report: Report) -> Iterator[str]:
    yield from _heading("Skills")
    most = max(report.skills.values(), default=0)
    rows = [
        [
            words(skill),
            f"{count:,}",
            _share(count, report.annotations),
            "█" * max(1, round(_BAR * count / most)),
        ]
        for skill, count in report.skills.items()
    ]
    yield from _table(["skill", "annotations", "share", ""], rows)


def _oov(report: Report) -> Iterator[str]:
    if report.oov:
        yield from _heading("Labels outside the taxonomy")
        yield "As the model wrote them, the commonest first. They are not among the annotations."
        yield ""
        yield from _table(
            ["label", "count"], [[words(label), f"{count:,}"] for label, count in report.oov.items()]
        )


def _rejected(report: Report) -> Iterator[str]:
    if report.rejected:
        yield from _heading("Rejected rows")
        rows = [
            [f"`{reason}`", f"{count:,}", _share(count, report.rows)]
            for reason, count in report.rejected.items()
        ]
        yield from _table(["reason", "rows", "share of all"], rows)


def _filters(report: Report, filters: Filters) -> Iterator[str]:
    yield from _heading("Quality filters")
    yield f"{report.checked:,} annotations went through the filters."
    yield ""
    thresholds = msgspec.structs.asdict(filters)
    off = {"leak": not filters.leak, "counterfactual_close": not filters.close}
    off |= {"counterfactual_length": not filters.longest, "not_first_person": not filters.first_person}
    off |= {"duplicate_explanation": not filters.duplicates}
    rows = [
        [f"`{flag}`", "off" if off.get(flag) else rule.format(**thresholds), f"{report.flags.get(flag, 0):,}"]
        for flag, rule in _FLAGS.items()
    ]
    yield from _table(["filter", "threshold", "flagged"], rows)
    if report.measures:
        yield ""
        yield "Means over all annotations that were checked:"
        yield ""
        means = [[f"`{name}`", f"{value:.3f}"] for name, value in report.measures.items()]
        yield from _table(["measure", "mean"], means)


def _making(report: Report, maker: Maker) -> Iterator[str]:
    yield from _heading("How it was made")
    rows = [[words(role), words(name)] for role, name in maker.names.items()]
    rows += [["prompt and taxonomy (hash)", words(maker.prompt)]]
    rows += [
        [f"sampling: {words(name)}", words(json.dumps(value, ensure_ascii=False, sort_keys=True))]
        for name, value in msgspec.to_builtins(maker.sampling).items()
    ]
    rows += [["rows that needed a repair request", f"{report.repairs:,}"]]
    yield from _table(["what", "value"], rows)


def _agreement(report: Report) -> Iterator[str]:
    if report.second is None:
        return
    found = report.second
    yield from _heading("Agreement of two teachers")
    yield (
        f"On the first skill that each names, over {found.agreement.items:,} rows: Cohen's kappa "
        f"{_kappa(found.agreement)}. They share a skill in {found.shared:,} rows."
    )
    if found.judged:
        judged = ", ".join(f"{words(who)} {count:,}" for who, count in found.judged.items())
        yield f"A judge decided where they share none: {judged}."
    yield ""
    rows = [[words(skill), _kappa(one)] for skill, one in found.by_skill.items()]
    yield from _table(["skill against the rest", "kappa (95 % interval)"], rows)


def _kappa(found: Agreement) -> str:
    if found.value is None:
        return "undefined"
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _cost(report: Report, maker: Maker) -> Iterator[str]:
    yield from _heading("Cost")
    rows = [
        [
            f"{words(maker.names.get(asked, ''))} ({asked})".strip(),
            f"{cost.calls:,}",
            f"{cost.usage.prompt_tokens:,}",
            f"{cost.usage.completion_tokens:,}",
            "not known" if cost.money is None else f"{cost.money:,.4f} {words(report.currency)}".rstrip(),
        ]
        for asked, cost in report.costs.items()
    ]
    yield from _table(["model", "calls", "tokens in", "tokens out", "money"], rows)
    if report.cached:
        yield ""
        yield f"{report.cached:,} answers came from a cache and are not in the table."


def _limits(report: Report) -> Iterator[str]:
    yield from _heading("Known limits")
    yield "- Skills and explanations were written by a language model; nobody confirmed them one by one."
    yield "- One set of labels describes every dialogue, whatever its language and culture."
    if report.skills:
        skill, count = next(iter(report.skills.items()))
        yield (
            f"- Labels are skewed: {words(skill)} alone has {_share(count, report.annotations)} of them. "
            "Compare with the majority class, and report a macro average."
        )
    yield _leak_line(report.measures)
    yield "- Counterfactual replies are wrong on purpose: nothing in them is advice or fact."


def _leak_line(measures: Mapping[str, float]) -> str:
    told = "- Explanations were written by a model that had seen the reply, so they may give it away."
    if "leak_gold" not in measures or "leak_counterfactual" not in measures:
        return told
    return (
        f"{told} Share of the reply's new words that stand in the explanation, on average: "
        f"{measures['leak_gold']:.3f} for the real reply, {measures['leak_counterfactual']:.3f} for the "
        "counterfactual; the nearer the two, the less leaks."
    )


def _heading(title: str) -> tuple[str, str, str]:
    return ("", f"## {title}", "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "0.0 %"
