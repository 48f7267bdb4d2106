"""distilabel in the annotation benchmark: one task that asks `OpenAILLM` and reads its reply.

    python with_distilabel.py PROMPTS OUT BASE_URL IN_FLIGHT SAMPLING [ANSWERS]

As its documentation advises for speed: batches as large as what is in flight, one generation, the reply
read in `format_output` and not in a step (a process) of its own, no raw input or output kept beside the
columns. `use_cache` is on: its batches are what a killed run would go on from.
"""

import json
import sys
from pathlib import Path
from typing import Any

from distilabel.models import OpenAILLM  # type: ignore[import-not-found, unused-ignore]
from distilabel.pipeline import Pipeline  # type: ignore[import-not-found, unused-ignore]
from distilabel.steps import LoadDataFromDicts  # type: ignore[import-not-found, unused-ignore]
from distilabel.steps.tasks import ChatGeneration  # type: ignore[import-not-found, unused-ignore]

COLUMNS = ("skill", "explanation", "counterfactual")


class Annotate(ChatGeneration):  # type: ignore[misc, unused-ignore]
    """Asks with the given messages and reads the JSON list of the reply."""

    @property
    def outputs(self) -> list[str]:
        """Return the columns that are added."""
        return [*COLUMNS, "model_name"]

    def format_output(self, output: str | None, input: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read one reply."""
        try:
            found = json.loads(output or "")[0]
            read = (found["skill"], found["explanation"], found["counterfactual response"])
        except (ValueError, LookupError, TypeError):
            read = (None, None, None)  # type: ignore[assignment, unused-ignore]
        return dict(zip(COLUMNS, read, strict=True))


def main() -> None:
    """Run the pipeline."""
    prompts, out, base_url, in_flight, sampling, *answers = sys.argv[1:]
    with open(prompts, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    asked = json.loads(sampling)
    with Pipeline(name="annotation", cache_dir=Path(out) / "cache") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=int(in_flight))
        llm = OpenAILLM(
            model=asked["model"],
            base_url=base_url,
            api_key="none",
            generation_kwargs={
                "temperature": asked["temperature"],
                "top_p": asked["top_p"],
                "max_new_tokens": asked["max_tokens"],
            },
        )
        annotate = Annotate(
            llm=llm, input_batch_size=int(in_flight), add_raw_output=False, add_raw_input=False
        )
        load >> annotate
    made = pipeline.run(use_cache=True)["default"]["train"]
    if len(made) != len(rows):
        raise SystemExit(f"{len(made)} rows came out of {len(rows)}.")
    if answers:
        found = dict(zip(made["case"], made["skill"], strict=True))
        Path(answers[0]).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
