"""lm-eval in the evaluation benchmark: `generate_until` over an endpoint, or `multiple_choice`.

    python evaluate_with_lm_eval.py KIND ROWS OUT BASE_URL IN_FLIGHT SAMPLING [ANSWERS]

Samples are logged and saved as the command `lm_eval --log_samples --output_path` does. KIND `choice` asks a
model that is a checksum for the log-likelihood of every choice.
"""

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate  # type: ignore[import-not-found, unused-ignore]
from lm_eval.api.model import LM  # type: ignore[import-not-found, unused-ignore]
from lm_eval.api.task import ConfigurableTask  # type: ignore[import-not-found, unused-ignore]
from lm_eval.loggers import EvaluationTracker  # type: ignore[import-not-found, unused-ignore]
from lm_eval.models.openai_completions import LocalChatCompletion  # type: ignore[import-not-found, unused-ignore]

LETTERS = "ABCD"


class Checksum(LM):  # type: ignore[misc, unused-ignore]
    """A model whose log-likelihood is a checksum."""

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return the log-likelihood of every request."""
        return [
            (-zlib.crc32(f"{prompt}|{ending.strip()}".encode()) / 2**32, False)
            for prompt, ending in (request.arguments for request in requests)
        ]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Answer nothing: it is not asked."""
        raise NotImplementedError

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Answer nothing: it is not asked."""
        raise NotImplementedError


def includes(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Say whether the target is in the reply."""
    return {"includes": float(doc["target"] in results[0])}


def likeliest(doc: dict[str, Any], results: list[tuple[float, bool]]) -> dict[str, float]:
    """Say whether the target is the likeliest choice."""
    scores = [score for score, _ in results]
    return {"includes": float(LETTERS[scores.index(max(scores))] == doc["target"])}


def config(kind: str, file: str, sampling: dict[str, Any]) -> dict[str, Any]:
    """Return the task."""
    shared = {
        "task": "bench",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": file}},
        "test_split": "test",
        "doc_to_text": "{{prompt}}",
        "metric_list": [{"metric": "includes", "aggregation": "mean", "higher_is_better": True}],
    }
    if kind == "chat":
        asked = {**sampling, "until": [], "max_gen_toks": sampling["max_tokens"]}
        chat = {"output_type": "generate_until", "doc_to_target": "{{target}}", "generation_kwargs": asked}
        return {**shared, **chat, "process_results": includes}
    choice = {"output_type": "multiple_choice", "doc_to_target": 0, "doc_to_choice": "{{choices}}"}
    return {**shared, **choice, "process_results": likeliest}


def main() -> None:
    """Run the task."""
    kind, file, out, base_url, in_flight, sampling, *answers = sys.argv[1:]
    os.environ.setdefault("OPENAI_API_KEY", "none")
    asked = json.loads(sampling)
    name = asked.pop("model")
    model: Any = Checksum()
    if kind == "chat":
        url = f"{base_url}/chat/completions"
        model = LocalChatCompletion(base_url=url, model=name, num_concurrent=int(in_flight))
    tracker = EvaluationTracker(output_path=out)
    found = simple_evaluate(
        model,
        tasks=[ConfigurableTask(config=config(kind, file, asked))],
        log_samples=True,
        apply_chat_template=kind == "chat",
        evaluation_tracker=tracker,
    )
    assert found is not None
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples)
    for task, those in samples.items():
        tracker.save_results_samples(task_name=task, samples=those)
    if answers:
        Path(answers[0]).write_text(
            json.dumps({str(one["doc"]["case"]): said(one) for one in samples["bench"]}), "utf-8"
        )


def said(sample: dict[str, Any]) -> str:
    """Return the reply, or the letter of the likeliest choice."""
    if len(sample["filtered_resps"]) == 1:
        return str(sample["filtered_resps"][0])
    scores = [float(score) for score, _ in sample["filtered_resps"]]
    return LETTERS[scores.index(max(scores))]


if __name__ == "__main__":
    main()
