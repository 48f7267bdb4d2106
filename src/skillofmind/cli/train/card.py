"""The card of a trained model: from what, on what, how, and how far it came."""

from collections.abc import Iterator
from typing import Any

from skillofmind.run.manifest import Manifest

_USE = {
    "train sft": "It answers in the chat format of its template.",
    "train dpo": "It answers in the chat format of its template, and prefers what it was taught to prefer.",
}


def card(name: str, manifest: Manifest, prepared: dict[str, Any], last: dict[str, Any], updates: int) -> str:
    """Return README.md.

    Args:
        name: of the model folder.
        manifest: of the training run.
        prepared: its event of that name: counts of rows and tokens.
        last: its last record of `updates.jsonl`; empty without one.
        updates: made when the checkpoint was written.
    """
    return "\n".join(
        [*_head(name, manifest), *_data(manifest, prepared), *_results(last, updates), *_how(manifest)]
    )


def _head(name: str, manifest: Manifest) -> Iterator[str]:
    base = manifest.options.get("model")
    yield from (
        "---",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "tags:",
        "- skillofmind",
    )
    yield from ("---", "", f"# {name}", "")
    yield f"A causal language model, trained with `som {manifest.command}` of skillofmind."
    yield _USE[manifest.command]
    yield ""
    origin = f"the model folder `{base.rsplit('/', 1)[-1]}`" if base else "random weights, made for this run"
    yield f"- Started from: {origin}"
    if manifest.options.get("model_hash"):
        yield f"- Hash of the base: `{manifest.options['model_hash']}`"


def _data(manifest: Manifest, prepared: dict[str, Any]) -> Iterator[str]:
    counts = prepared["train"]
    made = counts.get("pairs") or counts.get("examples", 0)
    yield from ("", "## Data", "")
    yield from (f"- `{name}`, SHA-256 `{digest}`" for name, digest in sorted(manifest.data.items()))
    kind = "pairs" if counts.get("pairs") else "examples"
    yield f"- {made:,} {kind} of {counts['rows']:,} rows, {counts['refused']:,} refused"
    yield f"- {counts['tokens']:,} tokens, {counts['share_trained']:.1%} of them trained"
    yield f"- An answer ends with `{counts['stop']}`; chat template SHA-256 `{counts['template_hash']}`"
    yield "- Whatever licence the data and the base have holds for this model, too."


def _results(last: dict[str, Any], updates: int) -> Iterator[str]:
    yield from ("", "## Results", "", f"After {updates:,} updates, {last.get('passed', 0):.2f} passes:", "")
    yield from ("| what | value |", "| --- | --- |")
    if "loss" in last:
        yield f"| loss of the last update | {last['loss']:.4f} |"
    yield from (
        f"| held-out {key.replace('_', ' ')} | {value:.4f} |"
        for key, value in last.get("held_out", {}).items()
    )
    if not last.get("held_out"):
        yield "| held-out rows | not measured |"


def _how(manifest: Manifest) -> Iterator[str]:
    yield from ("", "## Settings", "", "```")
    yield from _flat("", manifest.options["settings"])
    yield from (
        "```",
        "",
        "Versions: " + ", ".join(f"{key} {value}" for key, value in manifest.versions.items()),
        "",
    )


def _flat(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    else:
        yield f"{path} = {value}"
