"""inspect_ai in the annotation benchmark: a task of `generate` and a solver that reads the reply, no scorer.

    python with_inspect.py PROMPTS OUT BASE_URL IN_FLIGHT SAMPLING [ANSWERS]

Chosen for speed: no display, no scoring, no raw API calls and no live view (`log_realtime`), samples as many
at once as connections. The log is written as always: each sample with its transcript.
"""

import json
import sys
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.dataset import MemoryDataset, Sample  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.log import read_eval_log  # type: ignore[import-not-found, unused-ignore]
from inspect_ai.model import (  # type: ignore[import-not-found, unused-ignore]
    ChatMessageSystem,
    ChatMessageUser,
    get_model,
)
from inspect_ai.solver import Generate, TaskState, generate, solver  # type: ignore[import-not-found, unused-ignore]


@solver  # type: ignore[untyped-decorator, unused-ignore]
def read_reply() -> Any:
    """Read the JSON list of the reply into the metadata of the sample."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.metadata["annotations"] = json.loads(state.output.completion)
        return state

    return solve


def sample(row: dict[str, Any]) -> Any:
    """Return one row as a sample."""
    system, user = (message["content"] for message in row["messages"])
    return Sample(id=row["case"], input=[ChatMessageSystem(content=system), ChatMessageUser(content=user)])


def main() -> None:
    """Run the task."""
    prompts, out, base_url, in_flight, sampling, *answers = sys.argv[1:]
    with open(prompts, encoding="utf-8") as file:
        samples = [sample(json.loads(line)) for line in file]
    asked = json.loads(sampling)
    model = get_model(
        f"openai-api/bench/{asked.pop('model')}", base_url=base_url, api_key="none", responses_api=False
    )
    [log] = eval(
        Task(dataset=MemoryDataset(samples), solver=[generate(), read_reply()]),
        model=model,
        display="none",
        log_dir=out,
        log_level="error",
        log_realtime=False,
        log_model_api=False,
        log_header_only=True,
        score=False,
        max_samples=int(in_flight),
        max_connections=int(in_flight),
        **asked,
    )
    if log.status != "success":
        raise SystemExit(f"the run ended as {log.status}: {log.error}")
    if answers:
        kept = read_eval_log(log.location).samples
        found = {one.id: one.metadata["annotations"][0]["skill"] for one in kept}
        Path(answers[0]).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
