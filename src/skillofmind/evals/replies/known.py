"""The tasks of reply runs by name alone, for reading and comparing what was scored before.

    known_task("reply.dailydialog.votes")

They measure cases by the scores that these have. Scoring replies again needs raters: `som eval replies RUN`
with the same options asks nobody and does so.
"""

from pathlib import Path

from skillofmind.evals.judging.questions import ratings_task, votes_task
from skillofmind.evals.judging.tasks import judge_tasks
from skillofmind.evals.judging.wording import load_wording
from skillofmind.evals.replies.panel import Panel
from skillofmind.evals.replies.tasks import OWN, SOURCES, reply_task
from skillofmind.evals.task import Task


def known_task(name: str) -> Task | None:
    """Return the task of a name, or `None` where it is none of replies and judges."""
    for base in (*SOURCES, OWN):
        if name == base:
            # Its items are never read here, so a file that is not there will do.
            return reply_task(base, Panel({}), own=[Path()])
        if name in (votes_task(base), ratings_task(base)):
            votes, ratings = judge_tasks(base, load_wording())
            return votes if name == votes.name else ratings
    return None
