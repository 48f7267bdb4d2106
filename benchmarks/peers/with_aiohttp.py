"""The floor of the annotation benchmark: aiohttp in a loop, an appended log, parsed answers.

    python with_aiohttp.py PROMPTS OUT BASE_URL IN_FLIGHT SAMPLING [ANSWERS]

It retries nothing, resumes nothing, limits nothing and filters nothing.
"""

import asyncio
import json
import os
import sys
import time
from io import FileIO
from pathlib import Path
from typing import Any

import aiohttp

SYNC_SECONDS = 0.5


class Log:
    """Appends lines and brings them to the disk every half second."""

    def __init__(self, file: FileIO) -> None:
        self._file, self._synced = file, time.monotonic()

    def append(self, record: dict[str, Any]) -> None:
        """Write one record."""
        os.write(self._file.fileno(), json.dumps(record).encode() + b"\n")
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()


async def run(prompts: Path, out: Path, base_url: str, in_flight: int, sampling: dict[str, Any]) -> None:
    """Ask everything, log the raw replies and write what they say."""
    url, connector = f"{base_url}/chat/completions", aiohttp.TCPConnector(limit=in_flight)
    with prompts.open("rb") as lines, (out / "log.jsonl").open("ab", buffering=0) as raw:
        log = Log(raw)
        with (out / "rows.jsonl").open("w", encoding="utf-8") as rows:
            async with aiohttp.ClientSession(connector=connector) as session:

                async def worker() -> None:
                    for line in lines:
                        row = json.loads(line)
                        body = {"messages": row["messages"], **sampling}
                        async with session.post(url, json=body) as response:
                            response.raise_for_status()
                            found = await response.json()
                        text = found["choices"][0]["message"]["content"]
                        log.append({"key": row["case"], "value": text, "usage": found["usage"]})
                        rows.write(json.dumps({"case": row["case"], "annotations": json.loads(text)}) + "\n")

                await asyncio.gather(*(worker() for _ in range(in_flight)))
        os.fsync(raw.fileno())


def main() -> None:
    """Run the loop."""
    prompts, out, base_url, in_flight, sampling, *answers = sys.argv[1:]
    asyncio.run(run(Path(prompts), Path(out), base_url, int(in_flight), json.loads(sampling)))
    if answers:
        rows = map(json.loads, (Path(out) / "rows.jsonl").read_text("utf-8").splitlines())
        found = {row["case"]: row["annotations"][0]["skill"] for row in rows}
        Path(answers[0]).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
