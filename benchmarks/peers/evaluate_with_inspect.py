"""inspect_ai in the evaluation benchmark: `generate` with `includes`, or `multiple_choice` with `choice`.

    python evaluate_with_inspect.py KIND ROWS OUT BASE_URL IN_FLIGHT SAMPLING [ANSWERS]

Chosen for speed: no display, no raw API calls and no live view, samples as many at once as connections. The
log is written as always: each sample with its transcript. KIND `choice` has no log-likelihoods there; its
nearest equal is a mock model that answers with the letter that the checksum model of the others prefers.
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.dataset import MemoryDataset, Sample  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.log import read_eval_log  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.model import ModelOutput, ModelUsage, get_model  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.scorer import choice, includes  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.solver import generate, multiple_choice  # type: ignore[import-not-found, unused-ignore]

LETTERS = "ABCD"


def sample(row: dict[str, Any]) -> Any:
    """Return one row as a sample."""
    return Sample(id=row["case"], input=row["prompt"], target=row["target"], choices=row.get("choices"))


def letter(row: dict[str, Any]) -> str:
    """Return the choice with the highest log-likelihood."""
    scores = [-zlib.crc32(f"{row['prompt']}|{one}".encode()) / 2**32 for one in row["choices"]]
    return LETTERS[scores.index(max(scores))]


def mock(rows: list[dict[str, Any]]) -> Any:
    """Return a model that answers each question with its letter."""

    def answer(messages: Any, tools: Any, tool_choice: Any, config: Any) -> Any:
        text = messages[-1].text
        number = int(text[text.index("(case ") + 6 :].partition(")")[0])
        output = ModelOutput.from_content("mockllm/model", f"ANSWER: {letter(rows[number])}")
        # Without it tokens would be counted, by a tokenizer that is downloaded.
        output.usage = ModelUsage(input_tokens=200, output_tokens=3, total_tokens=203)
        return output

    return get_model("mockllm/model", custom_outputs=answer)


def main() -> None:
    """Run the task."""
    kind, file, out, base_url, in_flight, sampling, *answers = sys.argv[1:]
    rows = [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]
    asked = json.loads(sampling)
    name = asked.pop("model")
    if kind == "chat":
        model = get_model(f"openai-api/bench/{name}", base_url=base_url, api_key="none", responses_api=False)
        task = Task(
            dataset=MemoryDataset([sample(row) for row in rows]), solver=generate(), scorer=includes()
        )
    else:
        model, asked = mock(rows), {}
        dataset = MemoryDataset([sample(row) for row in rows])
        task = Task(dataset=dataset, solver=multiple_choice(), scorer=choice())
    [log] = eval(
        task,
        model=model,
        display="none",
        log_dir=out,
        log_level="error",
        log_realtime=False,
        log_model_api=False,
        log_header_only=True,
        max_samples=int(in_flight),
        max_connections=int(in_flight),
        **asked,
    )
    if log.status != "success":
        raise SystemExit(f"the run ended as {log.status}: {log.error}")
    if answers:
        kept = read_eval_log(log.location).samples
        found = {str(one.id): one.output.completion.removeprefix("ANSWER: ") for one in kept}
        Path(answers[0]).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
