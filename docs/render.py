"""Fill the generated parts of README.md and docs/*.md from committed files.

    python docs/render.py            write them
    python docs/render.py --check    exit 1 if one is out of date

A generated part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; each name is a function below.
"""

import argparse
import contextlib
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from eval_tables import (
    audit_attacks,
    audit_bias,
    audit_languages,
    audit_robustness,
    check_verdict,
    coverage,
    eval_raters,
    evaluation_speed,
    false_alarms,
    left_out,
    planner_evaluation,
    planner_explanations,
    planner_scaling,
    report_speed,
)
from serve_tables import plan_overhead, serve_speed, serve_streams
from tables import RESULTS, ROOT, result, table, with_interval
from training_tables import training
from transfer_tables import (
    esconv_choice,
    esconv_scores,
    transfer_rows,
    transfer_scores,
    transfer_verdicts,
)

if TYPE_CHECKING:
    from skillofmind.data.labels import LabelScheme


def main() -> int:
    """Write or check all pages; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a page is out of date"
    )
    check = parser.parse_args().check
    stale = [page for page in pages() if page.read_text(encoding="utf-8") != rendered(page)]
    for page in stale:
        sys.stderr.write(f"{'out of date' if check else 'written'}: {page.relative_to(ROOT)}\n")
        if not check:
            page.write_text(rendered(page), encoding="utf-8")
    return 1 if check and stale else 0


def pages() -> list[Path]:
    """Return README.md and every page below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def rendered(page: Path) -> str:
    """Return the page with its generated parts made anew."""

    def fill(found: re.Match[str]) -> str:
        return f"<!-- begin {found[1]} -->\n{PARTS[found[1]]()}\n<!-- end {found[1]} -->"

    text = page.read_text(encoding="utf-8")
    begun, ended = (re.findall(rf"<!-- {mark} (\w+) -->", text) for mark in ("begin", "end"))
    if begun != ended:
        raise SystemExit(
            f"{page.relative_to(ROOT)}: parts begin {begun!r} and end {ended!r}; make them match."
        )
    return re.sub(r"<!-- begin (\w+) -->\n.*?<!-- end \1 -->", fill, text, flags=re.DOTALL)


def planner_scores() -> str:
    """Return the table of the embedded planner against its baselines."""
    found = result("planner_starter.json")
    names = {
        "embedded": "embedded planner",
        "tfidf_logistic_regression": "TF-IDF + logistic regression",
        "majority": "always the commonest skill",
    }
    rows = [
        [label, *(with_interval(found["scores"][name][m]) for m in ("accuracy", "top3", "macro_f1"))]
        for name, label in names.items()
    ]
    test = found["test"]
    head = f"{test['turns']} turns of {test['dialogues']} held-out dialogues, {found['skills']} skills"
    return table([head, "accuracy", "in the top three", "macro-F1"], rows)


def planner_details() -> str:
    """Return what moves the embedded planner's choice, and where it is good and bad."""
    found = result("planner_starter.json")
    flips, pairs, skills = found["flips"], found["pairs"], found["per_skill_f1"]
    rows = [
        [label, f"{flips[name]['rate']:.1%}", "{:.1%} to {:.1%}".format(*flips[name]["interval95"])]
        for name, label in {
            "deciding_turn": "the turn that weighed most",
            "another_turn": "another turn",
            "social_context": "the social context",
        }.items()
    ]
    best, worst = list(skills.items())[:6], list(skills.items())[-6:]
    low, high = pairs["right_direction_interval95"]
    return "\n\n".join(
        [
            table(["taken away", "choice changes in", "95 % interval"], rows),
            f"Accuracy without the social context: {flips['accuracy_without_context']:.3f}. Right category: "
            f"{found['category_accuracy']:.3f}. Expected calibration error: "
            f"{found['expected_calibration_error']:.3f}.",
            f"On {pairs['pairs']} held-out pairs of dialogues with equal turns and different contexts, the "
            f"choice differs in {pairs['choice_differs']:.0%}, and each context favours its own skill in "
            f"{pairs['right_direction']:.0%} ({low:.0%} to {high:.0%}; chance 50 %).",
            "By language: "
            + ", ".join(
                f"{lang} {part['accuracy']:.3f} ({part['turns']} turns)"
                for lang, part in sorted(found["by_language"].items())
            )
            + ".",
            "Best F1: " + ", ".join(f"{name} {f1:.2f}" for name, f1 in best) + ".",
            "Worst F1: " + ", ".join(f"{name} {f1:.2f}" for name, f1 in worst) + ".",
        ]
    )


_ARMS = {
    "encoder": "encoder planner (MiniLM frozen + head, with the linear model)",
    "embedded": "embedded planner (linear model over words and cues)",
    "fine_tuned": "MiniLM, upper half fine-tuned (not shipped)",
    "frozen_head": "MiniLM frozen + head",
    "static_head": "mean of MiniLM's input vectors + head",
    "tfidf": "TF-IDF + logistic regression",
    "majority": "always the commonest skill",
}


def planner_study() -> str:
    """Return the table of all arms of the study."""
    found = result("planner_study.json")
    turns = found["turns"]
    rows = []
    for name, label in _ARMS.items():
        arm = found["arms"][name]
        speed = arm.get("latency_ms")
        scores = [with_interval(arm[metric]) for metric in ("accuracy", "top3", "macro_f1")]
        cost = [
            f"{speed['cpu_p50']:.1f} / {speed['cpu_p95']:.1f}" if speed else "-",
            f"{arm['bytes'] / 1e6:.1f}",
        ]
        remark = f"; {arm['remark']}" if "remark" in arm else ""
        rows.append([label + remark, *scores, f"{arm['ece']:.3f}", *cost])
    head = f"{turns['test']} test turns, {turns['train']} to learn from"
    ms = "CPU ms a plan, p50 / p95"
    return table([head, "accuracy", "in the top three", "macro-F1", "ECE", ms, "MB"], rows)


def planner_differences() -> str:
    """Return the paired differences between arms."""
    rows = [
        [
            f"`{pair['first']}` - `{pair['second']}`",
            *(
                "{:+.3f} ({:+.3f} to {:+.3f})".format(pair[metric]["value"], *pair[metric]["interval95"])
                for metric in ("accuracy", "top3", "macro_f1")
            ),
        ]
        for pair in result("planner_study.json")["differences"]
    ]
    return table(["difference", "accuracy", "in the top three", "macro-F1"], rows)


def planner_abstaining() -> str:
    """Return what thresholds keep, and the scores by language."""
    found = result("planner_study.json")
    rows = [
        [name, f"{kept['threshold']:.3f}", f"{kept['coverage']:.0%}", f"{kept['accuracy']:.3f}"]
        for name in ("embedded", "encoder")
        for kept in found["arms"][name]["abstaining"][1:]
    ]
    spoken = [
        [
            name,
            language,
            str(part["turns"]),
            f"{part['accuracy']:.3f}",
            f"{part['top3']:.3f}",
            f"{part['ece']:.3f}",
        ]
        for name in ("embedded", "encoder")
        for language, part in found["arms"][name]["by_language"].items()
    ]
    others = found["other_languages"]
    sure = "; ".join(
        f"{name} {others[name]['en']:.3f} in English, {others[name]['ko']:.3f} in Korean, "
        f"{others[name]['de']:.3f} in German; {others[name]['test']:.3f} on {others['disguised_turns']} test "
        f"turns and {others[name]['disguised']:.3f} on the same turns with every letter replaced"
        for name in ("embedded", "encoder")
    )
    return "\n\n".join(
        [
            table(["planner", "threshold", "answered", "accuracy of these"], rows),
            table(["planner", "language", "turns", "accuracy", "in the top three", "ECE"], spoken),
            f"Mean confidence on the same {others['remarks']} remarks: {sure}.",
        ]
    )


def starter_datasheet() -> str:
    """Return the datasheet of the starter dialogues, from the record of their audit."""
    import msgspec

    from skillofmind.mind.audit.card import card
    from skillofmind.mind.audit.report import Audit

    record = msgspec.json.decode((RESULTS / "starter_audit.json").read_bytes(), type=Audit)
    return card(record, "").partition("\n\n")[2].rstrip()


def starter_likeness() -> str:
    """Return how well likeness by meaning separates rewritten dialogues from others."""
    found = result("benchmarks/likeness.json")
    names = {
        "unrelated": "two different dialogues",
        "nearest": "the nearest of all others",
        "rewritten": "told again in other words",
        "edited": "a third of the words left out, names changed",
        "in_another_one": "the same, between two other dialogues",
    }
    rows = [
        [
            f"{lang}, {label}",
            f"{part['count']:,}",
            *(f"{part['quantiles'][share]:.2f}" for share in ("0.05", "0.5", "0.95", "1")),
            *(f"{part['at_or_above'][least] / part['count']:.2%}" for least in ("0.7", "0.8")),
        ]
        for lang in ("en", "ko")
        for name, label in names.items()
        if (part := found[lang].get(name))
    ]
    head = [
        "",
        "pairs",
        "5 % are below",
        "median",
        "95 % are below",
        "highest",
        "0.7 or above",
        "0.8 or above",
    ]
    return table(head, rows)


def label_map() -> str:
    """Return what human labels stand for: one table a scheme, and which skills no label tests."""
    from skillofmind.data.labels import load_label_map
    from skillofmind.mind.taxonomy import load_taxonomy

    labels, skills = load_label_map(), load_taxonomy().names()
    parts = [f"Version {labels.version}, {len(labels.schemes)} schemes."]
    for scheme in labels.schemes:
        names = " and ".join(f"`{name}`" for name in scheme.names)
        parts += [f"### {names}", f"*{scheme.source.capitalize()}.* {scheme.about}.", _scheme_rows(scheme)]
    strong, classed = labels.primaries("exact", "plausible"), labels.classed()
    weak = labels.primaries("weak") - strong - classed
    groups = {
        "Primary of an exact or plausible label": strong,
        "Only through classes": classed - strong,
        "Only through weak labels": weak,
        "Not tested by any human label": set(skills) - strong - classed - weak,
    }
    rows = [[what, f"{len(found)}", ", ".join(sorted(found))] for what, found in groups.items()]
    return "\n\n".join([*parts, "### Which skills are tested", table(["", "skills", ""], rows)])


def _scheme_rows(scheme: "LabelScheme") -> str:
    rows = [
        [
            ", ".join(f"`{value}`" if value else "(empty)" for value in rule.values),
            rule.primary or (f"class *{rule.group}*" if rule.group else "—"),
            ", ".join(scheme.classes.get(rule.group, ("every other skill",)) if rule.group else rule.accept),
            rule.strength + (", of the next turn" if rule.on == "next" else ""),
        ]
        for rule in scheme.labels
    ]
    return table(["label", "skill", "also accepted", "strength"], rows)


def benchmark_table() -> str:
    """Return start-up, size and latency as measured."""
    startup = result("benchmarks/startup.json")["targets"]
    warm = result("benchmarks/plan_latency.json")["warm"]["wall_ms"]
    rows = [[what, f"{row['measured']:g}", f"{row['target']:g}"] for what, row in startup.items()]
    rows.append(["one plan, embedded, one core, ms (median)", f"{warm['p50']:g}", "5"])
    rows.append(["one plan, embedded, one core, ms (95 % are faster)", f"{warm['p95']:g}", ""])
    return table(["", "measured", "limit"], rows)


def formats() -> str:
    """Return the table of formats."""
    from skillofmind.data.formats import ALL

    rows = [[f"`{form.name}`", form.title, form.tested_on, form.licence] for form in ALL]
    return table(["format", "", "tested on", "licence"], rows)


def data_speed() -> str:
    """Return speed and memory of the data commands."""
    found = result("benchmarks/data_formats.json")["commands"]
    rows = [
        [
            name,
            f"{large['dialogues_per_cpu_s']:,}",
            f"{large['cpu_s']:.1f}",
            f"{found['small'][name]['peak_mb']:.0f}",
            f"{large['peak_mb']:.0f}",
        ]
        for name, large in found["large"].items()
        if name != "bare python"
    ]
    head = ["", "dialogues a CPU second", "CPU s, 1 M turns", "peak MB, 100 k turns", "peak MB, 1 M turns"]
    return table(head, rows)


def data_peers() -> str:
    """Return loading and iterating, ours and the peers'."""
    found = result("benchmarks/data_formats.json")["load_and_iterate"]["large"]
    rows = [[n, f"{r['cpu_s']:.1f}", f"{r['wall_s']:.1f}", f"{r['peak_mb']:,.0f}"] for n, r in found.items()]
    return table(["100,000 dialogues", "CPU s", "wall s", "peak MB"], rows)


def annotation_speed() -> str:
    """Return what annotation takes, ours and the peers'."""
    found = result("benchmarks/annotation.json")
    rows = [
        [
            name,
            in_flight,
            *(f"{arm[part]['rows_per_s']['median']:,.0f}" for part in ("whole", "marginal")),
            *(f"{arm[part]['cpu_ms_per_row']['median']:.2f}" for part in ("whole", "marginal")),
            f"{arm['peak_mb']['all_processes']:,.0f}",
        ]
        for in_flight, arms in found["in_flight"].items()
        for name, arm in arms.items()
    ]
    head = ["", "in flight", "rows/s", "rows/s, marginal", "CPU-ms a row", "marginal", "peak MB"]
    memory = found["memory"]
    text = (
        f"A server answers after 50 ms, so 64 in flight get 1,280 rows/s at best. *Marginal* leaves start-up "
        f"out. {memory['rows']:,} rows: {memory['peak_mb']:,.0f} MB at most, "
        f"{memory['cpu_ms_per_row']:.2f} CPU-ms a row."
    )
    return f"{table(head, rows)}\n\n{text}"


def linear_scoring() -> str:
    """Return plain Python against numpy."""
    found = result("benchmarks/linear_scoring.json")
    rows = [
        [
            name,
            f"{found['a_dialogue'][name]['cpu_ms']['median']:.2f}",
            f"{found['to_get_ready'][name]['cpu_s']['median']:.3f}",
        ]
        for name in ("plain Python", "numpy")
    ]
    return table(["", "CPU ms a dialogue, scoring only", "CPU s of a process that loads it"], rows)


def command_help() -> str:
    """Return the help texts of all commands."""
    from skillofmind.cli.data import COMMANDS as DATA
    from skillofmind.cli.eval import COMMANDS as EVAL
    from skillofmind.cli.main import COMMANDS, main
    from skillofmind.cli.study import COMMANDS as STUDY
    from skillofmind.cli.train import COMMANDS as TRAIN

    groups = {"data": DATA, "train": TRAIN, "eval": EVAL, "study": STUDY}
    nested = [f"{group} {name}" for group, names in groups.items() for name in names]
    texts = []
    for name in (*COMMANDS, *nested):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main([*name.split(), "--help"])
        texts.append(f"## som {name}\n\n```text\n{out.getvalue().rstrip()}\n```")
    return "\n\n".join(texts)


PARTS: dict[str, Callable[[], str]] = {
    "audit_attacks": audit_attacks,
    "audit_bias": audit_bias,
    "audit_languages": audit_languages,
    "audit_robustness": audit_robustness,
    "check_verdict": check_verdict,
    "coverage": coverage,
    "eval_raters": eval_raters,
    "evaluation_speed": evaluation_speed,
    "false_alarms": false_alarms,
    "left_out": left_out,
    "planner_evaluation": planner_evaluation,
    "planner_explanations": planner_explanations,
    "planner_scaling": planner_scaling,
    "report_speed": report_speed,
    "planner_scores": planner_scores,
    "planner_details": planner_details,
    "planner_study": planner_study,
    "planner_differences": planner_differences,
    "planner_abstaining": planner_abstaining,
    "starter_datasheet": starter_datasheet,
    "starter_likeness": starter_likeness,
    "label_map": label_map,
    "benchmark_table": benchmark_table,
    "linear_scoring": linear_scoring,
    "formats": formats,
    "transfer_rows": transfer_rows,
    "transfer_scores": transfer_scores,
    "transfer_verdicts": transfer_verdicts,
    "esconv_scores": esconv_scores,
    "esconv_choice": esconv_choice,
    "data_speed": data_speed,
    "data_peers": data_peers,
    "annotation_speed": annotation_speed,
    "command_help": command_help,
    "training": training,
    "serve_speed": serve_speed,
    "serve_streams": serve_streams,
    "plan_overhead": plan_overhead,
}

if __name__ == "__main__":
    raise SystemExit(main())
