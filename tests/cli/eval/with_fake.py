"""Run `som` in a child process with stand-in tasks: `python -m tests.cli.eval.with_fake COUNT WORD...`."""

import sys

from skillofmind.cli.main import main
from skillofmind.evals.tasks import TASKS
from tests.evals.fake import fake_task

if __name__ == "__main__":
    TASKS.clear()
    TASKS["numbers"] = fake_task(int(sys.argv[1]))
    TASKS["absent"] = fake_task(3, "absent", corpus="nowhere")
    raise SystemExit(main(sys.argv[2:]))
