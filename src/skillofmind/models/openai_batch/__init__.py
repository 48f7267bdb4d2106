"""Many requests as one job of OpenAI's Batch API: files of requests up, files of answers down, within a day.

- `lines`: one request as a line of the input file, and the lines of the output and error files as records.
- `batches`: the state of a batch as a record.
- `client`: the endpoints, with retries, so that no batch is created twice.

    async with BatchClient("https://host/v1", key) as client:
        batch = await client.create(await client.upload(path), metadata={"run": "r1"})
        batch = await client.wait(batch.id)
        for file in filter(None, (batch.output_file, batch.error_file)):
            await client.download(file, answers)
            for line in read_lines(answers): ...
"""

from skillofmind.models.openai_batch.batches import Batch, BatchCounts, BatchStatus
from skillofmind.models.openai_batch.client import BatchClient
from skillofmind.models.openai_batch.lines import (
    ENDPOINT,
    MOST_BYTES,
    MOST_REQUESTS,
    BatchLine,
    LineError,
    read_lines,
    request_line,
)

__all__ = [
    "ENDPOINT",
    "MOST_BYTES",
    "MOST_REQUESTS",
    "Batch",
    "BatchClient",
    "BatchCounts",
    "BatchLine",
    "BatchStatus",
    "LineError",
    "read_lines",
    "request_line",
]
