"""A datasheet of an audited corpus in Markdown, filled from the audit record.

The questions are those of Datasheets for Datasets (arXiv 1803.09010), the short ones. What an audit cannot
know (why and how the corpus was made, what it is for) is passed in; without it, the text is that of the
starter corpus: written, annotated and reviewed by language models.
"""

from collections.abc import Iterator, Sequence

from skillofmind.core.record import Record
from skillofmind.mind.audit import unsafe
from skillofmind.mind.audit.composition import LONG, SHORT
from skillofmind.mind.audit.labels import LabelAgreement
from skillofmind.mind.audit.likeness.copies import DUPLICATE, LISTED_FROM
from skillofmind.mind.audit.likeness.nearest import ALIKE, Likeness
from skillofmind.mind.audit.likeness.runs import RUN
from skillofmind.mind.audit.report import Against, Audit
from skillofmind.mind.audit.text import listed, number, percent
from skillofmind.scorers.agreement import Agreement


class Story(Record, frozen=True):
    """What the audit cannot know, a Markdown paragraph or list each.

    Attributes:
        motivation: why the corpus was made.
        making: how it was made, and by whom.
        uses: what it is good for.
        misuses: what it must not be used for.
        limits: what is known to be wrong with it, apart from what the audit counts.
        licence: the licence, as a sentence.
    """

    motivation: str = (
        "To learn and to test, on a laptop and without a licence to ask for, how a speaker chooses a "
        "conversational skill from the social context and the dialogue (arXiv 2411.04496). The corpora that "
        "the paper builds on cannot all be redistributed."
    )
    making: str = (
        "Language models wrote the dialogues from scratch: invented people, places and problems. Language "
        "models also gave the first label with its explanation, the second label (without seeing the first), "
        "the decision where the two differ, and the counterfactual replies; and language models reviewed the "
        "result. **No person wrote, labelled or checked a row.** Agreement between the two labels is "
        "agreement between language models, which may share errors, on turns that were written to show one "
        "skill: it is higher than it would be on found talk, and does not say what people would choose."
    )
    uses: str = (
        "- training and testing small planners that choose a skill, and comparing them on the `test` split\n"
        "- examples for prompts, and tests of software for dialogues\n"
        "- studies of how a context changes the fitting skill, with the pairs in `meta.pair`"
    )
    misuses: str = (
        "- as evidence of how people talk, feel or decide, or of how often they use a skill\n"
        "- as medical, legal, financial or safety advice, or as training data for giving it\n"
        "- to judge, profile or imitate real people\n"
        "- as the only test of a system that real people will depend on"
    )
    limits: str = (
        "The writers were asked for all skills about equally often, so the distribution of skills is not "
        "that of real talk. The dialogues are dense and well-spoken. Many have two turns only. Names "
        "and places are many, but seen from the training data of language models. Facts belong to the story: "
        "do not rely on them."
    )
    licence: str = "CC BY 4.0."


def card(audit: Audit, name: str, story: Story | None = None) -> str:
    """Return the datasheet, a whole Markdown page."""
    told = story or Story()
    sections = {
        "Motivation": told.motivation,
        "How it was made": told.making,
        "Composition": composition_table(audit),
        "Label agreement": agreement_part(audit.agreement),
        "Copies and leaks": "\n".join(_checks(audit)),
        "Diversity": variety_table(audit),
        "People": people_table(audit),
        "Content to know about": "\n".join(_unsafe(audit)),
        "Recommended uses": told.uses,
        "Misuses": told.misuses,
        "Known limits": told.limits,
        "Licence": told.licence,
    }
    return f"# {name}\n\n" + "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items()) + "\n"


def composition_table(audit: Audit) -> str:
    """Return what there is as a Markdown table."""
    found = audit.composition
    splits = [
        f"{split} {n:,} ({found.annotated_splits.get(split, 0):,})" for split, n in found.splits.items()
    ]
    langs = [
        f"{lang} {n:,} ({found.annotated_languages.get(lang, 0):,})" for lang, n in found.languages.items()
    ]
    rows = {
        "dialogues": f"{found.dialogues:,}, {found.usual_length:,} of them of {SHORT} to {LONG} turns",
        "turns": f"{found.turns:,}",
        "annotated turns": f"{found.annotated:,}",
        "splits, dialogues (annotated turns)": ", ".join(splits),
        "languages, dialogues (annotated turns)": ", ".join(langs),
        "scenarios": listed(found.scenarios),
        "annotated turns by category": listed(found.categories),
        "annotated turns by skill": listed(found.skills),
    }
    return table(("", ""), list(rows.items()))


def agreement_part(found: LabelAgreement | None) -> str:
    """Return the agreement as a paragraph and a table."""
    if found is None:
        return "Every turn has one label from one writer; agreement was not measured."
    rows = [
        ("all skills", *_cells(found.skills)),
        ("categories", *_cells(found.categories)),
        *((lang, *_cells(value)) for lang, value in found.by_language.items()),
        *((f"{name} against the rest", *_cells(value)) for name, value in found.by_category.items()),
        *((f"skills within {name}", *_cells(value)) for name, value in found.within_category.items()),
    ]
    ordered = sorted(found.by_skill.items(), key=lambda item: (-(item[1].value or 0), item[0]))
    return "\n\n".join(
        [
            f"Two annotators labelled {found.turns:,} turns, the second without seeing the first label. "
            f"They differ on {found.differ:,}; of these, {found.settled_first:,} were settled for the first "
            f"label, {found.settled_second:,} for the second, {found.settled_other:,} for another, and "
            f"{found.unsettled:,} were not settled. The first label is among the second annotator's choices "
            f"on {percent(found.in_choices)} of the turns.",
            table(("", "Cohen's kappa", "95 % interval", "equal", "turns"), rows),
            "By skill, against the rest: "
            + ", ".join(f"{name} {number(value.value)}" for name, value in ordered)
            + ".",
            "Exchanged most often: "
            + (", ".join(f"{c.one} / {c.other} ({c.turns})" for c in found.confusions) or "none")
            + ".",
        ]
    )


def _cells(found: Agreement) -> tuple[str, str, str, str]:
    bounds = found.low is not None and found.high is not None
    between = f"{found.low:.3f} to {found.high:.3f}" if bounds else "-"
    return number(found.value), between, percent(found.observed), f"{found.items:,}"


def _checks(audit: Audit) -> Iterator[str]:
    counts = {verdict.check: verdict.count for verdict in audit.verdicts}
    within, found = audit.copies, audit.leakage
    yield (
        f"- {within.duplicates:,} pairs of dialogues have a Jaccard similarity of {DUPLICATE} or more over "
        f"runs of five words; {within.meant:,} pairs that share `meta.pair` are meant to be alike, and "
        f"{within.across_splits:,} pairs stand in different splits."
    )
    if audit.meaning:
        yield (
            f"- By meaning, in English: the nearest to each of {audit.meaning.ours:,} dialogues has a "
            f"likeness of {_likeness(audit.meaning)}; {audit.meaning.unread:,} dialogues in other languages "
            "were not compared so."
        )
    yield from (_between(other) for other in audit.against if other.dialogues)
    yield (
        f"- Explanations hold {number(found.leak_gold)} of the novel words of the reply and "
        f"{number(found.leak_counterfactual)} of those of the counterfactual; {counts.get('leak', 0):,} are "
        f"flagged as giving the reply away, and {counts.get('context_leak', 0):,} replies as announced by "
        "the context."
    )
    yield (
        f"- Counterfactuals: F1 with the reply {number(found.close)}, length ratio "
        f"{number(found.length_ratio)}; {counts.get('close', 0):,} flagged as too close, "
        f"{counts.get('length', 0):,} for their length, {counts.get('counterfactual', 0):,} missing. "
        f"{counts.get('repeated', 0):,} explanations are repeated."
    )


def _between(other: Against) -> str:
    nearest = max((pair.jaccard for pair in other.copies.nearest), default=None)
    most = f"at most {nearest:.2f}" if nearest is not None else f"below {LISTED_FROM}"
    longest = max((run.words for run in other.longest), default=0)
    runs = f"{other.runs:,} common runs of {RUN} words or more" + (
        f", the longest {longest}" if longest else ""
    )
    meant = f"; by meaning {_likeness(other.meaning)}" if other.meaning and other.meaning.others else ""
    unread = f", {other.meaning.unread:,} not compared" if other.meaning and other.meaning.unread else ""
    return f"- Against {other.corpus} ({other.dialogues:,} dialogues): Jaccard {most}; {runs}{meant}{unread}."


def _likeness(found: Likeness) -> str:
    most = found.quantiles.get("1", 0.0)
    median = found.quantiles.get("0.5", 0.0)
    return f"at most {most:.2f} (median {median:.2f}), {found.alike:,} at {ALIKE} or above"


def variety_table(audit: Audit) -> str:
    """Return the diversity of the corpus next to others, at an equal number of tokens, as a table."""
    rows = [
        (
            row.lang,
            row.corpus or "this corpus",
            *(number(row.distinct.get(order)) for order in "123"),
            number(row.self_bleu),
            f"{row.words:.1f}",
            f"{row.tokens:,}",
        )
        for row in audit.variety
    ]
    head = ("", "corpus", "distinct-1", "distinct-2", "distinct-3", "self-BLEU", "words a turn", "tokens")
    whole = "; ".join(
        f"{lang}: " + ", ".join(f"distinct-{order} {value:.3f}" for order, value in values.items())
        for lang, values in audit.distinct.items()
    )
    return table(head, rows) + f"\n\nOver all turns of this corpus, {whole}."


def people_table(audit: Audit) -> str:
    """Return names, stated gender, ages and places as a table."""
    found = audit.people
    spreads = {f"names, {lang}": names for lang, names in found.names.items()}
    spreads |= {"roles": found.roles, "places that contexts seem to name": found.places}
    rows = [
        (title, f"{row.distinct:,} different of {row.total:,}; {listed(row.top, 8)}")
        for title, row in spreads.items()
    ]
    rows += [
        ("gender stated in role or attributes", listed(found.gendered)),
        ("pronouns, English", listed(found.pronouns)),
        ("ages", listed(found.ages)),
    ]
    return table(("", ""), rows) + "\n\nNo gender was guessed from a name."


def _unsafe(audit: Audit) -> Iterator[str]:
    counts = {row.what: row.count for row in audit.verdicts if row.check in unsafe.categories()}
    yield "Matches of simple patterns, most of them in dialogues about safety: " + listed(counts) + "."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
