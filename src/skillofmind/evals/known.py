"""Every task by its name alone: those of the package, of replies and judges, and of one's own files.

    known_task("own.mine").measures(cases)

What was asked before can be scored, shown and compared by name; a file of one's own need not be there then.
"""

from skillofmind.evals.replies.known import known_task as reply_known
from skillofmind.evals.task import Task
from skillofmind.evals.tasks import task
from skillofmind.evals.tasks.own import own_known


def known_task(name: str) -> Task:
    """Return the task of a name.

    Raises:
        ConfigurationError: there is none.
    """
    return reply_known(name) or own_known(name) or task(name)
